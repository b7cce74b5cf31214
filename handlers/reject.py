"""`reject REQUEST [comment]`: decides a request, as the person who asks."""

from __future__ import annotations

from bot.chat.arguments import RequestRef, Rest
from bot.chat.cards import decided_card
from bot.chat.command import Command
from bot.chat.nodes import Message
from bot.services import Invocation
from bot.words import _


async def reject(call: Invocation, request: RequestRef, comment: Rest | None = None) -> Message:
    """The decision; every message that shows the request is brought up to date by the service."""
    decision = await call.services.decisions.decide(
        request.id, request.version, "reject", call.asker, call.origin.platform, comment.text if comment else ""
    )
    return decided_card(decision.request, already=decision.already)


COMMAND = Command("reject", reject, summary=_("Reject a request"), audience="asker", short=True)
