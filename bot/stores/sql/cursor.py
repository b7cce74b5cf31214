"""How far the reading of a query got: between two readings since when to ask, within one behind which key."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

# Clocks differ, rows are dated before they can be seen, and a clock change tells an hour twice.
OVERLAP = timedelta(hours=2)

Key = int | str


@dataclass(frozen=True, slots=True)
class Cursor:
    """`since`: what changed later is read, None for everything. `begun` is set within a reading; `after` is its key."""

    since: datetime | None = None
    begun: datetime | None = None
    after: Key | None = None

    @classmethod
    def of(cls, told: str) -> Cursor:
        """Read one. What cannot be read is the beginning: facts that are told again change nothing."""
        try:
            found = json.loads(told)
            since, begun = (datetime.fromisoformat(at) if at else None for at in (found["since"], found["begun"]))
            after = found["after"]
        except (ValueError, TypeError, KeyError):
            return cls()
        if any(at is not None and at.tzinfo is None for at in (since, begun)) or isinstance(after, bool):
            return cls()
        return cls(since, begun, after) if after is None or isinstance(after, int | str) else cls()

    def __str__(self) -> str:
        since, begun = (at.isoformat() if at else None for at in (self.since, self.begun))
        return json.dumps({"since": since, "begun": begun, "after": self.after})

    def begin(self, at: datetime) -> Cursor:
        """The cursor of a reading that begins at an instant, or goes on."""
        return self if self.begun else Cursor(self.since, at)

    def behind(self, key: object) -> Cursor:
        """The cursor after a page; keys of other types than these are not gone on from, but begun anew."""
        return replace(self, after=key) if isinstance(key, int | str) and not isinstance(key, bool) else self

    def ended(self) -> Cursor:
        """The cursor after a whole reading."""
        return Cursor(self.begun - OVERLAP if self.begun else self.since)
