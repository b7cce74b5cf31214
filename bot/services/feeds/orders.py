"""An order of a store as rows of `sales`: what was bought, cancelled and returned; kits as what they consist of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from itertools import accumulate, pairwise
from math import floor
from typing import NamedTuple
from zoneinfo import ZoneInfo

from bot.domain import setaside
from bot.domain.money import Money, exponent
from bot.errors import Amiss
from bot.ports import OrderFact, ReturnedLine, ReturnedUnits, SoldLine
from bot.services.feeds.returning import fitting
from bot.storage.storebooks import Line
from bot.storage.stores import OPEN, Code, Spot
from bot.storage.types import to_micros

# A component and how many of it one kit takes.
Parts = Mapping[int, Sequence[tuple[int, int]]]


class Misfit(Amiss):
    """An order that cannot be taken, and why."""


@dataclass(frozen=True, slots=True)
class Change:
    """What taking an order does to its lines; `before` are the changed ones as they stood."""

    added: tuple[Line, ...]
    changed: tuple[Line, ...] = ()
    before: tuple[Line, ...] = ()
    dropped: tuple[Line, ...] = ()
    unnamed: tuple[str, ...] = ()  # what nobody has said yet which product it is: those lines wait, the others count

    def __bool__(self) -> bool:
        """Whether it does anything."""
        return bool(self.added or self.changed or self.dropped)


class _Piece(NamedTuple):
    """A product of a line: how many units of it one unit of the line is, and where in the money its share lies.

    Cuts are rounded and shares are what lies between them, so that the shares are all of the money.
    """

    product_id: int
    sku: str
    each: int = 1
    share: tuple[Fraction, Fraction] | None = None  # from a cut to the next of 0 to 1; None: all of it
    suffix: str = ""


@dataclass(frozen=True, slots=True)
class Book:
    """What orders refer to: the store's codes and places, kits, and (SKU, price in minor units) of every product.

    More codes, kits and goods may be written into it; what it holds already stays as it is.
    """

    codes: Mapping[str, Code]
    spots: Mapping[str, Spot]
    kits: Parts
    goods: Mapping[int, tuple[str, int | None]]
    _cut: dict[str, Sequence[_Piece]] = field(default_factory=dict)  # by code: lines of one come again and again

    def change(self, order: OrderFact, standing: Sequence[Line]) -> Change:
        """What the order as it is now changes in the lines as they stand; Misfit where it cannot be taken."""
        before = {line.external_id: line for line in standing}
        unnamed: dict[str, None] = {}
        wanted = {line.external_id: line for line in self._lines(order, before, unnamed)}
        if not before:
            return Change(tuple(wanted.values()), unnamed=tuple(unnamed))
        changed = tuple(line for name, line in wanted.items() if name in before and before[name] != line)
        return Change(
            added=tuple(line for name, line in wanted.items() if name not in before),
            changed=changed,
            before=tuple(before[line.external_id] for line in changed),
            dropped=tuple(line for name, line in before.items() if name not in wanted),
            unnamed=tuple(unnamed),
        )

    def returned(self, told: Sequence[ReturnedUnits], standing: Sequence[Line]) -> Change:
        """What all the units that came back of an order change in its lines as they stand."""
        before = {line.external_id: line for line in standing}
        wanted: dict[str, Line] = {}
        stated: set[str] = set()
        zones = {spot.location_id: spot for spot in self.spots.values()}
        for (order, name, code), of_line in _by_line(told).items():
            nested = f"{order}/{_escaped(name)}"
            own = nested if _rows_of(nested, before) else f"{order}/{name}"
            for piece in (self._pieces(code) if code else _as_before(own, _rows_of(own, before))) or ():
                sale = before.get(f"{own}{piece.suffix}")
                if sale is None or sale.location_id not in zones:  # it waits for a word of people, or is none of ours
                    continue
                stated |= {_return_id(sale.external_id, back.id) for back in of_line}
                sold = 0 if sale.cancelled_by else sale.quantity // piece.each
                lines = _returned(sale, piece, fitting(of_line, sold), zones[sale.location_id])
                wanted |= {line.external_id: line for line in lines}
        changed = tuple(line for name, line in wanted.items() if name in before and before[name] != line)
        return Change(
            added=tuple(line for name, line in wanted.items() if name not in before),
            changed=changed,
            before=tuple(before[line.external_id] for line in changed),
            dropped=tuple(before[name] for name in sorted(stated - wanted.keys()) if name in before),
        )

    def _lines(self, order: OrderFact, before: Mapping[str, Line], unnamed: dict[str, None]) -> Iterator[Line]:
        """The rows that the order comes to. What was cancelled after it was known stays, with its cancellation.

        A line of a product that nobody has named yet is none, and is noted in `unnamed`; once it is named the order is
        told again, and the line is the only one that is new. One that names nothing is of what it was of before.
        """
        returns: dict[str, list[ReturnedLine]] = {}
        for back in order.returns:
            returns.setdefault(back.line, []).append(back)
        at, days = to_micros(order.placed_at), _Days(order.placed_at)
        for sold in order.lines:
            own = f"{order.id}/{_apart(sold.id, order)}"
            stands = [] if sold.code else _rows_of(own, before)
            if not sold.code and not stands:
                continue
            spot = self._spot(sold.place or order.place)
            if spot.location_id is None:
                continue
            pieces = self._pieces(sold.code) if sold.code else _as_before(own, stands)
            if pieces is None:
                if sold.quantity and sold.code:
                    unnamed[sold.sku or sold.code] = None
                stands = _rows_of(own, before)
                yield from stands if sold.code or sold.quantity else _undone(order, stands, before, spot)
                continue
            same = not sold.code and _is_as_before(sold, pieces, stands)
            for piece in pieces:
                line = _sold(order, sold, f"{own}{piece.suffix}", piece, (at, days[spot.zone], spot.location_id))
                known = before.get(line.external_id)
                if same and known is not None:
                    line = line._replace(unit_price=known.unit_price, amount_minor=known.amount_minor)
                if sold.quantity:
                    yield line
                elif known is not None:
                    yield from _cancelled(order, known, before.get(f"{line.external_id}/cancelled"), spot)
                if returns:
                    yield from _returned(line, piece, returns.get(sold.id, ()), spot)

    def _spot(self, place: str) -> Spot:
        spot = self.spots.get(place)
        if spot is None:
            raise Misfit(setaside.no_place_of_order(place) if place else setaside.NAMELESS)
        if spot.location_id is None and not spot.ignored:
            raise Misfit(setaside.no_location(place))
        return spot

    def _pieces(self, name: str) -> Sequence[_Piece] | None:
        """What a line of a variant takes from the shelf; None where nobody has said yet which product it is."""
        found = self._cut.get(name)
        if found is None:
            code = self.codes.get(name)
            if code is None or code.match in OPEN:
                return None
            found = self._cut[name] = self._pieces_of(code)
        return found

    def _pieces_of(self, code: Code) -> Sequence[_Piece]:
        if code.product_id is None or code.match == "ignored":
            return ()
        parts = self.kits.get(code.product_id)
        if not parts:
            return (_Piece(code.product_id, self.goods[code.product_id][0]),)
        weights = [(self.goods[part][1] or 0) * each for part, each in parts]
        if not sum(weights):
            weights = [each for _, each in parts]
        return tuple(
            _Piece(part, self.goods[part][0], each, share, f"/{part}")
            for (part, each), share in zip(parts, _cuts(weights), strict=True)
        )


class _Days(dict[str, str]):
    """The local day (ISO) of an instant by zone."""

    def __init__(self, at: datetime) -> None:
        super().__init__()
        self._at = at

    def __missing__(self, zone: str) -> str:
        day = self[zone] = _day(self._at, zone)
        return day


def _sold(order: OrderFact, sold: SoldLine, name: str, piece: _Piece, stands: tuple[int, str, int]) -> Line:
    """The row of what was bought, at (instant, local day, location); of no units its price is that of nothing."""
    product, sku, each, share, suffix = piece
    at, day, location = stands
    units = sold.quantity * each
    price, amount = _whole(sold.amount, units) if share is None else _part(sold.amount, units, share)
    return Line(
        name, order.id, product, location, sku, at, day, units, price, amount,
        sold.amount.currency, order.customer, "sale", kit_units=each if suffix else None,
    )  # fmt: skip


def _whole(amount: Money, units: int) -> tuple[int, int]:
    """The price of one of the units in millionths, rounded half to even, and all of the money in minor units."""
    millionths = int(amount.amount.scaleb(6))
    minor = millionths // 10 ** (6 - exponent(amount.currency))  # exact: money has no fraction of a minor unit
    if not units:
        return 0, minor
    price, rest = divmod(millionths, units)
    return price + (2 * rest > units or (2 * rest == units and price % 2)), minor


def _part(amount: Money, units: int, share: tuple[Fraction, Fraction]) -> tuple[int, int]:
    """As `_whole`, of a share of the money."""
    begin, end = share
    price = round(Fraction(amount.amount) * (end - begin) * 1_000_000 / units) if units else 0
    return price, _upto(amount.minor, end) - _upto(amount.minor, begin)


def _cuts(weights: Sequence[int]) -> Iterator[tuple[Fraction, Fraction]]:
    """Where in the whole of them each of some weights begins and ends."""
    return pairwise(Fraction(upto, sum(weights)) for upto in accumulate(weights, initial=0))


def _upto(minor: int, cut: Fraction) -> int:
    """What of the money lies before a cut, halves away from nothing: so no share is a whole minor unit off."""
    return (1 if minor >= 0 else -1) * floor(abs(minor) * cut + Fraction(1, 2))


def _apart(line: str, order: OrderFact) -> str:
    """A line's id as its rows bear it: one that begins with another line's and a slash could be a kit's part there."""
    if "/" in line and any(line.startswith(f"{other.id}/") for other in order.lines):
        return _escaped(line)
    return line


