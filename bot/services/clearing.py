"""The figures of a lower price for one product at one place, from what the watch knows of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from bot.chat.nodes import Amount, Bold, Code, Number, Text
from bot.domain.discount import Means, deepest_share, taken_off
from bot.domain.money import Money
from bot.domain.policy import Policy, floor_price
from bot.domain.promotion import (
    Elsewhere,
    Forecast,
    Needed,
    PromotionSettings,
    Terms,
    break_even,
    depth_of,
    forecast,
    lowest_price,
    needed_elsewhere,
    reduced,
    to_clear,
    too_low,
    wait_days,
)
from bot.domain.watch import Assessment
from bot.errors import Refusal
from bot.ports import StorePrice
from bot.services.figures import decimal
from bot.services.snapshot import Snapshot
from bot.words import Words, _

_DAY = 86_400


class PriceTooLow(Refusal):
    """The policy allows no such price; `lowest` is the one that it allows, None where even that is no reduction.

    `deepest` is the share off the price now that leaves no less, in tenths of a per cent; nothing where none does.
    """

    def __init__(self, words: Words, lowest: Money | None, deepest: Decimal = Decimal(0)) -> None:
        super().__init__(words)
        self.lowest = lowest
        self.deepest = deepest


@dataclass(frozen=True, slots=True)
class Subject:
    """What is to be cleared: the product, the place, and its row in the snapshot."""

    taken: Snapshot
    assessed: Assessment
    row: int

    @property
    def sku(self) -> str:
        """The product's code."""
        return self.taken.product(self.row).sku

    @property
    def currency(self) -> str:
        """The currency of its price."""
        return self.taken.product(self.row).currency

    @property
    def per_day(self) -> float:
        """Units a day without a promotion."""
        return float(self.assessed.demand.velocity[self.row])

    @property
    def available(self) -> int:
        """Units on the shelf that nobody was promised."""
        return max(0, int(self.taken.positions.available[self.row] - self.taken.promised[self.row]))

    @property
    def unit_cost(self) -> int | None:
        """The landed cost per unit: the product's, or the planned route's where that is higher; None: unknown."""
        taken, product = self.taken, self.taken.product(self.row)
        known = product.unit_cost_minor or 0
        planned = int(taken.market.planned[self.row])
        factor = taken.exchange.factor(product.currency)
        if planned >= 0 and factor and int(taken.market.cost[planned]) > 0:
            known = max(known, math.ceil(int(taken.market.cost[planned]) / factor))
        return known or None

    def needed(self) -> tuple[Needed, ...]:
        """What other places need of it within their lead times."""
        taken, supply = self.taken, self.assessed.supply
        places, days = taken.network.location, taken.network.transfer_days
        return needed_elsewhere(
            [
                Elsewhere(
                    location=taken.place(other).code,
                    position=int(supply.position[other]),
                    reorder_point=float(supply.reorder_point[other]),
                    lead_time_days=float(supply.lead_time[other]),
                    transfer_days=float(days[places[self.row], places[other]]),
                )
                for other in range(self.assessed.series)
                if other != self.row
                and taken.product_ids[other] == taken.product_ids[self.row]
                and not (taken.positions.stale is not None and taken.positions.stale[other])
            ]
        )


@dataclass(frozen=True, slots=True)
class Way:
    """How what a buyer pays is lowered: the price itself, or a `share` off it by a `code` or in the basket."""

    means: Means = "price"
    code: str = ""
    share: Decimal | None = None

    def depth(self, price_minor: int, promo_minor: int) -> Decimal:
        """The discount as a share of the price: the stated one, for what a buyer pays after it is rounded."""
        return depth_of(price_minor, promo_minor) if self.share is None else self.share

    def detail(self) -> dict[str, Any]:
        """As a request keeps it, plain JSON; nothing of a price."""
        if self.share is None:
            return {}
        return {"means": self.means, "code": self.code, "share": f"{self.share:f}"}


BY_PRICE = Way()


