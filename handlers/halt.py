"""`halt [promotions|purchases|all [reason]]`: the kill switches, and throwing them."""

from __future__ import annotations

from typing import Literal

from bot.chat.arguments import Rest
from bot.chat.cards.effects import halts_card
from bot.chat.command import Command
from bot.chat.nodes import Message
from bot.services import Invocation
from bot.services.halts import topics_of
from bot.words import _


async def halt(
    call: Invocation, topic: Literal["promotions", "purchases", "all"] | None = None, comment: Rest | None = None
) -> Message:
    """What is halted, after a switch was thrown if one was named."""
    halts = call.services.halts
    if topic is None:
        return halts_card(await halts.standing())
    reason = comment.text if comment else ""
    halted = await halts.halt(topics_of(topic), call.asker, call.origin.platform, reason)
    return halts_card(halted.standing, halted.under_way)


COMMAND = Command("halt", halt, summary=_("Stop all purchases or promotions from being sent, at once"), short=True)
