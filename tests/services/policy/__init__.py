"""The policy: who may decide how much, how many, and why."""
