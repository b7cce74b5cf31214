"""Asking people what became of a call of which nobody can tell whether it happened.

Such a call is `halted`. Whoever could have approved its request, or an administrator, says that it happened, that it
did not and is to be sent (under the same key), or that it did not and is to be left. The first word counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.chat.cards import labels
from bot.chat.cards.effects import answer_line, effect_code
from bot.chat.command import Asker
from bot.chat.nodes import Code
from bot.domain.approval import DECIDERS, Claim, Decider, in_scope
from bot.domain.effects import Answer, Answered, EffectView
from bot.domain.views import Page
from bot.errors import AlreadyDecided, NotAllowed, Refusal, StaleButton, UnknownReference
from bot.ports import Clock
from bot.services.audit import Audit
from bot.services.effects import BELL
from bot.services.pages import offset, paged
from bot.services.settlements import Settlements, facts
from bot.services.wakes import Wakes
from bot.storage import authority, requests
from bot.storage import effects as rows
from bot.storage.database import Database
from bot.storage.effects import EffectRow
from bot.storage.requests import RequestRow
from bot.words import _, told

_NOTE = 500


@dataclass(frozen=True, slots=True)
class Told:
    """A call as it stands after a person's word; `already` where the same person had said the same before."""

    effect: EffectView
    already: bool