def _escaped(line: str) -> str:
    return line.replace("/", "%2F")


def _rows_of(own: str, before: Mapping[str, Line]) -> list[Line]:
    """The rows of one line among all that stand of its order, in the order of their names."""
    return [line for name, line in sorted(before.items()) if name.startswith(own) and _is_of(own, line)]


def _is_of(own: str, line: Line) -> bool:
    """Whether a row is a line's own, and none of another line whose id begins with this one's and a slash."""
    for stem in (own, f"{own}/{line.product_id}"):  # sold as itself, or a part of a kit
        match line.kind:
            case "sale":
                found = line.external_id == stem
            case "cancellation":
                found = line.external_id == f"{stem}/cancelled"
            case _:
                found = line.external_id.startswith(_return_id(stem, ""))
        if found:
            return True
    return False


def _as_before(own: str, stands: Sequence[Line]) -> Sequence[_Piece] | None:
    """What a line that names nothing any more takes from the shelf, by its rows; of a kit with its shares of the money.

    None where no row says so: nothing was sold, or so long ago that it was not kept yet how many units a kit takes.
    """
    sales = [line for line in stands if line.kind == "sale"]
    if len(sales) == 1 and sales[0].external_id == own:
        return (_Piece(sales[0].product_id, sales[0].code),)
    weights = [line.unit_price * line.quantity for line in sales]
    if not sum(weights):
        weights = [line.quantity for line in sales]
    if not sum(weights) or not all(line.kit_units for line in sales):
        return None
    cuts = _cuts(weights)
    return tuple(
        _Piece(line.product_id, line.code, line.kit_units or 1, share, line.external_id.removeprefix(own))
        for line, share in zip(sales, cuts, strict=True)
    )


