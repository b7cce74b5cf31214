"""Cases: the alert of one, the burst of many, and the lists of `/restock`, `/slow` and `/cases`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from bot.chat.cards import labels
from bot.chat.cards.requests import decision_line, next_of_decision, warnings
from bot.chat.nodes import (
    MAX_ROWS,
    Action,
    Actions,
    Amount,
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
    Paragraph,
    Span,
    Table,
    Text,
)
from bot.chat.paging import PAGE_SIZE, page_blocks
from bot.domain.money import Money
from bot.domain.told import ToldAge
from bot.domain.views import CaseEnd, CaseView, Page, RequestView
from bot.words import Words, _, n_

_LYING = ("slow_mover", "overstock")  # what stock's age matters for


def case_card(case: CaseView, request: RequestView | None = None) -> Message:
    """One case as an alert: what, where, how much is at stake, the drafted answer, and the buttons to give it."""
    if case.kind == "data_stale":
        return stale_card(case)
    blocks: list[Block] = [
        Heading(_title(case)),
        Paragraph(labels.product(case.sku, case.name)),
        Facts(_facts(case)),
        Paragraph(_proposal(case, request)),
        *(warnings(request) if request is not None and sole(case, request) else ()),
    ]
    buttons = _buttons(case, request)
    if buttons:
        blocks.append(Actions(buttons))
    blocks.append(Footnote(_standing(case)))
    return Message(_summary(case), tuple(blocks), subject=f"case:{case.id}")


def _title(case: CaseView) -> Inline:
    place = Text(case.location_name or case.location)
    return Span((labels.kind_badge(case.kind), Text(" · "), place))


def _summary(case: CaseView) -> Words:
    return _(
        "{kind}: {sku} at {place}, {money} at risk",
        kind=labels.KINDS[case.kind][0],
        sku=Code(case.sku),
        place=Text(case.location),
        money=Amount(case.money_at_risk),
    )


def _facts(case: CaseView) -> tuple[tuple[Words, Inline], ...]:
    pairs: list[tuple[Words, Inline]] = [(_money_label(case), Bold(Amount(case.money_at_risk)))]
    if case.on_hand is not None:
        pairs.append((_("On hand"), labels.units(case.on_hand)))
    if case.per_day is not None:
        pairs.append((_("Sells"), labels.per_day(case.per_day)))
    if case.days_of_cover is not None:
        pairs.append((_("Cover"), labels.days(case.days_of_cover)))
    if case.stockout_on is not None:
        pairs.append((_("Runs out"), Day(case.stockout_on)))
    if case.kind in {"stockout_risk", "late_inbound", "surge", "slump"}:
        gap = None
        if case.next_arrival is not None and case.stockout_on is not None:
            gap = (case.next_arrival.on - case.stockout_on).days
        pairs.append((_("Next arrival"), labels.arrival(case.next_arrival, gap)))
    if case.kind == "late_inbound" and (orders := _late_orders(case)):
        pairs.append((_("Late orders"), Text(", ".join(orders[:5]))))
    return tuple(pairs)


def _late_orders(case: CaseView) -> tuple[str, ...]:
    """The orders of ours whose goods are late, as the last scan found them."""
    shown = case.evidence.get("shown")
    found = shown.get("overdue_orders") if isinstance(shown, Mapping) else None
    return tuple(map(str, found)) if isinstance(found, list) else ()


def _money_label(case: CaseView) -> Words:
    return _("Capital tied up") if case.kind in {"slow_mover", "overstock"} else _("Margin at risk")


_OVER: Mapping[CaseEnd | None, Words] = MappingProxyType(
    {
        None: _("Solved: the figures have recovered."),
        "unsold": _("Closed: the product is sold no more."),
        "unknown": _("Closed: nothing is known of it here any more, neither stock nor sales."),
    }
)


def _proposal(case: CaseView, request: RequestView | None) -> Inline:
    """The next step in one line."""
    if case.state == "resolved":
        return _OVER[case.ended]
    if request is not None and request.state not in {"draft", "pending"}:
        after = next_of_decision(request)
        decided = decision_line(request)
        return decided if after == Text("") else Span((decided, Text(" "), after))
    if request is not None and not sole(case, request):
        return _joined(case, request)
    if request is not None:
        return _offer(request)
    match case.kind:
        case "stockout_risk":
            return _("Next: order now, or press Why? to see the reckoning.")
        case "surge":
            return _("Next: check whether a promotion runs; if not, bring the next order forward.")
        case "slump":
            return _(
                "Next: look at the price, the listing and the reviews; orders under way may be more than is needed now."
            )
        case "late_inbound":
            return _("Next: ask the forwarder for a new date.")
        case _:
            return _("Next: lower the price, or move it where it sells.")


def sole(case: CaseView, request: RequestView) -> bool:
    """Whether the request answers this case alone, so that it may be decided on the case's card."""
    return len(request.lines) == 1 and request.case_id == case.id


