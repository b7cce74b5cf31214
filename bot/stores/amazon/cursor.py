"""How far a reading got: between two readings since when to ask, within one where to go on."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta

# Amazon shows an order some minutes after it changed, and its reports later still.
OVERLAP = timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class Mark:
    """`since`: what changed later is read, None for everything. `begun` is set within a reading.

    `part` counts what is read one after the other, `report` and `done` are a report that was asked for and how many of
    its records were told, `token` asks for the next page; `left` and `open` are shipments (or, by their
    numbers, reports) still to be read now, and those to be read again next time. Of listings, `left` are marketplaces
    whose report Amazon cancelled.
    """

    since: datetime | None = None
    begun: datetime | None = None
    part: int = 0
    report: str = ""
    done: int = 0
    token: str = ""
    left: tuple[str, ...] = ()
    open: tuple[str, ...] = ()

    @classmethod
    def of(cls, told: str) -> Mark:
        """Read one. What cannot be read is the beginning: facts that are told again change nothing."""
        try:
            found = json.loads(told)
            since, begun = (datetime.fromisoformat(at) if at else None for at in (found["since"], found["begun"]))
            part, done = int(found["part"]), int(found["done"])
            left, still = (tuple(str(each) for each in found[name]) for name in ("left", "open"))
            mark = cls(since, begun, part, str(found["report"]), done, str(found["token"]), left, still)
        except (ValueError, TypeError, KeyError):
            return cls()
        if any(at is not None and at.tzinfo is None for at in (since, begun)) or min(part, done) < 0:
            return cls()
        return mark

    def __str__(self) -> str:
        since, begun = (at.isoformat() if at else None for at in (self.since, self.begun))
        return json.dumps({**asdict(self), "since": since, "begun": begun})

    def begin(self, at: datetime) -> Mark:
        """The mark of a reading that begins at an instant, or goes on."""
        return self if self.begun else Mark(self.since, at, left=self.left, open=self.open)

    def next_part(self) -> Mark:
        """The mark after a part of a reading."""
        return replace(self, part=self.part + 1, report="", done=0, token="")

    def ended(self) -> Mark:
        """The mark after a whole reading."""
        return Mark(self.begun - OVERLAP if self.begun else self.since, open=self.open)