@dataclass(frozen=True, slots=True)
class Preview:
    """Everything that is shown of a promotion before it is approved; money in minor units of `currency`."""

    store: str
    currency: str
    price_minor: int
    promo_minor: int
    unit_cost_minor: int
    floor_minor: int
    break_even_minor: int
    units: int
    per_day: float
    ends_at: datetime
    forecast: Forecast
    today: date
    elasticity: float
    share: Decimal  # of the catalogue that promotions touch, this one among them
    from_store: bool
    way: Way = BY_PRICE

    def detail(self) -> dict[str, Any]:
        """As a request keeps it, plain JSON."""
        depth = self.way.depth(self.price_minor, self.promo_minor)
        return {
            "store": self.store,
            "price_minor": self.price_minor,
            "promo_price_minor": self.promo_minor,
            "floor_price_minor": self.floor_minor,
            "break_even_minor": self.break_even_minor,
            "depth": f"{depth:f}",
            "below_cost": self.promo_minor < self.unit_cost_minor,
            "ends_at": self.ends_at.isoformat(),
            "catalogue_share": f"{self.share:f}",
            "sell_out_on": self._on(self.forecast.days_with),
            "sell_out_without_on": self._on(self.forecast.days_without),
            "expected_units": self.forecast.sold,
            "given_away_minor": self.forecast.given_away_minor,
            "held_minor": self.forecast.held_minor,
            "uplift": str(decimal(self.forecast.uplift, 2)),
            "elasticity": str(decimal(self.elasticity, 2)),
            "per_day": str(decimal(self.per_day, 4)),
            "price_from": "store" if self.from_store else "catalogue",
            **self.way.detail(),
        }

    def _on(self, days: float | None) -> str | None:
        return None if days is None else (self.today + timedelta(days=math.floor(days))).isoformat()


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody asks for: a `depth` or a price, until when, in which store, whose price is `seen` if it answered.

    With `clamp` a price that is too low is raised to the lowest one allowed (the bot's own proposals); `units` bounds
    what is cleared. A `way` with a share is a discount: what a buyer pays is rounded down, as some stores do.
    """

    store: str
    ends_at: datetime
    seen: StorePrice | None
    depth: Decimal | None = None
    promo_minor: int | None = None
    units: int | None = None
    clamp: bool = False
    way: Way = BY_PRICE

    def promo(self, price_minor: int) -> int:
        """What a buyer is to pay in place of the price."""
        if self.way.share is not None:
            return taken_off(price_minor, self.way.share)
        return self.promo_minor if self.promo_minor is not None else reduced(price_minor, self.depth or Decimal(0))


def preview(
    subject: Subject, wish: Wish, policy: Policy, settings: PromotionSettings, share: Decimal, now: datetime
) -> Preview:
    """The promotion that is wished for. Refusal where something is missing or the stock is needed elsewhere;
    PriceTooLow where the policy allows no such price.
    """
    cost, price = subject.unit_cost, _price(subject, wish.seen)
    if cost is None:
        raise Refusal(
            _("The cost of {sku} is not known, so neither is its floor price; import it first.", sku=Code(subject.sku))
        )
    promo = wish.promo(price)
    if wish.clamp:
        promo = max(promo, lowest_price(price, cost, policy))
    _allow(subject, price, promo, cost, policy, wish.way)
    units = _units(subject, wish.units)
    days = (wish.ends_at - now).total_seconds() / _DAY
    terms = Terms(units, price, promo, cost, subject.per_day, days)
    ahead = max(0, subject.available - units) + units / 2
    return Preview(
        store=wish.store,
        currency=subject.currency,
        price_minor=price,
        promo_minor=promo,
        unit_cost_minor=cost,
        floor_minor=floor_price(policy, cost),
        break_even_minor=break_even(cost, wait_days(ahead, subject.per_day, settings.longest_wait_days), settings),
        units=units,
        per_day=subject.per_day,
        ends_at=wish.ends_at,
        forecast=forecast(terms, settings),
        today=subject.taken.today_of(subject.row),
        elasticity=settings.elasticity,
        share=share,
        from_store=wish.seen is not None,
        way=wish.way,
    )


def _price(subject: Subject, seen: StorePrice | None) -> int:
    if seen is not None:
        if seen.price.currency != subject.currency:
            raise Refusal(
                _(
                    "That store sells {sku} in {theirs}, the catalogue has it in {ours}.",
                    sku=Code(subject.sku),
                    theirs=Text(seen.price.currency),
                    ours=Text(subject.currency),
                )
            )
        return seen.price.minor
    price = subject.taken.product(subject.row).unit_price_minor
    if not price:
        raise Refusal(_("The price of {sku} is not known; import it first.", sku=Code(subject.sku)))
    return price


def _units(subject: Subject, most: int | None) -> int:
    """Units to clear, never one that another place needs; Refusal where none are left."""
    needed = subject.needed()
    short = sum(need.units for need in needed)
    if not subject.available:
        raise Refusal(_("There is nothing of {sku} on the shelf to clear.", sku=Code(subject.sku)))
    units = to_clear(subject.available, float(subject.assessed.supply.order_up_to[subject.row]), short)
    if units <= 0:
        first: Mapping[str, Any] = {"place": Bold(Text(needed[0].location)), "units": Number(needed[0].units)}
        raise Refusal(
            _(
                "{place} needs {units} units of {sku} within its lead time; move them there rather than clear them.",
                sku=Code(subject.sku),
                **first,
            )
        )
    return units if most is None else min(units, most)


def _allow(subject: Subject, price: int, promo: int, cost: int, policy: Policy, way: Way) -> None:
    """PriceTooLow, with the lowest price that is allowed, where this one is not."""
    wrong = too_low(price, promo, cost, policy, way.share)
    if not wrong:
        return
    least = lowest_price(price, cost, policy)
    currency = subject.currency
    lowest = Money.of_minor(least, currency) if least < price else None
    asked, floor = Amount(Money.of_minor(promo, currency)), Amount(Money.of_minor(floor_price(policy, cost), currency))
    if wrong == "not_lower":
        words = _(
            "{asked} is not below the price now, {price}.", asked=asked, price=Amount(Money.of_minor(price, currency))
        )
        raise PriceTooLow(words, None)
    if lowest is None:
        raise PriceTooLow(
            _(
                "The price now is at the floor, {floor}, or below it: cost and the policy's least markup on cost, "
                "{margin}. It cannot be lowered.",
                floor=floor,
                margin=Number(policy.least_margin, 1, share=True),
            ),
            None,
        )
    if wrong == "floor":
        words = _(
            "{asked} is below the floor, {floor}: cost and the policy's least markup on cost, {margin}. "
            "The lowest price allowed is {lowest}.",
            asked=asked,
            floor=floor,
            margin=Number(policy.least_margin, 1, share=True),
            lowest=Bold(Amount(lowest)),
        )
    else:
        words = _(
            "{depth} is deeper than the policy's deepest discount of {most}. The lowest price allowed is {lowest}.",
            depth=Number(way.depth(price, promo), 1, share=True),
            most=Number(policy.deepest_discount, 1, share=True),
            lowest=Bold(Amount(lowest)),
        )
    deepest = min(policy.deepest_discount, deepest_share(price, floor_price(policy, cost)))
    raise PriceTooLow(words, lowest, deepest)
