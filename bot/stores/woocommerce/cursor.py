"""How far a reading of a list got: between two readings since when to ask, within one where to go on."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta

# Times are cut to seconds, and written before their rows can be seen. In the hour that a daylight-saving change skips,
# WordPress reads a filter's time an hour later than it was meant, so that one hour would not do.
OVERLAP = timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class Cursor:
    """`since`: what changed later is read, None for everything. `begun` is set within a reading, by the store's clock.

    `part` counts the lists that are read one after the other; `offset` and `last` are those of `Api.walk`. `binned`
    says that the bin was among them, which it was not always.
    """

    since: datetime | None = None
    begun: datetime | None = None
    part: int = 0
    offset: int = 0
    last: int = 0
    binned: bool = True

    @classmethod
    def of(cls, told: str) -> Cursor:
        """Read one. What cannot be read is the beginning: facts that are told again change nothing."""
        try:
            found = json.loads(told)
            since, begun = (datetime.fromisoformat(at) if at else None for at in (found["since"], found["begun"]))
            part, offset, last = (int(found[name]) for name in ("part", "offset", "last"))
            binned = found.get("binned") is True
        except (ValueError, TypeError, KeyError):
            return cls()
        if any(at is not None and at.tzinfo is None for at in (since, begun)) or min(part, offset, last) < 0:
            return cls()
        return cls(since, begun, part, offset, last, binned)

    def __str__(self) -> str:
        since, begun = (at.isoformat() if at else None for at in (self.since, self.begun))
        spot = {"part": self.part, "offset": self.offset, "last": self.last, "binned": self.binned}
        return json.dumps({"since": since, "begun": begun, **spot})

    def begin(self, at: datetime) -> Cursor:
        """The cursor of a reading that begins at an instant, or goes on."""
        return self if self.begun else Cursor(self.since, at)

    def ended(self) -> Cursor:
        """The cursor after a whole reading."""
        return Cursor(self.begun - OVERLAP if self.begun else self.since)
