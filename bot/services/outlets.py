"""The stores that are connected: which one sells from a place, and what it asks for a product now."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import structlog

from bot.chat.nodes import Bold, Code, Text
from bot.domain.discount import Way
from bot.errors import BadArgument, Declined, OutsideError, Refusal
from bot.ports import Discounts, StoreConnector, StorePrice
from bot.services.variants import Uneven, price_of
from bot.words import Words, _

_log = structlog.get_logger(__name__)

_PATIENCE = 5.0  # seconds that somebody waits for a store


@dataclass(frozen=True, slots=True)
class Outlet:
    """A connected store, the codes of the locations it sells from (none: all), and its discounts where it has any."""

    connector: StoreConnector
    locations: frozenset[str] = frozenset()
    discounts: Discounts | None = None

    def sells_from(self, location: str) -> bool:
        """Whether goods of the location are sold there."""
        return not self.locations or location in self.locations


class Outlets:
    """The connected stores by name."""

    def __init__(self, outlets: Mapping[str, Outlet]) -> None:
        self._outlets = outlets

    @property
    def connectors(self) -> Mapping[str, StoreConnector]:
        """What calls each of them."""
        return {name: outlet.connector for name, outlet in self._outlets.items()}

    @property
    def discounts(self) -> Mapping[str, Discounts]:
        """What makes discounts in those that have them."""
        return {name: outlet.discounts for name, outlet in self._outlets.items() if outlet.discounts is not None}

    def sellers(self, location: str) -> list[str]:
        """The names of those that sell from a location."""
        return [name for name, outlet in sorted(self._outlets.items()) if outlet.sells_from(location)]

    def choose(self, location: str, wanted: str = "") -> str:
        """The store that sells from a location; Refusal where none does, or several and none is named."""
        sellers = self.sellers(location)
        if wanted:
            if wanted in sellers:
                return wanted
            raise BadArgument(
                _(
                    "{store} does not sell from there; these do: {stores}.",
                    store=Code(wanted),
                    stores=Text(", ".join(sellers) or "–"),
                )
            )
        if not sellers:
            raise Refusal(
                _(
                    "No store is connected that sells from {place}; whoever runs Stocktide can connect one.",
                    place=Bold(Text(location)),
                )
            )
        if len(sellers) > 1:
            raise BadArgument(
                _(
                    "Several stores sell from {place}: {stores}. Name one at the end: {example}.",
                    place=Bold(Text(location)),
                    stores=Text(", ".join(sellers)),
                    example=Code(f"store={sellers[0]}"),
                )
            )
        return sellers[0]

    def alone(self, store: str, sku: str, codes: Sequence[str]) -> None:
        """Refusal where a price is to be lowered of what a store sells as several variants."""
        if len(codes) < 2:
            return
        name, count = Bold(Text(store)), len(codes)
        discounts = self._outlets[store].discounts
        if discounts is None:
            raise Refusal(
                _(
                    "{store} sells {sku} as {count} variants, and I change no price of half a product. "
                    "Lower them there yourself.",
                    store=name,
                    sku=Code(sku),
                    count=count,
                )
            )
        how = "code NAME" if "code" in discounts.ways else "basket"
        raise Refusal(
            _(
                "{store} sells {sku} as {count} variants, and I change no price of half a product. "
                "A discount reaches all of them at once: write {example}.",
                store=name,
                sku=Code(sku),
                count=count,
                example=Code(f"promo {sku} 20% until Friday store={store} {how}"),
            )
        )

    async def admit(self, store: str, way: Way, code: str) -> None:
        """Refusal where a store has no such means, with those that it has, or has the code already.

        Where it does not answer, nothing is said: it is asked again before the discount is made.
        """
        discounts = self._outlets[store].discounts
        if discounts is None or way not in discounts.ways:
            raise Refusal(_lacking(store, discounts.ways if discounts else frozenset()))
        if way != "code":
            return
        try:
            async with asyncio.timeout(_PATIENCE):
                taken = await discounts.taken(code)
        except (OutsideError, TimeoutError) as error:
            _log.warning("a store does not tell its codes", store=store, error=str(error))
            return
        if taken:
            raise Refusal(
                _(
                    "{store} has the code {code} already; I change and delete nothing there that is not mine. "
                    "Choose another one.",
                    store=Bold(Text(store)),
                    code=Code(code),
                )
            )

    async def seen(self, store: str, sku: str, codes: Sequence[str] = ()) -> StorePrice | None:
        """What a store asks now for the variants that a product is there, None where it does not answer in time.

        Refusal where it does not sell the product, or asks different prices for its variants.
        """
        try:
            async with asyncio.timeout(_PATIENCE):
                return await price_of(self._outlets[store].connector, sku, codes)
        except Uneven as error:
            raise Refusal(
                _(
                    "{store} asks different prices for what is {sku}: {prices}. Make them the same there first.",
                    store=Bold(Text(store)),
                    sku=Code(sku),
                    prices=Text(error.listed),
                )
            ) from error
        except Declined as error:
            _log.info("a store does not tell a price", store=store, sku=sku, error=str(error))
            raise Refusal(_("{store} does not sell {sku}.", store=Bold(Text(store)), sku=Code(sku))) from error
        except (OutsideError, TimeoutError) as error:
            _log.warning("a store did not answer", store=store, error=str(error))
            return None


def _lacking(store: str, ways: frozenset[Way]) -> Words:
    """That a store cannot do that, and what it can."""
    name = Bold(Text(store))
    if "code" in ways:
        return _(
            "{store} takes nothing off in the basket by itself. A discount code it has: write {code}; with neither it "
            "is the price.",
            store=name,
            code=Code("code NAME"),
        )
    if "basket" in ways:
        return _(
            "{store} has no discount codes. It can take it off in the basket by itself: write {basket}; with neither "
            "it is the price.",
            store=name,
            basket=Code("basket"),
        )
    return _(
        "In {store} I can only lower the price: it has no discounts that I can make. Leave out {code} and {basket}.",
        store=name,
        code=Code("code"),
        basket=Code("basket"),
    )
