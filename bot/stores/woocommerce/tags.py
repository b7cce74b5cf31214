"""The price of a product as the shop keeps it, and the record of our own writes beside it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from bot.domain.money import Money
from bot.errors import Declined
from bot.ports import StorePrice
from bot.stores.woocommerce.api import Row
from bot.stores.woocommerce.reading import Unreadable, amount, text
from bot.words import _

META = "_stocktide_prices"  # names that begin so are not shown to whoever edits the product
_KEPT = 8  # entries; a promotion writes two
FIELDS = "id,type,sku,parent_id,regular_price,sale_price,date_on_sale_from,date_on_sale_to,on_sale,status,meta_data"


Asked = tuple[str, str]  # a price, and what is struck through or nothing


@dataclass(frozen=True, slots=True)
class Tag:
    """What hangs on a product: plain decimals, and days in the shop's own time; empty where there is none."""

    regular: str
    sale: str = ""
    since: str = ""
    until: str = ""

    @classmethod
    def of(cls, row: Row) -> Tag:
        """The tag of a product; Declined where it cannot be read."""
        try:
            regular, sale = (_plain(amount(row, name)) for name in ("regular_price", "sale_price"))
        except Unreadable as problem:
            raise Declined(_("its price cannot be read: {problem}", problem=problem.said)) from None
        return cls(regular, sale, text(row, "date_on_sale_from"), text(row, "date_on_sale_to"))

    @classmethod
    def asking(cls, asked: Asked) -> Tag:
        """One that asks a price from now on, and strikes another through."""
        price, struck = asked
        return cls(struck, price) if struck else cls(price)

    def body(self) -> dict[str, str]:
        """As it is written; an empty text takes a field off."""
        return {
            "regular_price": self.regular,
            "sale_price": self.sale,
            "date_on_sale_from": self.since,
            "date_on_sale_to": self.until,
        }


@dataclass(frozen=True, slots=True)
class Entry:
    """One of our writes: what it made of the tag, and the tag that hung there before we began."""

    key: str
    tag: Tag
    asked: Asked
    before: Tag
    stood: Asked  # what customers were asked by `before`

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Entry:
        """One of the record; ValueError or the like for anything else."""
        asked, stood = ((str(price), str(struck)) for price, struck in (told["asked"], told["stood"]))
        return cls(str(told["key"]), Tag(**told["tag"]), asked, Tag(**told["before"]), stood)

    def answer(self, sku: str, currency: str) -> StorePrice:
        """What was answered then."""
        price, compare_at = (Money.rounded(Decimal(told), currency) if told else None for told in self.asked)
        assert price is not None  # noqa: S101  # a write asks a price
        return StorePrice(sku, price, compare_at, _revision(self.tag, self.key))


@dataclass(frozen=True, slots=True)
class Shelf:
    """A product or variation with its tag and our record. `path` is where it is read and written."""

    path: str
    sku: str
    tag: Tag
    reduced: bool
    entries: tuple[Entry, ...]

    @classmethod
    def of(cls, row: Row, parent: int = 0) -> Shelf:
        """Of a record of the API; `parent` where it was read as a variation."""
        parent = parent or (int(row.get("parent_id") or 0) if row.get("type") == "variation" else 0)
        path = f"/products/{parent}/variations/{row['id']}" if parent else f"/products/{row['id']}"
        return cls(path, text(row, "sku"), Tag.of(row), row.get("on_sale") is True, _entries(row))

    @property
    def revision(self) -> str:
        """Another one after each write, ours or not."""
        return _revision(self.tag, self.entries[-1].key if self.entries else "")

    def entry(self, key: str) -> Entry | None:
        """Our write under a key."""
        return next((entry for entry in self.entries if entry.key == key), None)

    def price(self, currency: str) -> StorePrice:
        """What customers are asked now; Declined where nothing is asked."""
        asked, struck = self._stands()
        if not asked:
            raise Declined(_("{sku} has no price of its own", sku=self.sku))
        compare_at = Money.rounded(Decimal(struck), currency) if struck else None
        return StorePrice(self.sku, Money.rounded(Decimal(asked), currency), compare_at, self.revision)

    def _stands(self) -> Asked:
        return (self.tag.sale, self.tag.regular) if self.reduced and self.tag.sale else (self.tag.regular, "")

    def writing(self, key: str, price: Money, compare_at: Money | None) -> Entry:
        """The write that asks a price.

        Where ours is undone, what hung there before comes back with its days: a sale that was to end still does, and
        one that was to begin.
        """
        asked = (_plain(price.amount), _plain(compare_at.amount) if compare_at else "")
        last = self.entries[-1] if self.entries else None
        ours = last is not None and last.tag == self.tag
        before, stood = (last.before, last.stood) if last is not None and ours else (self.tag, self._stands())
        return Entry(key, before if ours and asked == stood else Tag.asking(asked), asked, before, stood)

    def body(self, entry: Entry) -> dict[str, Any]:
        """What is sent to make a write, with the record of it."""
        record = [asdict(each) for each in (*self.entries, entry)][-_KEPT:]
        return {**entry.tag.body(), "meta_data": [{"key": META, "value": record}]}


def _entries(row: Row) -> tuple[Entry, ...]:
    """Our record. What somebody else made of it is no record."""
    found = next((meta.get("value") for meta in row.get("meta_data") or () if meta.get("key") == META), None)
    try:
        return tuple(Entry.of(told) for told in found or ())
    except (TypeError, ValueError, LookupError, AttributeError):
        return ()


def _revision(tag: Tag, key: str) -> str:
    return hashlib.sha256(json.dumps([*asdict(tag).values(), key]).encode()).hexdigest()[:16]


def _plain(number: Decimal | None) -> str:
    """A price in one way of writing: `2.50` and `2.5` are the same."""
    return "" if number is None else f"{number.normalize():f}"
