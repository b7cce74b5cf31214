"""What came of a call, written down together with all that follows from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.chat.cards.effects import effect_card
from bot.domain.effects import Answered, EffectState
from bot.ports import Clock
from bot.services.audit import Audit, Deed
from bot.services.effects import BELL, EffectKind
from bot.services.outbox import Outbox
from bot.services.wakes import Wakes
from bot.storage import cases as shown_rows
from bot.storage import effects as rows
from bot.storage import locks
from bot.storage.database import Database
from bot.storage.effects import EffectRow
from bot.words import Words, _, kept, unkept

TOLD: tuple[EffectState, ...] = ("halted", "failed")  # people get a card


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a call has come to.

    done, failed, cancelled and halted end it; pending: it certainly did not happen and is made again after `wait`,
    where it is wanted still; sending: it may have happened and is looked for after `wait`.
    """

    state: EffectState
    error: Words | None = None
    wait: timedelta = timedelta(0)
    result: Mapping[str, Any] | None = None

    @property
    def text(self) -> str:
        """Why it did not happen, as rows keep it; empty where nothing went wrong."""
        return "" if self.error is None else kept(self.error)


class Settlements:
    """Writes outcomes; `kinds` tell what follows from them."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        audit: Audit,
        outbox: Outbox,
        wakes: Wakes,
        kinds: Mapping[str, EffectKind],
    ) -> None:
        self._database = database
        self._clock = clock
        self._audit = audit
        self._outbox = outbox
        self._wakes = wakes
        self.kinds = kinds

    async def settle(self, held: EffectRow, outcome: Outcome) -> bool:
        """Write what came of a call that we hold; false, and nothing is changed, where another worker took it over."""
        async with self._database.transaction() as connection:
            await self.hold(connection, held)
            if outcome.state == "pending" and not await self.wanted(connection, held):
                outcome = Outcome("cancelled", _("it was called off meanwhile"))
            if not await rows.settle(connection, held, self._values(outcome)):
                return False
            await self._follow(connection, held, outcome)
            deeds = self._deeds(held, outcome)
            if deeds:
                await self._audit.append_all(connection, deeds)
        return True

    async def keep(self, held: EffectRow, outcome: Outcome, wait: timedelta, error: Words) -> bool:
        """Remember an outcome that is known but could not be carried out, so that it need not be looked for."""
        known = {"state": outcome.state, "error": outcome.text, "result": dict(outcome.result or {})}
        values = {"result": {"kept": known}, "due_at": self._clock.now() + wait, "error": kept(error)}
        async with self._database.transaction() as connection:
            return await rows.settle(connection, held, values)

    async def hold(self, connection: AsyncConnection, held: EffectRow) -> None:
        """Hold the call's request, which comes before the call in the order of locks."""
        if held.request_id is not None:
            await locks.request(connection, held.request_id)

    async def wanted(self, connection: AsyncConnection, held: EffectRow) -> bool:
        """Whether a call that did not happen is to be made at all; the caller holds its request."""
        asked = self.kinds[held.kind].wanted
        return asked is None or await asked(connection, held)

    async def _follow(self, connection: AsyncConnection, held: EffectRow, outcome: Outcome) -> None:
        """What an outcome entails besides the row and the audit entry: the kind's own part, and the cards."""
        await self.show(connection, held.id)
        if outcome.state in TOLD:
            await self._tell(connection, held, outcome)
        kind = self.kinds[held.kind]
        if outcome.state == "done":
            await kind.done(connection, held, outcome.result or {})
        elif outcome.state in {"failed", "cancelled"}:
            await kind.failed(connection, held, outcome.text)
        elif outcome.state != "halted":
            await self._wakes.after(connection, BELL)

    async def show(self, connection: AsyncConnection, effect_id: int, answered: Answered | None = None) -> None:
        """Bring every card that shows the call up to date; `answered` is what a person says of it just now."""
        subject = f"effect:{effect_id}"
        if await shown_rows.shown(connection, [subject]):
            view = (await rows.views(connection, [effect_id]))[effect_id]
            card = effect_card(replace(view, answered=answered or view.answered))
            await self._outbox.refresh(connection, subject, card)

    async def _tell(self, connection: AsyncConnection, held: EffectRow, outcome: Outcome) -> None:
        """Put the call before those who hear of requests: it failed, or they are asked what became of it."""
        view = (await rows.views(connection, [held.id]))[held.id]
        subject = f"effect:{held.id}"
        key = f"{subject}:{outcome.state}:{held.attempts}"
        await self._outbox.announce(connection, "requests", effect_card(view), subject, key, location=view.location)

    def _values(self, outcome: Outcome) -> dict[str, Any]:
        now = self._clock.now()
        result = dict(outcome.result) if outcome.state == "done" and outcome.result is not None else None
        values = {"state": outcome.state, "error": outcome.text, "result": result}
        if outcome.state in {"pending", "sending"}:
            return {**values, "due_at": now + outcome.wait}
        return values if outcome.state == "halted" else {**values, "finished_at": now}

    def _deeds(self, held: EffectRow, outcome: Outcome) -> list[Deed]:
        """What is said of the end of a call; that it is tried again or looked for is in the log alone."""
        if outcome.state in {"pending", "sending"}:
            return []
        data = {
            **facts(held),
            "error": outcome.error or "",
            "result": unkept(outcome.result or {}),
        }
        return [Deed(f"effect.{outcome.state}", f"effect:{held.id}", data)]


def facts(held: EffectRow) -> dict[str, Any]:
    """What every audit entry says of a call."""
    return {"key": held.key, "kind": held.kind, "attempt": held.attempts, "request_id": held.request_id}
