"""The neutral chat model: what is said and asked, with no platform's name in it."""
