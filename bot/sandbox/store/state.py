"""What the store holds: its products, every change of a price, what it answered under each key, and its discounts."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from bot.domain.money import Money
from bot.ports import Clock
from bot.sandbox.store.deals import Deals
from bot.sandbox.world import Fault, Faults, Pulse

TOKEN: Final = "local-store-token"  # noqa: S105  # it opens a toy on this machine
MODES: Final = ("drop_after_reading", "drop_before_applying", "delay:0.2", "429:1", "500")


class StoreRefusal(Exception):
    """The store's own answer to a call that it will not serve; `error` is one word for machines."""

    def __init__(self, status: int, error: str, detail: str = "") -> None:
        super().__init__(detail or error)
        self.status = status
        self.error = error


@dataclass(frozen=True, slots=True)
class Listing:
    """A product as it is put on the shelf."""

    sku: str
    name: str
    price: Money


@dataclass(slots=True)
class Item:
    """A product as it stands there now; `revision` grows with each change."""

    sku: str
    name: str
    price: Money
    compare_at: Money | None = None
    revision: int = 1

    @property
    def reduced(self) -> bool:
        """Whether a higher price is struck through."""
        return self.compare_at is not None and self.price < self.compare_at

    def told(self) -> dict[str, Any]:
        """As the API answers it."""
        return {
            "sku": self.sku,
            "name": self.name,
            "currency": self.price.currency,
            "price": str(self.price.amount),
            "compare_at": None if self.compare_at is None else str(self.compare_at.amount),
            "revision": str(self.revision),
        }


@dataclass(frozen=True, slots=True)
class Change:
    """One change of a price that was made; `key` is empty where a person made it in the store itself."""

    number: int
    key: str
    sku: str
    before: Money
    price: Money
    compare_at: Money | None
    at: datetime

    def line(self) -> str:
        """As a line of the record."""
        told = {
            "number": self.number,
            "key": self.key,
            "sku": self.sku,
            "currency": self.price.currency,
            "before": str(self.before.amount),
            "price": str(self.price.amount),
            "compare_at": None if self.compare_at is None else str(self.compare_at.amount),
            "at": self.at.isoformat(),
        }
        return json.dumps(told, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Written:
    """What was asked for under a key, and what was answered."""

    asked: Mapping[str, Any]
    answer: Mapping[str, Any]


class Weather:
    """Faults by seed: that share of all calls meets one of the modes (see `bot.sandbox.world.Fault.parse`)."""

    def __init__(self, seed: int, share: float, modes: Sequence[str] = MODES) -> None:
        self._random = random.Random(seed)  # noqa: S311  # the same trouble again for the same seed
        self._share = share
        self._modes = tuple(modes)
        self.met = 0

    def strikes(self) -> Fault | None:
        """The fault that the next call meets, if any."""
        if self._random.random() >= self._share:
            return None
        self.met += 1
        return Fault.parse(self._random.choice(self._modes))


class LocalStore:
    """The store. `faults` waits for single calls, `weather` strikes by seed.

    With `record` every change is also a line of that file, written before the answer; a store that is started with a
    record goes on where it ended.
    """

    def __init__(
        self,
        clock: Clock,
        catalogue: Iterable[Listing],
        *,
        token: str = TOKEN,
        record: Path | None = None,
        weather: Weather | None = None,
        pulse: Pulse | None = None,
    ) -> None:
        self.clock = clock
        self.token = token
        self.items = {listing.sku: Item(listing.sku, listing.name, listing.price) for listing in catalogue}
        self.changes: list[Change] = []
        self.calls: list[tuple[str, str, str]] = []  # method, SKU or key, verdict
        self.faults = Faults()
        self.weather = weather
        self.pulse = pulse or Pulse()
        self._written: dict[str, Written] = {}
        self.deals = Deals(self.item, self._note)
        self._record = record
        if record is not None and record.exists():
            for line in record.read_text(encoding="utf-8").splitlines():
                self._again(json.loads(line))

    def item(self, sku: str) -> Item:
        """A product by its SKU in any case; StoreRefusal where it is not sold here."""
        found = self.items.get(sku) or next(
            (item for known, item in self.items.items() if known.casefold() == sku.casefold()), None
        )
        if found is None:
            raise StoreRefusal(404, "unknown_sku", f"this store does not sell {sku!r}")
        return found

    def set_price(
        self, sku: str, price: Money, compare_at: Money | None, key: str, revision: str = ""
    ) -> Mapping[str, Any]:
        """Change a price once per key; the answer, the same one for the same call.

        StoreRefusal: another call came with that key, the price is not in the product's currency, or the product is no
        longer at `revision`.
        """
        item = self.item(sku)
        asked = _asked(item.sku, price, compare_at)
        before = self._written.get(key)
        if before is not None:
            if before.asked != asked:
                raise StoreRefusal(409, "key_reused", "another call came with this key")
            return before.answer
        if price.currency != item.price.currency or (compare_at and compare_at.currency != item.price.currency):
            raise StoreRefusal(422, "wrong_currency", f"this product is sold in {item.price.currency}")
        if revision and revision != str(item.revision):
            raise StoreRefusal(412, "revision_changed", "somebody else changed this price meanwhile")
        self._change(item, price, compare_at, key, self.clock.now())
        return self._written[key].answer

    def edit(self, sku: str, price: Money, compare_at: Money | None = None) -> None:
        """Somebody changes a price in the store itself."""
        self._change(self.item(sku), price, compare_at, "", self.clock.now())

    def written(self, key: str) -> Mapping[str, Any]:
        """What was answered under a key; StoreRefusal where nothing was."""
        found = self._written.get(key)
        if found is None:
            raise StoreRefusal(404, "unknown_key", "nothing was changed under this key")
        return found.answer

    def called(self, method: str, about: str, verdict: str) -> None:
        """Write down one call."""
        self.calls.append((method, about, verdict))
        self.pulse.beat()

    def _change(self, item: Item, price: Money, compare_at: Money | None, key: str, at: datetime) -> None:
        change = Change(len(self.changes) + 1, key, item.sku, item.price, price, compare_at, at)
        self._note(change.line())
        self.changes.append(change)
        item.price, item.compare_at, item.revision = price, compare_at, item.revision + 1
        if key:
            self._written[key] = Written(_asked(item.sku, price, compare_at), item.told())
        self.pulse.beat()

    def _note(self, line: str) -> None:
        if self._record is not None:
            with self._record.open("a", encoding="utf-8") as file:
                file.write(line + "\n")

    def _again(self, line: Mapping[str, Any]) -> None:
        """Make a recorded change once more, in memory alone."""
        record, self._record = self._record, None
        if self.deals.again(line):
            self._record = record
            return
        currency = line["currency"]
        price = Money(Decimal(line["price"]), currency)
        compare_at = None if line["compare_at"] is None else Money(Decimal(line["compare_at"]), currency)
        item = self.items.setdefault(
            line["sku"], Item(line["sku"], line["sku"], Money(Decimal(line["before"]), currency))
        )
        self._change(item, price, compare_at, line["key"], datetime.fromisoformat(line["at"]))
        self._record = record


def _asked(sku: str, price: Money, compare_at: Money | None) -> dict[str, Any]:
    return {"sku": sku, "price": price, "compare_at": compare_at}
