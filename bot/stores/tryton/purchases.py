"""Purchases as goods on their way: a fact for each stock move that a line led to.

Tryton splits: of a line of 100, of which 40 came, one move of 40 is done and another of 60 is not. Each keeps its id
to its end, so what came is told once and what is missing stays on its way. Units of a line that no move stands for yet
(the purchase is confirmed and not processed, or the move was cut down in a shipment that has not come) go with the open
move, or under the line's own id where there is none. What Tryton gave up (a cancelled move) is told as none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from bot.ports import Fault, InboundFact
from bot.stores.tryton.api import Api
from bot.stores.tryton.values import Row, Unreadable, day, excerpt, nested, text, whole
from bot.words import _

FIELDS = ("number", "state", "purchase_date", "delivery_date", "warehouse", "party.name")
WAYS = ("lines", "lines.moves")
ORDERED = ("confirmed", "processing")  # of these all units are awaited that did not come
OPEN = ("staging", "draft", "assigned")  # states of a move that is still to come
_LINE = (
    "purchase", "product", "product.code", "quantity", "unit.rate", "product.default_uom.rate", "moves",
    "moves_recreated", "delivery_date_edit", "delivery_date_store", "product_supplier.lead_time_used",
)  # fmt: skip
_MOVE = ("state", "internal_quantity", "planned_date", "origin_planned_date", "effective_date", "to_location")
_SHOWN = ("id", "purchase", "quantity", "moves", "state", "internal_quantity", "planned_date", "effective_date")


@dataclass(frozen=True, slots=True)
class Yard:
    """What the facts of purchases are told by: where each location belongs, the company's zone, days where none say."""

    places: Mapping[int, str]  # of locations, and of warehouses themselves
    zone: ZoneInfo
    days: int

    def midnight(self, on: date) -> datetime:
        """The beginning of a day: Tryton keeps no hour, and what has come must not be dated after it was counted."""
        return datetime.combine(on, time(), self.zone).astimezone(UTC)


@dataclass(slots=True)
class Told:
    """Facts and faults of some purchases; `waiting` are the lines told under their own ids."""

    facts: list[InboundFact] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    waiting: dict[str, tuple[str, str]] = field(default_factory=dict)


async def inbounds(api: Api, purchases: Sequence[Row], yard: Yard) -> Told:
    """What some purchases brought and will bring."""
    known = {row["id"]: row for row in purchases}
    lines = await api.rows(
        "purchase.line",
        [
            ["purchase", "in", list(known)],
            ["type", "=", "line"],
            ["quantity", ">", 0],
            ["product.template.type", "=", "goods"],
            ["product.template.consumable", "=", False],
        ],
        _LINE,
    )
    ids = [move for line in lines for move in line["moves"]]
    moves: dict[int, Row] = {}
    for start in range(0, len(ids), 1000):
        chosen = [["id", "in", ids[start : start + 1000]]]
        moves |= {row["id"]: row for row in await api.rows("stock.move", chosen, _MOVE)}
    told = Told()
    for line in lines:
        _tell(told, known[line["purchase"]], line, [moves[each] for each in line["moves"] if each in moves], yard)
    return told


async def settled(
    api: Api, waiting: Mapping[str, tuple[str, str]], yard: Yard, at: datetime
) -> tuple[list[InboundFact], set[str]]:
    """Lines that were told under their own ids and wait no more, as none; and those ids. One may be gone altogether."""
    if not waiting:
        return [], set()
    ids = [int(name.removeprefix("line-")) for name in waiting]
    lines = await api.rows("purchase.line", [["id", "in", ids]], ("purchase",))
    chosen = [["id", "in", [line["purchase"] for line in lines]]]
    still = (await inbounds(api, await api.rows("purchase.purchase", chosen, FIELDS), yard)).waiting
    gone = set(waiting) - set(still)
    facts = [
        InboundFact(name, code, "", place, 0, at, at.date(), at)
        for name, (code, place) in waiting.items()
        if name in gone
    ]
    return facts, gone


