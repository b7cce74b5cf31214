"""`stock SKU [LOCATION]`: stock, velocity and cover of a product."""

from __future__ import annotations

from bot.chat.arguments import Location, Sku
from bot.chat.cards import stock_card
from bot.chat.command import Command
from bot.chat.nodes import Message
from bot.services import Invocation
from bot.words import _


async def stock(call: Invocation, sku: Sku, location: Location | None = None) -> Message:
    """What is there, how fast it sells, when it runs out, and what to do."""
    report = await call.services.catalogue.stock_report(sku, location, call.now)
    return stock_card(report)


COMMAND = Command("stock", stock, summary=_("Stock, velocity and cover of a product"), short=True)
