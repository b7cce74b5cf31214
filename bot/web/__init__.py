"""HTTP: what platforms call, and what operators look at."""
