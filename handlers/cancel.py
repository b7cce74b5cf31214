"""`cancel REQUEST`: calls a request off while nothing has gone out."""

from __future__ import annotations

from bot.chat.arguments import RequestRef
from bot.chat.cards import request_card
from bot.chat.command import Command
from bot.chat.nodes import Message
from bot.services import Invocation
from bot.words import _


async def cancel(call: Invocation, request: RequestRef) -> Message:
    """Every message that shows the request is brought up to date by the service."""
    found = await call.services.purchases.cancel(request.id, request.version, call.asker, call.origin.platform)
    return request_card(found)


COMMAND = Command("cancel", cancel, summary=_("Cancel a request"), audience="asker")
