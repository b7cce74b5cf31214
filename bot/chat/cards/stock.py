"""`/stock`: one product, place by place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

from bot.chat.cards import labels
from bot.chat.cards.charts import chart_block
from bot.chat.nodes import (
    MAX_ROWS,
    Action,
    Actions,
    Badge,
    Block,
    Bold,
    Bullets,
    Code,
    Column,
    Day,
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
from bot.domain.views import REVENUE_DAYS, CaseView, Revenue, StockLine, StockReport, Velocity
from bot.words import Words, _, n_

MAX_NOTES = 6  # places whose troubles are told in a line of their own


def stock_card(report: StockReport) -> Message:
    """The product at one place in full, or at all its places in a table; then the next step."""
    title = labels.product(report.sku, report.name)
    blocks: list[Block] = [Heading(title)]
    if report.category:
        blocks.append(Paragraph(_("Category: {name}", name=Text(report.category))))
    if not report.lines:
        blocks.append(Paragraph(_("It has no stock and no sales anywhere yet.")))
    elif len(report.lines) == 1:
        blocks += _one_place(report.lines[0])
    else:
        blocks += _all_places(report.lines)
    if report.chart is not None:
        blocks.append(chart_block(report.chart))
    blocks.append(Paragraph(_next_step(report)))
    buttons = _buttons(report)
    if buttons:
        blocks.append(Actions(buttons))
    blocks.append(Footnote(_as_of(report)))
    return Message(_summary(report), tuple(blocks))


def _summary(report: StockReport) -> Words:
    on_hand = sum(line.on_hand for line in report.lines)
    rate = sum((line.per_day for line in report.lines), Decimal(0))
    return _(
        "{sku}: {units} on hand, {rate}",
        sku=Code(report.sku),
        units=labels.units(on_hand),
        rate=labels.per_day(rate),
    )


def _one_place(line: StockLine) -> list[Block]:
    badges = _badges(line)
    head: list[Inline] = [Bold(Text(line.location_name or line.location))]
    for badge in badges:
        head += [Text("  "), badge]
    pairs: list[tuple[Words, Inline]] = [
        (_("On hand"), _on_hand(line)),
        (_("Incoming"), _incoming(line)),
        (_("Sells"), _velocity(line)),
        (_("Cover"), _cover(line)),
        (_("Runs out"), _runs_out(line)),
        (_("Next arrival"), labels.arrival(line.next_arrival, line.gap_days)),
        (_("Reorder point"), _reorder(line)),
        (_("Order up to"), labels.units(line.order_up_to)),
        (_("Sold today"), labels.units(line.sold_today)),
    ]
    if line.pending:
        pairs.append((_("In requests"), labels.units(line.pending)))
    if line.lead_time_days is not None:
        pairs.append((_("Lead time"), labels.days(line.lead_time_days)))
    if line.days_of_inventory is not None:
        pairs.append((_("Days of inventory"), labels.days(line.days_of_inventory)))
    if line.value is not None:
        pairs.append((_("Stock at cost"), labels.amount(line.value)))
    if line.revenue is not None:
        days = n_("Sold for, {count} day", "Sold for, {count} days", REVENUE_DAYS.days)
        pairs.append((days, _revenue(line.revenue)))
    if line.abc or line.xyz:
        pairs.append((_("Class"), Text(line.abc + line.xyz)))
    return [Paragraph(Span(tuple(head))), Facts(tuple(pairs)), *_speeds(line), *_age(line)]


def _on_hand(line: StockLine) -> Inline:
    if not line.committed:
        return labels.units(line.on_hand)
    return _(
        "{units}, {free} of them free",
        units=labels.units(line.on_hand),
        free=Number(line.available),
    )


def _revenue(revenue: Revenue) -> Inline:
    if not revenue.waiting:
        return labels.amount(revenue.amount)
    return _(
        "{amount}, and what was paid in {currencies}, which waits for a rate",
        amount=labels.amount(revenue.amount),
        currencies=Text(", ".join(revenue.waiting)),
    )


def _incoming(line: StockLine) -> Inline:
    """What is dated, and how it stands to what the store says; what has no date counts nowhere."""
    if line.told is None:
        return labels.units(line.incoming)
    return _(
        "{units}; {store} says {told}, {known} of them in shipments we know",
        units=labels.units(line.incoming),
        store=Text(line.told.store),
        told=labels.count(line.told.units),
        known=labels.count(line.told.units - line.undated),
    )


def _velocity(line: StockLine) -> Inline:
    return Bold(labels.per_day(line.per_day))


def _cover(line: StockLine) -> Inline:
    if line.days_of_cover is None:
        return _("nothing sells")
    alone = Bold(labels.days(line.days_of_cover))
    inbound = line.days_of_cover_with_inbound
    if inbound is None or inbound == line.days_of_cover:
        return alone
    return _("{days} ({more} with what is on its way)", days=alone, more=labels.days(inbound))


def _runs_out(line: StockLine) -> Inline:
    return Day(line.stockout_on) if line.stockout_on else labels.NONE


def _reorder(line: StockLine) -> Inline:
    if line.reorder_point is None:
        return labels.NONE
    if line.safety_stock is None:
        return labels.units(line.reorder_point)
    return _(
        "{units}, {safety} of them safety stock",
        units=labels.units(line.reorder_point),
        safety=Number(line.safety_stock),
    )


def _speeds(line: StockLine) -> list[Block]:
    """The raw and the corrected velocity of each window; alike where no day was left out."""
    if not line.velocities:
        return []
    columns = (
        Column(_("Window")),
        Column(_("Sold"), "end"),
        Column(_("A day, as sold"), "end"),
        Column(_("A day, corrected"), "end"),
        Column(_("Days left out"), "end"),
    )
    rows = tuple(
        (
            n_("last {count} day", "last {count} days", each.window),
            labels.count(each.units),
            labels.rate_number(each.raw),
            labels.rate_number(each.corrected),
            Number(each.left_out, 2),
        )
        for each in line.velocities
    )
    return [Table(columns, rows)]


def _age(line: StockLine) -> list[Block]:
    """How old the stock is: as the place's own store measured it, otherwise first in, first out."""
    if line.told_age is not None:
        aged = [(labels.age_band(first, last), units) for first, last, units in line.told_age.bands]
        told = _("Age of the stock, as measured there: {buckets}", buckets=_listed(aged))
        notes = [labels.told_age(line.told_age), told]
        if line.told_age.charged is not None:
            notes.append(_("Storage there last month: {fees}", fees=labels.amount(line.told_age.charged)))
        return [Footnote(note) for note in notes]
    if not any(line.ageing[2:]):
        return []
    names = (_("0–30 days"), _("31–60 days"), _("61–90 days"), _("91–180 days"), _("over 180 days"))
    return [Footnote(_("Age of the stock: {buckets}", buckets=_listed(zip(names, line.ageing, strict=True))))]


