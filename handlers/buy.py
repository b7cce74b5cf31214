"""`buy SKU UNITS [SUPPLIER] [LOCATION]`: asks for goods on the route that a draft would take, or a named supplier's."""

from __future__ import annotations

from bot.chat.arguments import Location, Sku, Units
from bot.chat.cards import bought_card, lot_card
from bot.chat.command import Command
from bot.chat.nodes import Message
from bot.services import Invocation
from bot.services.choosing import WrongLot
from bot.words import _


async def buy(
    call: Invocation, sku: Sku, units: Units, where: Location | str | None = None, place: Location | None = None
) -> Message:
    """A buyer's order is submitted, an operator's stays a draft; a quantity that cannot be bought changes nothing."""
    supplier = where if isinstance(where, str) else ""
    location = where if isinstance(where, Location) else place
    platform, event = call.origin.platform, call.origin.event
    found = await call.services.purchases.buy(sku, units.count, supplier, location, call.asker, platform, event)
    if isinstance(found, WrongLot):
        sender, terms = (found.supplier, found.supplier_code), (found.minimum, found.pack)
        return lot_card(found.sku, found.units, sender, found.location, terms, found.fits)
    return bought_card(found.request, found.sku, found.position, found.order_up_to)


COMMAND = Command("buy", buy, summary=_("Order a product"), audience="asker", short=True)
