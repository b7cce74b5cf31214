"""`/why`: replays the number that was shown, from the evidence stored with the case."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from bot.chat.cards import labels
from bot.chat.cards.charts import chart_block
from bot.chat.cards.stored import decimal_of
from bot.chat.cards.story import story
from bot.chat.nodes import (
    Action,
    Actions,
    Amount,
    Block,
    Bold,
    Bullets,
    Code,
    Column,
    Facts,
    Footnote,
    Heading,
    Inline,
    Instant,
    Message,
    Number,
    Paragraph,
    Span,
    Table,
    Text,
)
from bot.domain.calendar import KEYS
from bot.domain.chart import StockChart
from bot.domain.evidence import STEPS_OF_KIND
from bot.domain.money import Money
from bot.domain.views import CaseView
from bot.words import Words, _, n_

STEPS: Mapping[str, Words] = {
    "category_share": _("Share that the category's rate has"),
    "velocity": _("Velocity, units a day"),
    "lead_time_days": _("Days of usual demand until goods come"),
    "lead_time_demand": _("Demand over the lead time"),
    "lead_time_variance": _("Its variance"),
    "lead_time_median": _("As likely as not up to"),
    "lead_time_p80": _("Four times in five up to"),
    "lead_time_p95": _("19 times in 20 up to"),
    "lead_time_quantile": _("At the service level up to"),
    "safety_stock": _("Safety stock"),
    "reorder_point": _("Reorder point"),
    "cycle_days": _("Days of usual demand in the cycle"),
    "cycle_demand": _("Demand over lead time and review"),
    "cycle_variance": _("Variance of the cycle"),
    "cycle_quantile": _("In the cycle, at the service level up to"),
    "cycle_safety_stock": _("Safety stock of the cycle"),
    "order_up_to": _("Order up to"),
    "joint_days": _("Days of usual demand until goods of the next date come"),
    "joint_demand": _("Demand until goods of the next date come"),
    "joint_variance": _("Variance until then"),
    "joint_quantile": _("Until then, at the service level up to"),
    "joint_safety_stock": _("Safety stock until then"),
    "review_point": _("What goes with today's orders, at or under"),
    "inventory_position": _("Inventory position"),
    "days_of_cover": _("Days of cover"),
    "days_to_stockout": _("Days to stock-out"),
    "gap": _("Days empty before the next arrival"),
    "order_quantity": _("Order quantity"),
    "lost_units": _("Sales lost until then"),
    "lost_margin": _("Margin at risk"),
    "inventory_turnover": _("Inventory turnover"),
    "days_of_inventory": _("Days of inventory"),
    "excess_line": _("Excess begins at"),
    "excess_units": _("Units in excess"),
    "capital": _("Capital tied up"),
    "surge_rate": _("Usual sales a day"),
    "surge_p_value": _("Chance of so many by luck"),
    "surge_lost_margin": _("Margin at risk"),
    "slump_rate": _("Usual sales a day"),
    "slump_p_value": _("Chance of so few by luck"),
    "slump_lost_margin": _("Margin missed in a week"),
}

MONEY = frozenset(
    {"lost_margin", "surge_lost_margin", "slump_lost_margin", "capital"}
)  # steps whose result is in minor units

INPUTS: Mapping[str, Words] = {
    "on_hand": _("On hand"),
    "available": _("Available"),
    "overdue": _("Overdue"),
    "pending": _("In requests"),
    "backorders": _("Backorders"),
    "lead_time_days": _("Lead time, days"),
    "lead_time_sd": _("Its spread, days"),
    "review_days": _("Review period, days"),
    "review_wait": _("Days until the supplier's orders go out"),
    "service_level": _("Service level"),
    "minimum_order": _("Minimum order"),
    "pack_size": _("Pack size"),
}


def why_card(case: CaseView, chart: StockChart | None = None) -> Message:
    """The story in a few lines and a picture of now; then what went in, and each step with its figures put in."""
    code = labels.case_code(case.id)
    about = labels.product(case.sku, case.name) if case.sku else Text(case.name)
    title = _("Why {case}: {kind}", case=Text(code), kind=labels.KINDS[case.kind][0])
    place = Text(case.location_name or case.location)
    blocks: list[Block] = [
        Heading(title),
        Paragraph(_("{product} at {place}", product=about, place=place) if case.location else about),
    ]
    blocks.append(Paragraph(_("At risk: {money}", money=Bold(Amount(case.money_at_risk)))))
    blocks += story(case.kind, case.evidence, case.money_at_risk.currency)
    if chart is not None:
        blocks.append(chart_block(chart))
    steps = _reckoning(case.evidence, STEPS_OF_KIND[case.kind], case.money_at_risk.currency)
    blocks += steps
    if not steps:
        blocks.append(Paragraph(_gist(case)))
    blocks += _actions(case)
    blocks.append(
        Footnote(
            _(
                "Case {case}, {state} since {at}",
                case=Code(code),
                state=labels.STATES[case.state],
                at=Instant(case.opened_at),
            )
        )
    )
    return Message(title, tuple(blocks))


def reckoning_card(evidence: Mapping[str, object], currency: str) -> Message:
    """Everything behind a series' figures, whether or not they make a case: for the board."""
    title = _("Why these figures")
    blocks = _reckoning(evidence, tuple(STEPS), currency) or [Paragraph(_("There is nothing to reckon with yet."))]
    return Message(title, tuple(blocks))


