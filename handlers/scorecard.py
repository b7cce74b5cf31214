"""`scorecard`: how last week's forecasts, alerts, lead times and decisions did, and what might be changed."""

from __future__ import annotations

from bot.chat.cards import scorecard_card
from bot.chat.command import Command
from bot.chat.nodes import Message
from bot.services import Invocation
from bot.words import _


async def scorecard(call: Invocation) -> Message:
    """The card of the last whole week."""
    return scorecard_card(await call.services.scorecards.view(call.now))


COMMAND = Command("scorecard", scorecard, summary=_("How forecasts, alerts and decisions of last week did"))
