"""`restock [LOCATION]`: what is about to run out, the costliest first."""

from __future__ import annotations

from bot.chat.arguments import Location
from bot.chat.cards import cases_card
from bot.chat.command import Command
from bot.chat.nodes import Message, Text
from bot.services import Invocation
from bot.words import _


async def restock(call: Invocation, location: Location | None = None) -> Message:
    """Open stock-out risks by money at risk, figures live."""
    page = await call.services.catalogue.restock(location, call.page, at=call.now)
    title = _("What to restock in {place}", place=Text(location.name)) if location else _("What to restock")
    return cases_card(title, page, call.line)


COMMAND = Command("restock", restock, summary=_("What runs out soon, by the money at risk"), short=True)
