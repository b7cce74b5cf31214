"""The story behind a case in a few lines: each says one thing, from the evidence that was stored with the case."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from bot.chat.cards import labels
from bot.chat.cards.stored import decimal_of
from bot.chat.nodes import Amount, Block, Bold, Bullets, Inline, Number, Span, Text
from bot.domain.money import Money
from bot.domain.views import CaseKind
from bot.words import Words, _, n_

_END = _(".")


class _Told:
    """The figures of a case's evidence by name; None where it keeps none."""

    def __init__(self, evidence: Mapping[str, Any], currency: str) -> None:
        inputs, lying = evidence.get("inputs"), evidence.get("lying")
        self.evidence, self.currency = evidence, currency
        self._steps = {one.get("name"): one for one in _list(evidence.get("steps")) if isinstance(one, Mapping)}
        self._inputs: Mapping[str, Any] = inputs if isinstance(inputs, Mapping) else {}
        self._lying: Mapping[str, Any] = lying if isinstance(lying, Mapping) else {}

    def step(self, name: str) -> Decimal | None:
        """The result of a step."""
        return decimal_of(self._steps.get(name, {}).get("result"))

    def value(self, name: str, key: str) -> Decimal | None:
        """A value that went into a step."""
        values = self._steps.get(name, {}).get("values")
        return decimal_of(values.get(key)) if isinstance(values, Mapping) else None

    def given(self, key: str) -> Decimal | None:
        """An input."""
        return decimal_of(self._inputs.get(key))

    def lying(self, key: str) -> Decimal | None:
        """A figure of stock that lies."""
        return decimal_of(self._lying.get(key))

    def window(self) -> Mapping[str, Any]:
        """The longest window."""
        windows = _list(self.evidence.get("windows"))
        return windows[-1] if windows and isinstance(windows[-1], Mapping) else {}

    def amount(self, step: str) -> Inline:
        """Money that a step came to."""
        minor = self.step(step)
        return labels.NONE if minor is None else Bold(Amount(Money.of_minor(int(minor), self.currency)))


def story(kind: CaseKind, evidence: Mapping[str, Any], currency: str) -> list[Block]:
    """Up to five lines; none where the case keeps no reckoning."""
    told = _Told(evidence, currency)
    lines = [line for make in _STORIES[kind] for line in make(told)]
    return [Bullets(tuple(lines))] if lines else []


def _list(value: object) -> Sequence[Any]:
    return value if isinstance(value, Sequence) and not isinstance(value, str) else ()


def _units(count: Decimal | None) -> Inline:
    return labels.NONE if count is None else labels.units(round(count))


def _rate(rate: Decimal | None) -> Inline:
    return labels.NONE if rate is None else Number(rate, 2)


def _velocity(told: _Told) -> list[Inline]:
    window, now = told.window(), told.step("velocity")
    days = decimal_of(window.get("window"))
    if now is None or days is None:
        return []
    out, parts_out = (int(decimal_of(window.get(name)) or 0) for name in ("left_out_days", "part_days"))
    parts: list[Inline] = [
        n_(
            "In the last {count} day {raw} a day were sold, {corrected} on a day in stock",
            "In the last {count} days {raw} a day were sold, {corrected} on a day in stock",
            int(days),
            raw=_rate(decimal_of(window.get("raw"))),
            corrected=_rate(decimal_of(window.get("corrected"))),
        )
    ]
    if parts_out:
        parts.append(
            _(
                " ({days} days without stock left out: {whole} as a whole, and parts of {count} more)",
                days=Number(out + (decimal_of(window.get("part_out_days")) or 0), 2),
                whole=out,
                count=parts_out,
            )
        )
    elif out:
        parts.append(n_(" ({count} day without stock left out)", " ({count} days without stock left out)", out))
    parts.append(_("; {rate} a day are expected now.", rate=Bold(_rate(now))))
    forecast = told.evidence.get("forecast")
    series = decimal_of(forecast.get("series")) if isinstance(forecast, Mapping) else None
    if series:
        parts.append(n_(" Learned from {count} series.", " Learned from {count} series.", int(series)))
    return [Span(tuple(parts))]


