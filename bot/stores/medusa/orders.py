"""Orders and what came back of them as facts. Which status counts as sold stands here and in docs/stores/medusa.md."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from bot.ports import OrderFact, ReturnedLine, SoldLine
from bot.stores.medusa.api import Row
from bot.stores.medusa.reading import Unreadable, decimal, excerpt, ident, instant, money, part, records, text, whole
from bot.words import Words, _

# Neither names nor addresses are asked for. Totals are not either: releases differ in what they count.
FIELDS = (
    "id,display_id,status,is_draft_order,currency_code,customer_id,canceled_at,created_at,updated_at,"
    "*items,*items.detail,*items.tax_lines,*items.adjustments,"
    "fulfillments.location_id,fulfillments.canceled_at,*fulfillments.items"
)
RESERVATION_FIELDS = "id,line_item_id,location_id,quantity"
_SOLD = frozenset({"pending", "completed", "archived"})
_VOID = frozenset({"canceled", "requires_action"})  # the second waits for the buyer's bank: it may yet become a sale
_DRAFT = "draft"
_BACK = frozenset({"RECEIVE_RETURN_ITEM", "RECEIVE_DAMAGED_RETURN_ITEM", "WRITE_OFF_ITEM"})
_LINE = ("id", "variant_id", "variant_sku", "quantity", "unit_price")
_DETAIL = ("quantity", "return_received_quantity", "written_off_quantity")


@dataclass(frozen=True, slots=True)
class Read:
    """An order as a fact, and what is wrong with it besides."""

    fact: OrderFact
    problems: tuple[Words, ...]


def is_order(row: Row) -> bool:
    """Whether it is one: a draft is not."""
    return row.get("is_draft_order") is not True and text(row, "status") != _DRAFT


def is_live(row: Row) -> bool:
    """Whether it counts as sold."""
    return text(row, "status") in _SOLD and not row.get("canceled_at")


def has_returns(row: Row) -> bool:
    """Whether something came back: then its changes are to be read, which say when."""
    return is_live(row) and any(_back(item) for item in records(row, "items"))


def unplaced(row: Row) -> list[str]:
    """The lines that nothing was sent of yet: where they lie is for their reservations to say."""
    sent = _sent(row)
    return [ident(item) for item in records(row, "items") if is_live(row) and ident(item) not in sent]


def order(row: Row, changes: Sequence[Row], reserved: Mapping[str, str], place: str) -> Read:
    """The order; Unreadable where it cannot be taken. `reserved` says where lines lie, `place` where no word is."""
    status = text(row, "status")
    if status not in _SOLD | _VOID:
        raise Unreadable(_("whether the status {status} is a sale is not known", status=repr(status)))
    live = is_live(row)
    places = {**reserved, **_sent(row)}
    items = records(row, "items")
    gone = sum(not text(item, "variant_id") for item in items)
    fact = OrderFact(
        id=ident(row),
        number=str(row.get("display_id") or row["id"]),
        placed_at=instant(row, "created_at"),
        changed_at=instant(row, "updated_at"),
        version=instant(row, "updated_at"),
        lines=tuple(
            _line(item, text(row, "currency_code").upper(), places.get(ident(item), ""), live) for item in items
        ),
        returns=tuple(_returns(row, items, changes)) if live else (),
        place=place,
        customer=text(row, "customer_id"),
    )
    return Read(fact, (_("{count} of its lines are of no variant", count=gone),) if gone else ())


def record(row: Row) -> str:
    """An order as a fault shows it, without whoever bought."""
    items = row.get("items")
    lines = [each for each in items if isinstance(each, dict)] if isinstance(items, list) else []
    shown = [excerpt(each, _LINE) + excerpt(part(each, "detail"), _DETAIL) for each in lines]
    return "\n".join([excerpt(row, ("id", "display_id", "status", "currency_code", "created_at")), *shown])


def reservations(rows: Iterable[Row]) -> dict[str, str]:
    """Where lines are reserved: a line's place is where most of it lies."""
    return _most((ident(row, "line_item_id"), ident(row, "location_id"), decimal(row, "quantity")) for row in rows)


def _line(item: Row, currency: str, place: str, live: bool) -> SoldLine:  # noqa: FBT001  # of the order, said once
    """A line as it is after every edit: `detail` is that of the order's newest version."""
    units = whole(part(item, "detail") or item, "quantity") if live else 0
    amount = _net(item, units) if units else Decimal(0)
    names = (text(item, "product_title") or text(item, "title"), text(item, "variant_title"))
    return SoldLine(
        id=ident(item),
        code=text(item, "variant_id"),
        sku=text(item, "variant_sku"),
        name=" - ".join(filter(None, names)),
        quantity=units,
        amount=money(amount, currency),
        place=place,
    )


def _net(item: Row, units: int) -> Decimal:
    """What the units cost together before tax, discounts taken off."""
    taxed = 1 + sum((decimal(tax, "rate") for tax in records(item, "tax_lines")), Decimal(0)) / 100
    total = decimal(item, "unit_price") * units
    net = total / taxed if item.get("is_tax_inclusive") is True else total
    for off in records(item, "adjustments"):
        amount = decimal(off, "amount")
        net -= amount / taxed if off.get("is_tax_inclusive") is True else amount
    return net


def _back(item: Row) -> int:
    """Units that came back or were paid back: what came back damaged counts among what was written off."""
    detail = part(item, "detail")
    return whole(detail, "return_received_quantity") + whole(detail, "written_off_quantity")


def _returns(row: Row, items: Sequence[Row], changes: Sequence[Row]) -> Iterator[ReturnedLine]:
    """What came back by each change that was confirmed; what no change tells of came back with the last one."""
    left = {ident(item): _back(item) for item in items}
    for at, action in sorted(_actions(changes), key=lambda told: (told[0], ident(told[1]))):
        details = part(action, "details")
        line = text(details, "reference_id")
        units = min(whole(details, "quantity"), left.get(line, 0))
        if units > 0:
            left[line] -= units
            yield ReturnedLine(ident(action), line, units, at)
    for line, units in left.items():
        if units > 0:
            yield ReturnedLine(f"rest-{line}", line, units, instant(row, "updated_at"))


def _actions(changes: Sequence[Row]) -> Iterator[tuple[datetime, Row]]:
    for change in changes:
        if text(change, "status") != "confirmed":
            continue
        at = instant(change, "confirmed_at" if change.get("confirmed_at") else "created_at")
        for action in records(change, "actions"):
            if text(action, "action") in _BACK:
                yield at, action


def _sent(row: Row) -> dict[str, str]:
    """Where lines were sent from."""
    return _most(
        (ident(each, "line_item_id"), ident(sent, "location_id"), decimal(each, "quantity"))
        for sent in records(row, "fulfillments")
        if not sent.get("canceled_at") and sent.get("location_id")
        for each in records(sent, "items")
        if each.get("line_item_id")
    )


def _most(told: Iterable[tuple[str, str, Decimal]]) -> dict[str, str]:
    """Of each line the place with the most units."""
    counts: dict[str, dict[str, Decimal]] = {}
    for line, place, units in told:
        places = counts.setdefault(line, {})
        places[place] = places.get(place, Decimal(0)) + units
    return {line: min(places, key=lambda place: (-places[place], place)) for line, places in counts.items()}
