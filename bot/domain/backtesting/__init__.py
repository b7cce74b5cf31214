"""Order policies tried on the past: each sees what was known, orders, waits for it, and sells what it has."""
