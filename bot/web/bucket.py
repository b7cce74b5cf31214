"""How much one connection may say, or one address try."""

from __future__ import annotations

from collections.abc import Callable


class TokenBucket:
    """`burst` uses at once, and `per_second` more with time; `seconds` tells real time."""

    def __init__(self, burst: float, per_second: float, seconds: Callable[[], float]) -> None:
        self._burst = burst
        self._per_second = per_second
        self._seconds = seconds
        self._left = burst
        self._at = seconds()

    def take(self) -> bool:
        """Use one; False where none is left."""
        now = self._seconds()
        self._left = min(self._burst, self._left + (now - self._at) * self._per_second)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True
