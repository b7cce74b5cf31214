"""`stop REQUEST|all`: ends promotions at once and puts their prices back; alone it lists what runs."""

from __future__ import annotations

from typing import Literal

from bot.chat.arguments import RequestRef
from bot.chat.cards.promotions import running_card, stopped_all_card, stopped_card
from bot.chat.command import Command
from bot.chat.nodes import Message
from bot.services import Invocation
from bot.words import _


async def stop(call: Invocation, which: Literal["all"] | RequestRef | None = None) -> Message:
    """What stops; every copy of the request's card is brought up to date by the service."""
    promotions, platform = call.services.promotions, call.origin.platform
    if which is None:
        return running_card(await promotions.running(call.page), call.line)
    if isinstance(which, RequestRef):
        view, already = await promotions.stop(which.id, call.asker, platform)
        return stopped_card(view, already=already)
    return stopped_all_card(await promotions.stop_all(call.asker, platform))


COMMAND = Command("stop", stop, summary=_("Stop a promotion and restore its price"), short=True)
