"""How much one connection may say, one address try, or one key send."""

from __future__ import annotations

import math
from collections.abc import Callable


class TokenBucket:
    """`burst` uses at once, and `per_second` more with time; `seconds` tells real time."""

    def __init__(self, burst: float, per_second: float, seconds: Callable[[], float]) -> None:
        self._burst = burst
        self._per_second = per_second
        self._seconds = seconds
        self._left = burst
        self._at = seconds()

    @property
    def left(self) -> int:
        """Whole uses that are left as of the last one."""
        return int(self._left)

    @property
    def wait(self) -> int:
        """Whole seconds after the last use until there is one more than are `left`; 0 where all are."""
        if self._left >= self._burst:
            return 0
        return max(1, math.ceil((math.floor(self._left) + 1 - self._left) / self._per_second))

    def take(self) -> bool:
        """Use one; False where none is left."""
        now = self._seconds()
        self._left = min(self._burst, self._left + (now - self._at) * self._per_second)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True
