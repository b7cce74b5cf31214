"""`why CASE`: the reckoning behind a case."""

from __future__ import annotations

from bot.chat.arguments import CaseRef
from bot.chat.cards import why_card
from bot.chat.command import Command
from bot.chat.nodes import Message
from bot.services import Invocation
from bot.words import _


async def why(call: Invocation, case: CaseRef) -> Message:
    """The story, inputs, formulas and results as they were when the case was judged; the picture is of now."""
    told = await call.services.cases.get(case.id)
    return why_card(told, await call.services.catalogue.chart(case.id, call.now))


COMMAND = Command("why", why, summary=_("The reckoning behind a case"))
