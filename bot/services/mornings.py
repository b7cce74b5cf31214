"""The calendar of one member's mornings: pure rules on `bot.domain.localtime`."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.domain.localtime import instant_of, next_local

MOST = 60  # mornings made up for after a long silence; older ones are forgotten


@dataclass(frozen=True, slots=True)
class Mornings:
    """When one member wants the digest: at `at` in `zone`, on `workdays` (Monday is 0) that are no `holidays`."""

    zone: ZoneInfo
    at: time
    workdays: frozenset[int]
    holidays: Container[date]

    def after(self, instant: datetime) -> datetime:
        """The next morning strictly after `instant`; ValueError where there will be none."""
        return next_local(self.zone, self.at, instant, self.workdays, self.holidays)

    def date_of(self, morning: datetime) -> date:
        """The local date that a morning belongs to; a gap can push its instant past midnight."""
        shown = morning.astimezone(self.zone).date()
        for on in (shown, shown - timedelta(days=1)):
            if instant_of(self.zone, on, self.at) == morning:
                return on
        return shown  # planned under an earlier wish

    def missed(self, first: datetime, now: datetime) -> list[datetime]:
        """The mornings from `first`, which was due, up to `now`: the last MOST of them."""
        found = [first]
        while (following := self.after(found[-1])) <= now:
            found.append(following)
            if len(found) > MOST:
                del found[0]
        return found
