"""How often one key may send, told with every answer: RateLimit fields (draft-ietf-httpapi-ratelimit-headers-10)."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

from bot.web.bucket import TokenBucket

BURST = 60  # batches at once
PER_SECOND = 2.0
_MOST = 1_000  # keys that are remembered


class Allowance:
    """Lets each key send `BURST` batches, and `PER_SECOND` more with time; each process counts for itself."""

    def __init__(self, seconds: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._buckets: OrderedDict[int, TokenBucket] = OrderedDict()

    def use(self, key: int) -> tuple[bool, dict[str, str]]:
        """Whether the key may send once more now, and the header fields that say how much is left."""
        bucket = self._buckets.pop(key, None) or TokenBucket(BURST, PER_SECOND, self._seconds)
        self._buckets[key] = bucket
        while len(self._buckets) > _MOST:
            self._buckets.popitem(last=False)
        allowed = bucket.take()
        fields = {
            "RateLimit-Policy": f'"key";q={BURST};w={BURST / PER_SECOND:.0f}',
            "RateLimit": f'"key";r={bucket.left};t={bucket.wait}',
        }
        return (True, fields) if allowed else (False, {**fields, "Retry-After": str(bucket.wait)})
