"""How far a reading of a list got: between two readings since when to ask, within one where to go on."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bot.stores.medusa.api import Spot

# Rows are dated by whichever process wrote them, before they can be seen.
OVERLAP = timedelta(hours=1)
_FORM = 2  # before it, orders in another currency were left out or converted: they are read again


@dataclass(frozen=True, slots=True)
class Cursor:
    """`since`: what changed later is read, None for everything. `begun` is set within one, by the shop's clock."""

    since: datetime | None = None
    begun: datetime | None = None
    spot: Spot = field(default_factory=Spot)

    @classmethod
    def of(cls, told: str) -> Cursor:
        """Read one. What cannot be read is the beginning: facts that are told again change nothing."""
        try:
            found = json.loads(told)
            if found["form"] != _FORM:
                return cls()
            since, begun = (datetime.fromisoformat(at) if at else None for at in (found["since"], found["begun"]))
            offset, trail = int(found["offset"]), tuple(str(each) for each in found["trail"])
        except (ValueError, TypeError, KeyError):
            return cls()
        if any(at is not None and at.tzinfo is None for at in (since, begun)) or offset < 0:
            return cls()
        return cls(since, begun, Spot(offset, trail))

    def __str__(self) -> str:
        since, begun = (at.isoformat() if at else None for at in (self.since, self.begun))
        spot = {"offset": self.spot.offset, "trail": self.spot.trail}
        return json.dumps({"form": _FORM, "since": since, "begun": begun, **spot})

    def begin(self, at: datetime) -> Cursor:
        """The cursor of a reading that begins at an instant, or goes on."""
        return self if self.begun else Cursor(self.since, at)

    def within(self, spot: Spot) -> Cursor:
        """The cursor after a page."""
        return replace(self, spot=spot)

    def ended(self) -> Cursor:
        """The cursor after a whole reading."""
        return Cursor(self.begun - OVERLAP if self.begun else self.since)
