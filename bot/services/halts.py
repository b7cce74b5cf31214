"""Kill switches: while one is thrown, no call of its topic begins.

Throwing one holds the gate that every call passes as it begins: once `halt` has returned, a call of the topic has
either begun before, and is named, or does not begin.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.chat.cards import labels
from bot.chat.cards.effects import resumed_card, thrown_card
from bot.chat.command import Asker
from bot.domain.effects import HALT_TOPICS, HaltTopic, HaltView
from bot.errors import NotAllowed
from bot.ports import Clock
from bot.services.audit import Audit, Deed
from bot.services.effects import BELL
from bot.services.outbox import Outbox
from bot.services.requests import Requests
from bot.services.wakes import Wakes
from bot.storage import authority, locks
from bot.storage import effects as effect_rows
from bot.storage import halts as rows
from bot.storage import requests as request_rows
from bot.storage.database import Database
from bot.words import _

THROWERS: Mapping[HaltTopic, frozenset[str]] = MappingProxyType(
    {
        "purchases": frozenset({"approver", "admin"}),
        "promotions": frozenset({"approver", "admin", "promo_manager"}),
    }
)
RESUMERS = frozenset({"approver", "admin"})
_REASON = 200


@dataclass(frozen=True, slots=True)
class Halted:
    """What stands after a switch was thrown: all that is halted, and which calls had begun before."""

    standing: tuple[HaltView, ...]
    under_way: tuple[int, ...]


class Halts:
    """Throws switches and takes them back, by those who may; every refusal is recorded."""

    def __init__(
        self, *, database: Database, clock: Clock, audit: Audit, outbox: Outbox, wakes: Wakes, requests: Requests
    ) -> None:
        self._database = database
        self._clock = clock
        self._audit = audit
        self._outbox = outbox
        self._wakes = wakes
        self._requests = requests

    async def standing(self) -> tuple[HaltView, ...]:
        """What is halted now."""
        async with self._database.reading() as connection:
            return tuple(await rows.standing(connection))

    async def halted(self, connection: AsyncConnection) -> frozenset[HaltTopic]:
        """The topics that are halted, for cards."""
        return await rows.topics(connection)

    async def halt(self, topics: Sequence[HaltTopic], asker: Asker, platform: str, reason: str = "") -> Halted:
        """Throw the switches at once and say so; one that was thrown before stays as it is. NotAllowed without a role.

        What waits now says so on its card, in a transaction of its own: nothing holds up the switch.
        """
        async with self._database.transaction() as connection:
            outcome = await self._refused(connection, "halt", topics, asker, platform) or await self._throw(
                connection, topics, asker, platform, reason[:_REASON]
            )
        if isinstance(outcome, NotAllowed):  # raised only now: the refusal's audit entry is to be kept
            raise outcome
        await self._show(topics)
        return outcome

    async def resume(self, topics: Sequence[HaltTopic], asker: Asker, platform: str) -> tuple[HaltTopic, ...]:
        """Take switches back; those that were thrown. NotAllowed without a role."""
        async with self._database.transaction() as connection:
            refused = await self._refused(connection, "resume", topics, asker, platform)
            lifted = () if refused else await self._lift(connection, topics, asker, platform)
        if refused is not None:
            raise refused
        await self._show(lifted)
        return lifted

    async def _throw(
        self, connection: AsyncConnection, topics: Sequence[HaltTopic], asker: Asker, platform: str, reason: str
    ) -> Halted:
        now = self._clock.now()
        await locks.gate(connection)
        new = [topic for topic in sorted(topics) if await rows.throw(connection, topic, asker.member_id, now, reason)]
        halted = Halted(tuple(await rows.standing(connection)), tuple(await effect_rows.under_way(connection, topics)))
        thrown = [halt for halt in halted.standing if halt.topic in new]
        if thrown:
            card, subject = thrown_card(thrown, halted.under_way), _subject(thrown[0])
            await self._outbox.announce(connection, "requests", card, subject, subject)
            data = {"reason": reason, "under_way": list(halted.under_way)}
            deeds = [Deed("halt.thrown", f"halt:{topic}", data, asker.member_id, platform) for topic in new]
            await self._audit.append_all(connection, deeds)
        return halted

    async def _lift(
        self, connection: AsyncConnection, topics: Sequence[HaltTopic], asker: Asker, platform: str
    ) -> tuple[HaltTopic, ...]:
        await locks.gate(connection)
        before = await rows.standing(connection)
        lifted = tuple(await rows.lift(connection, topics))
        if lifted:
            await self._wakes.after(connection, BELL)
            await self._resumed(connection, before, lifted, asker)
            deeds = [Deed("halt.lifted", f"halt:{topic}", {}, asker.member_id, platform) for topic in lifted]
            await self._audit.append_all(connection, deeds)
        return lifted

    async def _resumed(
        self, connection: AsyncConnection, before: Sequence[HaltView], lifted: Sequence[HaltTopic], asker: Asker
    ) -> None:
        """Say so in a post of its own, and on the cards that told of the halt."""
        news = resumed_card(lifted, asker.member_id, asker.name)
        for subject in sorted({_subject(halt) for halt in before if halt.topic in lifted}):
            left = [halt for halt in before if _subject(halt) == subject and halt.topic not in lifted]
            await self._outbox.refresh(connection, subject, thrown_card(left, ()) if left else news)
        await self._outbox.announce(connection, "requests", news)

    async def _refused(
        self, connection: AsyncConnection, deed: str, topics: Sequence[HaltTopic], asker: Asker, platform: str
    ) -> NotAllowed | None:
        role = await authority.role_of(connection, asker.member_id) or ""
        if all(role in (THROWERS[topic] if deed == "halt" else RESUMERS) for topic in topics):
            return None
        data = {"deed": deed, "topics": list(topics), "role": role, "name": asker.name}
        await self._audit.append(
            connection, "halt.refused", f"halt:{'+'.join(topics)}", data, asker.member_id or None, platform
        )
        if deed == "halt":
            return NotAllowed(
                _(
                    "The role {role} may not halt this. An approver or an administrator can, and a promotion manager "
                    "can halt promotions.",
                    role=labels.role_words(role or "viewer"),
                )
            )
        return NotAllowed(
            _(
                "The role {role} may not resume. An approver or an administrator can.",
                role=labels.role_words(role or "viewer"),
            )
        )

    async def _show(self, topics: Collection[HaltTopic]) -> None:
        """Bring the cards of requests that wait for a call of the topics up to date."""
        async with self._database.transaction() as connection:
            waiting = await effect_rows.waiting(connection, topics)
            for request_id in waiting:
                await locks.request(connection, request_id)
            found = await request_rows.rows_of(connection, waiting)
            if found:
                await self._requests.show(connection, tuple(found.values()))


def topics_of(word: str) -> tuple[HaltTopic, ...]:
    """What `all` or the name of one topic means."""
    return HALT_TOPICS if word == "all" else tuple(topic for topic in HALT_TOPICS if topic == word)


def _subject(halt: HaltView) -> str:
    """What tells one throw, of one topic or of several at once, from all others."""
    return f"halt:{halt.at.isoformat()}"