def _listed(aged: Iterable[tuple[Inline, int]]) -> Span:
    """The ages that hold any units, with those."""
    parts: list[Inline] = []
    for name, units in aged:
        if units:
            parts += [Text(" · ")] if parts else []
            parts += [name, Text(" "), Number(units)]
    return Span(tuple(parts) or (labels.NONE,))


def _badges(line: StockLine) -> tuple[Badge, ...]:
    return tuple(labels.kind_badge(kind) for kind in line.flags)


def _all_places(lines: Sequence[StockLine]) -> list[Block]:
    columns = (
        Column(_("Place")),
        Column(_("On hand"), "end"),
        Column(_("Incoming"), "end"),
        Column(_("A day"), "end"),
        Column(_("Cover, days"), "end"),
        Column(_("Reorder at"), "end"),
        Column(_("Runs out"), "end"),
        Column(_("Arrives"), "end"),
    )
    shown = lines[:MAX_ROWS]
    blocks: list[Block] = [Table(columns, tuple(_row(line) for line in shown))]
    if len(lines) > len(shown):
        left = tuple(line.location for line in lines[len(shown) :])
        blocks.append(Footnote(_("Not in the table: {places}", places=Text(", ".join(left)))))
    noted = [note for line in lines if (note := _note(line)) is not None]
    if noted:
        blocks.append(Bullets(tuple(noted[:MAX_NOTES])))
    if len(noted) > MAX_NOTES:
        more = len(noted) - MAX_NOTES
        words = n_("{count} more place has something to note.", "{count} more places have something to note.", more)
        blocks.append(Footnote(words))
    return blocks


