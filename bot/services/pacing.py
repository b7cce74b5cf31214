"""Sending rates: how soon a message may leave, by platform, by chat and by group and minute."""

from __future__ import annotations

import random
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from bot.ports import Limits

Seconds = Callable[[], float]

BURST = 5  # answers to one chat that may leave at once


class Window:
    """At most `count` uses in any `seconds` on end."""

    def __init__(self, count: int, seconds: float) -> None:
        self._count = count
        self._seconds = seconds
        self._used: deque[float] = deque()

    def wait(self, now: float, *, spare: int = 0) -> float:
        """Seconds until one more use is within the limit; `spare` uses of it are left to others."""
        while self._used and self._used[0] <= now - self._seconds:
            self._used.popleft()
        allowed = max(1, self._count - spare)
        if len(self._used) < allowed:
            return 0.0
        return self._used[-allowed] + self._seconds - now

    def use(self, now: float) -> None:
        """Count one use."""
        self._used.append(now)

    @property
    def idle(self) -> bool:
        """Whether nothing is counted any more, as of the last `wait`."""
        return not self._used


class Pace:
    """The rates of one platform, in this process.

    Posts leave a part of each limit to answers (replies and edits). Posts keep their distance, while answers may come
    in a short burst at the same mean rate, so that pressing a button is never slowed by a queue of alerts. Times are
    real seconds: the platform counts in those, whatever the bot's clock is told.
    """

    def __init__(self, limits: Limits, seconds: Seconds = time.monotonic) -> None:
        self._limits = limits
        self._seconds = seconds
        self._overall = _window(limits.overall_per_second)
        self._spare = int(limits.overall_per_second) // 5
        self._chats: dict[str, Window] = {}
        self._bursts: dict[str, Window] = {}
        self._groups: dict[str, Window] = {}
        self._held: dict[str, float] = {}
        self._all_held = 0.0

    def wait(self, chat: str, *, group: bool, answer: bool) -> float:
        """Seconds until a message may go to `chat`; 0 where it may now."""
        now = self._seconds()
        waits = [self._all_held - now, self._held.get(chat, 0.0) - now]
        waits.append(self._overall.wait(now, spare=0 if answer else self._spare))
        windows = self._bursts if answer else self._chats
        if chat in windows:
            waits.append(windows[chat].wait(now))
        if group and chat in self._groups:
            waits.append(self._groups[chat].wait(now, spare=0 if answer else 3))
        return max(0.0, *waits)

    def use(self, chat: str, *, group: bool) -> None:
        """Count one message to `chat`."""
        now = self._seconds()
        self._overall.use(now)
        rate = self._limits.conversation_per_second
        self._chats.setdefault(chat, _window(rate)).use(now)
        self._bursts.setdefault(chat, Window(BURST, BURST / rate)).use(now)
        if group and self._limits.group_per_minute is not None:
            self._groups.setdefault(chat, Window(int(self._limits.group_per_minute), 60)).use(now)
        if len(self._chats) > 1000:
            self._forget(now)

    def hold(self, chat: str, seconds: float) -> None:
        """The platform asked us to wait: the chat rests, and the platform too once several chats were asked to."""
        now = self._seconds()
        self._held = {other: until for other, until in self._held.items() if until > now}
        if any(other != chat for other in self._held):
            self._all_held = max(self._all_held, now + seconds)
        self._held[chat] = max(self._held.get(chat, 0.0), now + seconds)

    def rest(self, seconds: float) -> None:
        """Send nothing at all for a while."""
        self._all_held = max(self._all_held, self._seconds() + seconds)

    def resting(self) -> float:
        """Seconds until anything may be sent at all."""
        return max(0.0, self._all_held - self._seconds())

    def held(self) -> dict[str, float]:
        """Chats that cannot be sent anything now, and the seconds until they can."""
        now = self._seconds()
        waits = {chat: wait for chat, window in self._bursts.items() if (wait := window.wait(now)) > 0}
        for chat, until in self._held.items():
            if until > now:
                waits[chat] = max(waits.get(chat, 0.0), until - now)
        return waits

    def _forget(self, now: float) -> None:
        """Drop the windows that count nothing."""
        for windows in (self._chats, self._bursts, self._groups):
            for chat, window in list(windows.items()):
                window.wait(now)
                if window.idle:
                    del windows[chat]


def _window(per_second: float) -> Window:
    return Window(int(per_second), 1.0) if per_second >= 1 else Window(1, 1 / per_second)


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long to wait after the n-th failure: doubled each time up to `ceiling`, less a share chosen by `jitter`."""

    first: timedelta = timedelta(seconds=1)
    ceiling: timedelta = timedelta(minutes=5)
    jitter: Callable[[], float] = random.random

    def after(self, failures: int) -> timedelta:
        """The wait after that many failures, at least one; half of it is at the mercy of `jitter` (0 to 1)."""
        doubled = self.first * (1 << min(failures - 1, 20))
        full = min(self.ceiling, doubled)
        return full * (1 - self.jitter() / 2)
