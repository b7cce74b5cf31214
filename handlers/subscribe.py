"""`subscribe TOPIC [LOCATION]`: tells this conversation of a topic by itself."""

from __future__ import annotations

from bot.chat.arguments import Location
from bot.chat.cards import topics_card
from bot.chat.cards.labels import TOPICS
from bot.chat.command import Command
from bot.chat.nodes import Message
from bot.domain.views import Topic
from bot.services import Invocation
from bot.words import _


async def subscribe(call: Invocation, topic: Topic, location: Location | None = None) -> Message:
    """From now on this conversation hears of the topic, everywhere or at one place."""
    topics = call.services.topics
    new = await topics.subscribe(call.origin, topic, location.code if location else "")
    words = _("Subscribed to {topic}.", topic=TOPICS[topic])
    if not new:
        words = _("This conversation was subscribed to {topic} already.", topic=TOPICS[topic])
    return topics_card(await topics.of(call.origin), words)


COMMAND = Command("subscribe", subscribe, summary=_("Tell this conversation of a topic by itself"))
