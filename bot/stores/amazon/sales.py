"""A reading of orders: by the Orders API where few changed, by reports where many did."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice

from bot.errors import Declined, Unreached
from bot.ports import Fact, Fault, OrderFact, Page
from bot.stores.amazon import orders, reports
from bot.stores.amazon.api import Answer, Api, Throttled, next_token
from bot.stores.amazon.cursor import Mark
from bot.stores.amazon.reading import Row, Unreadable, rows, stamp, text
from bot.stores.amazon.reports import Broken, FlatRow
from bot.words import _

_SETTLED = timedelta(minutes=3)  # Amazon answers for no time that is less than two minutes ago
_SHORT = timedelta(days=1)  # what changed in a longer time is asked for as a report
_LONGEST_REPORT = timedelta(days=30)
_MOST_PAGES = 5  # of the Orders API for one reading: it may be called once in three minutes
_AT_ONCE = 500  # orders of a report on one page


async def sold(api: Api, mark: Mark) -> AsyncIterator[Page]:
    """A whole reading of orders; see `StoreFeed.read`."""
    mark = mark.begin(api.clock.now() - _SETTLED)
    begun = mark.begun
    assert begun is not None  # noqa: S101  # a mark that was begun
    short = mark.since is not None and begun - mark.since <= _SHORT
    if short and not mark.part and not mark.report:
        ended = False
        async for page in _searched(api, mark):
            ended = page.until is not None
            yield page
        if ended:
            return
    async for page in _reported(api, replace(mark, token="")):
        yield page


async def _searched(api: Api, mark: Mark) -> AsyncIterator[Page]:
    """By the Orders API. It ends early where there is more than it is fit for."""
    for _turn in range(_MOST_PAGES):
        try:
            answer = await _search(api, mark)
        except Throttled:
            return
        except Declined as refused:
            if not mark.token or refused.status != 400:
                raise
            yield Page("orders", (), str(replace(mark, token="")))  # the token of a page lives for a day
            raise Unreached(refused.said) from refused
        facts, faults = _told(rows(answer.told, "orders"), api)
        mark = replace(mark, token=next_token(answer))
        if not mark.token:
            yield Page("orders", facts, str(mark.ended()), faults, mark.begun)
            return
        yield Page("orders", facts, str(mark), faults)


async def _search(api: Api, mark: Mark) -> Answer:
    query = _window(api, mark.since, mark.begun)
    if mark.token:
        query["paginationToken"] = mark.token
    return await api.read("searchOrders", includedData=orders.INCLUDED, maxResultsPerPage="100", **query)


def _window(api: Api, since: datetime | None, until: datetime | None) -> dict[str, str]:
    assert since is not None and until is not None  # noqa: S101, PT018  # a window has two ends
    ids = ",".join(market.id for market in api.account.markets)
    return {"marketplaceIds": ids, "lastUpdatedAfter": stamp(since), "lastUpdatedBefore": stamp(until)}


def _told(found: Iterable[Row], api: Api) -> tuple[tuple[Fact, ...], tuple[Fault, ...]]:
    facts: list[Fact] = []
    faults: list[Fault] = []
    for order in found:
        try:
            fact = orders.searched(order, api.account)
        except Unreadable as problem:
            faults.append(Fault(text(order, "orderId") or "?", problem.said, orders.searched_record(order)))
            continue
        facts += [fact] if fact else []
    return tuple(facts), tuple(faults)


async def _reported(api: Api, mark: Mark) -> AsyncIterator[Page]:
    """By reports of thirty days each. A page without facts remembers a report that was asked for."""
    begun = mark.begun
    assert begun is not None  # noqa: S101  # a mark that was begun
    start = mark.since or begun - timedelta(days=api.account.days)
    ids = [market.id for market in api.account.markets]
    while (since := start + mark.part * _LONGEST_REPORT) < begun:
        until = min(since + _LONGEST_REPORT, begun)
        if not mark.report:
            mark = replace(mark, report=await reports.ask(api, orders.REPORT, ids, since, until))
            yield Page("orders", (), str(mark))
        try:
            document = await reports.made(api, mark.report)
            if not document:
                await _nothing(api, since, until)
            async for page in _document(api, mark, document):
                yield page
        except reports.Failed:
            yield Page("orders", (), str(replace(mark, report="", done=0)))
            raise
        mark = mark.next_part()
        yield Page("orders", (), str(mark))
    yield Page("orders", (), str(mark.ended()), (), begun)


async def _nothing(api: Api, since: datetime, until: datetime) -> None:
    """See that there is nothing to tell where a report was cancelled; Amazon does so for reasons of its own as well."""
    answer = await api.read("searchOrders", maxResultsPerPage="1", **_window(api, since, until))
    if rows(answer.told, "orders"):
        raise reports.Failed(_("Amazon cancelled a report of orders though there are some"))


async def _document(api: Api, mark: Mark, document: str) -> AsyncIterator[Page]:
    """The orders of a report, from the one on that the mark names."""
    if not document:
        return
    # Beside the loop: a month may hold some hundred thousand rows.
    found, broken = await asyncio.to_thread(_grouped, await reports.rows(api, document))
    faults = [
        # by the order, which the heading begins with: it is well once a report tells it
        Fault(
            row.first or f"{mark.report}:{row.number}", _("a row of the report has {fields} fields", fields=row.fields)
        )
        for row in broken
    ]
    told = islice(found.items(), mark.done, None)
    while some := list(islice(told, _AT_ONCE)):
        facts: list[OrderFact] = []
        for number, lines in some:
            try:
                fact = orders.reported(lines, api.account)
            except Unreadable as problem:
                faults.append(Fault(number or "?", problem.said, orders.reported_record(lines)))
                continue
            facts += [fact] if fact else []
        mark = replace(mark, done=mark.done + len(some))
        yield Page("orders", tuple(facts), str(mark), tuple(faults))
        faults = []
    if faults:
        yield Page("orders", (), str(mark), tuple(faults))


def _grouped(table: Iterable[FlatRow | Broken]) -> tuple[dict[str, list[FlatRow]], list[Broken]]:
    """Rows by their order, for those of one need not stand together; and the broken ones."""
    found: dict[str, list[FlatRow]] = {}
    broken: list[Broken] = []
    for row in table:
        if isinstance(row, Broken):
            broken.append(row)
        else:
            found.setdefault(row.get("amazon-order-id", ""), []).append(orders.kept(row))
    return found, broken
