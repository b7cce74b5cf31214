"""Connected stores as people see them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class KindState:
    """How far a kind is read: when, and how the last reading ended; `error` is kept, see `bot.words.told`."""

    kind: str
    read_at: datetime | None
    facts: int
    changed: int
    error: str


@dataclass(frozen=True, slots=True)
class Calls:
    """How a store's calls stand: on since an instant, or why they are not, as it is kept (see `bot.words.told`)."""

    since: datetime | None
    error: str = ""


@dataclass(frozen=True, slots=True)
class StoreState:
    """A store: its kinds, and how many codes, places and facts wait for a person."""

    store: str
    kinds: tuple[KindState, ...]
    unsure: int
    homeless: int
    faults: int
    calls: Calls | None = None
    missed: int = 0  # changes of the last day that no call had told


@dataclass(frozen=True, slots=True)
class Unsure:
    """What waits for a person: variants (code, SKU, name, suggested SKU or nothing, score), places (id, name), and
    facts that were set aside (kind, subject, and the problem as `bot.domain.setaside.words_of` reads it).
    """

    codes: tuple[tuple[str, str, str, str, int], ...]
    places: tuple[tuple[str, str], ...]
    faults: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class KitView:
    """A product and what it consists of, as (SKU, name, units in one); no parts: it is no kit."""

    sku: str
    name: str
    parts: tuple[tuple[str, str, int], ...]
