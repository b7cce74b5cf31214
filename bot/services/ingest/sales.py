"""Sales files: a batch of cells into rows of `sales` and `stock_movements`, column by column.

What a line is:

- a code on the list of charges, or an order that is an adjustment: `fee`, no product;
- an order number of cancellations, or a negative quantity at a price: `return`; derivation then finds the
  cancellations among them, those that undo a sale;
- a negative quantity at no price and of no customer: stock written off;
- a positive quantity at no price: a `sample` where a customer got it, else an `adjustment` (goods found);
- everything else: `sale`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from zlib import crc32
from zoneinfo import ZoneInfo

from bot.domain.money import exponent
from bot.services.ingest import values
from bot.services.ingest.contracts import ImportOptions, ImportReport, TableBatch
from bot.services.ingest.places import Places
from bot.services.ingest.rejects import Rejects
from bot.services.ingest.scratch import Scratch
from bot.services.ingest.settings import IngestSettings
from bot.services.ingest.values import Bad, Memo
from bot.storage.types import to_micros

SALE = (
    "source",
    "external_id",
    "order_ref",
    "product_id",
    "location_id",
    "code",
    "sold_at",
    "day",
    "quantity",
    "unit_price",
    "amount_minor",
    "currency",
    "customer",
    "kind",
)
MOVEMENT = ("source", "external_id", "product_id", "location_id", "at", "day", "quantity", "kind")

_STOCK_ONLY = {"write_off": "write_offs", "adjustment": "adjustments", "sample": "samples"}


class When(NamedTuple):
    """A moment: microseconds since 1970, the local day at its location, and the moment as the file writes it."""

    micros: int
    day: str
    written: str


class Line(NamedTuple):
    """A good line. `key` names its content within the source; `price` is in millionths, 0 where there is none."""

    kind: str
    key: str
    order: str
    sku: str
    place: int
    when: When
    quantity: int
    price: int
    customer: str
    currency: str


@dataclass(slots=True)
class Prepared:
    """A batch ready to be stored; a product stands as its SKU at place 3 of a sale and 2 of a movement."""

    rows: int
    sales: list[tuple[Any, ...]] = field(default_factory=list)
    movements: list[tuple[Any, ...]] = field(default_factory=list)
    products: dict[str, str] = field(default_factory=dict)  # SKU -> currency
    first: int | None = None  # the earliest and the latest instant, in microseconds
    last: int | None = None


class SalesReader:
    """Turns batches into rows; it remembers how cells read, and nothing else."""

    def __init__(
        self,
        mapping: Mapping[str, int],
        places: Places,
        options: ImportOptions,
        settings: IngestSettings,
        now: datetime,
        currencies: frozenset[str],
    ) -> None:
        self._mapping = mapping
        self._places = places
        self._source = options.source
        self._zone = ZoneInfo(options.zone) if options.zone else None
        self._currency = options.currency or settings.currency
        self._order = options.date_order
        self._span = (to_micros(settings.earliest), to_micros(settings.latest or now + timedelta(days=1)))
        fee, fee_order = _any_of(settings.fee_codes), _any_of(settings.fee_orders)
        backwards, note = _any_of(settings.cancelling_orders), _any_of(settings.stock_notes)
        self._readers = {
            "sku": Memo(values.sku),
            "quantity": Memo(lambda cell: values.whole(cell, settings.quantity_limit)),
            "unit_price": Memo(lambda cell: values.micros(cell, settings.price_limit)),
            "order_ref": Memo(values.text),
            "customer": Memo(values.text),
            "currency": Memo(lambda cell: values.currency(cell, currencies)),
            "name": Memo(lambda cell: _name(values.text(cell), note)),
            "external_id": Memo(values.text),
        }
        self._place = Memo(places.find)
        self._market = Memo(lambda cell: values.text(cell).casefold())
        self._when = Memo(self._read_when)
        self._fee = Memo(lambda code: fee.fullmatch(code) is not None)
        self._order_kind = Memo(
            lambda ref: (
                "fee" if fee_order.fullmatch(ref.upper()) else "return" if backwards.fullmatch(ref.upper()) else ""
            )
        )
        self._unit = Memo(lambda code: 10 ** (6 - exponent(code)))

    def prepare(self, batch: TableBatch, scratch: Scratch, rejects: Rejects, report: ImportReport) -> Prepared:
        """Read one batch: bad rows go to `rejects`, tallies into `report`."""
        columns = self._read(batch)
        faults = _faults(batch, columns)
        lines: list[Line] = []
        origin: list[int] = []
        for row, cells in enumerate(zip(*columns.values(), strict=True)):
            if row in faults:
                continue
            line = self._line(cells)
            if isinstance(line, Line):
                lines.append(line)
                origin.append(row)
            else:
                faults[row] = line
        ordinals = scratch.ordinals([line.key for line in lines])
        if "external_id" in self._mapping:
            lines, ordinals = _once(lines, ordinals, origin, faults)
        prepared = self._store(lines, ordinals, len(batch.lines), report)
        scratch.called(self._names(columns, faults))
        for row in sorted(faults):
            rejects.add(batch.lines[row], *faults[row], [column[row] for column in batch.columns])
        report.rejected = rejects.count
        return prepared

    def _read(self, batch: TableBatch) -> dict[str, list[Any]]:
        """Every field's values, row by row; `Bad` where a cell cannot be."""
        rows = len(batch.lines)
        columns: dict[str, list[Any]] = {}
        absent = {"unit_price": None, "currency": self._currency}
        for name, reader in self._readers.items():
            place = self._mapping.get(name)
            columns[name] = [absent.get(name, "")] * rows if place is None else reader.column(batch.columns[place])
        market = self._mapping.get("market")
        if market is None:
            columns["place"], columns["market"] = [self._places.default] * rows, [""] * rows
        else:
            columns["place"] = self._place.column(batch.columns[market])
            columns["market"] = self._market.column(batch.columns[market])
        moments = batch.columns[self._mapping["sold_at"]]
        columns["sold_at"] = self._when.column(list(zip(moments, columns["place"], strict=True)))
        return columns

    def _read_when(self, key: tuple[object, int | Bad]) -> When | Bad:
        cell, place = key
        found = values.moment(cell, self._order)
        if isinstance(found, Bad):
            return found
        if isinstance(place, Bad):
            return place
        zone = self._places.zones[place]
        timed = isinstance(found, datetime)
        at = values.instant(found, self._zone if timed and self._zone else zone)
        micros = to_micros(at)
        if not self._span[0] <= micros <= self._span[1]:
            return Bad("an impossible date: " + ("too long ago" if micros < self._span[0] else "in the future"))
        return When(micros, at.astimezone(zone).date().isoformat(), found.isoformat().removesuffix(":00"))

    def _line(self, cells: tuple[Any, ...]) -> Line | tuple[str, str]:
        """The line's kind and key, or the field at fault and why; `cells` are the values in the order of `_read`."""
        sku, quantity, price, order, customer, currency, _, own_id, place, market, when = cells
        order_kind = self._order_kind[order]
        if self._fee[sku] or order_kind == "fee":
            kind = "fee"
        elif price is not None and price < 0:
            return "unit_price", "negative"
        elif quantity == 0:
            return "quantity", "zero"
        elif order_kind == "return":
            if quantity > 0:
                return "quantity", "positive in a cancellation"
            kind = "return"
        elif price == 0:
            if quantity < 0 and customer:
                return "quantity", "negative, at no price, for a customer"
            kind = "write_off" if quantity < 0 else "sample" if customer else "adjustment"
        else:
            kind = "sale" if quantity > 0 else "return"
        if own_id:
            key = own_id
        else:
            named = currency if "currency" in self._mapping else ""
            content = f"{quantity}|{price}|{when.written}|{customer}|{market}|{named}"
            # Should two contents share a sum, they count as equal lines and still stay two.
            key = f"{order or when.written}/{sku}/{crc32(content.encode()):08x}"
        return Line(kind, key, order, sku, place, when, quantity, price or 0, customer, currency)

    def _store(self, lines: Sequence[Line], ordinals: Iterable[int], rows: int, report: ImportReport) -> Prepared:
        """Rows for the tables; a repeated line carries its ordinal in its id."""
        prepared = Prepared(rows)
        ids = [place.id for place in self._places.all]
        source = self._source
        for line, ordinal in zip(lines, ordinals, strict=True):
            kind, key, order, sku, place, when, quantity, price, customer, currency = line
            name = key if ordinal == 1 else f"{key}/{ordinal}"
            if kind in _STOCK_ONLY:
                counted = _STOCK_ONLY[kind]
                setattr(report, counted, getattr(report, counted) + 1)
                moved = -quantity if kind == "sample" else quantity
                prepared.movements.append((source, name, sku, ids[place], when.micros, when.day, moved, kind))
            else:
                product = None if kind == "fee" else sku
                report.fees += product is None
                amount = _minor(quantity * price, self._unit[currency])
                what = (product, ids[place], sku, when.micros, when.day, quantity, price, amount, currency)
                prepared.sales.append((source, name, order, *what, customer, kind))
        prepared.products = {line.sku: line.currency for line in lines if line.kind != "fee"}
        instants = [line.when.micros for line in lines]
        prepared.first, prepared.last = min(instants, default=None), max(instants, default=None)
        return prepared

    def _names(self, columns: Mapping[str, list[Any]], faults: Mapping[int, object]) -> Counter[tuple[str, str]]:
        """How products were called on lines with a price: unpriced ones carry warehouse notes."""
        if "name" not in self._mapping:
            return Counter()
        cells = zip(columns["sku"], columns["name"], columns["unit_price"], strict=True)
        if faults:
            cells = iter([found for row, found in enumerate(cells) if row not in faults])  # type: ignore[assignment]
        return Counter((sku, name) for sku, name, price in cells if name and price != 0 and not self._fee[sku])


