"""Discounts beside the price: a code that buyers type, or a share taken off in the basket. Pure rules.

A share is a Decimal between 0 and 1, in hundredths of a per cent at the finest: every store keeps those. Money is in
integer minor units of one currency.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_FLOOR, Decimal
from typing import Literal

from bot.words import Words, _

Way = Literal["code", "basket"]
Means = Literal["price", "code", "basket"]  # how a promotion lowers what a buyer pays

SHORTEST_CODE, LONGEST_CODE = 3, 32
_CODE = re.compile(rf"[A-Z0-9][A-Z0-9_-]{{{SHORTEST_CODE - 1},{LONGEST_CODE - 1}}}")
EVERYTHING = ("*",)  # the products of a discount as a store keeps it, where it is on none in particular
NEVER = datetime.max.replace(tzinfo=UTC)  # the end of a discount as a store keeps it, where it has none
ALWAYS = datetime.min.replace(tzinfo=UTC)  # its start, where it has none
_BUTTON_PLACES = Decimal("0.001")  # of a share that is offered: a tenth of a per cent


@dataclass(frozen=True, slots=True)
class Discount:
    """A share off some products for a while. `code` is what a buyer types; without one it comes off by itself.

    Both instants are aware and in whole seconds; there is always an end. `name` is for people, buyers among them.
    `variants` are the store's own ids of what it is on, as far as they are known; a store's word always has them, where
    it has any.
    """

    skus: tuple[str, ...]
    share: Decimal
    code: str
    starts_at: datetime
    ends_at: datetime
    name: str
    variants: tuple[str, ...] = ()

    @property
    def goods(self) -> tuple[tuple[str, str], ...]:
        """What it is on as (SKU, the store's id): the variants where they are known, else SKUs, with an empty id."""
        return tuple((" ".join(self.skus), each) for each in self.variants) or tuple((sku, "") for sku in self.skus)

    @property
    def way(self) -> Way:
        """By which means it comes off."""
        return "code" if self.code else "basket"

    def differs(self, stands: Discount) -> Words | None:
        """What of a discount as a store keeps it is not as it is wanted here; None where nothing is.

        Products in any order: the same variants, or the same SKUs in any case where either names no variants. A code in
        any case, a start no later, an end to the minute: some stores keep no seconds.
        """
        if not self._on_the_same(stands):
            if stands.skus == EVERYTHING:
                return _("it is on everything")
            return _("it is on {skus}", skus=", ".join(sorted(stands.skus)))
        if stands.share != self.share:
            return _("it takes off {share}%", share=f"{stands.share * 100:f}")
        if stands.code.casefold() != self.code.casefold():
            return _("its code is {code}", code=stands.code) if stands.code else _("it has no code")
        if abs((stands.ends_at - self.ends_at).total_seconds()) >= 60:
            if stands.ends_at == NEVER:
                return _("it never ends")
            return _("it ends at {at}", at=stands.ends_at.isoformat())
        if (stands.starts_at - self.starts_at).total_seconds() >= 60:
            return _("it starts at {at}", at=stands.starts_at.isoformat())
        return None

    def _on_the_same(self, stands: Discount) -> bool:
        if self.variants and stands.variants:
            return sorted(self.variants) == sorted(stands.variants)
        return sorted(map(str.casefold, self.skus)) == sorted(map(str.casefold, stands.skus))


def code_of(text: str) -> str | None:
    """A code as it is written to stores, in capitals; None for what is none.

    3 to 32 letters A to Z, digits, - and _, of which the first is a letter or digit: what every store takes.
    """
    folded = text.strip().upper()
    return folded if _CODE.fullmatch(folded) else None


def taken_off(price_minor: int, share: Decimal) -> int:
    """What a buyer pays, rounded down to a minor unit: no store rounds lower, so the floor holds in each."""
    return int((price_minor * (1 - share)).to_integral_value(ROUND_FLOOR))


def deepest_share(price_minor: int, least_minor: int) -> Decimal:
    """The largest share, in tenths of a per cent, after which a buyer still pays that much; nothing where none is."""
    if price_minor <= 0 or least_minor >= price_minor:
        return Decimal(0)
    share = Decimal(price_minor - least_minor) / Decimal(price_minor)
    return share.quantize(_BUTTON_PLACES, ROUND_FLOOR)
