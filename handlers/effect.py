"""`effect [CALL [done|again|drop [note]]]`: calls to stores and suppliers in doubt, and a person's word on one."""

from __future__ import annotations

from bot.chat.arguments import EffectRef, Rest
from bot.chat.cards.effects import answered_card, effect_card, effects_card
from bot.chat.command import Command
from bot.chat.nodes import Message
from bot.domain.effects import Answer
from bot.services import Invocation
from bot.words import _


async def effect(
    call: Invocation, effect: EffectRef | None = None, verdict: Answer | None = None, comment: Rest | None = None
) -> Message:
    """What is in doubt or failing, one call, or what was made of a person's word on it."""
    inquiries = call.services.inquiries
    if effect is None:
        return effects_card(await inquiries.troubled(call.page), call.line)
    if verdict is None:
        return effect_card(await inquiries.get(effect.id))
    note = comment.text if comment else ""
    told = await inquiries.answer(effect.id, effect.attempt, verdict, call.asker, call.origin.platform, note)
    return answered_card(told.effect, already=told.already)


COMMAND = Command("effect", effect, summary=_("Calls to stores and suppliers that are in doubt"), audience="asker")
