"""`slow [LOCATION]`: what lies too long, by the capital tied up."""

from __future__ import annotations

from bot.chat.arguments import Location
from bot.chat.cards import cases_card
from bot.chat.command import Command
from bot.chat.nodes import Message, Text
from bot.services import Invocation
from bot.words import _


async def slow(call: Invocation, location: Location | None = None) -> Message:
    """Open slow movers and overstock by capital, figures live."""
    page = await call.services.catalogue.slow(location, call.page, at=call.now)
    title = _("Slow and excess stock in {place}", place=Text(location.name)) if location else _("Slow and excess stock")
    return cases_card(title, page, call.line)


COMMAND = Command("slow", slow, summary=_("What lies too long, by the capital tied up"), short=True)
