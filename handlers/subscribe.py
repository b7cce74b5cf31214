"""`subscribe TOPIC [LOCATION]`: tells this conversation of a topic by itself."""

from __future__ import annotations

from bot.chat.arguments import Location
from bot.chat.cards import topics_card
from bot.chat.cards.labels import ROLES, TOPICS
from bot.chat.command import READERS, Command
from bot.chat.nodes import Message, Text
from bot.domain.views import Topic
from bot.errors import BadArgument, NotAllowed
from bot.services import Invocation
from bot.words import _


async def subscribe(call: Invocation, topic: Topic, location: Location | None = None) -> Message:
    """From now on this conversation hears of the topic, everywhere or at one place."""
    require_voice(call)
    if topic == "scorecard" and location is not None:
        raise BadArgument(_("The scorecard is of all places together: subscribe without a place."), "subscribe")
    topics = call.services.topics
    new = await topics.subscribe(call.origin, topic, location.code if location else "")
    words = _("Subscribed to {topic}.", topic=TOPICS[topic])
    if not new:
        words = _("This conversation was subscribed to {topic} already.", topic=TOPICS[topic])
    return topics_card(await topics.of(call.origin), words)


def require_voice(call: Invocation) -> None:
    """NotAllowed where somebody who may only read would decide what a whole group is told of."""
    if call.origin.conversation_kind == "group" and call.asker.role in READERS:
        role = ROLES.get(call.asker.role, Text(call.asker.role))
        raise NotAllowed(
            _("Your role ({role}) reads. You may choose for a private chat with me, not for a whole group.", role=role)
        )


COMMAND = Command("subscribe", subscribe, summary=_("Tell this conversation of a topic by itself"))
