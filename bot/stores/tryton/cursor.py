"""How far a reading got: since when to ask, within a reading where to go on, and which purchases wait for a move."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

# Rows are dated when their transaction begins, and seen when it ends; Tryton lets one last half an hour.
OVERLAP = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Cursor:
    """`since`: what changed later is read, None for everything. `begun` is set within a reading, by the server's clock.

    `last` is the id after which a list goes on. `waiting` names lines of purchases that were told without a move, with
    the product and the place they were told of: once they have one, they are taken back under their own id.
    """

    since: datetime | None = None
    begun: datetime | None = None
    last: int = 0
    waiting: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    @classmethod
    def of(cls, told: str) -> Cursor:
        """Read one. What cannot be read is the beginning: facts that are told again change nothing."""
        try:
            found = json.loads(told)
            since, begun = (datetime.fromisoformat(at) if at else None for at in (found["since"], found["begun"]))
            last = int(found["last"])
            waiting = {str(line): (str(code), str(place)) for line, (code, place) in found["waiting"].items()}
        except (ValueError, TypeError, KeyError, AttributeError):
            return cls()
        if any(at is not None and at.tzinfo is None for at in (since, begun)) or last < 0:
            return cls()
        return cls(since, begun, last, waiting)

    def __str__(self) -> str:
        since, begun = (at.isoformat() if at else None for at in (self.since, self.begun))
        return json.dumps({"since": since, "begun": begun, "last": self.last, "waiting": dict(self.waiting)})

    def begin(self, at: datetime) -> Cursor:
        """The cursor of a reading that begins at an instant, or goes on."""
        return self if self.begun else replace(self, begun=at, last=0)

    def ended(self) -> Cursor:
        """The cursor after a whole reading."""
        return Cursor(self.begun - OVERLAP if self.begun else self.since, waiting=self.waiting)
