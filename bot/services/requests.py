"""Requests: drafted, submitted, changed, withdrawn or lapsed. Who may decide them is `bot.services.decisions`.

Whatever changes a request bumps its version, so that every button shown before is dead, and brings every copy of its
card and of its cases' cards up to date in the same transaction.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.chat.cards import case_card, request_card
from bot.domain import approval
from bot.domain.views import Page, RequestKind, RequestState, RequestView
from bot.errors import UnknownReference
from bot.ports import Clock
from bot.services.audit import Audit, Deed
from bot.services.outbox import Outbox
from bot.services.pages import offset, paged
from bot.storage import cases as case_rows
from bot.storage import locks, requestviews
from bot.storage import requests as rows
from bot.storage.database import Database
from bot.storage.requests import Draft, DraftLine, LineRow, RequestRow
from bot.words import _

if TYPE_CHECKING:
    from datetime import datetime

    from bot.services.rulings import Rulings

_ADDED = frozenset({"filled", "brought"})  # of a line's detail: units that nothing asks for yet
LISTS: Mapping[str, tuple[tuple[RequestState, ...], tuple[RequestKind, ...]]] = {
    "drafts": (("draft",), ("purchase_order", "transfer", "promotion")),
    "orders": (("approved", "executing"), ("purchase_order", "transfer")),
    "all": (
        ("draft", "pending", "approved", "executing", "done", "rejected", "expired", "cancelled", "failed"),
        ("purchase_order", "transfer", "promotion"),
    ),
}


@dataclasses.dataclass(frozen=True, slots=True)
class Change:
    """One thing that became different on a request: a SKU, supplier, date or mode, in text."""

    what: str
    before: str
    after: str


class Requests:
    """Drafts, submits, changes and expires requests; `rulings` say how many people must approve them."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        audit: Audit,
        outbox: Outbox,
        rulings: Rulings,
    ) -> None:
        self._database = database
        self._clock = clock
        self._audit = audit
        self._outbox = outbox
        self._rulings = rulings

    async def get(self, request_id: int) -> RequestView:
        """One request; UnknownReference where there is none of that number."""
        async with self._database.reading() as connection:
            return await self.view(connection, request_id)

    async def view(self, connection: AsyncConnection, request_id: int) -> RequestView:
        """One request as the transaction sees it; UnknownReference where there is none of that number."""
        found = await rows.views(connection, [request_id])
        if request_id not in found:
            raise UnknownReference(_("There is no request {number}.", number=f"R-{request_id}"))
        return found[request_id]

    async def held(self, connection: AsyncConnection, request_id: int) -> RequestRow:
        """One request, locked and then read; UnknownReference where there is none of that number."""
        await locks.request(connection, request_id)
        found = await rows.row(connection, request_id)
        if found is None:
            raise UnknownReference(_("There is no request {number}.", number=f"R-{request_id}"))
        return found

    async def listed(self, which: str, page: int = 1, size: int = 10) -> Page:
        """One of `LISTS` as RequestViews, the newest first."""
        states, kinds = LISTS[which]
        async with self._database.reading() as connection:
            total, ids = await requestviews.page_of(connection, states, kinds, offset(page, size), size)
            found = await rows.views(connection, ids)
            return paged([found[request_id] for request_id in ids], page, size, total)

    async def draft(self, connection: AsyncConnection, drafts: Sequence[Draft]) -> tuple[int, ...]:
        """Write drafts down; their ids in the same order. Their cases name them from now on."""
        return await rows.add(connection, drafts, self._clock.now())

    async def submit(self, connection: AsyncConnection, ids: Collection[int]) -> None:
        """Ask for approval of drafts that the caller has just written or holds."""
        values = {"state": approval.after("draft", "submit"), "submitted_at": self._clock.now()}
        await rows.settle_all(connection, ids, "draft", values)
        await self.rule(connection, ids)

    async def rule(self, connection: AsyncConnection, ids: Collection[int]) -> None:
        """Say anew how many people must approve pending requests that the caller holds, why, and until when."""
        if not ids:
            return
        ruled = await self._rulings.rule(connection, ids)
        await rows.ruled(
            connection,
            {request_id: (one.needs, one.facts(), one.expires_at) for request_id, one in ruled.items()},
        )

    async def change(
        self,
        connection: AsyncConnection,
        held: RequestRow,
        lines: Sequence[DraftLine],
        changes: Iterable[Change],
        values: Mapping[str, Any],
    ) -> bool:
        """Let a draft or pending request have these lines, at least one, and these column `values`.

        `detail` in the values is merged into what stands. Buttons shown before die, votes given before count no more,
        and a pending request is ruled anew. False where somebody changed it first. The caller holds the request and
        its cases, and afterwards calls `show` and appends to the audit log.
        """
        written = {
            "total_minor": sum(line.quantity * line.unit_cost_minor for line in lines),
            "urgent": any(not (line.detail or {}).get("in_time", True) for line in lines),
            **values,
            "detail": {
                **held.detail,
                **values.get("detail", {}),
                "difference": [dataclasses.asdict(change) for change in changes],
            },
        }
        if not await rows.settle(connection, held.id, held.version, held.state, written):
            return False
        await rows.rewrite(connection, held.id, lines)
        if held.state == "pending":
            await self.rule(connection, [held.id])
        return True

    async def expire(self, now: datetime) -> int:
        """Let every pending request lapse whose time has passed; how many. Their cases stay open."""
        async with self._database.transaction() as connection:
            await locks.requests_in(connection, ("pending",))
            due = await rows.due(connection, now)
            if due:
                await self.lapse(connection, due)
        return len(due)

    async def lapse(self, connection: AsyncConnection, due: Sequence[RequestRow]) -> None:
        """Let requests lapse that the caller holds, at least one; their cards change with those of their cases."""
        ids = [request.id for request in due]
        await locks.cases(connection, await rows.case_ids(connection, ids))
        await rows.settle_all(connection, ids, "pending", {"state": approval.after("pending", "expire")})
        await self.show(connection, due)
        deeds = [Deed("request.expired", f"request:{request_id}", {}) for request_id in ids]
        await self._audit.append_all(connection, deeds)

    async def withdraw(self, connection: AsyncConnection, case_ids: Collection[int]) -> list[Deed]:
        """Take the lines of cases that are over out of open requests, in the caller's transaction, which holds both.

        A request without a line left is cancelled, the others change. For the caller to record, as the last thing: what
        befell requests that waited for a decision; nobody was asked about drafts yet.
        """
        deeds: list[Deed] = []
        over = set(case_ids)
        found = await rows.open_of_cases(connection, over)
        lines = await rows.lines(connection, [request.id for request in found])
        names = await rows.skus(connection, [line.product_id for its in lines.values() for line in its])
        for request in found:
            kept = [line for line in lines[request.id] if line.case_id not in over]
            if request.state == "pending":
                gone_with = sorted(over & {line.case_id for line in lines[request.id] if line.case_id is not None})
                data = {"cases": gone_with, "lines_left": len(kept)}
                deeds.append(Deed("request.withdrawn", f"request:{request.id}", data))
            if all(
                line.case_id is None and line.detail.keys() & _ADDED for line in kept
            ):  # nothing but what filled it up
                await rows.settle_all(
                    connection, [request.id], request.state, {"state": approval.after(request.state, "cancel")}
                )
                continue
            gone = [line for line in lines[request.id] if line.case_id in over]
            changes = [Change(names[line.product_id], str(line.quantity), "0") for line in gone]
            await self.change(connection, request, [as_draft(line) for line in kept], changes, {})
        await self.show(connection, found)
        return deeds

    async def replace(self, connection: AsyncConnection, ids: Collection[int]) -> None:
        """Cancel drafts that gather, for others that are written in their place; not those that people touched since.

        For nobody to be told of but where they are shown: nobody was asked about them yet.
        """
        await locks.requests(connection, ids)
        held = (await rows.rows_of(connection, ids)).values()
        found = [one for one in held if one.state == "draft" and not (one.requested_by or one.edited_by)]
        await locks.cases(connection, await rows.case_ids(connection, [request.id for request in found]))
        values = {"state": approval.after("draft", "cancel")}
        await rows.settle_all(connection, [request.id for request in found], "draft", values)
        await self.show(connection, found)

    async def show(self, connection: AsyncConnection, requests: Collection[RequestRow]) -> None:
        """Bring every message that shows the requests or their cases up to date."""
        ids = [request.id for request in requests]
        await self.refresh(connection, ids, await rows.case_ids(connection, ids))

    async def refresh(self, connection: AsyncConnection, ids: Collection[int], case_ids: Collection[int]) -> None:
        """Bring every message that shows one of the requests or cases up to date."""
        subjects = [*(f"request:{number}" for number in ids), *(f"case:{number}" for number in case_ids)]
        shown = await case_rows.shown(connection, subjects)
        if not shown:
            return
        cases = await case_rows.views(connection, [number for number in case_ids if f"case:{number}" in shown])
        wanted = {number for number in ids if f"request:{number}" in shown}
        wanted |= {case.request_id for case in cases.values() if case.request_id is not None}
        views = await rows.views(connection, wanted)
        for number in sorted(wanted):
            if f"request:{number}" in shown:
                await self._outbox.refresh(connection, f"request:{number}", request_card(views[number]))
        for case_id, case in sorted(cases.items()):
            request = None if case.request_id is None else views[case.request_id]
            await self._outbox.refresh(connection, f"case:{case_id}", case_card(case, request))


def as_draft(line: LineRow) -> DraftLine:
    """A line as it stands, to be written again."""
    return DraftLine(line.product_id, line.quantity, line.unit_cost_minor, line.case_id, line.detail)
