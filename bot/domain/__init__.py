"""Pure arithmetic and rules: no I/O, no SDK; NumPy and SciPy only."""
