"""What suppliers offer, by Tryton's *Product Suppliers*: lead times, and the price from the least quantity on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import ROUND_CEILING, Decimal

from bot.domain.money import Money
from bot.ports import Fault, OfferFact
from bot.stores.tryton.api import Api
from bot.stores.tryton.goods import GOODS
from bot.stores.tryton.values import Row, Unreadable, excerpt, money, nested, text
from bot.words import _

FIELDS = (
    "active", "template", "product", "party.code", "party.name", "currency.code", "lead_time_used", "unit.factor",
    "template.default_uom.factor",
)  # fmt: skip
_PRICE = ("product_supplier", "sequence", "quantity", "unit_price")
_SHOWN = ("id", "template", "product", "lead_time_used")
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Shelf:
    """The goods that offers are of: (variant, its code) by product; and days where no lead time stands."""

    by_template: Mapping[int, Sequence[tuple[int, str]]]
    days: int

    def meant(self, row: Row) -> Sequence[tuple[int, str]]:
        """The variants of an offer: the one it names, or all of its product."""
        found = self.by_template.get(row["template"], ())
        return [each for each in found if row.get("product") in {None, each[0]}]


async def shelf(api: Api, days: int) -> Shelf:
    """All goods in use."""
    found: dict[int, list[tuple[int, str]]] = {}
    for row in await api.rows("product.product", GOODS, ("code", "template")):
        found.setdefault(row["template"], []).append((row["id"], text(row, "code")))
    return Shelf(found, days)


async def offers(api: Api, rows: Sequence[Row], goods: Shelf) -> list[OfferFact | Fault]:
    """Some product suppliers as facts, one for each variant."""
    prices: dict[int, list[Row]] = {}
    if rows:
        chosen = [["product_supplier", "in", [row["id"] for row in rows]]]
        for price in await api.rows("purchase.product_supplier.price", chosen, _PRICE):
            prices.setdefault(price["product_supplier"], []).append(price)
    told: list[OfferFact | Fault] = []
    for row in rows:
        try:
            told += _facts(row, prices.get(row["id"], ()), goods)
        except Unreadable as problem:
            told.append(Fault(f"supplier-{row['id']}", problem.said, excerpt(row, _SHOWN)))
    return told


def _facts(row: Row, prices: Sequence[Row], goods: Shelf) -> Iterator[OfferFact]:
    party, code = nested(row, "party"), text(nested(row, "currency"), "code")
    name = text(party, "name")
    if not name:
        raise Unreadable(_("its supplier has no name"))
    price, least = _price(row, prices, code)
    days = _days(row) or goods.days
    for variant, sku in goods.meant(row):
        yield OfferFact(
            id=f"supplier-{row['id']}/{variant}",
            code=str(variant),
            sku=sku,
            supplier=text(party, "code") or name,
            supplier_name=name,
            currency=code,
            lead_days=Decimal(days),
            minimum=least,
            price=price,
            active=bool(row["active"]),
            own=row.get("product") is not None,
        )


def _days(row: Row) -> int:
    """The lead time in whole days, begun ones counted; 0 where Tryton has none, neither here nor of the supplier."""
    told = row.get("lead_time_used")
    if told is None:
        return 0
    if not isinstance(told, timedelta) or told < timedelta():
        raise Unreadable(_("lead_time_used is {told}, no span of time", told=repr(told)))
    return max(-(-told // _DAY), 1)


def _price(row: Row, prices: Sequence[Row], currency: str) -> tuple[Money | None, int]:
    """What one of the product's own unit costs from the least quantity on, and that quantity; None, 1 without prices.

    Of lines that match Tryton takes the last one in their order.
    """
    if not prices:
        return None, 1
    ordered = sorted(prices, key=lambda each: (each["sequence"] is not None, each["sequence"] or 0, each["id"]))
    quantities = [_number(each, "quantity") for each in ordered]
    chosen = [each for each, from_ in zip(ordered, quantities, strict=True) if from_ == min(quantities)][-1]
    unit = _number(nested(row, "unit"), "factor")
    own = _number(nested(nested(row, "template"), "default_uom"), "factor")
    if not unit or not own:
        raise Unreadable(_("a unit has no factor"))
    each_of_own = {"unit_price": _number(chosen, "unit_price") * own / unit}
    least = (min(quantities) * unit / own).to_integral_value(ROUND_CEILING)
    return money(each_of_own, "unit_price", currency), max(int(least), 1)


def _number(row: Row, name: str) -> Decimal:
    told = row.get(name)
    if isinstance(told, bool) or not isinstance(told, int | Decimal):
        raise Unreadable(_("{name} is {told}, no number", name=name, told=repr(told)))
    return Decimal(told)
