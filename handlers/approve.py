"""`approve REQUEST [comment]`: decides a request, as the person who asks.

Over the policy's threshold it asks for the total and supplier and a one-time code; typed they are `total=5120.00
supplier=YIWU code=123456` in the place of a comment.
"""

from __future__ import annotations

import re

from bot.chat.arguments import RequestRef, Rest
from bot.chat.cards import decided_card
from bot.chat.cards.votes import step_up_form, voted_card
from bot.chat.command import Command
from bot.chat.forms import Form
from bot.chat.nodes import Message
from bot.services import Invocation
from bot.services.stepup import Proof, StepUp
from bot.words import _

_PROOF = re.compile(r"\b(total|supplier|code)=(.*?)(?=\s+(?:total|supplier|code|comment)=|$)", re.DOTALL)


async def approve(call: Invocation, request: RequestRef, comment: Rest | None = None) -> Message | Form:
    """The decision; every message that shows the request is brought up to date by the service."""
    said, proof = _read(comment.text if comment else "")
    try:
        decision = await call.services.decisions.decide(
            request.id, request.version, "approve", call.asker, call.origin.platform, said, proof
        )
    except StepUp as asked:
        return step_up_form(asked.request)
    if decision.votes_missing:
        return voted_card(decision.request, decision.votes_missing, already=decision.already)
    return decided_card(decision.request, already=decision.already)


def _read(text: str) -> tuple[str, Proof | None]:
    """A comment, and the proof that stands in it: nothing of a proof is ever kept as a comment."""
    found = {name: value.strip() for name, value in _PROOF.findall(text)}
    said = _PROOF.sub("", text).strip().removeprefix("comment=").strip()
    if "code" not in found and "total" not in found:
        return text if not found else said, None
    return said, Proof(found.get("total", ""), found.get("supplier", ""), found.get("code", ""))


COMMAND = Command("approve", approve, summary=_("Approve a request"), audience="asker", short=True)
