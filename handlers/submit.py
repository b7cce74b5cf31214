"""`submit REQUEST`: asks for approval of a draft."""

from __future__ import annotations

from bot.chat.arguments import RequestRef
from bot.chat.cards import request_card
from bot.chat.command import Command
from bot.chat.nodes import Message
from bot.services import Invocation
from bot.words import _


async def submit(call: Invocation, request: RequestRef) -> Message:
    """Every message that shows the request is brought up to date by the service; a clearance is worked out anew."""
    if (await call.services.requests.get(request.id)).kind == "promotion":
        started = await call.services.promotions.start(request.id, request.version, call.asker, call.origin.platform)
        return request_card(started)
    found = await call.services.purchases.submit(request.id, request.version, call.asker, call.origin.platform)
    return request_card(found)


COMMAND = Command("submit", submit, summary=_("Ask for approval of a draft"), audience="asker")
