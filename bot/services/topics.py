"""Topics: what a conversation wants to be told of by itself."""

from __future__ import annotations

from typing import get_args

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.chat.command import Origin
from bot.domain.views import Topic
from bot.ports import Clock
from bot.storage import conversations
from bot.storage import topics as rows
from bot.storage.database import Database

TOPICS: tuple[Topic, ...] = get_args(Topic)


class Topics:
    """Keeps the subscriptions of conversations; one may be limited to a location."""

    def __init__(
        self, *, database: Database, clock: Clock, default_zone: str = "UTC", default_language: str = "en"
    ) -> None:
        self._database = database
        self._clock = clock
        self._zone = default_zone
        self._language = default_language

    async def subscribe(self, origin: Origin, topic: Topic, location: str = "") -> bool:
        """Tell this conversation of a topic, everywhere or at one location (its code); false where it is already."""
        async with self._database.transaction() as connection:
            conversation = await self._conversation(connection, origin)
            return await rows.add(connection, conversation, _name(topic, location), self._clock.now())

    async def unsubscribe(self, origin: Origin, topic: Topic, location: str = "") -> bool:
        """Stop telling; without a location, of every location too. False where nothing was told."""
        async with self._database.transaction() as connection:
            conversation = await self._conversation(connection, origin)
            names = [_name(topic, location)]
            if not location:
                names += [each for each in await rows.of(connection, conversation) if each.startswith(f"{topic}:")]
            return await rows.remove(connection, conversation, names)

    async def of(self, origin: Origin) -> tuple[tuple[Topic, str], ...]:
        """(topic, location code or nothing) of each subscription of this conversation, in the order of the topics."""
        async with self._database.reading() as connection:
            found = await conversations.find(
                connection, origin.platform, origin.conversation, origin.conversation_kind, origin.thread
            )
            names = await rows.of(connection, found.id) if found else []
        split = [name.partition(":") for name in names]
        return tuple((topic, place) for topic in TOPICS for name, _colon, place in sorted(split) if name == topic)

    async def _conversation(self, connection: AsyncConnection, origin: Origin) -> int:
        where = (origin.platform, origin.conversation, origin.conversation_kind)
        await conversations.add(
            connection, *where, thread=origin.thread, title="", language=self._language, zone=self._zone, member_id=None
        )
        found = await conversations.find(connection, *where, origin.thread)
        assert found is not None  # noqa: S101  # it was added just now where it was missing
        return found.id


def _name(topic: Topic, location: str) -> str:
    return f"{topic}:{location}" if location else topic
