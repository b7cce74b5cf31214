"""`resume [promotions|purchases|all]`: takes kill switches back."""

from __future__ import annotations

from typing import Literal

from bot.chat.cards.effects import halts_card, resumed_card
from bot.chat.command import Command
from bot.chat.nodes import Message
from bot.services import Invocation
from bot.services.halts import topics_of
from bot.words import _


async def resume(call: Invocation, topic: Literal["promotions", "purchases", "all"] = "all") -> Message:
    """What was resumed; where nothing was halted, it says so."""
    halts = call.services.halts
    lifted = await halts.resume(topics_of(topic), call.asker, call.origin.platform)
    if lifted:
        return resumed_card(lifted, call.asker.member_id, call.asker.name)
    return halts_card(await halts.standing())


COMMAND = Command("resume", resume, summary=_("Lift a halt"), short=True)