def _lead_time(told: _Told) -> list[Inline]:
    days, mean = told.given("lead_time_days"), told.step("lead_time_demand")
    if days is None or mean is None:
        return []
    parts: list[Inline] = [
        _(
            "Goods take {days}, give or take {spread} ({source}): about {units} will be asked for until they come",
            days=Bold(labels.days(days)),
            spread=labels.days(told.given("lead_time_sd")),
            source=_source(told),
            units=Bold(_units(mean)),
        )
    ]
    middle, most, nearly = (told.step(f"lead_time_{name}") for name in ("median", "p80", "p95"))
    if middle is not None and most is not None and nearly is not None:
        parts.append(
            _(
                "; as likely as not {median}, four times in five up to {p80}, 19 times in 20 up to {p95}",
                median=_units(middle),
                p80=_units(most),
                p95=_units(nearly),
            )
        )
    return [Span((*parts, _END))]


def _source(told: _Told) -> Inline:
    """Where the lead time comes from."""
    found = told.evidence.get("lead_time")
    learned = found if isinstance(found, Mapping) else {}
    seen = int(decimal_of(learned.get("observations")) or 0)
    inputs = told.evidence.get("inputs")
    if isinstance(inputs, Mapping) and inputs.get("lead_time_assumed"):
        return _("assumed: no supplier has a route here")
    if seen:
        return n_("learned from {count} order", "learned from {count} orders", seen)
    return _("as stated")


def _safety(told: _Told) -> list[Inline]:
    level, point, safety = told.given("service_level"), told.step("reorder_point"), told.step("safety_stock")
    if level is None or point is None:
        return []
    return [
        _(
            "To have enough in {level} of cycles, {safety} of safety stock are added: order at {point}.",
            level=labels.share(level),
            safety=_units(safety),
            point=Bold(_units(point)),
        )
    ]


def _date(told: _Told) -> list[Inline]:
    """What a review date of the supplier asks for."""
    point = told.step("review_point")
    if point is None:
        return []
    return [
        _(
            "The supplier's orders go out today: with them goes what is at {point} or under, to last until goods of the"
            " next date are here.",
            point=Bold(_units(point)),
        )
    ]


def _runout(told: _Told) -> list[Inline]:
    have, ends, gap = told.given("available"), told.step("days_to_stockout"), told.step("gap")
    if have is None or ends is None:
        return []
    coming = (told.value("inventory_position", "incoming") or Decimal(0)) - (told.given("overdue") or Decimal(0))
    empty = have <= 0
    parts: list[Inline] = [_("The shelf is empty") if empty else _("There are {units}", units=_units(have))]
    if coming > 0:
        on_way = _units(coming)
        parts.append(
            _(", {units} are on their way", units=on_way) if empty else _(" and {units} on their way", units=on_way)
        )
    late = told.given("overdue") or Decimal(0)
    if late > 0:
        parts.append(_(", with {units} overdue and counted on no day", units=_units(late)))
    if not empty or ends > 0:
        parts.append(_(": they last {days}", days=Bold(labels.days(ends))))
        parts += _taken_off(told, "days_to_stockout")
    if gap and empty and ends <= 0:
        parts.append(
            _(
                ", and it stays so for {gap} until help comes. That loses {units}, {money} of margin.",
                gap=Bold(labels.days(gap)),
                units=_units(told.step("lost_units")),
                money=told.amount("lost_margin"),
            )
        )
    elif gap:
        parts.append(
            _(
                ", and the shelf is empty for {gap} before help comes. That loses {units}, {money} of margin.",
                gap=Bold(labels.days(gap)),
                units=_units(told.step("lost_units")),
                money=told.amount("lost_margin"),
            )
        )
    else:
        parts.append(_(", and help can come before they end."))
    return [Span(tuple(parts))]


def _taken_off(told: _Told, step: str) -> list[Words]:
    """How much sooner the stock ends for the events ahead."""
    events = told.value(step, "events") or Decimal(0)
    return [_(" ({days} less for events ahead)", days=labels.days(events))] if events >= Decimal("0.05") else []


