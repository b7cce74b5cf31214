"""`cases`: every open case, the costliest first."""

from __future__ import annotations

from bot.chat.arguments import Location
from bot.chat.cards import cases_card
from bot.chat.cards.labels import KINDS
from bot.chat.command import Command
from bot.chat.nodes import Message, Text
from bot.services import Invocation
from bot.words import _


async def cases(call: Invocation, location: Location | None = None) -> Message:
    """Open cases of every kind, everywhere or at one place."""
    page = await call.services.cases.open(tuple(KINDS), location, call.page)
    title = _("Open cases in {place}", place=Text(location.name)) if location else _("Open cases")
    return cases_card(title, page, call.line)


COMMAND = Command("cases", cases, summary=_("All open cases"))
