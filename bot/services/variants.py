"""A product as a store sells it: one variant or several, which promotions reach together or not at all."""

from __future__ import annotations

from collections.abc import Sequence

from bot.errors import Declined
from bot.ports import StoreConnector, StorePrice
from bot.words import _

BY_SKU = ("",)  # the code of what a store knows by its SKU alone


class Uneven(Declined):
    """The store asks different prices for variants that are one product; `prices` are theirs, with their SKUs."""

    def __init__(self, prices: Sequence[StorePrice]) -> None:
        self.prices = tuple(prices)
        super().__init__(
            _("the store asks {prices} for what is one product; make them the same", prices=self.listed),
            code="different_prices",
        )

    @property
    def listed(self) -> str:
        """The prices, each with its SKU."""
        return ", ".join(f"{each.price} ({each.sku})" for each in self.prices)


class Several(Declined):
    """One price was to be changed, and the store sells the product as several variants."""

    def __init__(self, count: int) -> None:
        self.count = count
        super().__init__(
            _(
                "the store sells it as {count} variants, and their prices are not changed all at once; "
                "ask for a discount (code or basket), which reaches all of them, or lower them in the store",
                count=count,
            ),
            code="several_variants",
        )


async def price_of(store: StoreConnector, sku: str, codes: Sequence[str]) -> StorePrice:
    """What a store asks for a product, which is those variants of it; for none of them it is known by its SKU.

    Uneven where it asks different prices; Declined where it does not sell one of them.
    """
    found = [await store.price(sku, code) for code in codes or BY_SKU]
    first = found[0]
    if any((each.price, each.compare_at) != (first.price, first.compare_at) for each in found):
        raise Uneven(found)
    return first


def the_variant(codes: Sequence[str]) -> str:
    """The one variant whose price is changed; Several where there are more.

    Prices are changed one variant a call, and half a promotion is none: buyers would be asked two prices for one
    product where the second call fails.
    """
    if len(codes) > 1:
        raise Several(len(codes))
    return codes[0] if codes else ""
