"""Clearance prices: what a lower price does, how low it may be, when it stops, and what it brought. Pure rules.

Money is in integer minor units of one currency, rates in units a day, times in days. The floor and the depths are those
of the policy; the rest is stated as an assumption where it is shown.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_CEILING, ROUND_UP, Decimal
from typing import Literal

from bot.domain.policy import Policy, floor_price

StopReason = Literal["end", "sold", "needed", "person", "halt", "differs"]
REASONS_OF_STOP: tuple[StopReason, ...] = ("end", "sold", "needed", "person", "halt", "differs")
TooLow = Literal["", "not_lower", "depth", "floor"]

_DEPTH_PLACES = Decimal("0.0001")
_EXACT = 1e-9


@dataclass(frozen=True, slots=True)
class PromotionSettings:
    """What is assumed.

    `elasticity`: a price lower by 1% sells that many per cent more; 2.6 is the mean of 1,851 published ones (Bijmolt,
    van Heerde & Pieters 2005). `carrying_rate` is a share of the stock's value a year. Stock that does not sell is
    expected to wait `longest_wait_days`.
    """

    elasticity: float = 2.6
    carrying_rate: float = 0.25
    longest_wait_days: float = 365.0


def reduced(price_minor: int, depth: Decimal) -> int:
    """The price after a discount, rounded up to a minor unit: never deeper than was asked for."""
    return int((price_minor * (1 - depth)).to_integral_value(ROUND_CEILING))


def depth_of(price_minor: int, promo_minor: int) -> Decimal:
    """The discount as a share of the price, rounded up to four decimals."""
    if price_minor <= 0:
        raise ValueError("a price is above nothing")
    share = Decimal(price_minor - promo_minor) / Decimal(price_minor)
    return share.quantize(_DEPTH_PLACES, ROUND_UP).normalize()


def lowest_price(price_minor: int, unit_cost_minor: int, policy: Policy) -> int:
    """The lowest price that the policy allows: no lower than the floor, no deeper than the deepest discount."""
    return max(floor_price(policy, unit_cost_minor), reduced(price_minor, policy.deepest_discount))


def too_low(
    price_minor: int, promo_minor: int, unit_cost_minor: int, policy: Policy, share: Decimal | None = None
) -> TooLow:
    """What is wrong with a price, empty where nothing is: it is not lower than before, below the floor, or too deep.

    The depth of a discount is the `share` that it takes off: the price after it is rounded down, and may seem deeper.
    """
    if promo_minor >= price_minor:
        return "not_lower"
    if promo_minor < floor_price(policy, unit_cost_minor):
        return "floor"
    depth = depth_of(price_minor, promo_minor) if share is None else share
    return "depth" if depth > policy.deepest_discount else ""


def uplift(depth: Decimal, elasticity: float) -> float:
    """How many times as much sells at that depth: 1 + elasticity x depth."""
    return 1.0 + elasticity * float(depth)


def wait_days(units_ahead: float, per_day: float, longest: float) -> float:
    """Days until that many units have sold at a rate, `longest` at the most."""
    return min(units_ahead / per_day, longest) if per_day > 0 else longest


def break_even(unit_cost_minor: int, wait: float, settings: PromotionSettings) -> int:
    """The discount per unit at which clearing now costs what holding would: carrying cost until the expected sale."""
    return int(unit_cost_minor * settings.carrying_rate * wait / 365.0)


@dataclass(frozen=True, slots=True)
class Forecast:
    """What is expected of a promotion of `units`.

    `days_with` and `days_without` until the last of them is sold, with and without it (None: not within a year);
    `sold` of them while it runs; `given_away_minor` on those, and `held_minor` is the carrying cost that is saved.
    """

    uplift: float
    days_with: float | None
    days_without: float | None
    sold: int
    given_away_minor: int
    held_minor: int


@dataclass(frozen=True, slots=True)
class Terms:
    """A price before and after, of units that sell `per_day` without it, for `days`."""

    units: int
    price_minor: int
    promo_minor: int
    unit_cost_minor: int
    per_day: float
    days: float

    def __post_init__(self) -> None:
        """Refuse what is no promotion."""
        if self.units <= 0 or self.days <= 0 or not 0 < self.promo_minor < self.price_minor:
            raise ValueError("a promotion lowers a price of some units for some time")

    @property
    def depth(self) -> Decimal:
        """The discount as a share of the price."""
        return depth_of(self.price_minor, self.promo_minor)


def forecast(terms: Terms, settings: PromotionSettings) -> Forecast:
    """What the promotion is expected to do: it multiplies the rate while it runs; after its end the old rate holds."""
    factor = uplift(terms.depth, settings.elasticity)
    fast = terms.per_day * factor
    during = min(float(terms.units), fast * terms.days)
    without = terms.units / terms.per_day if terms.per_day > 0 else math.inf
    if terms.per_day <= 0:
        with_it = math.inf
    elif during >= terms.units - _EXACT:
        with_it = terms.units / fast
    else:
        with_it = terms.days + (terms.units - during) / terms.per_day
    saved_days = min(without, settings.longest_wait_days) - min(with_it, settings.longest_wait_days)
    sold = round(during)
    # On average a unit waits half as long as the last one.
    held = terms.units * terms.unit_cost_minor * settings.carrying_rate * saved_days / 2 / 365.0
    return Forecast(
        uplift=factor,
        days_with=with_it if with_it <= settings.longest_wait_days else None,
        days_without=without if without <= settings.longest_wait_days else None,
        sold=sold,
        given_away_minor=(terms.price_minor - terms.promo_minor) * sold,
        held_minor=max(0, int(held)),
    )


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Another location's view of a product: days of a transfer from here to there."""

    location: str
    position: int
    reorder_point: float
    lead_time_days: float
    transfer_days: float


