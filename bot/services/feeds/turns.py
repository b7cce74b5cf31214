"""One reading of a store at a time, whichever process reads it."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta

import structlog

from bot.chat.nodes import Text
from bot.errors import UnderWay
from bot.ports import Clock
from bot.storage import leases
from bot.storage.database import FAILURES, Database
from bot.words import _

_log = structlog.get_logger(__name__)

LEASE, BEAT = timedelta(minutes=2), timedelta(seconds=20)
_Pause = Callable[[float], Awaitable[object]]


class Turns:
    """The turns to read stores by name. Within this process they are waited for."""

    def __init__(
        self, *, database: Database, clock: Clock, stores: Iterable[str], pause: _Pause = asyncio.sleep
    ) -> None:
        self._database = database
        self._clock = clock
        self._pause = pause
        self._locks = {store: asyncio.Lock() for store in stores}

    def taken(self, store: str) -> bool:
        """Whether this process reads a store."""
        return self._locks[store].locked()

    @asynccontextmanager
    async def of(self, store: str) -> AsyncIterator[None]:
        """The turn to read a store; UnderWay where another process has it, or took it over from this one.

        One that died holds it for some minutes at most: that is waited for.
        """
        async with self._locks[store]:
            holder = secrets.token_hex(8)
            await self._take(store, holder)
            limit = asyncio.timeout(None)
            try:
                async with limit:
                    beating = asyncio.create_task(self._beat(store, holder, limit))
                    try:
                        yield
                    finally:
                        beating.cancel()
                        await asyncio.gather(beating, return_exceptions=True)
            except TimeoutError:
                if limit.expired():
                    raise _under_way(store) from None
                raise
            finally:
                with suppress(*FAILURES):  # it ends by itself
                    async with self._database.transaction() as connection:
                        await leases.drop(connection, store, holder)

    async def _take(self, store: str, holder: str) -> None:
        """Take the lease, once it is free; UnderWay where its holder renews it.

        One that was taken by a clock that was ahead may end in a year: who lives renews it long before LEASE is over.
        """
        seen: datetime | None = None
        since = self._clock.now()
        while True:
            now = self._clock.now()
            dead = seen if now - since >= LEASE else None
            async with self._database.transaction() as connection:
                if await leases.take(connection, store, holder, now, now + LEASE, dead):
                    break
                until = await leases.held_until(connection, store)
            if seen is not None and until != seen:
                raise _under_way(store)
            seen = until
            await self._pause(BEAT.total_seconds() / 4)
        if seen is not None and seen > now:
            _log.warning("a lease by a clock that was ahead is taken over", store=store, held_until=seen.isoformat())

    async def _beat(self, store: str, holder: str, limit: asyncio.Timeout) -> None:
        """Renew the lease for as long as the reading goes on; where it is lost, end that."""
        until = self._clock.now() + LEASE
        while True:
            await self._pause(BEAT.total_seconds())
            later = self._clock.now() + LEASE
            try:
                async with self._database.transaction() as connection:
                    if not await leases.renew(connection, store, holder, later):
                        break
            except FAILURES:
                if self._clock.now() >= until:
                    break
            else:
                until = later
        limit.reschedule(asyncio.get_running_loop().time())


def _under_way(store: str) -> UnderWay:
    return UnderWay(_("{store} is being read by another process; it goes on there.", store=Text(store)))
