"""`promo SKU 20% until Friday [LOCATION]`: asks for a lower price for a while; alone it lists what runs."""

from __future__ import annotations

from datetime import datetime

from bot.chat.arguments import Location, Percent, Price, RequestCode, Rest, Sku, Until
from bot.chat.cards import request_card
from bot.chat.cards.plain import refusal_card
from bot.chat.cards.promotions import running_card
from bot.chat.command import Command
from bot.chat.moments import instant_until
from bot.chat.nodes import Action, Amount, Code, Message
from bot.errors import BadArgument
from bot.services import Invocation
from bot.services.clearing import PriceTooLow
from bot.words import _


async def promo(
    call: Invocation,
    product: Sku | RequestCode | None = None,
    terms: Percent | Price | Until | None = None,
    until: Until | None = None,
    place: Location | Rest | None = None,
) -> Message:
    """The request with its preview; a price that is too low is refused with the lowest one that is allowed."""
    platform = call.origin.platform
    if product is None:
        async with call.services.database.reading() as connection:
            halted = "promotions" in await call.services.halts.halted(connection)
        return running_card(await call.services.promotions.running(call.page), call.line, halted=halted)
    if isinstance(terms, Until):
        terms, until = None, terms
    ends_at = instant_until(until, call.now, call.asker.zone) if until is not None else None
    if isinstance(product, RequestCode):
        return await _start(call, product, terms, ends_at)
    if terms is None:
        raise BadArgument(
            _(
                "How much lower? Write {percent} or {price}.",
                percent=Code(f"promo {product.code} 20% until Friday"),
                price=Code(f"promo {product.code} 1.99 until Friday"),
            ),
            "promo",
        )
    if ends_at is None:
        example = Code(f"promo {product.code} {call.line[-1]} until Friday")
        raise BadArgument(_("Until when? A promotion has an end: {example}.", example=example), "promo")
    location, store = await _where(call, place)
    try:
        view = await call.services.promotions.propose(
            product, terms, ends_at, call.asker, platform, location=location, store=store, event=call.origin.event
        )
    except PriceTooLow as refusal:
        return _lowest(refusal, product, ends_at, location, store)
    return request_card(view)


async def _start(
    call: Invocation, code: RequestCode, terms: Percent | Price | None, ends_at: datetime | None
) -> Message:
    """Submit a clearance that was drafted for a case."""
    if terms is not None:
        raise BadArgument(
            _("{request} has its price; for another one name the product.", request=Code(f"R-{code.id}")), "promo"
        )
    view = await call.services.promotions.start(code.id, code.version, call.asker, call.origin.platform, ends_at)
    return request_card(view)


async def _where(call: Invocation, place: Location | Rest | None) -> tuple[Location | None, str]:
    """The location and the store, of words such as `UK store=web`."""
    if not isinstance(place, Rest):
        return place, ""
    words = place.text.split()
    stores = [word.partition("=")[2] for word in words if word.casefold().startswith("store=")]
    rest = " ".join(word for word in words if not word.casefold().startswith("store="))
    if len(stores) > 1:
        raise BadArgument(_("Name one store alone."), "promo")
    return (await call.services.lookup.location(rest) if rest else None), (stores[0] if stores else "")


def _lowest(refusal: PriceTooLow, product: Sku, ends_at: datetime, location: Location | None, store: str) -> Message:
    """The refusal, with the lowest price that is allowed as a button."""
    if refusal.lowest is None:
        return refusal_card(refusal)
    words = (product.code, f"{refusal.lowest.amount} {refusal.lowest.currency}", f"until {ends_at.isoformat()}")
    where = " ".join(part for part in (location.code if location else "", f"store={store}" if store else "") if part)
    label = _("Ask for {price}", price=Amount(refusal.lowest))
    return refusal_card(refusal, None, (Action(label, "promo", (*words, where) if where else words, "primary"),))


COMMAND = Command("promo", promo, summary=_("Lower a price for a while, or see what runs"), short=True)