def _is_as_before(sold: SoldLine, pieces: Sequence[_Piece], stands: Sequence[Line]) -> bool:
    """Whether a line is of as many units and as much money as its rows: then each keeps its share to the last digit."""
    sales = [line for line in stands if line.kind == "sale"]
    units = [sold.quantity * piece.each for piece in pieces]
    return units == [line.quantity for line in sales] and sold.amount.minor == sum(line.amount_minor for line in sales)


def _undone(order: OrderFact, stands: Sequence[Line], before: Mapping[str, Line], spot: Spot) -> Iterator[Line]:
    """The rows of a line that holds nothing any more and names nothing: a kit that is gone is known by its parts."""
    for line in stands:
        if line.kind == "sale":
            yield from _cancelled(order, line, before.get(f"{line.external_id}/cancelled"), spot)
        elif line.kind != "cancellation":
            yield line


def _cancelled(order: OrderFact, known: Line, ended: Line | None, spot: Spot) -> Iterator[Line]:
    """A line that holds nothing any more: it stays as it was, and a cancellation undoes it, once."""
    name = f"{known.external_id}/cancelled"
    yield known._replace(cancelled_by=name)
    yield ended or known._replace(
        external_id=name,
        sold_at=to_micros(order.changed_at),
        day=_day(order.changed_at, spot.zone),
        quantity=-known.quantity,
        amount_minor=-known.amount_minor,
        kind="cancellation",
        cancels=known.external_id,
        cancelled_by=None,
    )


def _returned(line: Line, piece: _Piece, returns: Iterable[ReturnedLine], spot: Spot) -> Iterator[Line]:
    """What came back, with its share of the money: that of all returns so far is rounded, so that none is lost."""
    paid = gone = 0
    for back in returns:
        units = back.quantity * piece.each
        gone, before = gone + units, paid
        paid = _upto(line.amount_minor, Fraction(gone, line.quantity)) if line.quantity else 0
        yield line._replace(
            external_id=_return_id(line.external_id, back.id),
            sold_at=to_micros(back.at),
            day=_day(back.at, spot.zone),
            quantity=-units,
            amount_minor=before - paid,
            kind="return",
        )


def _return_id(sale: str, ident: str) -> str:
    return f"{sale}/return/{ident}"


def _by_line(told: Iterable[ReturnedUnits]) -> dict[tuple[str, str, str], list[ReturnedUnits]]:
    """What came back by (order, line, variant)."""
    found: dict[tuple[str, str, str], list[ReturnedUnits]] = {}
    for back in told:
        found.setdefault((back.order, back.line, back.code), []).append(back)
    return found


def _day(at: datetime, zone: str) -> str:
    return at.astimezone(ZoneInfo(zone)).date().isoformat()
