"""An order of a store as rows of `sales`: what was bought, cancelled and returned; kits as what they consist of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from bot.ports import OrderFact, ReturnedLine, SoldLine
from bot.storage.storebooks import Line
from bot.storage.stores import Code, Spot
from bot.storage.types import to_micros

# A component and how many of it one kit takes.
Parts = Mapping[int, Sequence[tuple[int, int]]]


class Misfit(Exception):
    """An order that cannot be taken, and why."""


@dataclass(frozen=True, slots=True)
class Change:
    """What taking an order does to its lines."""

    added: tuple[Line, ...]
    changed: tuple[Line, ...]
    dropped: tuple[str, ...]

    def __bool__(self) -> bool:
        """Whether it does anything."""
        return bool(self.added or self.changed or self.dropped)


@dataclass(frozen=True, slots=True)
class _Piece:
    """A product of a line: how many units of it one unit of the line is, and the share of the money it takes."""

    product_id: int
    sku: str
    each: int
    share: Decimal
    suffix: str


@dataclass(frozen=True, slots=True)
class Book:
    """What orders refer to: the store's codes and places, kits, and (SKU, price in minor units) of every product."""

    codes: Mapping[str, Code]
    spots: Mapping[str, Spot]
    kits: Parts
    goods: Mapping[int, tuple[str, int | None]]

    def change(self, order: OrderFact, standing: Sequence[Line]) -> Change:
        """What the order as it is now changes in the lines as they stand; Misfit where it cannot be taken."""
        before = {line.external_id: line for line in standing}
        wanted = {line.external_id: line for line in self.lines(order, before)}
        return Change(
            added=tuple(line for name, line in wanted.items() if name not in before),
            changed=tuple(line for name, line in wanted.items() if name in before and before[name] != line),
            dropped=tuple(name for name in before if name not in wanted),
        )

    def lines(self, order: OrderFact, before: Mapping[str, Line]) -> Iterator[Line]:
        """The rows that the order comes to. What was cancelled after it was known stays, with its cancellation."""
        returns: dict[str, list[ReturnedLine]] = {}
        for back in order.returns:
            returns.setdefault(back.line, []).append(back)
        for sold in order.lines:
            spot = self._spot(sold.place or order.place)
            if spot.location_id is None:
                continue
            for piece in self._pieces(sold):
                name = f"{order.id}/{sold.id}{piece.suffix}"
                line = _sold(order, sold, piece, spot, name)
                known = before.get(name)
                if sold.quantity:
                    yield line
                elif known is not None:
                    yield from _cancelled(order, known, before.get(f"{name}/cancelled"), spot)
                yield from _returned(line, piece, returns.get(sold.id, ()), spot)

    def _spot(self, place: str) -> Spot:
        spot = self.spots.get(place)
        if spot is None:
            raise Misfit(f"its place {place!r} is not known yet" if place else "it names no place")
        if spot.location_id is None and not spot.ignored:
            raise Misfit(f"nobody has said yet which location the place {place!r} is")
        return spot

    def _pieces(self, sold: SoldLine) -> Iterable[_Piece]:
        code = self.codes.get(sold.code)
        if code is None or code.match == "suggested":
            raise Misfit(f"nobody has said yet which product {sold.sku or sold.code} is")
        if code.product_id is None or code.match == "ignored":
            return ()
        parts = self.kits.get(code.product_id)
        if not parts:
            return (_Piece(code.product_id, self.goods[code.product_id][0], 1, Decimal(1), ""),)
        weights = [Decimal((self.goods[part][1] or 0) * each) for part, each in parts]
        if not sum(weights):
            weights = [Decimal(each) for _, each in parts]
        total = sum(weights)
        return tuple(
            _Piece(part, self.goods[part][0], each, weight / total, f"/{part}")
            for (part, each), weight in zip(parts, weights, strict=True)
        )


def _sold(order: OrderFact, sold: SoldLine, piece: _Piece, spot: Spot, name: str) -> Line:
    """The row of what was bought; of no units its price is that of nothing."""
    units = sold.quantity * piece.each
    amount = round(sold.amount.minor * piece.share)
    assert spot.location_id is not None  # noqa: S101  # lines() leaves out places that are not ours
    return Line(
        external_id=name,
        order_ref=order.id,
        product_id=piece.product_id,
        location_id=spot.location_id,
        code=piece.sku,
        sold_at=to_micros(order.placed_at),
        day=_day(order.placed_at, spot),
        quantity=units,
        unit_price=round(sold.amount.amount * piece.share * 1_000_000 / units) if units else 0,
        amount_minor=amount,
        currency=sold.amount.currency,
        customer=order.customer,
        kind="sale",
    )


def _cancelled(order: OrderFact, known: Line, ended: Line | None, spot: Spot) -> Iterator[Line]:
    """A line that holds nothing any more: it stays as it was, and a cancellation undoes it, once."""
    name = f"{known.external_id}/cancelled"
    yield replace(known, cancelled_by=name)
    yield ended or replace(
        known,
        external_id=name,
        sold_at=to_micros(order.changed_at),
        day=_day(order.changed_at, spot),
        quantity=-known.quantity,
        amount_minor=-known.amount_minor,
        kind="cancellation",
        cancels=known.external_id,
        cancelled_by=None,
    )


def _returned(line: Line, piece: _Piece, returns: Iterable[ReturnedLine], spot: Spot) -> Iterator[Line]:
    for back in returns:
        units = back.quantity * piece.each
        yield replace(
            line,
            external_id=f"{line.external_id}/return/{back.id}",
            sold_at=to_micros(back.at),
            day=_day(back.at, spot),
            quantity=-units,
            amount_minor=-round(line.amount_minor * Decimal(units) / line.quantity) if line.quantity else 0,
            kind="return",
        )


def _day(at: datetime, spot: Spot) -> str:
    return at.astimezone(ZoneInfo(spot.zone)).date().isoformat()
