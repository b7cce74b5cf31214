"""Server-sent events: one look at the database a moment, for all open pages, and a line to each after a change."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import structlog

_log = structlog.get_logger(__name__)

EVERY = 0.3  # seconds between two looks, while somebody watches
MAX_WATCHERS = 500

Look = Callable[[], Awaitable[object]]


class Live:
    """Watches the stamp of facts, decisions and figures while pages are open."""

    def __init__(self, look: Look, every: float = EVERY) -> None:
        self._look = look
        self._every = every
        self._watchers: set[asyncio.Event] = set()
        self._watching: asyncio.Task[None] | None = None
        self._stamp: object = None
        self._looked = asyncio.Event()  # whether the stamp is one to compare with
        self._closed = False

    @property
    def full(self) -> bool:
        """Whether no more pages may listen."""
        return len(self._watchers) >= MAX_WATCHERS

    async def changes(self) -> AsyncIterator[str]:
        """A word for each change from now on; ends when the server stops."""
        rung = asyncio.Event()
        self._watchers.add(rung)
        try:
            await self._begin()
            yield "open"  # the page looks once more: all that changes from here on is told
            while not self._closed:
                await rung.wait()
                rung.clear()
                if not self._closed:
                    yield "changed"
        finally:
            self._watchers.discard(rung)

    def ring(self) -> None:
        """Tell every page at once."""
        for rung in self._watchers:
            rung.set()

    async def close(self) -> None:
        """End every stream."""
        self._closed = True
        self._looked.set()
        self.ring()
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)

    async def _begin(self) -> None:
        """Take a first look, unless somebody watches already."""
        if self._watching is None or self._watching.done():
            self._watching = asyncio.create_task(self._watch(), name="board-live")
        await self._looked.wait()

    async def _watch(self) -> None:
        while self._watchers and not self._closed:
            try:
                found = await self._look()
            except Exception:  # noqa: BLE001  # the database is away: the next look may find it
                _log.exception("changes cannot be seen")
            else:
                if self._looked.is_set() and found != self._stamp:
                    self.ring()
                self._stamp = found
                self._looked.set()
            await asyncio.sleep(self._every)
        self._looked.clear()
