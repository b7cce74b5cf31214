"""Requests for approval: drafted, submitted, decided by a person with authority, or lapsed.

A decision is one transaction: the person is authorised, the request locked and read again, the step checked, and state,
case, effect, outbox edits and audit entry are written together. The person is authorised, never the chat.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.chat.cards import case_card, request_card
from bot.chat.command import Asker
from bot.domain import approval
from bot.domain.approval import Claim, Decider, Verdict
from bot.domain.views import CaseState, Page, RequestKind, RequestView
from bot.errors import NotAllowed, Refusal, UnknownReference
from bot.ports import Clock
from bot.services.audit import Audit, Deed
from bot.services.authority import objection_words, settled_words
from bot.services.guard import DecisionGuard
from bot.services.outbox import Outbox
from bot.services.pages import offset, paged
from bot.services.settings import ServiceSettings
from bot.storage import authority, locks
from bot.storage import cases as case_rows
from bot.storage import requests as rows
from bot.storage.database import Database
from bot.storage.requests import Draft, RequestRow
from bot.words import _

_CASE_AFTER: dict[Verdict, CaseState] = {"approve": "acting", "reject": "open"}
_COMMENT = 500


@dataclass(frozen=True, slots=True)
class Decision:
    """A request as decided; `already` where the same person had said the same before (a press that came twice)."""

    request: RequestView
    already: bool


class Requests:
    """Drafts, submits, decides and expires requests."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        audit: Audit,
        outbox: Outbox,
        settings: ServiceSettings,
        guard: DecisionGuard | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._audit = audit
        self._outbox = outbox
        self._settings = settings
        self._guard = guard or DecisionGuard()

    async def get(self, request_id: int) -> RequestView:
        """One request; UnknownReference where there is none of that number."""
        async with self._database.reading() as connection:
            return await self._view(connection, request_id)

    async def waiting(self, member_id: int | None, page: int = 1, size: int = 10) -> Page:
        """Requests that wait for a decision; with a member only those that this person may approve."""
        async with self._database.reading() as connection:
            kinds: tuple[RequestKind, ...] = tuple(approval.DECIDERS)
            most, own = None, None
            if member_id is not None:
                role = await authority.role_of(connection, member_id) or ""
                kinds = tuple(kind for kind, roles in approval.DECIDERS.items() if role in roles)
                limits = await authority.limits(connection)
                most = {code: minor for (whose, code), minor in limits.items() if whose == role}
                own = member_id
            total, ids = await rows.pending_page(connection, kinds, most, own, offset(page, size), size)
            found = await rows.views(connection, ids)
            return paged([found[request_id] for request_id in ids], page, size, total)

    async def draft(self, connection: AsyncConnection, drafts: Sequence[Draft]) -> tuple[int, ...]:
        """Write drafts down; their ids in the same order. A case has one open request at most."""
        return await rows.add(connection, drafts, self._clock.now())

    async def submit(self, connection: AsyncConnection, ids: Collection[int]) -> None:
        """Ask for approval of drafts that the caller has just written or holds."""
        lapse = approval.expires_at(self._clock.now(), self._settings.request_hours)
        values = {"state": approval.after("draft", "submit"), "expires_at": lapse}
        await rows.settle_all(connection, ids, "draft", values)

    async def decide(
        self,
        request_id: int,
        version: int | None,
        verdict: Verdict,
        asker: Asker,
        platform: str,
        comment: str = "",
    ) -> Decision:
        """Approve or reject, as the person `asker`; `version` is the one that was shown, where a button knows it.

        Raises UnknownReference, NotAllowed (recorded in the audit log), AlreadyDecided, or StaleButton where the
        request changed since it was shown, lapsed, or never was submitted.
        """
        async with self._guard.hold(self._database, request_id) as (connection, held):
            if held is None:
                raise UnknownReference(_("There is no request {number}.", number=f"R-{request_id}"))
            outcome = await self._outcome(connection, held, version, verdict, asker, platform, comment[:_COMMENT])
        if isinstance(outcome, Refusal):  # raised only now: the refusal's audit entry is to be kept
            raise outcome
        return outcome

    async def expire(self, now: datetime) -> int:
        """Let every pending request lapse whose time has passed; how many. Their cases stay open."""
        async with self._database.transaction() as connection:
            await locks.requests_in(connection, ("pending",))
            due = await rows.due(connection, now)
            if due:
                await self._lapse(connection, due)
        return len(due)

    async def cancel_of_cases(self, connection: AsyncConnection, case_ids: Collection[int]) -> int:
        """Cancel the open requests of cases that are over, in the caller's transaction, which holds them."""
        found = await rows.open_of_cases(connection, case_ids)
        for state in approval.OPEN_STATES:
            ids = [request.id for request in found if request.state == state]
            await rows.settle_all(connection, ids, state, {"state": approval.after(state, "cancel")})
        await self.show(connection, found)
        return len(found)

    async def show(self, connection: AsyncConnection, requests: Collection[RequestRow]) -> None:
        """Bring every message that shows the requests or their cases up to date."""
        subjects = {f"request:{request.id}" for request in requests}
        subjects |= {f"case:{request.case_id}" for request in requests if request.case_id is not None}
        shown = await case_rows.shown(connection, subjects)
        touched = [r for r in requests if f"request:{r.id}" in shown or f"case:{r.case_id}" in shown]
        views = await rows.views(connection, [request.id for request in touched])
        cases = await case_rows.views(connection, [r.case_id for r in touched if r.case_id is not None])
        for request in touched:
            view = views[request.id]
            await self._outbox.refresh(connection, f"request:{request.id}", request_card(view))
            if request.case_id is not None:
                card = case_card(cases[request.case_id], view)
                await self._outbox.refresh(connection, f"case:{request.case_id}", card)

    async def _lapse(self, connection: AsyncConnection, due: Sequence[RequestRow]) -> None:
        """Let requests lapse that the caller holds, at least one; their cards change with those of their cases."""
        ids = [request.id for request in due]
        await locks.cases(connection, {request.case_id for request in due if request.case_id is not None})
        await rows.settle_all(connection, ids, "pending", {"state": approval.after("pending", "expire")})
        await self.show(connection, due)
        deeds = [Deed("request.expired", f"request:{request_id}", {}) for request_id in ids]
        await self._audit.append_all(connection, deeds)

    async def _outcome(
        self,
        connection: AsyncConnection,
        held: RequestRow,
        version: int | None,
        verdict: Verdict,
        asker: Asker,
        platform: str,
        comment: str,
    ) -> Decision | Refusal:
        refusal = await self._refused(connection, held, verdict, asker, platform)
        if refusal is not None:
            return refusal
        if held.state != "pending":
            return await self._settled(connection, held, verdict, asker)
        if held.expires_at is not None and held.expires_at <= self._clock.now():  # the job that says so comes later
            await self._lapse(connection, [held])
            again = await rows.row(connection, held.id) or held
            return settled_words(again, await self._view(connection, held.id))
        if version is not None and version != held.version:
            return settled_words(held, await self._view(connection, held.id))
        if not await self._guard.settle(connection, held, self._values(held, verdict, asker, platform, comment)):
            again = await rows.row(connection, held.id) or held
            return await self._settled(connection, again, verdict, asker)
        await self._carry_out(connection, held, verdict, asker, platform, comment)
        return Decision(await self._view(connection, held.id), already=False)

    def _values(self, held: RequestRow, verdict: Verdict, asker: Asker, platform: str, comment: str) -> dict[str, Any]:
        return {
            "state": approval.after(held.state, verdict),
            "decided_by": asker.member_id,
            "decided_at": self._clock.now(),
            "decided_platform": platform,
            "comment": comment,
        }

    async def _carry_out(
        self,
        connection: AsyncConnection,
        held: RequestRow,
        verdict: Verdict,
        asker: Asker,
        platform: str,
        comment: str,
    ) -> None:
        """Everything a decision entails, in its transaction; the audit entry comes last (see `storage.locks`)."""
        now = self._clock.now()
        if held.case_id is not None:
            await case_rows.set_states(connection, [held.case_id], _CASE_AFTER[verdict], now)
        if verdict == "approve":
            prefix = "purchase" if held.kind == "purchase_order" else held.kind
            await rows.add_effect(connection, held, f"{prefix}:{held.id}", now)
        elif held.case_id is not None:
            severity = await case_rows.severity(connection, held.case_id)
            await rows.remember(connection, held, {"severity": severity})
        await self.show(connection, [held])
        view = await self._view(connection, held.id)
        data = {
            "kind": held.kind,
            "total_minor": held.total.minor,
            "currency": held.total.currency,
            "shown_version": held.version,
            "lines": [
                {"sku": line.sku, "quantity": line.quantity, "unit_cost_minor": line.unit_cost.minor}
                for line in view.lines
            ],
            "role": asker.role,
            "comment": comment,
            "local_time": now.astimezone(asker.zone).isoformat(timespec="seconds"),
        }
        action = "request.approved" if verdict == "approve" else "request.rejected"
        await self._audit.append(connection, action, f"request:{held.id}", data, asker.member_id, platform)

    async def _refused(
        self, connection: AsyncConnection, held: RequestRow, verdict: Verdict, asker: Asker, platform: str
    ) -> NotAllowed | None:
        """Why this person may not decide, written to the audit log; None where they may."""
        role = await authority.role_of(connection, asker.member_id)
        who = Decider(asker.member_id if role is not None else 0, role or "")
        claim = Claim(held.kind, held.total, held.requested_by)
        limits = await authority.limits(connection)
        found = approval.objection(who, verdict, claim, limits)
        if found is None:
            return None
        people = {
            member: (Decider(member, its_role), name) for member, its_role, name in await authority.people(connection)
        }
        able = approval.able((decider for decider, _name in people.values()), claim, limits)
        data = {
            "verdict": verdict,
            "objection": found,
            "role": who.role,
            "name": asker.name,
            "total_minor": held.total.minor,
            "currency": held.total.currency,
        }
        member_id = who.member_id or None
        await self._audit.append(connection, "request.refused", f"request:{held.id}", data, member_id, platform)
        limit = limits.get((who.role, held.total.currency))
        return NotAllowed(objection_words(found, held, who.role, limit, [people[member][1] for member in able]))

    async def _settled(
        self, connection: AsyncConnection, held: RequestRow, verdict: Verdict, asker: Asker
    ) -> Decision | Refusal:
        """The answer where nothing is left to decide."""
        view = await self._view(connection, held.id)
        said: Verdict | None = None
        if held.decided_by is not None:
            said = "reject" if held.state == "rejected" else "approve"
        if said == verdict and held.decided_by == asker.member_id:
            return Decision(view, already=True)
        return settled_words(held, view)

    async def _view(self, connection: AsyncConnection, request_id: int) -> RequestView:
        found = await rows.views(connection, [request_id])
        if request_id not in found:
            raise UnknownReference(_("There is no request {number}.", number=f"R-{request_id}"))
        return found[request_id]
