"""How often one address may knock at the doors that take tokens."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

from starlette.requests import HTTPConnection

from bot.web.bucket import TokenBucket

BURST = 60  # at once: a team may sit behind one address
PER_SECOND = 2.0
_MOST = 2_000  # addresses that are remembered


class Throttle:
    """Lets each address knock `BURST` times, and `PER_SECOND` more with time."""

    def __init__(self, seconds: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._buckets: OrderedDict[str, TokenBucket] = OrderedDict()

    def allows(self, connection: HTTPConnection) -> bool:
        """Whether it may knock once more now."""
        address = connection.client.host if connection.client else ""
        bucket = self._buckets.pop(address, None) or TokenBucket(BURST, PER_SECOND, self._seconds)
        self._buckets[address] = bucket
        while len(self._buckets) > _MOST:
            self._buckets.popitem(last=False)
        return bucket.take()
