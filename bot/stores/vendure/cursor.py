"""How far a reading of a list got: between two readings since when to ask, within one where to go on."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta

# Times are cut to seconds and written before their rows can be seen; a long transaction is long over by then.
OVERLAP = timedelta(minutes=10)
# Refunds, fulfilments and changes of state leave an order's `updatedAt` alone, so that orders are read again regularly.
SWEEP_EVERY, SWEPT_BACK = timedelta(days=1), timedelta(days=60)


@dataclass(frozen=True, slots=True)
class Cursor:
    """`since`: what changed later is read, None for everything. `begun` is set within a reading, by the store's clock.

    `offset` and `last` (an id) are those of `walk`; `swept` is when the orders of the last weeks were read again.
    """

    since: datetime | None = None
    begun: datetime | None = None
    offset: int = 0
    last: str = ""
    swept: datetime | None = None

    @classmethod
    def of(cls, told: str) -> Cursor:
        """Read one. What cannot be read is the beginning: facts that are told again change nothing."""
        try:
            found = json.loads(told)
            since, begun, swept = (_instant(found[name]) for name in ("since", "begun", "swept"))
            offset, last = int(found["offset"]), str(found["last"])
        except (ValueError, TypeError, KeyError):
            return cls()
        return cls(since, begun, offset, last, swept) if offset >= 0 else cls()

    def __str__(self) -> str:
        return json.dumps(
            {name: value.isoformat() if isinstance(value, datetime) else value for name, value in asdict(self).items()}
        )

    def begin(self, at: datetime) -> Cursor:
        """The cursor of a reading that begins at an instant, or goes on."""
        return self if self.begun else replace(self, begun=at)

    @property
    def sweeps(self) -> bool:
        """Whether this reading reads the orders of the last weeks again."""
        if self.begun is None:
            return False
        return self.since is None or self.swept is None or self.begun - self.swept >= SWEEP_EVERY

    def ended(self) -> Cursor:
        """The cursor after a whole reading."""
        if self.begun is None:
            return self
        return Cursor(since=self.begun - OVERLAP, swept=self.begun if self.sweeps else self.swept)


def _instant(told: object) -> datetime | None:
    if told is None:
        return None
    at = datetime.fromisoformat(str(told))
    if at.tzinfo is None:
        raise ValueError("an instant without a zone")
    return at
