"""`options CASE [transfer|expedite|buy|wait]`: what can be done about a stock-out, side by side, and doing it."""

from __future__ import annotations

from typing import Literal

from bot.chat.arguments import CaseRef
from bot.chat.cards import options_card, request_card, snoozed_card
from bot.chat.command import Command
from bot.chat.nodes import Message
from bot.domain.views import CaseView
from bot.services import Invocation
from bot.words import _


async def options(
    call: Invocation, case: CaseRef, choice: Literal["transfer", "expedite", "buy", "wait"] | None = None
) -> Message:
    """The comparison; with a choice the request that now answers the case, or the case where it waits."""
    if choice is None:
        return options_card(await call.services.options.weigh(case.id))
    found = await call.services.options.choose(case.id, choice, call.asker, call.origin.platform)
    return snoozed_card(found) if isinstance(found, CaseView) else request_card(found)


COMMAND = Command("options", options, summary=_("Transfer, expedite, buy or wait: compare for a case"))