def _joined(case: CaseView, request: RequestView) -> Words:
    """A case that is one line among others of an order."""
    mine = sum(line.quantity for line in request.lines if line.case_id == case.id)
    values = {
        "units": labels.units(mine),
        "request": Bold(Text(labels.request_code(request.id))),
        "money": Bold(Amount(request.total)),
        "day": Day(request.expected_on) if request.expected_on else labels.NONE,
    }
    if request.state == "draft":
        return n_(
            "Next: {units} of it are a line in {request}: {count} product, {money}, not submitted yet.",
            "Next: {units} of it are a line in {request}: {count} products, {money}, not submitted yet.",
            len(request.lines),
            **values,
        )
    return n_(
        "Next: decide {request}. {units} of it are a line there: {count} product, {money}, here by {day}.",
        "Next: decide {request}. {units} of it are a line there: {count} products, {money}, here by {day}.",
        len(request.lines),
        **values,
    )


def _offer(request: RequestView) -> Words:
    code = Bold(Text(labels.request_code(request.id)))
    quantity = labels.units(sum(line.quantity for line in request.lines))
    match request.kind:
        case "purchase_order":
            return _(
                "Next: decide {request}: {units} from {supplier} for {money}, here by {day}.",
                request=code,
                units=quantity,
                supplier=Text(request.supplier) if request.supplier else labels.NONE,
                money=Bold(Amount(request.total)),
                day=Day(request.expected_on) if request.expected_on else labels.NONE,
            )
        case "transfer":
            return _(
                "Next: decide {request}: {units} from {place}, here by {day}.",
                request=code,
                units=quantity,
                place=Text(request.from_location),
                day=Day(request.expected_on) if request.expected_on else labels.NONE,
            )
        case "promotion":
            if request.state == "draft":
                return _("Next: {request} is drafted, a clearance of {units}.", request=code, units=quantity)
            return _("Next: decide {request}, a clearance of {units}.", request=code, units=quantity)


def _buttons(case: CaseView, request: RequestView | None) -> tuple[Action, ...]:
    code = labels.case_code(case.id)
    why = Action(_("Why?"), "why", (code,))
    if case.state == "resolved":
        return (why, labels.board_button(code))
    found: list[Action] = []
    alone = request is not None and sole(case, request)
    if request is not None and request.state == "pending" and alone:
        shown = labels.request_code(request.id, request.version)
        money = Amount(request.total)
        found.append(Action(_("Approve {money}", money=money), "approve", (shown,), style="primary"))
        found.append(Action(_("Reject"), "reject", (shown,), style="danger"))
    elif request is not None and request.state not in {"rejected", "expired", "cancelled", "failed"}:
        found.append(
            Action(
                _("Open {request}", request=labels.request_code(request.id)),
                "requests",
                (labels.request_code(request.id),),
            )
        )
    if case.kind == "late_inbound":
        late = _late_orders(case)[:2]
        found += [
            Action(_("New date for {request}", request=Text(order)), "order", (order, "arrives")) for order in late
        ]
    found.append(why)
    if case.kind == "stockout_risk" and (request is None or request.state not in {"approved", "executing", "done"}):
        found.append(Action(_("Options"), "options", (code,)))
    if case.state in {"open", "acknowledged"}:
        found.append(Action(_("Snooze 1 day"), "snooze", (code, "1d")))
        found.append(Action(_("Snooze 1 week"), "snooze", (code, "1w")))
    found.append(labels.board_button(code))
    return tuple(found)


def _standing(case: CaseView) -> Inline:
    parts: list[Inline] = [
        _(
            "Case {case}, {state} since {at}",
            case=Code(labels.case_code(case.id)),
            state=labels.STATES[case.state],
            at=Instant(case.opened_at),
        )
    ]
    if case.snoozed_until is not None and case.state != "resolved":
        parts += [Text(" · "), _("snoozed until {at}", at=Instant(case.snoozed_until))]
    return Span(tuple(parts))


