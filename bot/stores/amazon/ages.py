"""How old stock at Amazon is and what keeping it costs, as Amazon itself says: two of its reports, once a day.

The planning report (GET_FBA_INVENTORY_PLANNING_DATA) tells units by age, the storage fee that Amazon expects next month
and the surcharge on aged stock that it expects at its next count; the report of storage fees
(GET_FBA_STORAGE_FEE_CHARGES_DATA) what storage of the last whole month came to, by Amazon's own label of the goods and
by warehouse.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from bot.domain.money import Money
from bot.ports import AgeBand, AgeFact, Fact, Fault, Page
from bot.stores.amazon import reports
from bot.stores.amazon.api import Api
from bot.stores.amazon.cursor import OVERLAP, Mark
from bot.stores.amazon.markets import Market
from bot.stores.amazon.reading import Unreadable, decimal, excerpt, money, need, text, whole
from bot.stores.amazon.reports import Broken, FlatRow, crooked
from bot.words import _

PLANNING = "GET_FBA_INVENTORY_PLANNING_DATA"
CHARGES = "GET_FBA_STORAGE_FEE_CHARGES_DATA"
EVERY = timedelta(hours=20)
_BAND = re.compile(r"inv-age-(\d+)-(?:to-(\d+)|plus)-days")
_SURCHARGE = "estimated-ais-"
_STORAGE = "estimated-storage-cost-next-month"
_SHOWN = ("sku", "fnsku", "snapshot-date", "available", "currency")

Charges = Mapping[str, tuple[Decimal, str]]  # by Amazon's label: an amount and its currency


async def ages(api: Api, mark: Mark) -> AsyncIterator[Page]:
    """The ages of each stock's goods; nothing where they were read within the day, for Amazon counts them daily."""
    now = api.clock.now()
    if mark.begun is None and mark.since is not None and now - (mark.since + OVERLAP) < EVERY:
        return
    mark = mark.begin(now)
    begun = mark.begun or now
    for market in api.account.stocks[mark.part :]:
        if not mark.report:
            mark = replace(mark, report=await _asked(api, market, begun))
            yield Page("ages", (), str(mark))
        planned, charged = mark.report.split()
        try:
            charges = await _charges(api, charged)
            document = await reports.made(api, planned)
        except reports.Failed:
            yield Page("ages", (), str(replace(mark, report="")))
            raise
        rows = await reports.rows(api, document) if document else iter(())
        facts, faults = await asyncio.to_thread(_read, rows, market, charges, begun)
        yield Page("ages", facts, str(mark.next_part()), faults, well=(market.place,))
        mark = mark.next_part()
    yield Page("ages", (), str(mark.ended()), (), mark.begun)


async def _asked(api: Api, market: Market, now: datetime) -> str:
    """Ask for both reports; their ids, parted by a space."""
    month = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    before = (month - timedelta(days=1)).replace(day=1)
    planned = await reports.ask(api, PLANNING, [market.id], None, None)
    return f"{planned} {await reports.ask(api, CHARGES, [market.id], before, month)}"


async def _charges(api: Api, report: str) -> Charges:
    """What storage of a month came to; nothing where Amazon has no such report, as before a seller's first bill."""
    try:
        document = await reports.made(api, report)
    except reports.Failed:
        return {}
    rows = await reports.rows(api, document) if document else iter(())
    return await asyncio.to_thread(charges_of, rows)


def charges_of(rows: Iterable[FlatRow | Broken]) -> Charges:
    """The storage fees of a report by Amazon's label of the goods, over all warehouses.

    Goods of whose fee a row cannot be read, or that are billed in two currencies, have none.
    """
    found: dict[str, tuple[Decimal, str]] = {}
    unknown: set[str] = set()
    for row in rows:
        if isinstance(row, Broken):
            continue
        told = {name.replace("-", "_"): value for name, value in row.items()}
        label, currency = text(told, "fnsku"), text(told, "currency")
        try:
            fee = decimal(text(told, "estimated_monthly_storage_fee"), "estimated_monthly_storage_fee")
        except Unreadable:
            unknown.add(label)
            continue
        total, before = found.get(label, (Decimal(0), currency))
        if before != currency:
            unknown.add(label)
        found[label] = total + fee, currency
    return {label: fee for label, fee in found.items() if label not in unknown}


def _read(
    rows: Iterable[FlatRow | Broken], market: Market, charges: Charges, now: datetime
) -> tuple[tuple[Fact, ...], tuple[Fault, ...]]:
    facts: list[Fact] = []
    faults: list[Fault] = []
    left = dict(charges)  # several SKUs bear a label where it is the manufacturer's: its fee is told once
    broken: list[Broken] = []
    for row in rows:
        if isinstance(row, Broken):
            broken.append(row)
            continue
        try:
            facts.append(age(row, market.place, left, now))
            left.pop(text(row, "fnsku"), None)
        except Unreadable as problem:
            where = f"{text(row, 'sku') or '?'}@{market.place}"
            faults.append(Fault(where, problem.said, excerpt(row, _SHOWN)))
    return tuple(facts), (*faults, *crooked(market.place, broken))


def age(row: FlatRow, place: str, charges: Charges, now: datetime) -> AgeFact:
    """A row of the planning report; as of the beginning of its day, or of `now` where it names none."""
    sku, currency = need(row, "sku"), text(row, "currency")
    extra = [decimal(value, name) for name, value in row.items() if name.startswith(_SURCHARGE) and value.strip()]
    storage = row.get(_STORAGE, "").strip()
    fee, billed = charges.get(text(row, "fnsku"), (None, ""))
    return AgeFact(
        code=sku,
        sku=sku,
        place=place,
        as_of=min(_day(text(row, "snapshot-date")) or now, now),
        bands=bands(row),
        storage=_amount(decimal(storage, _STORAGE), currency) if storage else None,
        surcharge=_amount(sum(extra, Decimal(0)), currency) if extra else None,
        charged=None if fee is None else _amount(fee, billed),
    )


def bands(row: FlatRow) -> tuple[AgeBand, ...]:
    """The units of a row by age, the youngest first: of several partings that the report tells, the finest."""
    told = []
    for name, value in row.items():
        found = _BAND.fullmatch(name)
        if found and value.strip():
            told.append(AgeBand(int(found[1]), int(found[2]) if found[2] else None, whole(row, name)))
    parting = _finest(told, 0)
    if parting is None:
        raise Unreadable(_("its units by age leave an age out"))
    return tuple(parting)


def _finest(told: Sequence[AgeBand], first: int) -> list[AgeBand] | None:
    """The most bands that follow each other from an age on to the open end; None where none do."""
    best: list[AgeBand] | None = None
    for band in told:
        if band.last is None and band.first in {first, first - 1}:  # "365 plus" follows "271 to 365"
            rest: list[AgeBand] | None = []
        elif band.first == first and band.last is not None:
            rest = _finest(told, band.last + 1)
        else:
            continue
        if rest is not None and (best is None or len(rest) + 1 > len(best)):
            best = [replace(band, first=first), *rest]
    return best


def _amount(amount: Decimal, currency: str) -> Money:
    if len(currency) != 3:
        raise Unreadable(_("its currency is {currency}", currency=repr(currency[:10])))
    return money(amount, currency.upper())


def _day(told: str) -> datetime | None:
    try:
        return datetime.fromisoformat(told[:10]).replace(tzinfo=UTC) if told else None
    except ValueError:
        raise Unreadable(_("snapshot-date is {told}, no day", told=repr(told[:40]))) from None
