"""`unsubscribe TOPIC [LOCATION]`: stops telling this conversation of a topic."""

from __future__ import annotations

from bot.chat.arguments import Location
from bot.chat.cards import topics_card
from bot.chat.cards.labels import TOPICS
from bot.chat.command import Command
from bot.chat.nodes import Message
from bot.domain.views import Topic
from bot.services import Invocation
from bot.words import _
from handlers.subscribe import require_voice


async def unsubscribe(call: Invocation, topic: Topic, location: Location | None = None) -> Message:
    """Silence on a topic; a group is silenced only by somebody who may do more than read."""
    require_voice(call)
    topics = call.services.topics
    was = await topics.unsubscribe(call.origin, topic, location.code if location else "")
    words = _("Unsubscribed from {topic}.", topic=TOPICS[topic])
    if not was:
        words = _("This conversation was not subscribed to {topic}.", topic=TOPICS[topic])
    return topics_card(await topics.of(call.origin), words)


COMMAND = Command("unsubscribe", unsubscribe, summary=_("Stop telling this conversation of a topic"))