def _reckoning(evidence: Mapping[str, object], steps: Sequence[str], currency: str) -> list[Block]:
    return [
        *_inputs(evidence.get("inputs")),
        *_learned(evidence.get("lead_time")),
        *_borrowed(evidence.get("borrowed")),
        *_events(evidence.get("events")),
        *_windows(evidence.get("windows")),
        *_steps(evidence.get("steps"), steps, currency),
    ]


def _inputs(inputs: object) -> list[Block]:
    if not isinstance(inputs, Mapping):
        return []
    pairs: list[tuple[Words, Inline]] = []
    for key, label in INPUTS.items():
        value = decimal_of(inputs.get(key))
        if value is None or (key in {"overdue", "pending", "backorders"} and not value):
            continue
        pairs.append((label, Number(value, 1, share=True) if key == "service_level" else Number(value, 1)))
    incoming = inputs.get("incoming")
    if isinstance(incoming, Sequence) and not isinstance(incoming, str) and incoming:
        pairs.append((_("Incoming"), _incoming(incoming)))
    return [Facts(tuple(pairs[:20]))] if pairs else []


def _learned(lead_time: object) -> list[Block]:
    """On how many deliveries the lead time rests, and its days of rest; nothing where it is the stated one."""
    if not isinstance(lead_time, Mapping):
        return []
    return [*_taught(lead_time), *_rest(lead_time.get("closed_days"))]


def _rest(closed: object) -> list[Block]:
    if not isinstance(closed, int) or not closed:
        return []
    words = n_(
        "The supplier is closed for {count} day of it.", "The supplier is closed for {count} days of it.", closed
    )
    return [Paragraph(words)]


def _taught(lead_time: Mapping[str, object]) -> list[Block]:
    seen, stated = lead_time.get("observations"), decimal_of(lead_time.get("stated_days"))
    if not isinstance(seen, int) or not seen or stated is None:
        return []
    words = n_(
        "The lead time is learned from {count} order; {stated} were stated.",
        "The lead time is learned from {count} orders; {stated} were stated.",
        seen,
        stated=labels.days(stated),
    )
    return [Paragraph(words)]


def _borrowed(told: object) -> list[Block]:
    """What is expected of a new product by how others sell, and who they are."""
    if not isinstance(told, Mapping):
        return []
    count, rate, share = int(decimal_of(told.get("series")) or 0), decimal_of(told.get("rate")), told.get("share")
    figures: dict[str, Inline] = {
        "share": labels.share(decimal_of(share)),
        "rate": Number(rate or Decimal(0), 2),
        "category": Text(str(told.get("category", ""))),
    }
    match told.get("near"):
        case "place":
            words = n_(
                "New here: {share} of its rate is borrowed. {category} sells {rate} a day here, by {count} product.",
                "New here: {share} of its rate is borrowed. {category} sells {rate} a day here, by {count} products.",
                count,
                **figures,
            )
        case "category":
            words = n_(
                "New here: {share} of its rate is borrowed. At all places {category} sells {rate} a day, scaled to"
                " this one, by {count} product.",
                "New here: {share} of its rate is borrowed. At all places {category} sells {rate} a day, scaled to"
                " this one, by {count} products.",
                count,
                **figures,
            )
        case _:
            words = n_(
                "New here: {share} of its rate is borrowed. Nothing is known of {category}; all goods sell {rate} a day"
                " here, by {count} product.",
                "New here: {share} of its rate is borrowed. Nothing is known of {category}; all goods sell {rate} a day"
                " here, by {count} products.",
                count,
                **figures,
            )
    return [Paragraph(words)]


def _events(told: object) -> list[Block]:
    """What the calendar expects until goods come and while the stock lasts."""
    if not isinstance(told, Sequence) or isinstance(told, str):
        return []
    lines = tuple(_event(each) for each in told[:6] if isinstance(each, Mapping))
    return [Paragraph(_("Events ahead: {events}.", events=labels.listing(lines, _("; "))))] if lines else []


def _event(told: Mapping[str, Any]) -> Inline:
    key, name = str(told.get("key", "")), str(told.get("name", ""))
    times = Number(decimal_of(told.get("times")) or Decimal(1), 2)
    named: Inline = Words(name) if key in KEYS else Text(name)
    if told.get("source") == "category":
        category = Text(str(told.get("category", "")))
        return _("{name}, {times} times the usual as {category} sold here", name=named, times=times, category=category)
    if told.get("source") == "place" or told.get("learned"):  # as cases of former versions say it
        return _("{name}, {times} times the usual as own sales of this place say", name=named, times=times)
    return _("{name}, {times} times the usual as the calendar assumes", name=named, times=times)


