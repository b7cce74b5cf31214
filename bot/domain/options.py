"""What can be done about a stock that runs out, side by side: move, hurry, buy or wait; pure.

Stock runs down at its velocity; what cannot be sold is lost, not sold later. Days count from now, units may be
fractions, money is in integer minor units of one currency.

    empty days    = days of the horizon - units sold in it / velocity
    lost margin   = empty days x velocity x margin per unit
    carrying cost = units x unit cost x carrying rate x mean days until they are sold / 365

The mean unit of an order waits for the stock before it and half of the order itself (see docs/arithmetic.md).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from bot.domain.money import Money
from bot.domain.views import CaseView, RequestView

OptionKind = Literal["transfer", "expedite", "buy", "wait"]
Why = Literal["nothing_lost", "least_lost", "cheapest"]


@dataclass(frozen=True, slots=True)
class Situation:
    """One series now: `arrivals` are (day, units) on their way, `wait_cap` bounds the days until a unit sells."""

    stock: float
    per_day: float
    arrivals: tuple[tuple[float, float], ...]
    margin_minor: int
    carrying_rate: float  # a share of the value, a year
    wait_cap: float = 365.0


@dataclass(frozen=True, slots=True)
class Choice:
    """One thing to do: so many units here after `days`, for `landed_minor` in all.

    `unit_cost_minor` values a unit while it lies on the shelf; goods of our own that are moved tie up nothing new.
    """

    kind: OptionKind
    days: float = math.inf
    units: int = 0
    landed_minor: int = 0
    unit_cost_minor: int = 0
    owned: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a choice comes to over the horizon; `burden_minor` = lost margin + carrying + what it costs beyond need."""

    choice: Choice
    empty_days: float
    avoided_days: float  # against waiting
    lost_minor: int
    carrying_minor: int
    burden_minor: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """Every outcome over one `horizon` in days, the place of the best among them, and why it is."""

    outcomes: tuple[Outcome, ...]
    horizon: float
    best: int
    why: Why


@dataclass(frozen=True, slots=True)
class OptionView:
    """One option as shown, in the organisation's currency; `empty_days` are left with it, `current` stands already."""

    kind: OptionKind
    units: int
    arrives_on: date | None
    landed: Money
    avoided_days: Decimal
    empty_days: Decimal
    lost: Money
    carrying: Money
    supplier: str = ""
    from_location: str = ""
    mode: str = ""
    best: bool = False
    current: bool = False


@dataclass(frozen=True, slots=True)
class OptionsView:
    """What can be done about a case, `wait` last, over the next `days`; `why` says why the best is best."""

    case: CaseView
    request: RequestView | None
    options: tuple[OptionView, ...]
    days: Decimal
    why: Why


def compare(situation: Situation, choices: Sequence[Choice], least_horizon: float = 7.0) -> Comparison:
    """Weigh the choices, among them `wait`, over one horizon: until the last of them is here, and a review more.

    The best has the least burden; of equals the sooner, then the earlier in the order given.
    """
    ends = [choice.days for choice in choices if math.isfinite(choice.days)]
    horizon = max(ends, default=0.0) + least_horizon
    waiting = empty_days(situation, (), horizon)
    cheapest = min((_unit(choice) for choice in choices if choice.units and not choice.owned), default=0.0)
    outcomes = tuple(_outcome(situation, choice, horizon, waiting, cheapest) for choice in choices)
    best = min(range(len(outcomes)), key=lambda place: (outcomes[place].burden_minor, choices[place].days, place))
    return Comparison(outcomes, horizon, best, _why(outcomes, best))


def empty_days(situation: Situation, more: Sequence[tuple[float, float]], horizon: float) -> float:
    """Days without stock until the horizon, with `more` arrivals than are on their way."""
    if situation.per_day <= 0:
        return 0.0
    stock, now, sold = max(situation.stock, 0.0), 0.0, 0.0
    coming = sorted((max(day, 0.0), units) for day, units in (*situation.arrivals, *more) if day < horizon)
    for day, units in (*coming, (horizon, 0.0)):
        out = min(stock, situation.per_day * (day - now))
        sold += out
        stock += units - out
        now = day
    return max(horizon - sold / situation.per_day, 0.0)


def _outcome(situation: Situation, choice: Choice, horizon: float, waiting: float, cheapest: float) -> Outcome:
    more = [(choice.days, float(choice.units))] if choice.units and math.isfinite(choice.days) else []
    empty = empty_days(situation, more, horizon)
    lost = round(empty * situation.per_day * max(situation.margin_minor, 0))
    carrying = 0 if choice.owned else _carrying(situation, choice)
    premium = choice.landed_minor if choice.owned else max(round((_unit(choice) - cheapest) * choice.units), 0)
    return Outcome(choice, empty, max(waiting - empty, 0.0), lost, carrying, lost + carrying + premium)


def _unit(choice: Choice) -> float:
    return choice.landed_minor / choice.units if choice.units else 0.0


def _carrying(situation: Situation, choice: Choice) -> int:
    """Capital times the carrying rate until the mean unit is sold, from the day it arrives."""
    if not choice.units or not math.isfinite(choice.days):
        return 0
    if situation.per_day <= 0:
        days = situation.wait_cap
    else:
        before = situation.stock + sum(units for day, units in situation.arrivals if day <= choice.days)
        left = max(before - situation.per_day * choice.days, 0.0)
        days = min((left + choice.units / 2) / situation.per_day, situation.wait_cap)
    return round(choice.units * choice.unit_cost_minor * situation.carrying_rate * days / 365.0)


def _why(outcomes: Sequence[Outcome], best: int) -> Why:
    chosen = outcomes[best]
    others = [outcome for place, outcome in enumerate(outcomes) if place != best]
    if any(outcome.lost_minor > 0 for outcome in others) and chosen.lost_minor == 0:
        return "nothing_lost"
    if all(chosen.lost_minor <= outcome.lost_minor for outcome in others):
        return "least_lost"
    return "cheapest"
