"""Telling one person something that a whole group must not see."""

from __future__ import annotations

from bot.chat.command import Origin
from bot.chat.nodes import Message
from bot.services.conversations import Conversations
from bot.services.outbox import Outbox
from bot.storage.database import Database


class Whispers:
    """Sends to a member's own conversation, on the platform that they prefer."""

    def __init__(self, *, database: Database, conversations: Conversations, outbox: Outbox) -> None:
        self._database = database
        self._conversations = conversations
        self._outbox = outbox

    @staticmethod
    def needed(origin: Origin) -> bool:
        """Whether an answer for the asker alone might be seen by others there.

        Slack shows such an answer to the asker alone; elsewhere it might fall back to the whole group.
        """
        return origin.conversation_kind == "group" and origin.platform != "slack"

    async def send(self, member_id: int, message: Message) -> bool:
        """Post to the member in private; false where they have no conversation with us."""
        place = await self._conversations.direct(member_id)
        if place is None:
            return False
        async with self._database.transaction() as connection:
            await self._outbox.put(connection, place.id, message, "post")
        return True