class Inquiries:
    """Lists calls in doubt and takes people's word on them."""

    def __init__(
        self, *, database: Database, clock: Clock, audit: Audit, wakes: Wakes, settlements: Settlements
    ) -> None:
        self._database = database
        self._clock = clock
        self._audit = audit
        self._wakes = wakes
        self.settlements = settlements

    async def get(self, effect_id: int) -> EffectView:
        """One call; UnknownReference where there is none of that number."""
        async with self._database.reading() as connection:
            return await self._view(connection, effect_id)

    async def troubled(self, page: int = 1, size: int = 10) -> Page:
        """The calls that wait for a person's word, then those that keep failing."""
        async with self._database.reading() as connection:
            total, ids = await rows.troubled(connection, offset(page, size), size)
            found = await rows.views(connection, ids)
            return paged([found[effect_id] for effect_id in ids], page, size, total)

    async def answer(
        self, effect_id: int, attempt: int | None, verdict: Answer, asker: Asker, platform: str, note: str = ""
    ) -> Told:
        """Take a person's word; `attempt` is the one that was shown, where a button knows it.

        Raises UnknownReference, NotAllowed (recorded in the audit log), AlreadyDecided, or StaleButton where it is not
        in doubt.
        """
        async with self._database.transaction() as connection:
            held = await rows.row(connection, effect_id)
            if held is None:
                raise _unknown(effect_id)
            await self.settlements.hold(connection, held)
            held = await rows.row(connection, effect_id) or held
            outcome = await self._outcome(connection, held, attempt, verdict, asker, platform, note[:_NOTE])
        if isinstance(outcome, Refusal):  # raised only now: the refusal's audit entry is to be kept
            raise outcome
        return outcome

    async def _outcome(
        self,
        connection: AsyncConnection,
        held: EffectRow,
        attempt: int | None,
        verdict: Answer,
        asker: Asker,
        platform: str,
        note: str,
    ) -> Told | Refusal:
        refusal = await self._refused(connection, held, verdict, asker, platform)
        if refusal is not None:
            return refusal
        meant = attempt if attempt is not None else held.attempts
        if verdict == "again" and not await self.settlements.wanted(connection, held):
            verdict = "drop"  # it was called off since: that it did not happen is all that is taken of the word
        if meant == held.attempts and await rows.answer(connection, held.id, meant, self._values(verdict, asker, note)):
            await self._follow(connection, held, verdict, asker, platform, note)
            return Told(await self._view(connection, held.id), already=False)
        return self._late(await self._view(connection, held.id), meant, verdict, asker)

    def _values(self, verdict: Answer, asker: Asker, note: str) -> dict[str, Any]:
        now = self._clock.now()
        match verdict:
            case "done":
                return {"state": "done", "finished_at": now, "result": _word(asker, note)}
            case "again":
                return {"state": "pending", "due_at": now, "lease_until": None, "error": ""}
            case "drop":
                return {"state": "failed", "finished_at": now}

    async def _follow(
        self, connection: AsyncConnection, held: EffectRow, verdict: Answer, asker: Asker, platform: str, note: str
    ) -> None:
        """What a word entails; the audit entry comes last (see `storage.locks`)."""
        kind = self.settlements.kinds[held.kind]
        said = Answered(verdict, asker.member_id, asker.name, self._clock.now(), platform, held.attempts, note)
        await self.settlements.show(connection, held.id, said)
        if verdict == "done":
            await kind.done(connection, held, _word(asker, note))
        elif verdict == "drop":
            await kind.failed(connection, held, held.error)
        else:
            await self._wakes.after(connection, BELL)
        data = {**facts(held), "verdict": verdict, "note": note, "role": asker.role, "error": told(held.error)}
        await self._audit.append(connection, rows.ANSWERED, f"effect:{held.id}", data, asker.member_id, platform)

    async def _refused(
        self, connection: AsyncConnection, held: EffectRow, verdict: Answer, asker: Asker, platform: str
    ) -> NotAllowed | None:
        role = await authority.role_of(connection, asker.member_id) or ""
        objection = await self._objection(connection, held, asker.member_id, role)
        if not objection:
            return None
        data = {**facts(held), "verdict": verdict, "objection": objection, "role": role, "name": asker.name}
        subject = f"effect:{held.id}"
        await self._audit.append(connection, "effect.refused", subject, data, asker.member_id or None, platform)
        code = Code(effect_code(held.id))
        if objection == "scope":
            beyond = _("{effect} concerns a place, supplier or store that your role does not reach.", effect=code)
            return NotAllowed(beyond)
        return NotAllowed(
            _(
                "The role {role} may not say what became of {effect}. Whoever may approve its request can, and an "
                "administrator.",
                role=labels.role_words(role or "viewer"),
                effect=code,
            )
        )

    async def _objection(self, connection: AsyncConnection, held: EffectRow, member_id: int, role: str) -> str:
        """Why a person is not heard, as in deciding its request: role or scope; empty where they are."""
        request = await requests.row(connection, held.request_id) if held.request_id is not None else None
        if role == "admin":
            return ""
        if request is None:
            return "" if role == "approver" else "role"
        if role not in DECIDERS[request.kind]:
            return "role"
        scopes = (await authority.scopes(connection, [member_id])).get(member_id, {})
        who = Decider(
            member_id,
            role,
            locations=scopes.get("location", frozenset()),
            suppliers=scopes.get("supplier", frozenset()),
            stores=scopes.get("store", frozenset()),
        )
        return "" if in_scope(who, await self._claim(connection, request)) else "scope"

    async def _claim(self, connection: AsyncConnection, request: RequestRow) -> Claim:
        """What the request concerns."""
        places = await authority.location_codes(connection)
        suppliers = await authority.supplier_codes(connection, [request.supplier_id] if request.supplier_id else [])
        touched = (request.location_id, request.from_location_id)
        return Claim(
            request.kind,
            request.total,
            request.requested_by,
            locations=frozenset(places[place] for place in touched if place is not None),
            supplier=suppliers.get(request.supplier_id or 0, ""),
            store=str(request.detail.get("store", "")),
        )

    def _late(self, view: EffectView, meant: int, verdict: Answer, asker: Asker) -> Told | Refusal:
        """The answer where nothing is in doubt any more, or not the attempt that was meant."""
        said = view.answered
        if said is None or said.attempt != meant:
            return StaleButton(
                _("{effect} is not in doubt now. {show} shows it.", effect=_code(view), show=_show(view))
            )
        if said.member_id == asker.member_id and said.verdict == verdict:
            return Told(view, already=True)
        return AlreadyDecided(answer_line(view, said), said.name, said.at)

    async def _view(self, connection: AsyncConnection, effect_id: int) -> EffectView:
        found = await rows.views(connection, [effect_id])
        if effect_id not in found:
            raise _unknown(effect_id)
        return found[effect_id]


def _unknown(effect_id: int) -> UnknownReference:
    return UnknownReference(_("There is no call {number}.", number=Code(effect_code(effect_id))))


def _word(asker: Asker, note: str) -> Mapping[str, Any]:
    return {"told_by": asker.member_id, "note": note}


def _code(view: EffectView) -> Code:
    return Code(effect_code(view.id))


def _show(view: EffectView) -> Code:
    return Code(f"effect {effect_code(view.id)}")