def _incoming(landings: Sequence[Any]) -> Inline:
    """Units by day from the reckoning's date; the rest in one figure."""
    parts: list[Inline] = []
    for day, count in landings[:3]:
        parts += [Text(" · ")] if parts else []
        parts.append(n_("{units} in {count} day", "{units} in {count} days", int(day), units=labels.units(int(count))))
    if len(landings) > 3:
        rest = sum(int(count) for _day, count in landings[3:])
        parts += [Text(" · "), _("{units} later", units=labels.units(rest))]
    return Span(tuple(parts))


def _windows(windows: object) -> list[Block]:
    if not isinstance(windows, Sequence) or not windows:
        return []
    columns = (
        Column(_("Window")),
        Column(_("Sold"), "end"),
        Column(_("A day, as sold"), "end"),
        Column(_("A day, corrected"), "end"),
        Column(_("Days left out"), "end"),
        Column(_("Weight"), "end"),
    )
    rows = tuple(_window(window) for window in windows[:6] if isinstance(window, Mapping))
    return [Table(columns, rows)] if rows else []


def _window(window: Mapping[str, Any]) -> tuple[Inline, ...]:
    return (
        n_("last {count} day", "last {count} days", int(decimal_of(window.get("window")) or 0)),
        _figure(window.get("units"), 1),
        _figure(window.get("raw"), 2),
        _figure(window.get("corrected"), 2),
        _left_out(window),
        labels.share(decimal_of(window.get("weight"))),
    )


def _left_out(window: Mapping[str, Any]) -> Inline:
    """Whole days, and the hours of others in days; cases of former versions tell whole days alone."""
    whole, parts = (decimal_of(window.get(name)) for name in ("left_out_days", "part_out_days"))
    return labels.NONE if whole is None else Number(whole + (parts or 0), 2)


def _figure(value: object, decimals: int) -> Inline:
    number = decimal_of(value)
    return labels.NONE if number is None else Number(number, decimals)


def _steps(steps: object, shown: Sequence[str], currency: str) -> list[Block]:
    if not isinstance(steps, Sequence):
        return []
    named = {step["name"]: step for step in steps if isinstance(step, Mapping) and "name" in step}
    wanted = [named[name] for name in shown if name in named]
    lines = tuple(_step(step, currency) for step in wanted)
    if not lines:
        return []
    money = any(step["name"] in MONEY for step in wanted)
    note: list[Block] = [Footnote(_("Money inside a formula is in cents, pence or fen."))] if money else []
    return [Bullets(lines), *note]


def _step(step: Mapping[str, Any], currency: str) -> Inline:
    """One step: its name, its result, the formula, and the figures that went into it."""
    name = str(step["name"])
    label: Inline = STEPS.get(name) or Text(name)
    parts: list[Inline] = [label, Text(": "), Bold(_result(name, step.get("result"), currency))]
    formula = str(step.get("formula", ""))
    if formula and formula not in {"0", "1", "inf"}:
        parts += [Text(" = "), Code(formula)]
        values = step.get("values")
        if isinstance(values, Mapping) and values:
            parts += [Text(" · "), _values(values)]
    return Span(tuple(parts))


def _result(name: str, result: object, currency: str) -> Inline:
    number = decimal_of(result)
    if number is None:
        return _("no end") if name in {"days_of_cover", "days_to_stockout"} else labels.NONE
    if name in MONEY:
        return Amount(Money.of_minor(int(number), currency))
    if name in {"surge_p_value", "slump_p_value"}:
        return Text(f"{number:.2g}")
    return Number(number, 2)


def _values(values: Mapping[str, Any]) -> Inline:
    """`d = 1.5, L = 30`: names as in the formula, figures in the reader's language."""
    return labels.listing([Span((Text(f"{key} = "), _figure(value, 3))) for key, value in values.items()])


def _gist(case: CaseView) -> Words:
    """For a case whose evidence holds no reckoning."""
    match case.kind:
        case "data_stale":
            source = Text(str(case.evidence.get("source", "")) or case.name or "–")
            hours = decimal_of(case.evidence.get("limit_hours")) or Decimal(0)
            return _(
                "{source} should speak every {hours} hours and has been silent for longer.",
                source=source,
                hours=Number(hours),
            )
        case _:
            return _("No reckoning was kept with this case.")


def _actions(case: CaseView) -> list[Block]:
    code = labels.case_code(case.id)
    buttons: list[Action] = []
    if case.request_id is not None:
        request = labels.request_code(case.request_id)
        buttons.append(Action(_("Open {request}", request=request), "requests", (request,), style="primary"))
    if case.sku:
        buttons.append(Action(_("Stock"), "stock", (case.sku, case.location) if case.location else (case.sku,)))
    if case.state in {"open", "acknowledged"}:
        buttons.append(Action(_("Snooze 1 day"), "snooze", (code, "1d")))
    return [Actions(tuple(buttons))] if buttons else []
