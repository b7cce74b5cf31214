"""The outbox, its delivery, and what they stand on, without commands or catalogue."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest
from sqlalchemy import select

from bot.chat.cards import notice_card
from bot.chat.incoming import ConversationKind
from bot.chat.nodes import Message
from bot.ports import ChatPlatform, MovableClock
from bot.services.buttons import Buttons
from bot.services.conversations import Conversations
from bot.services.courier import Patience
from bot.services.delivery import Delivery
from bot.services.outbox import Outbox
from bot.services.pacing import Backoff
from bot.services.wakes import Wakes
from bot.storage.database import Database
from bot.storage.tables import Outbox as OutboxTable
from bot.words import _
from tests.runtime.recorder import Recorder

IMPATIENT = Patience(backoff=Backoff(jitter=lambda: 0.0))


def says(text: str) -> Message:
    """A message of one line."""
    return notice_card(_("{text}", text=text))


@dataclass
class Post:
    """One process's way out."""

    database: Database
    clock: MovableClock
    outbox: Outbox
    conversations: Conversations
    delivery: Delivery
    wakes: Wakes
    platform: Recorder

    async def place(
        self, external_id: str = "C1", kind: ConversationKind = "group", member_id: int | None = None
    ) -> int:
        """A conversation's row id."""
        async with self.database.transaction() as connection:
            row, _new = await self.conversations.of(
                connection,
                self.platform.name,
                external_id,
                kind,
                member_id=member_id,
            )
        return row.id

    async def put(self, place: int, text: str, **options: object) -> int:
        """Put one line into the outbox."""
        async with self.database.transaction() as connection:
            return await self.outbox.put(connection, place, says(text), **options)  # type: ignore[arg-type]

    async def states(self) -> list[str]:
        """Every row's state, by id."""
        async with self.database.reading() as connection:
            found = await connection.execute(select(OutboxTable.state).order_by(OutboxTable.id))
            return list(found.scalars())

    async def errors(self) -> list[str]:
        """Every row's error, by id."""
        async with self.database.reading() as connection:
            found = await connection.execute(select(OutboxTable.error).order_by(OutboxTable.id))
            return list(found.scalars())

    async def again(self, seconds: float) -> None:
        """Let time pass and deliver what is due by then."""
        self.clock.push(timedelta(seconds=seconds))
        for lane in self.delivery.lanes.values():
            lane.pace._held.clear()
            lane.pace._all_held = 0.0
        await self.delivery.drain()


@pytest.fixture
def open_post(clock: MovableClock) -> Callable[..., Post]:
    """Makes ways out over a database, one per process that the test wants."""

    def make(database: Database, platform: Recorder | None = None, *others: ChatPlatform) -> Post:
        platform = platform or Recorder()
        platforms: dict[str, ChatPlatform] = {platform.name: platform, **{other.name: other for other in others}}
        wakes = Wakes(database)
        outbox = Outbox(database=database, clock=clock, buttons=Buttons(clock=clock), wakes=wakes)
        conversations = Conversations(database=database, clock=clock, platforms=platforms)
        delivery = Delivery(
            database=database,
            clock=clock,
            outbox=outbox,
            conversations=conversations,
            wakes=wakes,
            platforms=platforms,
            patience=IMPATIENT,
        )
        return Post(database, clock, outbox, conversations, delivery, wakes, platform)

    return make


@pytest.fixture
def post(database: Database, open_post: Callable[..., Post]) -> Post:
    """One way out, on each kind of database."""
    return open_post(database)