def _tell(told: Told, purchase: Row, line: Row, moves: Sequence[Row], yard: Yard) -> None:
    """One line, as the facts of its moves and of what no move stands for."""
    try:
        ordered = day(purchase, "purchase_date")
        missing = _missing(line, moves) if purchase["state"] in ORDERED else 0
    except Unreadable as problem:
        told.faults.append(Fault(f"line-{line['id']}", problem.said, excerpt(line, _SHOWN)))
        return
    if ordered is None:  # a draft or an enquiry: nothing is on its way
        return
    teller = _Teller(purchase, line, ordered, yard)
    last = max((move["id"] for move in moves if move["state"] in OPEN), default=None)
    for move in moves:
        try:
            fact = teller.move(move, missing if move["id"] == last else 0)
        except Unreadable as problem:
            told.faults.append(Fault(f"move-{move['id']}", problem.said, excerpt(move, _SHOWN)))
        else:
            told.facts += [fact] if fact is not None else []
    if missing and last is None and (waits := teller.waiting(missing)) is not None:
        told.facts.append(waits)
        told.waiting[waits.id] = (waits.code, waits.place)


def _missing(line: Row, moves: Sequence[Row]) -> int:
    """Units that no move stands for, in the product's unit: as purchase.line._get_shipped_quantity has it."""
    ordered = _number(line, "quantity")
    if (nested(line, "unit").get("id")) != nested(nested(line, "product"), "default_uom").get("id"):
        rate = _number(nested(line, "unit"), "rate")
        own = _number(nested(nested(line, "product"), "default_uom"), "rate")
        ordered = round(ordered * own / rate, 6)
    made = sum((_number(move, "internal_quantity") for move in moves if move["id"] not in line["moves_recreated"]), 0)
    return whole({"quantity": max(Decimal(ordered - made), Decimal(0))}, "quantity")


def _number(row: Row, name: str) -> Decimal:
    told = row.get(name)
    if isinstance(told, bool) or not isinstance(told, int | Decimal):
        raise Unreadable(_("{name} is {told}, no number", name=name, told=repr(told)))
    return Decimal(told)


@dataclass(frozen=True, slots=True)
class _Teller:
    """Makes the facts of one line."""

    purchase: Row
    line: Row
    ordered: date
    yard: Yard

    def move(self, row: Row, more: int) -> InboundFact | None:
        """A move, with `more` units that none stands for; None where it leads past our warehouses."""
        place = self.yard.places.get(row["to_location"])
        if place is None:
            return None
        quantity, received = whole(row, "internal_quantity") + more, None
        if row["state"] == "cancelled":
            quantity, received = 0, self.ordered
        elif row["state"] == "done":
            received = day(row, "effective_date")
            if received is None:
                raise Unreadable(_("it is done, and has no date"))
        elif row["state"] not in OPEN:
            raise Unreadable(_("its state {state} is not known", state=repr(row["state"])))
        planned = day(row, "origin_planned_date") if received else day(row, "planned_date")
        return self._fact(f"move-{row['id']}", place, quantity, planned or day(row, "planned_date"), received)

    def waiting(self, quantity: int) -> InboundFact | None:
        """Units that no move stands for; None where they go to no warehouse of ours."""
        place = self.yard.places.get(self.purchase.get("warehouse") or 0)
        return None if place is None else self._fact(f"line-{self.line['id']}", place, quantity, None, None)

    def _fact(self, name: str, place: str, quantity: int, planned: date | None, received: date | None) -> InboundFact:
        return InboundFact(
            id=name,
            code=str(self.line["product"]),
            sku=text(nested(self.line, "product"), "code"),
            place=place,
            quantity=quantity,
            ordered_at=self.yard.midnight(self.ordered),
            expected_on=planned or self._promised(),
            received_at=None if received is None else self.yard.midnight(max(received, self.ordered)),
            supplier=text(nested(self.purchase, "party"), "name"),
        )

    def _promised(self) -> date:
        """Where no move says: the date of the line or the purchase, the supplier's lead time, the days of the settings.

        Tryton takes a date off a move that was late when it was made (purchase.line.get_move).
        """
        edited = day(self.line, "delivery_date_store") if self.line.get("delivery_date_edit") else None
        named = edited or day(self.purchase, "delivery_date")
        if named is not None:
            return named
        lead = nested(self.line, "product_supplier").get("lead_time_used")
        return self.ordered + (lead if isinstance(lead, timedelta) else timedelta(days=self.yard.days))
