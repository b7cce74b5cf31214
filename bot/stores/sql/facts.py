"""Rows as facts: those with the same key belong together, one told twice is one, two that differ are a fault."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType

from bot.ports import Fact, Fault, InboundFact, OrderFact, ProductFact, ReturnedLine, SoldLine, StockFact
from bot.stores.sql.columns import SHAPES
from bot.stores.sql.reading import Row, Terms, Unreadable, decimal, excerpt, ident, text, whole, yes
from bot.words import _

Told = Iterator[Fact | Fault]
Maker = Callable[[Sequence[Row], Terms, datetime], Told]


def products(rows: Sequence[Row], terms: Terms, _at: datetime) -> Told:
    """What is sold."""
    yield from _each("products", rows, lambda row: ident(row, "code"), lambda row: _product(row, terms))


def stock(rows: Sequence[Row], terms: Terms, at: datetime) -> Told:
    """What lies where, as of when the reading began where rows do not say."""

    def where(row: Row) -> str:
        return f"{ident(row, 'code')}@{terms.where(row)}"

    yield from _each("stock", rows, where, lambda row: _count(row, terms, at))


def inbounds(rows: Sequence[Row], terms: Terms, _at: datetime) -> Told:
    """What is on its way."""
    yield from _each("purchase_orders", rows, lambda row: ident(row, "id"), lambda row: _inbound(row, terms))


def orders(rows: Sequence[Row], terms: Terms, _at: datetime) -> Told:
    """The orders of rows with one order's id; those without are orders of one line each."""
    for name, lines in _ordered(rows).items():
        try:
            yield _order(name, lines, terms)
        except Unreadable as problem:
            yield Fault(name, problem.said, "\n".join(_shown("sales", row) for row in lines[:20]))


MAKERS: Mapping[str, Maker] = MappingProxyType(
    {"products": products, "stock": stock, "purchase_orders": inbounds, "sales": orders}
)


def _each(query: str, rows: Sequence[Row], name: Callable[[Row], str], make: Callable[[Row], Fact]) -> Told:
    """A fact of each name; rows whose name cannot be read are faults of their own."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        try:
            groups.setdefault(name(row), []).append(row)
        except Unreadable as problem:
            yield Fault(f"a row of {query}", problem.said, _shown(query, row))
    for where, group in groups.items():
        try:
            made = {make(row) for row in group}
            if len(made) > 1:
                raise Unreadable(_("{count} rows tell it, and not the same", count=len(made)))  # noqa: TRY301  # one way out
            yield made.pop()
        except Unreadable as problem:
            yield Fault(where, problem.said, "\n".join(_shown(query, row) for row in group[:20]))


def _product(row: Row, terms: Terms) -> ProductFact:
    price = None if row.get("price") is None else terms.money(row, "price")
    active, category = yes(row, "active"), text(row, "category")
    return ProductFact(ident(row, "code"), _sku(row), text(row, "name"), price, active, category)


def _count(row: Row, terms: Terms, at: datetime) -> StockFact:
    """Units at a place; below nothing is what is owed."""
    units = whole(row, "on_hand")
    return StockFact(
        code=ident(row, "code"),
        sku=_sku(row),
        place=terms.where(row),
        on_hand=max(units, 0),
        as_of=at if row.get("as_of") is None else terms.instant(row, "as_of"),
        committed=max(whole(row, "committed", 0), 0) + max(-units, 0),
        incoming=max(whole(row, "incoming", 0), 0),
    )


def _inbound(row: Row, terms: Terms) -> InboundFact:
    """What is on its way; of no units what was cancelled, which ends what was told of it before."""
    units = whole(row, "quantity")
    if units < 0:
        raise Unreadable(
            _("quantity is {units}, nothing that could arrive; write 0 for what was cancelled", units=units)
        )
    return InboundFact(
        id=ident(row, "id"),
        code=ident(row, "code"),
        sku=_sku(row),
        place=terms.where(row),
        quantity=units,
        ordered_at=terms.instant(row, "ordered_at"),
        expected_on=terms.day(row, "expected_on"),
        received_at=None if row.get("received_at") is None else terms.instant(row, "received_at"),
        supplier=text(row, "supplier"),
    )


def _ordered(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Rows by their order; one without an order or even an id is told by what it lacks."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        try:
            own = row.get("order_id") is None or not text(row, "order_id")
            name = f"line:{ident(row, 'line_id')}" if own else ident(row, "order_id")
        except Unreadable:
            name = "a row of sales"
        found.setdefault(name, []).append(row)
    return found


def _order(name: str, rows: Sequence[Row], terms: Terms) -> OrderFact:
    lines: dict[str, Row] = {}
    for row in rows:
        line = ident(row, "line_id")
        known = lines.setdefault(line, row)
        if known is not row and _seen(known) != _seen(row):
            raise Unreadable(_("two rows have the line_id {line}, and are not the same", line=line))
    gone = {line for line, row in lines.items() if decimal(row, "quantity") < 0}
    sold = tuple(_line(line, row, terms) for line, row in lines.items() if line not in gone)
    back = tuple(_back(line, lines, terms, gone) for line in lines if line in gone)
    times = [terms.instant(row, "sold_at") for row in lines.values()]
    changed = [terms.instant(row, "changed_at") for row in lines.values() if row.get("changed_at") is not None]
    return OrderFact(
        id=name,
        number=text(rows[0], "number") or name.removeprefix("line:"),
        placed_at=min(times),
        changed_at=max([*times, *changed]),
        lines=sold,
        returns=back,
        customer=_buyer(rows[0]),
    )


def _line(line: str, row: Row, terms: Terms) -> SoldLine:
    return SoldLine(
        id=line,
        code=ident(row, "code"),
        sku=_sku(row),
        name=text(row, "name"),
        quantity=whole(row, "quantity"),
        amount=terms.money(row, "amount"),
        place=terms.where(row),
    )


def _back(line: str, lines: Mapping[str, Row], terms: Terms, gone: set[str]) -> ReturnedLine:
    """Units below nothing came back; `returns` names the line that they were sold by."""
    row = lines[line]
    of = text(row, "returns")
    if of not in lines or of in gone:
        if not of:
            raise Unreadable(_("quantity is below nothing, and returns does not name the line that came back"))
        raise Unreadable(_("quantity is below nothing, and returns names {line}, no line of the order", line=repr(of)))
    return ReturnedLine(line, of, -whole(row, "quantity"), terms.instant(row, "sold_at"))


def _buyer(row: Row) -> str:
    """Somebody's id; an address is none."""
    told = text(row, "customer")
    return "" if "@" in told else told


def _sku(row: Row) -> str:
    """What the seller wrote; where there is no such column, the code is it."""
    return text(row, "sku") if "sku" in row else ident(row, "code")


def _seen(row: Row) -> dict[str, object]:
    shape = SHAPES["sales"]
    return {name: row.get(name) for name in (*shape.needed, *shape.allowed)}


def _shown(query: str, row: Row) -> str:
    shape = SHAPES[query]
    return excerpt(row, (*shape.needed, *shape.allowed))
