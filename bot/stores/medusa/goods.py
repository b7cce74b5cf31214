"""Variants and inventory items as facts: what is sold, what it takes from the shelf, and what lies where."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from bot.ports import Fault, ProductFact, StockFact
from bot.stores.medusa.api import Row
from bot.stores.medusa.reading import Unreadable, decimal, excerpt, ident, money, part, records, text, whole
from bot.words import _

LINKS = "id,sku,inventory_items.inventory_item_id,inventory_items.required_quantity"
PRICES = (
    "prices.id,prices.amount,prices.currency_code,prices.min_quantity,"
    "prices.price_rules.attribute,prices.price_rules.value"
)
_OF_PRODUCT = "product.title,product.status,product.type.value,product.categories.name"
VARIANT_FIELDS = f"{LINKS},inventory_items.inventory.sku,title,manage_inventory,{_OF_PRODUCT},{PRICES}"
ITEM_FIELDS = (
    "id,sku,location_levels.location_id,location_levels.stocked_quantity,"
    "location_levels.reserved_quantity,location_levels.incoming_quantity"
)
_SHOWN = ("id", "sku", "title", "manage_inventory", "prices", "inventory_items")
_LEVEL = ("location_id", "stocked_quantity", "reserved_quantity", "incoming_quantity")
_UNNAMED = ("default variant", "default")  # what Medusa calls the variant of a product that has one alone


def base_price(variant: Row, currency: str) -> Decimal | None:
    """What everybody is asked for one unit: a price without rules and without a least quantity; None without one."""
    found = [
        decimal(price, "amount")
        for price in records(variant, "prices")
        if text(price, "currency_code").upper() == currency and is_for_all(price)
    ]
    return min(found, default=None)


def is_for_all(price: Row) -> bool:
    """Whether a price holds for one unit and whoever buys it, wherever."""
    return not price.get("rules") and decimal(price, "min_quantity", Decimal(1)) <= 1


def product(variant: Row, currency: str, known: Collection[str]) -> tuple[ProductFact | None, Fault | None]:
    """What is sold, and what is wrong with it; of the SKUs that are `known` somebody knows what they consist of."""
    of = part(variant, "product")
    try:
        price = base_price(variant, currency)
        fact = ProductFact(
            code=ident(variant),
            sku=text(variant, "sku"),
            name=_name(variant, of),
            price=None if price is None else money(price, currency),
            active=text(of, "status") == "published",
            category=_category(of),
        )
        kit = _parts(variant)
    except Unreadable as problem:
        return None, Fault(str(variant["id"]), problem.said, excerpt(variant, _SHOWN))
    if not kit or fact.sku in known:
        return fact, None
    said = _("it is a kit of {kit}; once its parts are entered, name it in options.known", kit=" and ".join(kit))
    return fact, Fault(fact.code, said, excerpt(variant, ("id", "sku", "inventory_items")))


def _name(variant: Row, of: Row) -> str:
    """The product's name, and what sets the variant apart."""
    title, own = text(of, "title"), text(variant, "title")
    return " - ".join(each for each in (title, own) if each and (each == title or own.casefold() not in _UNNAMED))


def _category(of: Row) -> str:
    """The product's type, of which it has one; without it that of its categories which was made first."""
    told = of.get("categories")
    each = [one for one in told if isinstance(one, dict)] if isinstance(told, list) else []
    names = [name for one in sorted(each, key=_made) if (name := text(one, "name"))]
    return text(part(of, "type"), "value") or next(iter(names), "")


def _made(row: Row) -> str:
    return text(row, "id")  # a ULID: by its time


def _parts(variant: Row) -> list[str]:
    """What a kit consists of, in words; nothing where the variant is one unit of one item."""
    links = records(variant, "inventory_items")
    if len(links) < 2 and all(_required(link) == 1 for link in links):
        return []
    return [
        f"{_required(link).normalize():f} x {text(part(link, 'inventory'), 'sku') or _item(link)}" for link in links
    ]


def items_of(variant: Row) -> list[str]:
    """The inventory items that a variant takes."""
    return [_item(link) for link in records(variant, "inventory_items")]


def _required(link: Row) -> Decimal:
    return decimal(link, "required_quantity", Decimal(1))


def _item(link: Row) -> str:
    return ident(link, "inventory_item_id")


@dataclass(slots=True)
class Owners:
    """The variants that are one unit of an inventory item, by the item's id; kits are none. `known` is as above."""

    known: Collection[str] = ()
    found: dict[str, list[tuple[str, str]]] = field(default_factory=dict)

    def note(self, variants: Iterable[Row]) -> None:
        """Take some variants in."""
        for variant in variants:
            try:
                links = records(variant, "inventory_items")
                if len(links) == 1 and _required(links[0]) == 1:
                    self.found.setdefault(_item(links[0]), []).append((str(variant["id"]), text(variant, "sku")))
            except Unreadable:  # it is a fault of the products; its stock is told for the item
                continue

    def stock(self, item: Row, at: datetime) -> Iterator[StockFact | Fault]:
        """What lies where of an item: told for its variant, or for itself where it is part of kits alone.

        What several variants share is told for the first, or it would be counted twice.
        """
        owner, *others = sorted(self.found.get(str(item["id"]), ())) or [(str(item["id"]), text(item, "sku"))]
        sharing = [sku or code for code, sku in others if sku not in self.known]
        try:
            levels = records(item, "location_levels")
        except Unreadable as problem:
            yield Fault(owner[0], problem.said, excerpt(item, ("id", "sku")))
            return
        for level in levels:
            where = f"{owner[0]}@{text(level, 'location_id')}"
            try:
                yield _level(level, *owner, at)
            except Unreadable as problem:
                yield Fault(where, problem.said, excerpt(item, ("id", "sku")) + excerpt(level, _LEVEL))
                continue
            if sharing:
                said = _(
                    "{sharing} share it; say that they are the same product, and name them in options.known",
                    sharing=", ".join(sharing),
                )
                yield Fault(where, said, excerpt(item, ("id", "sku")))


def _level(level: Row, code: str, sku: str, at: datetime) -> StockFact:
    """Units at a place. Below nothing is what is owed, as where stock was taken off by hand."""
    stocked = whole(level, "stocked_quantity")
    return StockFact(
        code=code,
        sku=sku,
        place=ident(level, "location_id"),
        on_hand=max(stocked, 0),
        as_of=at,
        committed=whole(level, "reserved_quantity") + max(-stocked, 0),
        incoming=max(whole(level, "incoming_quantity"), 0),
    )
