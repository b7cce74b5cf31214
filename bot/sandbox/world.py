"""What both sandbox platforms share: the record, the pulse that wakes watchers, faults made on request, and pacing."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, TypeVar

from bot.ports import Clock

Seen = TypeVar("Seen")
PlatformName = Literal["slack", "telegram"]
SightKind = Literal["message", "edit", "delete", "ephemeral", "home", "view", "notice", "file", "gone"]
FaultKind = Literal["rate", "broken", "drop_after", "drop_before", "delay", "error"]


@dataclass(frozen=True, slots=True)
class Call:
    """One call the bot made: `verdict` is `ok`, the error it was answered with, or the fault it met."""

    platform: PlatformName
    method: str
    arguments: Mapping[str, Any]
    verdict: str
    at: datetime
    number: int


@dataclass(frozen=True, slots=True)
class Sight:
    """One thing that appeared before a person.

    `viewer` is empty where everyone in the conversation sees it. `text` is the plain text in UTC; ask the platform's
    `text_for` for another zone.
    """

    platform: PlatformName
    kind: SightKind
    conversation: str
    message_id: str
    viewer: str
    text: str
    at: datetime
    number: int


class Pulse:
    """Counts changes of the world and wakes whoever waits for one."""

    def __init__(self) -> None:
        self.beats = 0
        self._waiters: set[asyncio.Future[None]] = set()

    def beat(self) -> None:
        """Say that something changed."""
        self.beats += 1
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)
        self._waiters.clear()

    async def after(self, beat: int, within: float = 30.0) -> int:
        """The count once it is above `beat`; the unchanged count when `within` seconds passed without a change."""
        if self.beats <= beat:
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiters.add(waiter)
            try:
                # Not wait_for: until Python 3.12 it can swallow a cancellation that comes with the beat.
                async with asyncio.timeout(within):
                    await waiter
            except TimeoutError:
                pass
            finally:
                self._waiters.discard(waiter)
        return self.beats

    async def until(self, seen: Callable[[], Seen | None], within: float = 5.0) -> Seen:
        """The first true answer of `seen`, asked at every change; TimeoutError after `within` seconds."""
        deadline = time.monotonic() + within
        while not (found := seen()):
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError(f"not seen within {within:g} s")
            await self.after(self.beats, left)
        return found


class Record:
    """Every call of the bot and everything a person saw, in the order it happened."""

    def __init__(self, clock: Clock, pulse: Pulse) -> None:
        self.entries: list[Call | Sight] = []
        self._clock = clock
        self._pulse = pulse

    def call(self, platform: PlatformName, method: str, arguments: Mapping[str, Any], verdict: str) -> Call:
        """Write down one call."""
        entry = Call(platform, method, dict(arguments), verdict, self._clock.now(), len(self.entries))
        self.entries.append(entry)
        self._pulse.beat()
        return entry

    def sight(
        self,
        platform: PlatformName,
        kind: SightKind,
        conversation: str,
        message_id: str,
        text: str,
        viewer: str = "",
    ) -> Sight:
        """Write down what appeared."""
        at = self._clock.now()
        entry = Sight(platform, kind, conversation, message_id, viewer, text, at, len(self.entries))
        self.entries.append(entry)
        self._pulse.beat()
        return entry

    def calls(self, platform: PlatformName | None = None, method: str | None = None) -> list[Call]:
        """The calls, oldest first."""
        return [
            entry
            for entry in self.entries
            if isinstance(entry, Call) and platform in (None, entry.platform) and method in (None, entry.method)
        ]

    def sights(self, platform: PlatformName | None = None, kind: SightKind | None = None) -> list[Sight]:
        """What was seen, oldest first."""
        return [
            entry
            for entry in self.entries
            if isinstance(entry, Sight) and platform in (None, entry.platform) and kind in (None, entry.kind)
        ]


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault to be met by a call: `seconds` serves rate and delay, `detail` holds the error of `error`."""

    kind: FaultKind
    seconds: float = 0
    detail: str = ""

    @classmethod
    def parse(cls, mode: str) -> Fault:
        """Read a mode.

        `429:SECONDS`, `500`, `drop_after_reading` (applied, answer lost), `drop_before_applying`, `delay:SECONDS`
        (applied at once, answered late) or `error:WHAT`; ValueError for anything else.
        """
        name, _, rest = mode.partition(":")
        match name:
            case "429":
                return cls("rate", float(rest or 1))
            case "500":
                return cls("broken")
            case "drop_after_reading":
                return cls("drop_after")
            case "drop_before_applying":
                return cls("drop_before")
            case "delay":
                return cls("delay", float(rest))
            case "error" if rest:
                return cls("error", detail=rest)
        raise ValueError(f"{mode!r} is no fault mode")


class Faults:
    """Faults waiting for their calls, per method, first come first served; `*` stands for any method."""

    def __init__(self) -> None:
        self._waiting: dict[str, deque[Fault]] = {}

    def add(self, method: str, mode: str, times: int = 1) -> None:
        """Let the next `times` calls of `method` meet `mode`."""
        self._waiting.setdefault(method, deque()).extend([Fault.parse(mode)] * times)

    def take(self, method: str) -> Fault | None:
        """The fault that this call meets, if any."""
        for name in (method, "*"):
            if waiting := self._waiting.get(name):
                return waiting.popleft()
        return None


@dataclass(slots=True)
class Pace:
    """A token bucket per key: `burst` at once, then `per_second`. Real seconds, because clients wait in those."""

    per_second: float
    burst: float
    seconds: Callable[[], float] = time.monotonic
    _level: dict[str, tuple[float, float]] = field(default_factory=dict)

    def wait(self, key: str) -> float:
        """Seconds until `key` may go; 0 where it may go now."""
        return max(0.0, (1 - self._tokens(key)) / self.per_second)

    def spend(self, key: str) -> None:
        """Count one use of `key`."""
        self._level[key] = (self._tokens(key) - 1, self.seconds())

    def _tokens(self, key: str) -> float:
        now = self.seconds()
        level, at = self._level.get(key, (self.burst, now))
        return min(self.burst, level + (now - at) * self.per_second)
