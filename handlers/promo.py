"""`promo SKU 20% until Friday [LOCATION]`: asks for a lower price for a while; alone it lists what runs.

With `code SUMMER20` the price stays and a discount code takes the share off; with `basket` it comes off by itself.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from bot.chat.arguments import Location, Percent, Price, RequestCode, Rest, Sku, Until
from bot.chat.cards import request_card
from bot.chat.cards.plain import refusal_card
from bot.chat.cards.promotions import running_card
from bot.chat.command import Command
from bot.chat.moments import instant_until
from bot.chat.nodes import Action, Amount, Code, Message, Number
from bot.chat.parsing import plain
from bot.domain.discount import LONGEST_CODE, SHORTEST_CODE, code_of
from bot.errors import BadArgument
from bot.services import Invocation
from bot.services.clearing import BY_PRICE, PriceTooLow, Way
from bot.words import _

# `code SUMMER20`, `code=SUMMER20`, `优惠码SUMMER20`; the code may be the next word.
_CODED = re.compile(r"(?:(?:code|coupon)(?:[=:]|$)|(?:优惠码|折扣码|优惠券|券码)[=:]?)(.*)", re.IGNORECASE)
_BASKET = frozenset({"basket", "cart", "automatic", "购物车", "自动", "自动折扣"})


@dataclass(frozen=True, slots=True)
class _Where:
    """The place and the store, and by which means."""

    location: Location | None = None
    store: str = ""
    way: Way = BY_PRICE

    def words(self) -> str:
        """As one would type it."""
        how = f"code {self.way.code}" if self.way.code else "basket" if self.way.means == "basket" else ""
        parts = (how, self.location.code if self.location else "", f"store={self.store}" if self.store else "")
        return " ".join(part for part in parts if part)


async def promo(
    call: Invocation,
    product: Sku | RequestCode | None = None,
    terms: Percent | Price | Until | None = None,
    until: Until | None = None,
    how: Location | Rest | None = None,
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
        return await _start(call, product, terms, ends_at, how)
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
    where = await _where(call, how)
    try:
        view = await call.services.promotions.propose(
            product, terms, ends_at, call.asker, platform,
            location=where.location, store=where.store, event=call.origin.event, way=where.way,
        )  # fmt: skip
    except PriceTooLow as refusal:
        return _lowest(refusal, product, ends_at, where)
    return request_card(view)


async def _start(
    call: Invocation,
    code: RequestCode,
    terms: Percent | Price | None,
    ends_at: datetime | None,
    how: Location | Rest | None,
) -> Message:
    """Submit a clearance that was drafted for a case."""
    if terms is not None or (await _where(call, how)).way.means != "price":
        raise BadArgument(
            _("{request} has its price; for another one name the product.", request=Code(f"R-{code.id}")), "promo"
        )
    view = await call.services.promotions.start(code.id, code.version, call.asker, call.origin.platform, ends_at)
    return request_card(view)


async def _where(call: Invocation, how: Location | Rest | None) -> _Where:
    """The location, the store and the means, of words such as `UK store=web code SUMMER20`."""
    if not isinstance(how, Rest):
        return _Where(location=how)
    found, places = _Where(), []
    words = iter(plain(how.text).split())
    for word in words:
        name, told, value = word.partition("=")
        if told and name.casefold() == "store":
            if found.store:
                raise BadArgument(_("Name one store alone."), "promo")
            found = dataclasses.replace(found, store=value)
        elif (way := _way(word, words)) is not None:
            if found.way.means != "price":
                raise BadArgument(_("Name one code alone, or none for the basket."), "promo")
            found = dataclasses.replace(found, way=way)
        else:
            places.append(word)
    rest = " ".join(places)
    return dataclasses.replace(found, location=await call.services.lookup.location(rest) if rest else None)


def _way(word: str, later: Iterator[str]) -> Way | None:
    """The means that a word names, with the next word as its code where it takes one; None for another word."""
    if word.casefold() in _BASKET:
        return Way("basket")
    named = _CODED.fullmatch(word)
    if named is None:
        return None
    typed = (named[1] or next(later, "")).rstrip(".,;!?。、")
    code = code_of(typed)
    if code is None:
        raise BadArgument(
            _(
                "{code} is no code: write {shortest} to {longest} letters A to Z, digits, - or _, such as {example}.",
                code=Code(typed[:80] or "–"),
                shortest=Number(SHORTEST_CODE),
                longest=Number(LONGEST_CODE),
                example=Code("code SUMMER20"),
            ),
            "promo",
        )
    return Way("code", code)


def _percent(share: Decimal) -> str:
    return f"{(share * 100).normalize():f}%"


def _lowest(refusal: PriceTooLow, product: Sku, ends_at: datetime, where: _Where) -> Message:
    """The refusal, with the lowest price that is allowed as a button, or the deepest discount."""
    label, terms = None, ""
    if where.way.means != "price" and refusal.deepest > 0:
        label, terms = _("Ask for {share} off", share=Number(refusal.deepest, 1, share=True)), _percent(refusal.deepest)
    elif where.way.means == "price" and refusal.lowest is not None:
        label = _("Ask for {price}", price=Amount(refusal.lowest))
        terms = f"{refusal.lowest.amount} {refusal.lowest.currency}"
    if label is None:
        return refusal_card(refusal)
    words = (product.code, terms, f"until {ends_at.isoformat()}", *filter(None, (where.words(),)))
    return refusal_card(refusal, None, (Action(label, "promo", words, "primary"),))


COMMAND = Command(
    "promo", promo, summary=_("Lower a price or give a discount code for a while, or see what runs"), short=True
)