def stale_card(case: CaseView) -> Message:
    """A feed has gone silent: what rests on it is not judged until it speaks again."""
    source = str(case.evidence.get("source", "")) or case.name
    title = _("{badge}: {source}", badge=labels.kind_badge("data_stale"), source=Text(source))
    if case.state == "resolved":
        return Message(
            title, (Heading(title), Paragraph(_("Solved: fresh figures arrived.")), Footnote(_standing(case)))
        )
    words = _(
        "No fresh figures have come. Until they do, I judge nothing that rests on them, and stay silent about it."
    )
    buttons = (
        Action(_("Why?"), "why", (labels.case_code(case.id),)),
        Action(_("Snooze 1 day"), "snooze", (labels.case_code(case.id), "1d")),
    )
    hint = _("Next: check the connection, or import a new file.")
    return Message(
        title, (Heading(title), Paragraph(words), Paragraph(hint), Actions(buttons), Footnote(_standing(case)))
    )


def burst_card(cases: Sequence[CaseView], total: int, money: Money) -> Message:
    """Many new cases in one message, the costliest first; the rest is a press away."""
    words = n_(
        "{count} more new case, {money} at risk in all",
        "{count} more new cases, {money} at risk in all",
        total,
        money=Amount(money),
    )
    shown = tuple(sorted(cases, key=lambda case: (-case.money_at_risk.amount, case.id))[:PAGE_SIZE])
    blocks: list[Block] = [Heading(words), _table(shown)]
    if total > len(shown):
        blocks.append(Footnote(n_("The costliest is shown.", "The {count} costliest are shown.", len(shown))))
    blocks.append(Actions((Action(n_("See {count} case", "See all {count} cases", total), "cases", style="primary"),)))
    return Message(words, tuple(blocks))


def cases_card(title: Words, page: Page, line: tuple[str, ...]) -> Message:
    """A page of cases, the costliest first; a press on a number says why."""
    cases: tuple[CaseView, ...] = page.items
    if not cases:
        good = _("Nothing here: all is well.")
        return Message(title, (Heading(title), Paragraph(good)))
    blocks: list[Block] = [Heading(title), _table(cases[:MAX_ROWS])]
    told = tuple(_told(case, case.told_age) for case in cases[:MAX_ROWS] if case.told_age and case.kind in _LYING)
    if told:
        blocks.append(Bullets(told))
    blocks.append(Actions(tuple(_open(case) for case in cases[:PAGE_SIZE])))
    blocks.append(Paragraph(_("Next: press a case to see why, and what I propose.")))
    return Message(title, (*blocks, *page_blocks(page, line)))


def _told(case: CaseView, age: ToldAge) -> Inline:
    """What the place's own store says of the age of a case's stock."""
    return Span((Bold(Text(f"{case.sku} · {case.location}")), Text(" · "), labels.told_age(age)))


def _open(case: CaseView) -> Action:
    code = labels.case_code(case.id)
    return Action(
        _("{case} · {sku}", case=code, sku=case.sku[:24]) if case.sku else _("{name}", name=code), "why", (code,)
    )


def _table(cases: Sequence[CaseView]) -> Table:
    one_kind = len({case.kind for case in cases}) == 1
    columns = [Column(_("Product")), Column(_("Place"))]
    if not one_kind:
        columns.append(Column(_("Trouble")))
    columns += [
        Column(_("On hand"), "end"),
        Column(_("A day"), "end"),
        Column(_("Cover, days"), "end"),
        Column(_("At risk"), "end"),
    ]
    return Table(tuple(columns), tuple(_row(case, one_kind=one_kind) for case in cases))


def _row(case: CaseView, *, one_kind: bool) -> tuple[Inline, ...]:
    cells: list[Inline] = [
        labels.product(case.sku, case.name) if case.sku else Text(case.name or labels.case_code(case.id)),
        Text(case.location) if case.location else labels.NONE,
    ]
    if not one_kind:
        cells.append(labels.KINDS[case.kind][0])
    cells += [
        labels.count(case.on_hand),
        labels.NONE if case.per_day is None else labels.rate_number(case.per_day),
        labels.short_days(case.days_of_cover),
        Amount(case.money_at_risk),
    ]
    return tuple(cells)


def snoozed_card(case: CaseView) -> Message:
    """A case was put to sleep."""
    until: Inline = Instant(case.snoozed_until) if case.snoozed_until else labels.NONE
    words = _("{case} stays silent until {at}.", case=Bold(Text(labels.case_code(case.id))), at=until)
    about = labels.product(case.sku, case.name) if case.sku else labels.KINDS[case.kind][0]
    hint = _("It speaks up sooner if it gets worse.")
    return Message(words, (Paragraph(words), Paragraph(about), Footnote(hint)))
