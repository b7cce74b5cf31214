"""What customers sent back, by two of Amazon's reports, once a day.

GET_FBA_FULFILLMENT_CUSTOMER_RETURNS_DATA tells what came back to Amazon, a unit a row, each with the number of the
label that Amazon put on it; GET_FLAT_FILE_RETURNS_DATA_BY_RETURN_DATE what came back to the seller, by a customer's
request. Amazon makes either seldom anew (a daily FBA report no more often than every four hours), and cancels what is
asked for too soon just as what holds nothing. So each day's reports reach back as far as they may, and the next day's
tell what one was too early for.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta

from bot.ports import Fault, Page, ReturnedUnits
from bot.stores.amazon import reports
from bot.stores.amazon.api import Api
from bot.stores.amazon.cursor import OVERLAP, Mark
from bot.stores.amazon.reading import Unreadable, excerpt, instant, need, text, whole
from bot.stores.amazon.reports import Broken, FlatRow, crooked
from bot.words import _

AT_AMAZON = "GET_FBA_FULFILLMENT_CUSTOMER_RETURNS_DATA"
AT_THE_SELLER = "GET_FLAT_FILE_RETURNS_DATA_BY_RETURN_DATE"
EVERY = timedelta(hours=20)
_LATE = timedelta(days=3)  # before the last reading, where that is longer ago than a report reaches
_AT_ONCE = 1_000  # units on one page
_COMMENTS = "customer-comments"  # whatever the customer wrote, tabs too; it stands last
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAY = re.compile(r"(\d{1,2})-([A-Za-z]{3})-(\d{4})")
_NAMELESS = "@"  # begins the id of a unit without a label
_NAMES = ("order-id", "sku", "license-plate-number", "Order ID", "Merchant SKU", "Amazon RMA ID")
# Of two rows of one request and SKU any of these says that other units are meant. Money, claims and states do not: a
# row stands there once for each of them. What all of these say alike is told twice, and counts once.
_APART = (
    "Order Item ID", "ASIN", "Merchant RMA ID", "Return request date", "Return Reason", "Return carrier", "Tracking ID",
    "Return delivery date", "Return quantity",
)  # fmt: skip
_SHOWN = (
    "return-date", "order-id", "sku", "quantity", "detailed-disposition", "status", "license-plate-number",
    "Order ID", "Return request date", "Return delivery date", "Merchant SKU", "Return quantity", "Amazon RMA ID",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Kind:
    """A report of returns: how far one reaches, and what its rows mean; a row that says nothing (yet) means None."""

    name: str
    reach: timedelta
    meaning: Callable[[FlatRow], ReturnedUnits | None]


@dataclass(frozen=True, slots=True)
class _Part:
    """One report to ask for."""

    kind: _Kind
    markets: Sequence[str]
    since: datetime
    until: datetime


async def returned(api: Api, mark: Mark) -> AsyncIterator[Page]:
    """What came back; nothing where it was read within the day. See `StoreFeed.read`.

    A report that Amazon could not make holds up no other: it is asked for anew by the next reading, and alone.
    """
    now = api.clock.now()
    if mark.begun is None and mark.since is not None and now - (mark.since + OVERLAP) < EVERY:
        return
    if mark.begun is None or now - mark.begun >= EVERY:  # what is still waited for after a day is asked for up to now
        mark = Mark(mark.since).begin(now)
        mark = replace(mark, left=tuple(map(str, range(len(_parts(api, mark))))))
    failed: dict[str, reports.Failed] = {}
    while mark.left and (number := mark.left[0]) not in failed:
        part = _parts(api, mark)[int(number)]
        if not mark.report:
            asked = await reports.ask(api, part.kind.name, part.markets, part.since, part.until)
            mark = replace(mark, report=asked)
            yield Page("returns", (), str(mark))
        try:
            async for page in _told(api, mark, part.kind):
                yield page
            mark = replace(mark, report="", left=mark.left[1:])
        except reports.Failed as error:
            failed[number] = error
            mark = replace(mark, report="", left=(*mark.left[1:], number))
        yield Page("returns", (), str(mark))
    for refused in failed.values():
        raise refused
    yield Page("returns", (), str(mark.ended()), (), mark.begun)


def _parts(api: Api, mark: Mark) -> list[_Part]:
    """The reports of a reading: those of each stock at Amazon, then those of what the seller sends himself."""
    since, begun = mark.since, mark.begun
    assert begun is not None  # noqa: S101  # a mark that was begun
    first = begun - timedelta(days=api.account.days)
    everywhere = [market.id for market in api.account.markets]
    told = [(_FBA, [market.id]) for market in api.account.stocks] + [(_MERCHANT, everywhere)]
    parts = []
    for kind, markets in told:
        start = first if since is None else min(since - _LATE, begun - kind.reach)
        while start < begun:
            until = min(start + kind.reach, begun)
            parts.append(_Part(kind, markets, start, until))
            start = until
    return parts


async def _told(api: Api, mark: Mark, kind: _Kind) -> AsyncIterator[Page]:
    """What a report tells; nothing where Amazon cancelled it."""
    document = await reports.made(api, mark.report)
    if not document:
        return
    table = await reports.rows(api, document, _COMMENTS)
    facts, faults = await asyncio.to_thread(read, table, kind.meaning, kind.name)
    for start in range(0, len(facts), _AT_ONCE):
        yield Page("returns", tuple(facts[start : start + _AT_ONCE]), str(mark))
    if faults:
        yield Page("returns", (), str(mark), tuple(faults))


def read(
    table: Iterable[FlatRow | Broken], meaning: Callable[[FlatRow], ReturnedUnits | None], report: str
) -> tuple[list[ReturnedUnits], list[Fault]]:
    """The rows of a report. Those without a number of their own that say the same are units beside each other.

    So are distinct ones of one request and SKU (another parcel, line of the order or reason): they are one fact, by the
    request, whatever becomes of a parcel's number later; having one date of request they are told by the same reports.
    """
    found: dict[tuple[str, str, str], ReturnedUnits] = {}
    parcels: dict[tuple[str, str, str], set[tuple[str, ...]]] = {}
    faults: list[Fault] = []
    broken: list[Broken] = []
    for row in table:
        if isinstance(row, Broken):
            broken.append(row)
            continue
        try:
            fact = meaning(row)
        except Unreadable as problem:
            where = "/".join(filter(None, (text(row, name) for name in _NAMES)))
            faults.append(Fault(where or "?", problem.said, excerpt(row, [name for name in _SHOWN if name in row])))
            continue
        if fact is None:
            continue
        name = fact.order, fact.line, fact.id
        parcel, known = tuple(text(row, column) for column in _APART), found.get(name)
        if known is None:
            found[name] = fact
        elif fact.id.startswith(_NAMELESS) or parcel not in parcels[name]:
            found[name] = replace(known, quantity=known.quantity + fact.quantity, at=min(known.at, fact.at))
        parcels.setdefault(name, set()).add(parcel)
    return list(found.values()), [*faults, *crooked(report, broken)]


def at_amazon(row: FlatRow) -> ReturnedUnits | None:
    """A unit that came back to Amazon, by its label; one without, by when and where it came and what became of it."""
    at, label = instant(row, "return-date"), text(row, "license-plate-number")
    stood = ("fulfillment-center-id", "detailed-disposition")
    ident = label or _NAMELESS + "/".join([at.isoformat(), *(text(row, name) for name in stood)])
    return _units(row, ident, at, order="order-id", sku="sku", units="quantity")


def at_the_seller(row: FlatRow) -> ReturnedUnits | None:
    """What a request for a return came to: None until the goods came back. Of their day, noon."""
    told = text(row, "Return delivery date")
    if not told:
        return None
    at = datetime.combine(_day(told), time(12), UTC)
    return _units(row, need(row, "Amazon RMA ID"), at, order="Order ID", sku="Merchant SKU", units="Return quantity")


def _units(row: FlatRow, ident: str, at: datetime, *, order: str, sku: str, units: str) -> ReturnedUnits:
    line, quantity = need(row, sku), whole(row, units)
    if not quantity:
        raise Unreadable(_("{name} is missing", name=units))
    return ReturnedUnits(ident, need(row, order), line, line, quantity, at)


def _day(told: str) -> datetime:
    """A day as the seller's report writes it (29-Sep-2026), or by ISO 8601."""
    try:
        if found := _DAY.match(told):
            return datetime(int(found[3]), _MONTHS.index(found[2].casefold()) + 1, int(found[1]), tzinfo=UTC)
        return datetime.fromisoformat(told).replace(tzinfo=UTC)
    except ValueError:
        raise Unreadable(_("Return delivery date is {told}, no day", told=repr(told[:40]))) from None


_FBA = _Kind(AT_AMAZON, timedelta(days=30), at_amazon)
_MERCHANT = _Kind(AT_THE_SELLER, timedelta(days=60), at_the_seller)
