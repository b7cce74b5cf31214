"""`requests [REQUEST]`: what waits for a decision, or one request."""

from __future__ import annotations

from bot.chat.arguments import RequestRef
from bot.chat.cards import request_card, requests_card
from bot.chat.command import Command
from bot.chat.nodes import Message
from bot.services import Invocation
from bot.words import _

DECIDERS = frozenset({"buyer", "approver", "promo_manager"})  # these see what waits for them; the others see all


async def requests(call: Invocation, request: RequestRef | None = None) -> Message:
    """One request in full; without a number those that wait for the asker, or all for who decides nothing."""
    if request is not None:
        return request_card(await call.services.requests.get(request.id), call.page)
    member = call.asker.member_id if call.asker.role in DECIDERS else None
    return requests_card(await call.services.requests.waiting(member, call.page), call.line)


COMMAND = Command("requests", requests, summary=_("Requests that wait for a decision"))
