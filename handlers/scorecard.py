"""`scorecard`: how last week's forecasts, alerts, lead times and decisions did, and what might be changed."""

from __future__ import annotations

from bot.chat.cards import notice_card, scorecard_card
from bot.chat.command import Command
from bot.chat.nodes import Message
from bot.services import Invocation
from bot.words import _

_LATER = _("The forecasts of the last weeks are being made up for, which takes a minute. Ask again then.")


async def scorecard(call: Invocation) -> Message:
    """The card of the last whole week, or a word that it takes a while."""
    card = await call.services.scorecards.soon(call.now)
    return notice_card(_LATER) if card is None else scorecard_card(card)


COMMAND = Command("scorecard", scorecard, summary=_("How forecasts, alerts and decisions of last week did"))
