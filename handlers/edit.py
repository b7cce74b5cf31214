"""`edit REQUEST [SKU=UNITS ...] [supplier=CODE] [date=DAY] [mode=MODE]`: changes an open request; alone it asks."""

from __future__ import annotations

from bot.chat.arguments import RequestRef, Rest
from bot.chat.cards import request_card
from bot.chat.command import Command
from bot.chat.filling import pairs
from bot.chat.forms import Form
from bot.chat.nodes import Message
from bot.services import Invocation
from bot.words import _


async def edit(call: Invocation, request: RequestRef, changes: Rest | None = None) -> Message | Form:
    """A form with what stands, or the request as it was changed; what is not named stays."""
    values, platform = pairs(changes), call.origin.platform
    if not values:
        return await call.services.editing.form(request.id, request.version, call.asker, platform)
    found = await call.services.editing.edit(request.id, request.version, values, call.asker, platform)
    return request_card(found)


COMMAND = Command("edit", edit, summary=_("Change quantities, supplier or date of a request"), audience="asker")