def _row(line: StockLine) -> tuple[Inline, ...]:
    return (
        Text(line.location),
        labels.count(line.on_hand),
        labels.count(line.incoming),
        labels.rate_number(line.per_day),
        labels.short_days(line.days_of_cover),
        labels.count(line.reorder_point),
        _runs_out(line),
        _arrives(line),
    )


def _arrives(line: StockLine) -> Inline:
    if line.next_arrival is None:
        return labels.NONE
    day = Day(line.next_arrival.on)
    return Span((day, Text(" "), Badge(_("late"), "bad"))) if line.next_arrival.late else day


def _note(line: StockLine) -> Inline | None:
    """What the table cannot say of a place: flags, the gap before the next arrival, undated goods, days left out."""
    parts: list[Inline] = list(_badges(line))
    if line.gap_days is not None and line.gap_days > 0:
        parts.append(
            n_(
                "empty for {count} day before the next arrival",
                "empty for {count} days before the next arrival",
                line.gap_days,
            )
        )
    if line.told is not None and line.undated:
        parts.append(
            _(
                "{store} says {told} are on their way, {undated} of them in no shipment we know",
                store=Text(line.told.store),
                told=labels.count(line.told.units),
                undated=labels.count(line.undated),
            )
        )
    left_out = max(line.velocities, key=lambda each: each.left_out, default=None)
    if left_out is not None and left_out.left_out:
        parts.append(_left_out(left_out))
    if not parts:
        return None
    spaced: list[Inline] = [Bold(Text(line.location))]
    for part in parts:
        spaced += [Text(" · "), part]
    return Span(tuple(spaced))


def _left_out(speed: Velocity) -> Words:
    if speed.part_days:
        return _(
            "{corrected} corrected, {raw} as sold over {window} days; {days} days without stock left out: {whole} as a"
            " whole, and parts of {count} more",
            corrected=labels.per_day(speed.corrected),
            raw=labels.rate_number(speed.raw),
            window=speed.window,
            days=Number(speed.left_out, 2),
            whole=speed.days_left_out,
            count=speed.part_days,
        )
    return n_(
        "{corrected} corrected, {raw} as sold over {window} days; {count} day without stock left out",
        "{corrected} corrected, {raw} as sold over {window} days; {count} days without stock left out",
        speed.days_left_out,
        corrected=labels.per_day(speed.corrected),
        raw=labels.rate_number(speed.raw),
        window=speed.window,
    )


def _next_step(report: StockReport) -> Words:
    """One line: what to do now."""
    asked = next((case for case in report.cases if case.request_id), None)
    if asked is not None and asked.request_id:
        code = Bold(Text(labels.request_code(asked.request_id)))
        return _(
            "Next: look at {request} for {place}.", request=code, place=Text(asked.location_name or asked.location)
        )
    risky = next((case for case in report.cases if case.kind == "stockout_risk"), None)
    if risky is not None:
        return _("Next: order for {place}, or press Why? first.", place=Text(risky.location_name or risky.location))
    slow = next((case for case in report.cases if case.kind in {"slow_mover", "overstock"}), None)
    if slow is not None:
        return _("Next: clear or move the excess at {place}.", place=Text(slow.location_name or slow.location))
    dates = [line.stockout_on for line in report.lines if line.stockout_on]
    if not dates:
        return _("Nothing to do now.")
    return _("Nothing to do now; the first place runs out on {day}.", day=Day(min(dates)))


def _buttons(report: StockReport) -> tuple[Action, ...]:
    found = [_why(case, several=len(report.lines) > 1) for case in report.cases[:3]]
    request = next((case.request_id for case in report.cases if case.request_id), None)
    if request:
        code = labels.request_code(request)
        found.insert(0, Action(_("Open {request}", request=code), "requests", (code,), style="primary"))
    if report.lines:
        found.append(Action(_("Turnover"), "turnover", (report.sku,)))
        found.append(labels.board_button(report.sku))
    return tuple(found)


def _why(case: CaseView, *, several: bool) -> Action:
    code = labels.case_code(case.id)
    label = _("Why? {place} {case}", place=case.location, case=code) if several else _("Why? {case}", case=code)
    return Action(label, "why", (code,))


def _as_of(report: StockReport) -> Words:
    if report.fresh_until is None:
        return _("As of {at}.", at=Instant(report.as_of))
    return _(
        "As of {at}; sales and stock known until {fresh}.", at=Instant(report.as_of), fresh=Instant(report.fresh_until)
    )
