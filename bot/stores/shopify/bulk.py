"""The first reading of a large shop: Shopify writes all records of a list into a file, and we read that.

An operation is begun once and found again by its id, which stands in the cursor: a reading that broke off waits for the
same one, and goes on in its file behind the records that were taken. Wherever it cannot be had (too many run at once,
Shopify stops it, the file is too large or broken) the ordinary reading begins instead, from the beginning: what Shopify
wrote of a file before it failed may lack lines of records, so that it is not used.
"""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import structlog

from bot.errors import Declined, Unanswered, Unreached
from bot.ports import Fact, FactKind, Fault, Page
from bot.stores.saying import says
from bot.stores.shopify.bulkfile import Records
from bot.stores.shopify.client import Shop, Throttled
from bot.stores.shopify.queries import BULK
from bot.stores.shopify.reading import Mark, instant
from bot.words import _

_log = structlog.get_logger(__name__)

LARGE: Final = 2_000  # records; fewer are read page by page in less time than an operation takes
_AT_ONCE = 250  # records of a page
_MOST = 8_000_000_000  # bytes of a file, decompressed
_WAITS = (1.0, 30.0)  # seconds between two looks at an operation: the first, and the longest
_PATIENCE = 3_600.0  # seconds of one reading; the next one goes on
_UNDER_WAY = ("CREATED", "RUNNING", "CANCELING")

Take = Callable[[Sequence[dict[str, Any]], datetime], Awaitable[tuple[tuple[Fact, ...], tuple[Fault, ...]]]]


@dataclass(frozen=True, slots=True)
class _State:
    """How an operation stands; `url` is empty where it found nothing."""

    status: str
    error: str
    began: datetime
    records: int
    size: int
    url: str


class Bulk:
    """Reads lists of a shop by bulk operations; of `least` records or more (None: never)."""

    def __init__(self, shop: Shop, least: int | None) -> None:
        self._shop = shop
        self._least = least

    async def read(self, kind: FactKind, mark: Mark, text: str, take: Take) -> AsyncIterator[Page]:
        """All records of a kind by the bulk query `text`; nothing where it is not worth it, or cannot be had.

        The last page's cursor is one of ordinary readings: of what changed since, or from the beginning where the
        operation came to nothing. Pages without facts keep the operation's id while it is waited for.
        """
        if not mark.bulk:
            begun = await self._begin(kind, BULK[text])
            if begun is None:
                return
            mark = begun
        yield Page(kind, (), mark.text(), waits=True)
        state = await self._state(mark.bulk)
        waited, pause = 0.0, _WAITS[0]
        while state is not None and state.status in _UNDER_WAY:
            if waited > _PATIENCE:
                raise Unreached(
                    _(
                        "Shopify still works at the bulk operation {bulk}; the next reading goes on with it",
                        bulk=mark.bulk,
                    )
                )
            await self._shop.pause(pause)
            waited, pause = waited + pause, min(pause * 2, _WAITS[1])
            yield Page(kind, (), mark.text(), waits=True)
            state = await self._state(mark.bulk)
        try:
            async for page in self._records(kind, mark, _completed(state), take):
                yield page
        except (Declined, OSError, sqlite3.Error) as problem:  # the disk may be full
            wrong = problem.detail if isinstance(problem, Declined) else f"its file cannot be kept here: {problem}"
            _log.warning("a bulk operation came to nothing; reading page by page", kind=kind, error=wrong)
            yield Page(kind, (), _ANEW)

    async def _begin(self, kind: FactKind, query: str) -> Mark | None:
        """The mark of an operation that was begun; None where none is."""
        if self._least is None:
            return None
        try:
            if self._least and await self._size(kind) < self._least:
                return None
            told = await self._told(query)
        except (Declined, Unanswered, Throttled) as error:  # where nobody knows, it ends unread after a week
            _log.warning("no bulk operation; reading page by page", kind=kind, error=error.detail)
            return None
        if told["userErrors"] or not told["bulkOperation"]:
            wrong = "; ".join(f"{each['code'] or ''} {each['message']}".strip() for each in told["userErrors"])
            _log.warning("no bulk operation; reading page by page", kind=kind, error=wrong)
            return None
        begun = told["bulkOperation"]
        return Mark(bulk=begun["id"], until=instant(begun["createdAt"]).isoformat())

    async def _told(self, query: str) -> Any:  # noqa: ANN401  # a payload by the schema
        """Begin an operation; one that was throttled was not begun, and is asked for once more."""
        try:
            return (await self._shop.tell("BulkStart", query=query))["bulkOperationRunQuery"]
        except Throttled as error:
            await self._shop.pause(error.retry_after or 1.0)
            return (await self._shop.tell("BulkStart", query=query))["bulkOperationRunQuery"]

    async def _size(self, kind: FactKind) -> int:
        operation, field = (
            ("OrdersCount", "ordersCount") if kind == "orders" else ("VariantsCount", "productVariantsCount")
        )
        told = (await self._shop.ask(operation)).whole()[field]
        return int(told["count"]) if told else 0

    async def _state(self, named: str) -> _State | None:
        """None where Shopify does not know the operation any more."""
        told = (await self._shop.ask("BulkState", id=named)).whole()["bulkOperation"]
        if told is None:
            return None
        records, size = int(told["rootObjectCount"] or 0), int(told["fileSize"] or 0)
        at = instant(told["createdAt"])
        return _State(told["status"], told["errorCode"] or "", at, records, size, told["url"] or "")

    async def _records(self, kind: FactKind, mark: Mark, state: _State, take: Take) -> AsyncIterator[Page]:
        if state.size > _MOST:
            raise Declined(_("its file of {size} bytes is too large", size=state.size))
        with tempfile.TemporaryDirectory(prefix="stocktide-bulk-") as folder:
            records = Records(Path(folder) / "records.sqlite")
            try:
                if state.url:
                    await self._load(records, folder, state.url)
                if records.count < state.records:
                    raise Declined(
                        _("its file holds {count} of {records} records", count=records.count, records=state.records)
                    )
                yield Page(kind, (), mark.text())  # nothing is waited for any more
                while mark.seen < records.count:
                    some = records.between(mark.seen, mark.seen + _AT_ONCE)
                    facts, faults = await take(some, state.began)
                    mark = replace(mark, seen=mark.seen + len(some))
                    yield Page(kind, facts, (mark if mark.seen < records.count else mark.ended()).text(), faults)
                if not records.count:
                    yield Page(kind, (), mark.ended().text())
            finally:
                records.close()

    async def _load(self, records: Records, folder: str, url: str) -> None:
        with tempfile.TemporaryFile(dir=folder) as file:
            await self._shop.download(url, file, _MOST)
            file.seek(0)
            await asyncio.to_thread(records.load, file)


_ANEW: Final = Mark().text()


def _completed(state: _State | None) -> _State:
    """The state of an operation that is done and came to something; Declined, saying why, otherwise."""
    if state is None:
        raise Declined(_("Shopify does not know the operation any more"))
    if state.status == "COMPLETED":
        return state
    if state.error == "ACCESS_DENIED":
        raise Declined(
            _("the app lacks a scope for a part of it; `stocktide stores test` names it"), code="ACCESS_DENIED"
        )
    raise Declined(says(f"{state.status} {state.error}".strip()))
