"""The price of a variant as a Medusa shop makes it: its own, or the lowest of the price lists that hold now.

A list's price is asked where its rules are met (packages/modules/pricing, calculatePrices): one of type `override` as
the price, one of type `sale` where it is lower than the variant's own, which is struck through. Of several lists most
releases take the lowest price, those around 2.8 the oldest list; so ours is never made beside another. Lists with rules
are for some customers alone, so they are not what everybody is asked.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from bot.domain.money import Money
from bot.errors import Declined
from bot.ports import StorePrice
from bot.stores.medusa.api import Row
from bot.stores.medusa.goods import base_price, is_for_all
from bot.stores.medusa.reading import Unreadable, decimal, instant, records, text
from bot.words import _

FIELDS = (
    "id,title,description,type,status,starts_at,ends_at,price_list_rules.attribute,price_list_rules.value,"
    "prices.id,prices.amount,prices.currency_code,prices.min_quantity,prices.price_set.variant.id,"
    "prices.price_rules.attribute,prices.price_rules.value"
)
_MARK = "Kept by Stocktide, to find its own changes again: "
_KEPT = 8  # entries of one list; a promotion writes two

Asked = tuple[str, str]  # plain decimals: a price, and what is struck through or nothing


@dataclass(frozen=True, slots=True)
class Entry:
    """One of our writes, as the list's description keeps it: `number` counts those of the variant."""

    key: str
    number: int
    sku: str
    variant: str
    base: str
    asked: Asked

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Entry:
        """One of the record; ValueError or the like for anything else."""
        price, struck = told["asked"]
        known = {name: str(told[name]) for name in ("key", "sku", "variant", "base")}
        return cls(number=int(told["number"]), asked=(str(price), str(struck)), **known)

    def answer(self, currency: str) -> StorePrice:
        """What was answered then."""
        return priced(self.sku, self.asked, currency, revision_of(self.base, self.asked, self.key))


@dataclass(frozen=True, slots=True)
class PriceList:
    """A list as far as it concerns a variant: what it asks for it, and our entries where it is ours."""

    id: str
    kind: str
    holds: bool
    amount: Decimal | None
    entries: tuple[Entry, ...]

    @classmethod
    def of(cls, row: Row, variant: str, currency: str, now: datetime) -> PriceList:
        """One of the API, as it is at an instant of the store's."""
        amounts = [
            decimal(price, "amount")
            for price in records(row, "prices")
            if text(price, "variant_id") == variant
            and text(price, "currency_code").upper() == currency
            and is_for_all(price)
        ]
        return cls(
            id=str(row["id"]),
            kind=text(row, "type"),
            holds=text(row, "status") == "active" and not row.get("rules") and _in_time(row, now),
            amount=min(amounts, default=None),
            entries=entries_of(row),
        )


def entries_of(row: Row) -> tuple[Entry, ...]:
    """Our entries in a list's description; none where it is somebody else's, or was rewritten."""
    mark, _, told = text(row, "description").partition(_MARK)
    if mark or not told:
        return ()
    try:
        return tuple(Entry.of(each) for each in json.loads(told))
    except (ValueError, TypeError, LookupError, AttributeError):
        return ()


def described(entries: Iterable[Entry]) -> str:
    """A description with our entries in it."""
    return _MARK + json.dumps([asdict(each) for each in entries][-_KEPT:])


@dataclass(frozen=True, slots=True)
class Shelf:
    """A variant with its own price (a plain decimal) and the lists that concern it."""

    variant: str
    sku: str
    base: str
    lists: tuple[PriceList, ...]

    @classmethod
    def of(cls, variant: Row, rows: Iterable[Row], currency: str, now: datetime) -> Shelf:
        """Of records of the API; Declined where they cannot be read, or the variant has no price in the currency."""
        try:
            base = base_price(variant, currency)
            lists = tuple(PriceList.of(row, str(variant["id"]), currency, now) for row in rows)
        except Unreadable as problem:
            raise Declined(_("its price cannot be read: {problem}", problem=problem.said)) from None
        if base is None:
            raise Declined(
                _("{sku} has no price in {currency} for everybody", sku=text(variant, "sku"), currency=currency)
            )
        return cls(str(variant["id"]), text(variant, "sku"), plain(base), lists)

    def entry(self, key: str) -> Entry | None:
        """Our write under a key."""
        return next((entry for entry in self._entries() if entry.key == key), None)

    @property
    def ours(self) -> tuple[PriceList, ...]:
        """Our lists that ask a price now."""
        return tuple(each for each in self.lists if each.holds and each.amount is not None and self._is_ours(each))

    def stands(self) -> Asked:
        """What everybody is asked."""
        return self._asked(self.lists)

    def others(self) -> tuple[PriceList, ...]:
        """Somebody else's lists that ask a price now."""
        return tuple(each for each in self.lists if each.holds and each.amount is not None and not self._is_ours(each))

    def takes_off(self, asked: Asked) -> bool:
        """Whether a price is asked by asking none: what stands without ours, or the variant's own."""
        return asked in (self._asked(each for each in self.lists if not self._is_ours(each)), (self.base, ""))

    def price(self, currency: str) -> StorePrice:
        """What is asked now."""
        last = max(self._entries(), key=lambda entry: entry.number, default=None)
        asked = self.stands()
        return priced(self.sku, asked, currency, revision_of(self.base, asked, last.key if last else ""))

    def writing(self, key: str, asked: Asked) -> Entry:
        """The write that asks a price."""
        number = max((entry.number for entry in self._entries()), default=0) + 1
        return Entry(key, number, self.sku, self.variant, self.base, asked)

    def _entries(self) -> list[Entry]:
        return [entry for each in self.lists for entry in each.entries if entry.variant == self.variant]

    def _is_ours(self, each: PriceList) -> bool:
        return any(entry.variant == self.variant for entry in each.entries)

    def _asked(self, lists: Iterable[PriceList]) -> Asked:
        holding = [(each.amount, each.kind) for each in lists if each.holds and each.amount is not None]
        amount, kind = min(holding, default=(Decimal(self.base), "override"))
        if kind == "override":
            return plain(amount), ""
        return (plain(amount), self.base) if amount < Decimal(self.base) else (self.base, "")


def priced(sku: str, asked: Asked, currency: str, revision: str) -> StorePrice:
    """A price as the port tells it."""
    price, struck = asked
    compare_at = Money.rounded(Decimal(struck), currency) if struck else None
    return StorePrice(sku, Money.rounded(Decimal(price), currency), compare_at, revision)


def revision_of(base: str, asked: Asked, key: str) -> str:
    """Another one after each write, ours or not."""
    return hashlib.sha256(json.dumps([base, *asked, key]).encode()).hexdigest()[:16]


def plain(number: Decimal) -> str:
    """A price in one way of writing: `2.50` and `2.5` are the same."""
    return f"{number.normalize():f}"


def _in_time(row: Row, now: datetime) -> bool:
    begun = not row.get("starts_at") or instant(row, "starts_at") <= now
    return begun and (not row.get("ends_at") or instant(row, "ends_at") >= now)
