"""Decisions: approved or rejected by people with authority, as many as the policy asks for.

A decision is one transaction: the person is authorised, the request locked, read and ruled again, the step checked, and
state, vote, cases, calls, outbox edits and audit entry are written together. The person is authorised, never the chat;
what an approval binds is the hash of what was shown.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.chat.command import Asker
from bot.domain import approval
from bot.domain.approval import Objection, Verdict
from bot.domain.explaining import Explanation, rules_of
from bot.domain.restating import supplier_matches, total_matches
from bot.domain.views import CaseState, Page, RequestKind, RequestView
from bot.errors import NotAllowed, Refusal, UnknownReference
from bot.ports import Clock
from bot.services.audit import Audit
from bot.services.authority import missing_proof_words, objection_words, reopened_words, settled_words
from bot.services.deciders import bench, cast, claims, held_bench
from bot.services.guard import DecisionGuard
from bot.services.pages import offset, paged
from bot.services.policies import Policies
from bot.services.requests import Requests
from bot.services.rulings import Rulings
from bot.services.scene import Press, Scene, Scenes, differences, entry, late_entry
from bot.services.stepup import Authenticators, Proof, StepUp, no_authenticator
from bot.storage import authority, locks, offers, votes
from bot.storage import cases as case_rows
from bot.storage import requests as rows
from bot.storage.database import Database
from bot.storage.requests import RequestRow
from bot.storage.votes import VoteRow
from bot.words import Words, _

_CASE_AFTER: Mapping[Verdict, CaseState] = {"approve": "acting", "reject": "open"}
_COMMENT = 500  # characters


class Fulfilment(Protocol):
    """What follows once the last needed approval is in."""

    async def begin(self, connection: AsyncConnection, held: RequestRow) -> None:
        """Plan it, in the deciding transaction, which holds the request and its cases.

        `held` is approved already. It calls nobody outside and does not append to the audit log.
        """
        ...


@dataclass(frozen=True, slots=True)
class Decision:
    """A request as decided.

    `already` where the same person had said the same before (a press that came twice); `votes_missing` is how many
    more people must approve.
    """

    request: RequestView
    already: bool
    votes_missing: int = 0


class Decisions:
    """Takes people's words on requests; `fulfilments` begin what was approved."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        audit: Audit,
        requests: Requests,
        policies: Policies,
        rulings: Rulings,
        authenticators: Authenticators,
        fulfilments: Mapping[RequestKind, Fulfilment],
        guard: DecisionGuard | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._audit = audit
        self._requests = requests
        self._policies = policies
        self._rulings = rulings
        self._authenticators = authenticators
        self._scenes = Scenes(rulings)
        self._fulfilments = fulfilments
        self._guard = guard or DecisionGuard()

    async def decide(
        self,
        request_id: int,
        version: int | None,
        verdict: Verdict,
        asker: Asker,
        platform: str,
        comment: str = "",
        proof: Proof | None = None,
    ) -> Decision:
        """Approve or reject, as the person `asker`; `version` is the one that was shown, where a button knows it.

        Raises UnknownReference; NotAllowed; AlreadyDecided; StaleButton where the request, the policy or a rate changed
        since it was shown, where it lapsed or never was submitted; StepUp where a proof is needed and none was given.
        Every refusal is an entry of the audit log; StepUp is a question and none.
        """
        press = Press(version, verdict, asker, platform, comment[:_COMMENT], proof)
        async with self._guard.hold(self._database, request_id) as (connection, held):
            if held is None:
                raise UnknownReference(_("There is no request {number}.", number=f"R-{request_id}"))
            outcome = await self._outcome(connection, held, press)
        if isinstance(outcome, Refusal):  # raised only now: the refusal's audit entry is to be kept
            raise outcome
        return outcome

    async def waiting(self, member_id: int | None, page: int = 1, size: int = 10) -> Page:
        """Requests that wait for a decision, as RequestViews: the soonest to lapse first, then the largest.

        With a member only those that this person may approve now, be it in somebody's place.
        """
        async with self._database.reading() as connection:
            ids = await votes.pending(connection)
            if member_id is not None:
                ids = await self._open_to(connection, ids, member_id)
            start = offset(page, size)
            shown = ids[start : start + size]
            found = await rows.views(connection, shown)
            return paged([found[request_id] for request_id in shown], page, size, len(ids))

    async def able(self, connection: AsyncConnection, request_ids: Collection[int]) -> dict[int, tuple[int, ...]]:
        """For each pending request the members who may approve it now by their own authority, by name."""
        found = await rows.rows_of(connection, request_ids)
        held = [request for request in found.values() if request.state == "pending"]
        ruled = await self._rulings.rule_rows(connection, held)
        asked = await claims(connection, held, ruled)
        given = await cast(connection, [request.id for request in held])
        policy = (await self._policies.current(connection)).policy
        everybody = await bench(connection, self._clock)
        people = list(everybody.people.values())
        return {request.id: approval.able(people, asked[request.id], policy, given[request.id]) for request in held}

    async def explain(self, request_id: int, member_id: int) -> Explanation:
        """Whether a member may approve a request, and every rule that bears on it; UnknownReference for either."""
        async with self._database.reading() as connection:
            held = await rows.row(connection, request_id)
            if held is None:
                raise UnknownReference(_("There is no request {number}.", number=f"R-{request_id}"))
            everybody = await bench(connection, self._clock)
            if member_id not in everybody.people:
                raise UnknownReference(_("There is no such member."))
            scene = await self._scenes.of(connection, held, everybody, member_id)
            found, rules = rules_of(scene.who, scene.principals, scene.claim, scene.policy, scene.cast, everybody.names)
            people = approval.able(everybody.people.values(), scene.claim, scene.policy, scene.cast)
            asked = {offer.member_id for offer in await offers.of_request(connection, held.id)}
        behind = found.principal_id if found.principal_id != member_id else 0
        return Explanation(
            request=f"R-{held.id}",
            state=held.state,
            member=everybody.names[member_id],
            role=scene.who.role,
            total=held.total,
            needs=scene.ruling.needs,
            given=len(scene.cast),
            may=found.objection is None and held.state == "pending",
            in_place_of=everybody.names.get(behind, ""),
            objection=found.objection,
            rules=rules,
            reasons=[reason.plain() for reason in (*scene.ruling.forbidden, *scene.ruling.reasons)],
            able=tuple(everybody.named(people)),
            offered=tuple(everybody.named(asked & everybody.names.keys())),
            currency=scene.policy.currency,
        )

    async def _open_to(self, connection: AsyncConnection, ids: Sequence[int], member_id: int) -> list[int]:
        """Those of the pending requests that a member may approve now, in their order."""
        here = await bench(connection, self._clock, [member_id])
        who, principals = here.of(member_id)
        roles = {who.role, *(principal.role for principal in principals)}
        found = await rows.rows_of(connection, ids)
        held = [found[each] for each in ids if roles & set(approval.DECIDERS[found[each].kind])]
        ruled = await self._rulings.rule_rows(connection, held)
        asked = await claims(connection, held, ruled)
        given = await cast(connection, [request.id for request in held])
        policy = (await self._policies.current(connection)).policy
        granted = (
            (each.id, approval.authority(who, principals, "approve", asked[each.id], policy, given[each.id]))
            for each in held
        )
        return [request_id for request_id, its in granted if its.objection is None]

    async def _outcome(self, connection: AsyncConnection, held: RequestRow, press: Press) -> Decision | Refusal:
        member_id = press.asker.member_id
        role = await authority.role_of(connection, member_id)
        if held.state != "pending" and role is not None:
            return await self._late(connection, held, press, role)
        here = await held_bench(connection, self._clock, member_id, self._guard)
        scene = await self._scenes.of(connection, held, here, member_id)
        basic = scene.authority("reject").objection  # the role and scope alone
        if basic is not None:
            return await self._refused(connection, scene, press, basic)
        if held.expires_at is not None and held.expires_at <= self._clock.now():  # the job that says so comes later
            await self._requests.lapse(connection, [held])
            again = await rows.row(connection, held.id) or held
            return settled_words(again, await self._requests.view(connection, held.id))
        if press.version is not None and press.version != held.version:
            return await self._stale(connection, scene, press, "version")
        said = scene.said(member_id)
        if said is not None and said.verdict == press.verdict:
            view = await self._requests.view(connection, held.id)
            return Decision(view, already=True, votes_missing=max(0, scene.ruling.needs - len(scene.cast)))
        if press.verdict == "approve":
            stopped = await self._stopped(connection, scene, press)
            if stopped is not None:
                return stopped
        return await self._said(connection, scene, press)

    async def _stopped(self, connection: AsyncConnection, scene: Scene, press: Press) -> Refusal | None:
        """What keeps an approval from being given: other terms than were shown, authority, or a missing proof."""
        shown = scene.held.detail.get("shown")
        if not isinstance(shown, Mapping) or shown.get("digest") != scene.ruling.digest:
            return await self._reopened(connection, scene, press)
        objection = scene.authority("approve").objection
        if objection is not None:
            return await self._refused(connection, scene, press, objection)
        above = scene.policy.step_up_above
        if above is None or (scene.ruling.total is not None and scene.ruling.total <= above):
            return None
        return await self._unproved(connection, scene, press)

    async def _unproved(self, connection: AsyncConnection, scene: Scene, press: Press) -> Refusal | None:
        """What is wrong with the proof; None where it is right, and its code is used up then."""
        held, member_id = scene.held, press.asker.member_id
        if not await self._authenticators.enrolled(connection, member_id):
            return await self._denied(connection, scene, press, "authenticator", no_authenticator())
        view = await self._requests.view(connection, held.id)
        if press.proof is None:
            return StepUp(view)
        if not total_matches(press.proof.total, held.total):
            return await self._denied(connection, scene, press, "total", missing_proof_words(held, of_total=True))
        if view.supplier and not supplier_matches(press.proof.supplier, view.supplier_code, view.supplier):
            words = missing_proof_words(held, of_total=False)
            return await self._denied(connection, scene, press, "supplier", words)
        wrong = await self._authenticators.take(connection, member_id, press.proof.code)
        return None if wrong is None else await self._denied(connection, scene, press, "code", wrong)

    async def _said(self, connection: AsyncConnection, scene: Scene, press: Press) -> Decision | Refusal:
        """Write the word down; with the last one needed the request is decided."""
        held, now = scene.held, self._clock.now()
        missing = scene.ruling.needs - len(scene.cast) - 1 if press.verdict == "approve" else 0
        if missing <= 0 and not await self._guard.settle(connection, held, self._values(scene, press, now)):
            again = await rows.row(connection, held.id) or held
            return settled_words(again, await self._requests.view(connection, held.id))
        await votes.cast(connection, self._vote(scene, press, now))
        if missing > 0:
            ruled = {held.id: (scene.ruling.needs, scene.ruling.facts(), held.expires_at or scene.ruling.expires_at)}
            await rows.ruled(connection, ruled)
            await self._requests.show(connection, [held])
            await self._record(connection, "request.voted", scene, press, {"missing": missing})
        else:
            await self._carry_out(connection, scene, press, now)
        view = await self._requests.view(connection, held.id)
        return Decision(view, already=False, votes_missing=max(0, missing))

    def _values(self, scene: Scene, press: Press, now: datetime) -> dict[str, Any]:
        return {
            "state": approval.after(scene.held.state, press.verdict),
            "needs": scene.ruling.needs,
            "decided_by": press.asker.member_id,
            "decided_at": now,
            "decided_platform": press.platform,
            "comment": press.comment,
        }

    def _vote(self, scene: Scene, press: Press, now: datetime) -> VoteRow:
        held, member_id = scene.held, press.asker.member_id
        principal = scene.authority(press.verdict).principal_id
        return VoteRow(
            held.id, held.version, member_id, principal, press.verdict, press.platform, scene.ruling.digest,
            held.total.minor, press.comment, now,
        )  # fmt: skip

    async def _carry_out(self, connection: AsyncConnection, scene: Scene, press: Press, now: datetime) -> None:
        """Everything a decision entails, in its transaction; the audit entry comes last (see `storage.locks`)."""
        held = scene.held
        its_cases = await rows.case_ids(connection, [held.id])
        await locks.cases(connection, its_cases)
        await case_rows.set_states(connection, its_cases, _CASE_AFTER[press.verdict], now)
        if press.verdict == "reject" and its_cases:
            worst = max([await case_rows.severity(connection, case_id) for case_id in sorted(its_cases)])
            await rows.remember(connection, held, {"severity": worst})
        fulfilment = self._fulfilments.get(held.kind)
        if press.verdict == "approve" and fulfilment is not None:
            await fulfilment.begin(connection, await rows.row(connection, held.id) or held)
        await self._requests.show(connection, [held])
        action = "request.approved" if press.verdict == "approve" else "request.rejected"
        await self._record(connection, action, scene, press, {})

    async def _reopened(self, connection: AsyncConnection, scene: Scene, press: Press) -> Refusal:
        """Let the request wait anew, with what is different: the buttons shown die, and votes given count no more."""
        held, ruling = scene.held, scene.ruling
        changes = differences(held.detail.get("shown"), ruling)
        values = {"needs": ruling.needs, "detail": {**held.detail, **ruling.facts(), "difference": changes}}
        await rows.settle(connection, held.id, held.version, held.state, values)
        await self._requests.show(connection, [held])
        await self._record(connection, "request.reopened", scene, press, {"difference": changes})
        return reopened_words(held)

    async def _stale(self, connection: AsyncConnection, scene: Scene, press: Press, why: str) -> Refusal:
        await self._record(connection, "request.refused", scene, press, {"objection": why})
        return settled_words(scene.held, await self._requests.view(connection, scene.held.id))

    async def _late(self, connection: AsyncConnection, held: RequestRow, press: Press, role: str) -> Decision | Refusal:
        """The answer where nothing is left to decide."""
        member_id = press.asker.member_id
        said = await votes.of_member(connection, held.id, member_id)
        view = await self._requests.view(connection, held.id)
        approved = held.state in {"approved", "executing", "done", "failed"}
        outcome = "reject" if held.state == "rejected" else "approve" if approved else ""
        if said is not None and said.verdict == press.verdict == outcome:
            return Decision(view, already=True)
        data = late_entry(held, role, press, self._clock.now())
        await self._audit.append(connection, "request.refused", f"request:{held.id}", data, member_id, press.platform)
        return settled_words(held, view)

    async def _refused(self, connection: AsyncConnection, scene: Scene, press: Press, found: Objection) -> NotAllowed:
        """Why this person may not decide, and who may."""
        everybody = await bench(connection, self._clock)
        people = approval.able(everybody.people.values(), scene.claim, scene.policy, scene.cast)
        names = everybody.named(people)
        words = objection_words(found, scene.held, scene.who, scene.policy, names, scene.ruling.forbidden)
        return await self._denied(connection, scene, press, found, words)

    async def _denied(
        self, connection: AsyncConnection, scene: Scene, press: Press, why: str, words: Words
    ) -> NotAllowed:
        await self._record(connection, "request.refused", scene, press, {"objection": why})
        return NotAllowed(words)

    async def _record(
        self, connection: AsyncConnection, action: str, scene: Scene, press: Press, more: Mapping[str, Any]
    ) -> None:
        """One entry of the audit log; nothing may be locked after it."""
        held = scene.held
        data = entry(scene, press, self._clock.now())
        member_id = scene.who.member_id or None
        await self._audit.append(connection, action, f"request:{held.id}", {**data, **more}, member_id, press.platform)
