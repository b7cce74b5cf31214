"""`who`: who is awake, with local times."""

from __future__ import annotations

from bot.chat.cards import who_card
from bot.chat.command import Command
from bot.chat.nodes import Message
from bot.chat.paging import page_of
from bot.services import Invocation
from bot.words import _


async def who(call: Invocation) -> Message:
    """Everybody, those at work first, then by who is back soonest."""
    everyone = await call.services.members.everyone()
    return who_card(page_of(everyone, call.page), call.now, call.line)


COMMAND = Command("who", who, summary=_("Who is awake, with local times"))
