"""The named points at which a process may be killed, found by watching the product rather than by changing it.

Every transaction has two, called after who took it: before its commit and after it. Every call to a chat platform, and
every call that costs money, has several: before it, after each of its first writes to the socket (a chat's request
takes two, a mail eight), and after its answer. A process is armed with one point and dies there by SIGKILL.
"""

from __future__ import annotations

import os
import signal
import sys
from asyncio import selector_events
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from contextvars import ContextVar
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.database import Database

WAYS_OUT = ("post", "edit", "reply", "notice", "open_form")
MONEY = ("perform", "look")
WRITES = 8

_call: ContextVar[str] = ContextVar("_call", default="")  # the call under way in this task
_writes: ContextVar[list[int] | None] = ContextVar("_writes", default=None)


@dataclass
class Points:
    """What one process reaches; once `live`, at `armed` for the (`skip` + 1)th time, it dies. `tell` hears of it."""

    tell: Callable[[str], None]
    armed: str = ""
    skip: int = 0
    live: bool = False

    def reach(self, name: str) -> None:
        """Be at a point; does not return where it is the armed one."""
        self.tell(f"reached {name}")
        if self.live and name == self.armed:
            if self.skip == 0:
                self.tell(f"died {name}")
                os.kill(os.getpid(), signal.SIGKILL)
            self.skip -= 1

    def watch_transactions(self) -> None:
        """Name the two points of every transaction of this process."""
        began = Database.transaction
        points = self

        def transaction(self: Database) -> AbstractAsyncContextManager[AsyncConnection]:
            return _Watched(began(self), sys._getframe(1).f_code.co_qualname, points)

        Database.transaction = transaction  # type: ignore[method-assign, assignment]  # watched

    def watch_writes(self) -> None:
        """Name the points right after a request was handed to the socket."""
        kind: Any = selector_events._SelectorSocketTransport  # type: ignore[attr-defined]  # asyncio's own
        plain = kind.write
        points = self

        def write(self: object, data: bytes) -> None:
            plain(self, data)
            points._written()

        kind.write = write

    def _written(self) -> None:
        counted = _writes.get()
        if counted is not None and len(counted) < WRITES:
            counted.append(1)
            self.reach(f"{_call.get()}: write {len(counted)} is on the socket")

    def watch_calls(self, thing: object, name: str, methods: tuple[str, ...]) -> None:
        """Name the points of an object's methods: before the call, its writes, and after its answer."""
        for method in methods:
            plain = getattr(thing, method, None)
            if plain is not None:
                setattr(thing, method, self._watched(plain, f"{name}.{method}"))

    def _watched(self, plain: Callable[..., Awaitable[Any]], name: str) -> Callable[..., Awaitable[Any]]:
        async def call(*given: Any, **named: Any) -> Any:
            self.reach(f"{name}: before")
            was, counted = _call.set(name), _writes.set([])
            try:
                answer = await plain(*given, **named)
            finally:
                _call.reset(was)
                _writes.reset(counted)
            self.reach(f"{name}: answered, not marked")
            return answer

        return call


class _Watched(AbstractAsyncContextManager[AsyncConnection]):
    """A transaction with its two points."""

    def __init__(self, inner: AbstractAsyncContextManager[AsyncConnection], who: str, points: Points) -> None:
        self._inner = inner
        self._who = who
        self._points = points

    async def __aenter__(self) -> AsyncConnection:
        return await self._inner.__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        if kind is None:
            self._points.reach(f"{self._who}: before commit")
        ended = await self._inner.__aexit__(kind, error, trace)
        if kind is None:
            self._points.reach(f"{self._who}: after commit")
        return ended
