"""What time it is; handed in, never global."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tells the time; handed in, never global."""

    def now(self) -> datetime:
        """The current instant, aware, in UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The current instant, aware, in UTC."""
        return datetime.now(UTC)


@dataclass
class MovableClock:
    """A clock that starts at a chosen instant, runs on with real time, and can be pushed (demo, `--at`, tests).

    With `frozen` it stands still but for pushes.
    """

    start: datetime
    frozen: bool = False
    _zero: datetime = field(default_factory=lambda: datetime.now(UTC))

    def now(self) -> datetime:
        """The chosen instant plus what has passed since."""
        return self.start if self.frozen else self.start + (datetime.now(UTC) - self._zero)

    def push(self, by: timedelta) -> None:
        """Move the clock forward; ValueError when `by` is negative."""
        if by < timedelta(0):
            raise ValueError("the clock only moves forward")
        self.start += by
