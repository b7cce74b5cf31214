"""How often an operation may be called: Amazon's token buckets, by its own figures where it tells them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

LIMIT_HEADER = "x-amzn-ratelimit-limit"


@dataclass(slots=True)
class Bucket:
    """Calls of one operation: it holds `burst` at most and fills by `rate` a second. A header tells the true rate."""

    timer: Callable[[], float]
    rate: float
    burst: float
    _left: float = field(init=False)
    _at: float = field(init=False)

    def __post_init__(self) -> None:
        """A bucket is full until it was used."""
        self._left, self._at = self.burst, self.timer()

    def wait(self) -> float:
        """Seconds until it holds a call."""
        missing = 1.0 - self._now()
        # A moment too early would be refused.
        return math.ceil(missing / self.rate * 100) / 100 if missing > 1e-9 else 0.0

    def spend(self) -> None:
        """Count a call that leaves now, so that others beside it wait their turn."""
        self._left, self._at = self._now() - 1.0, self.timer()

    def refused(self) -> float:
        """Amazon says it is empty, whatever we reckoned: others may use the account too. Seconds to wait."""
        self._left, self._at = min(self._now(), 0.0), self.timer()
        return self.wait()

    def told(self, limit: str) -> None:
        """Take over the rate of an answer's header; what is no rate is passed over."""
        try:
            rate = float(limit)
        except ValueError:
            return
        if math.isfinite(rate) and rate > 0:
            self._left, self._at, self.rate = self._now(), self.timer(), rate

    def _now(self) -> float:
        return min(self._left + (self.timer() - self._at) * self.rate, self.burst)