def _order(told: _Told) -> list[Inline]:
    quantity, up_to = told.step("order_quantity"), told.step("order_up_to")
    if quantity is None or up_to is None:
        return []
    if not quantity:
        position = told.step("inventory_position")
        return [_("Nothing is to be ordered: {units} are there or under way.", units=_units(position))]
    late = told.value("order_quantity", "late") or Decimal(0)  # comes after goods of the next review
    return [
        _(
            "So {quantity} are ordered: up to {level}, less {position} there or under way, at least {minimum}, in packs"
            " of {pack}.",
            quantity=Bold(_units(quantity)),
            level=_units(Decimal(up_to.to_integral_value(rounding="ROUND_CEILING"))),
            position=_units((told.step("inventory_position") or Decimal(0)) - late),
            minimum=_units(told.given("minimum_order")),
            pack=Number(told.given("pack_size") or Decimal(1)),
        )
    ]


def _surge(told: _Told) -> list[Inline]:
    usual, chance = told.step("surge_rate"), told.step("surge_p_value")
    if usual is None or chance is None:
        return []
    return [
        _(
            "{count} were sold on the last day, {usual} are usual; by luck that happens on {chance} of days.",
            count=Bold(_units(told.value("surge_p_value", "count"))),
            usual=_rate(usual),
            chance=Text(f"{chance:.2g}"),
        ),
        _("If it lasts, the shelf is empty too soon: {money} of margin.", money=told.amount("surge_lost_margin")),
    ]


def _slump(told: _Told) -> list[Inline]:
    usual, chance = told.step("slump_rate"), told.step("slump_p_value")
    days, sold = told.value("slump_p_value", "n"), told.value("slump_p_value", "count")
    if usual is None or chance is None or days is None or sold is None:
        if told.step("inventory_position") is None:
            return []
        return [_("Too few days of the last week tell anything: events, a closed place, or sales not yet told of.")]
    return [
        n_(
            "On {count} day in stock of the last week {sold} were sold, {usual} are usual; by luck so few have a chance"
            " of {chance}.",
            "On {count} days in stock of the last week {sold} were sold, {usual} are usual; by luck so few have a"
            " chance of {chance}.",
            int(days),
            sold=Bold(_units(sold)),
            usual=_units(usual * days),
            chance=Text(f"{chance:.2g}"),
        ),
        _("If it lasts, {money} of margin are missed in a week.", money=told.amount("slump_lost_margin")),
        *_under_way(told, sold / days),
    ]


def _under_way(told: _Told, pace: Decimal) -> list[Inline]:
    """What is coming or asked for, which the usual pace was the measure of."""
    coming = (told.value("inventory_position", "incoming") or Decimal(0)) + (told.given("pending") or Decimal(0))
    if coming <= 0:
        return []
    have = max(told.given("available") or Decimal(0), Decimal(0)) + coming
    if not pace:
        return [_("{units} are on their way or asked for: at this pace nothing of them sells.", units=_units(coming))]
    return [
        _(
            "{units} are on their way or asked for: with what is there they last {days} at this pace.",
            units=Bold(_units(coming)),
            days=labels.days(have / pace),
        )
    ]


def _lies(told: _Told) -> list[Inline]:
    idle, have = told.lying("days_since_sale"), told.given("on_hand")
    if have is None:
        return []
    cover, parts = told.step("days_of_cover"), [_("{units} lie there", units=Bold(_units(have)))]
    if idle is not None and idle >= 1:
        parts.append(n_("; the last sale was {count} day ago", "; the last sale was {count} days ago", int(idle)))
    if cover is not None:
        parts.append(_("; at this rate they last {days}", days=Bold(labels.days(cover))))
        parts += _taken_off(told, "days_of_cover")
    return [Span((*parts, _END))]


def _excess(told: _Told) -> list[Inline]:
    line, units = told.step("excess_line"), told.step("excess_units")
    if line is None or units is None:
        return []
    return [
        _(
            "{units} are more than {line}, which safety stock and the next orders could use.",
            units=Bold(_units(units)),
            line=_units(line),
        )
    ]


def _capital(told: _Told) -> list[Inline]:
    if told.step("capital") is None:
        return []
    return [_("{money} are tied up, storage ahead included.", money=told.amount("capital"))]


_Line = Callable[[_Told], list[Inline]]
_STORIES: Mapping[CaseKind, tuple[_Line, ...]] = {
    "stockout_risk": (_velocity, _lead_time, _safety, _date, _runout, _order),
    "late_inbound": (_velocity, _runout),
    "surge": (_surge,),
    "slump": (_slump,),
    "slow_mover": (_velocity, _lies, _capital),
    "overstock": (_velocity, _lies, _excess, _capital),
    "data_stale": (),
}
