"""What the process of `run` loads before it answers anybody; other commands load it when they first need it."""

from __future__ import annotations

from importlib import import_module

# The domain names these where it first reckons with them: an answer must not wait for that.
_ARITHMETIC = ("scipy.special", "scipy.stats")


def load_arithmetic() -> None:
    """Load what a scan and an alert reckon with; takes about a second, so in a thread."""
    for name in _ARITHMETIC:
        import_module(name)