@dataclass(frozen=True, slots=True)
class Needed:
    """Units that a location lacks to last through its lead time."""

    location: str
    units: int


def needed_elsewhere(others: Sequence[Elsewhere]) -> tuple[Needed, ...]:
    """What other locations need within their lead times and could have sooner from here, most first."""
    found = [
        Needed(other.location, units)
        for other in others
        if other.transfer_days < other.lead_time_days
        and (units := math.ceil(other.reorder_point - _EXACT) - other.position) > 0
    ]
    return tuple(sorted(found, key=lambda need: (-need.units, need.location)))


def to_clear(available: int, order_up_to: float, needed: int) -> int:
    """Units worth clearing, never one that is needed elsewhere.

    That is what lies above the order-up-to level; where nothing does, a person still may clear all that nobody needs.
    """
    free = max(0, available - needed)
    excess = available - math.ceil(order_up_to - _EXACT)
    return min(free, excess) if excess > 0 else free


def stop_reason(
    now: datetime, ends_at: datetime, sold: int, stop_after: int | None, *, needed: bool
) -> StopReason | None:
    """Why a running promotion must stop by itself, None where it goes on.

    Another location's need comes before everything, then the sell-out target, then the end date.
    """
    if needed:
        return "needed"
    if stop_after is not None and sold >= stop_after:
        return "sold"
    return "end" if now >= ends_at else None


@dataclass(frozen=True, slots=True)
class Spell:
    """Units sold on so many days with stock; `left_out` days had none and do not count."""

    units: int
    days: int
    left_out: int = 0

    @property
    def per_day(self) -> Decimal:
        """Units a day; zero without a day."""
        return Decimal(self.units) / self.days if self.days else Decimal(0)


@dataclass(frozen=True, slots=True)
class Lift:
    """What a promotion brought.

    `extra` is what sold beyond the rate before; `given_away_minor` the discount on all that sold; the margins are over
    its days, with it and as the rate before would have made them; `freed_minor` is the cost of `extra`.
    """

    before: Spell
    during: Spell
    factor: Decimal | None  # None: nothing sold before
    extra: int
    given_away_minor: int
    margin_minor: int
    margin_without_minor: int
    freed_minor: int


def lift(before: Spell, during: Spell, price_minor: int, promo_minor: int, unit_cost_minor: int) -> Lift:
    """Units a day during the promotion against those before it, days without stock left out."""
    expected = before.per_day * during.days
    extra = int((during.units - expected).to_integral_value())
    return Lift(
        before=before,
        during=during,
        factor=during.per_day / before.per_day if before.per_day and during.days else None,
        extra=extra,
        given_away_minor=(price_minor - promo_minor) * during.units,
        margin_minor=(promo_minor - unit_cost_minor) * during.units,
        margin_without_minor=int(((price_minor - unit_cost_minor) * expected).to_integral_value()),
        freed_minor=max(0, extra) * unit_cost_minor,
    )


def spells(units: Sequence[int], usable: Sequence[bool], days: int) -> tuple[Spell, Spell]:
    """(before, during) from daily figures that end with the promotion's last day, which ran for the last `days`.

    Days without stock are left out; the time before reaches back until it holds as many days with stock as the
    promotion ran, or to the beginning.
    """
    if not 0 < days <= len(units) or len(units) != len(usable):
        raise ValueError("a promotion ran for some of the days that are given")
    cut = len(units) - days
    during = [count for count, good in zip(units[cut:], usable[cut:], strict=True) if good]
    before: list[int] = []
    skipped = 0
    for count, good in zip(reversed(units[:cut]), reversed(usable[:cut]), strict=True):
        if len(before) == max(len(during), 1):
            break
        if good:
            before.append(count)
        else:
            skipped += 1
    return Spell(sum(before), len(before), skipped), Spell(sum(during), len(during), days - len(during))