def _any_of(patterns: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns) or r"(?!)")


def _name(written: str, note: re.Pattern[str]) -> str:
    shown = " ".join(written.split())[:200]
    return "" if note.fullmatch(shown.upper()) else shown


def _faults(batch: TableBatch, columns: Mapping[str, list[Any]]) -> dict[int, tuple[str, str]]:
    """Row -> the first field at fault and why."""
    faults = {row: ("", problem) for row, problem in batch.odd.items()}
    for name, column in columns.items():
        if Bad not in set(map(type, column)):
            continue
        shown = "market" if name == "place" else name
        for row, value in enumerate(column):
            if type(value) is Bad:
                faults.setdefault(row, (shown, value.reason))
    return faults


def _once(
    lines: list[Line], ordinals: list[int], origin: list[int], faults: dict[int, tuple[str, str]]
) -> tuple[list[Line], list[int]]:
    """Where the file numbers its own lines, a number used again is a fault, not another line."""
    kept = []
    for line, ordinal, row in zip(lines, ordinals, origin, strict=True):
        if ordinal == 1:
            kept.append(line)
        else:
            faults[row] = ("external_id", "used by an earlier line of this file")
    return kept, [1] * len(kept)


def _minor(millionths: int, unit: int) -> int:
    """Minor units, rounded half to even; `unit` is how many millionths one is."""
    whole, rest = divmod(millionths, unit)
    return whole + (rest * 2 > unit or (rest * 2 == unit and whole % 2 == 1))
