"""`turnover [SKU|LOCATION]`: how fast stock turns."""

from __future__ import annotations

from bot.chat.arguments import Location, Sku
from bot.chat.cards import turnover_card
from bot.chat.command import Command
from bot.chat.nodes import Message
from bot.services import Invocation
from bot.words import _


async def turnover(call: Invocation, what: Location | Sku | None = None) -> Message:
    """Turnover, days of inventory and sell-through of a product, a location, or all locations."""
    sku = what if isinstance(what, Sku) else None
    location = what if isinstance(what, Location) else None
    lines = await call.services.catalogue.turnover(sku, location, call.now)
    return turnover_card(lines)


COMMAND = Command("turnover", turnover, summary=_("How fast stock turns: everywhere, at a place, or of a product"))
