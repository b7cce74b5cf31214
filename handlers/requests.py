"""`requests [REQUEST|waiting|drafts|orders|all]`: one request, or a list; alone what waits for the asker's decision."""

from __future__ import annotations

from typing import Literal

from bot.chat.arguments import RequestRef
from bot.chat.cards import request_card, requests_card
from bot.chat.command import Command
from bot.chat.nodes import Message
from bot.services import Invocation
from bot.words import _

_DECIDERS = frozenset({"approver", "buyer", "promo_manager"})


async def requests(
    call: Invocation, request: RequestRef | Literal["waiting", "drafts", "orders", "all"] | None = None
) -> Message:
    """The card of one request, or a list; deciders see what waits for them, everybody else all that waits."""
    if isinstance(request, RequestRef):
        return request_card(await call.services.requests.get(request.id), call.page)
    if request is None or request == "waiting":
        member = call.asker.member_id if request is None and call.asker.role in _DECIDERS else None
        return requests_card(await call.services.decisions.waiting(member, call.page), call.line)
    return requests_card(await call.services.requests.listed(request, call.page), call.line, request)


COMMAND = Command("requests", requests, summary=_("Requests that wait for a decision, drafts and orders"))
