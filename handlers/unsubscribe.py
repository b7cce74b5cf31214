"""`unsubscribe TOPIC [LOCATION]`: stops telling this conversation of a topic."""

from __future__ import annotations

from bot.chat.arguments import Location
from bot.chat.cards import topics_card
from bot.chat.cards.labels import TOPICS
from bot.chat.command import Command
from bot.chat.nodes import Message
from bot.domain.views import Topic
from bot.errors import NotAllowed
from bot.services import Invocation
from bot.words import _


async def unsubscribe(call: Invocation, topic: Topic, location: Location | None = None) -> Message:
    """Silence on a topic; a group is silenced only by somebody who may do more than read."""
    if call.origin.conversation_kind == "group" and call.asker.role == "viewer":
        raise NotAllowed(_("As a viewer you may silence me in a private chat, but not for a whole group."))
    topics = call.services.topics
    was = await topics.unsubscribe(call.origin, topic, location.code if location else "")
    words = _("Unsubscribed from {topic}.", topic=TOPICS[topic])
    if not was:
        words = _("This conversation was not subscribed to {topic}.", topic=TOPICS[topic])
    return topics_card(await topics.of(call.origin), words)


COMMAND = Command("unsubscribe", unsubscribe, summary=_("Stop telling this conversation of a topic"))
