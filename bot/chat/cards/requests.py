"""Requests for approval: the card with its buttons, who decided, and the list."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

from bot.chat.cards import labels
from bot.chat.nodes import (
    Action,
    Actions,
    Amount,
    Badge,
    Block,
    Bold,
    Code,
    Column,
    Day,
    Facts,
    Footnote,
    Heading,
    Inline,
    Instant,
    Mention,
    Message,
    Number,
    Paragraph,
    Span,
    Table,
    Text,
)
from bot.chat.paging import page_blocks, page_of
from bot.domain.money import Money
from bot.domain.views import Page, RequestLineView, RequestView
from bot.words import Words, _, n_


def request_card(request: RequestView, page: int = 1) -> Message:
    """A request: what is asked for, and either the buttons to decide it or who decided, when and where."""
    label, tone = labels.REQUEST_STATES[request.state]
    title = _(
        "{kind} {request}",
        kind=labels.REQUEST_KINDS[request.kind],
        request=Text(labels.request_code(request.id)),
    )
    blocks: list[Block] = [
        Heading(Span((title, Text(" · "), Badge(label, tone)))),
        Facts(_facts(request)),
        *_lines(request, page),
    ]
    if request.state == "pending":
        blocks += [Paragraph(_("Next: approve or reject it.")), Actions(_buttons(request))]
    else:
        blocks.append(Paragraph(Span((decision_line(request), Text(" "), next_of_decision(request)))))
        if request.comment:
            blocks.append(Paragraph(_("Comment: {comment}", comment=Text(request.comment))))
        if request.case_id is not None:
            blocks.append(Actions((Action(_("Why?"), "why", (labels.case_code(request.case_id),)),)))
    blocks.append(Footnote(_origin(request)))
    return Message(_summary(request), tuple(blocks))


def _summary(request: RequestView) -> Words:
    return _(
        "{kind} {request}: {money}, {state}",
        kind=labels.REQUEST_KINDS[request.kind],
        request=Text(labels.request_code(request.id)),
        money=Amount(request.total),
        state=labels.REQUEST_STATES[request.state][0],
    )


def _facts(request: RequestView) -> tuple[tuple[Words, Inline], ...]:
    money = _("Total") if request.kind != "transfer" else _("Value")
    pairs: list[tuple[Words, Inline]] = [(money, Bold(Amount(request.total)))]
    if request.supplier:
        pairs.append((_("Supplier"), Text(request.supplier)))
    if request.from_location:
        pairs.append((_("From"), Text(request.from_location)))
    pairs.append((_("To") if request.kind != "promotion" else _("Place"), Text(request.location)))
    if request.expected_on is not None:
        pairs.append((_("Arrives"), Day(request.expected_on)))
    pairs += _details(request.detail, request.total.currency)
    return tuple(pairs)


def _details(detail: Mapping[str, object], currency: str) -> list[tuple[Words, Inline]]:
    """What the draft rested on, as far as it is told."""
    pairs: list[tuple[Words, Inline]] = []
    mode = {"sea": _("by sea"), "air": _("by air"), "road": _("by road"), "rail": _("by rail")}.get(
        str(detail.get("mode"))
    )
    if (lead := decimal_of(detail.get("lead_time_days"))) is not None:
        days = labels.days(lead)
        pairs.append((_("Lead time"), _("{days}, {mode}", days=days, mode=mode) if mode else days))
    if (cover := decimal_of(detail.get("days_of_cover"))) is not None:
        pairs.append((_("Cover now"), labels.days(cover)))
    if (depth := decimal_of(detail.get("depth"))) is not None:
        pairs.append((_("Discount"), Number(depth, 1, share=True)))
    for key, label in (
        ("price_minor", _("Price now")),
        ("promo_price_minor", _("Clearance price")),
        ("floor_price_minor", _("Floor price")),
    ):
        minor = detail.get(key)
        if isinstance(minor, int):
            pairs.append((label, Amount(Money.of_minor(minor, currency))))
    return pairs


def decimal_of(value: object) -> Decimal | None:
    """A JSON number or its text as a Decimal; None where it is neither."""
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        return None
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def _lines(request: RequestView, page: int) -> list[Block]:
    if len(request.lines) == 1:
        line = request.lines[0]
        words = _(
            "{units} of {product} at {cost} each",
            units=Bold(labels.units(line.quantity)),
            product=labels.product(line.sku, line.name),
            cost=Amount(line.unit_cost),
        )
        return [Paragraph(words)]
    columns = (Column(_("Product")), Column(_("Name")), Column(_("Units"), "end"), Column(_("Each"), "end"))
    shown = page_of(request.lines, page)
    rows = tuple(_line(line) for line in shown.items)
    turn = page_blocks(shown, ("requests", labels.request_code(request.id)))
    return [Table(columns, rows), *turn] if rows else []


def _line(line: RequestLineView) -> tuple[Inline, ...]:
    return Code(line.sku), Text(line.name or "–"), Number(line.quantity), Amount(line.unit_cost)


def _buttons(request: RequestView) -> tuple[Action, ...]:
    shown = labels.request_code(request.id, request.version)
    found = [
        Action(_("Approve {money}", money=Amount(request.total)), "approve", (shown,), style="primary"),
        Action(_("Reject"), "reject", (shown,), style="danger"),
    ]
    if request.case_id is not None:
        code = labels.case_code(request.case_id)
        found += [Action(_("Why?"), "why", (code,)), Action(_("Snooze 1 day"), "snooze", (code, "1d"))]
    return tuple(found)


def _origin(request: RequestView) -> Inline:
    who: Inline = Text(request.requested_by) if request.requested_by else Text("Stocktide")
    parts: list[Inline] = [_("Drafted by {who}, {at}", who=who, at=Instant(request.created_at))]
    if request.expires_at is not None and request.state in {"draft", "pending"}:
        parts += [Text(" · "), _("expires {at}", at=Instant(request.expires_at))]
    return Span(tuple(parts))


def decision_line(request: RequestView) -> Words:
    """Who decided, when and where; or how it ended without anybody."""
    if request.decided_at is None:
        return _("{request}: {state}.", request=_code(request), state=labels.REQUEST_STATES[request.state][0])
    when = Instant(request.decided_at)
    if request.decided_by_id is None and not request.decided_by:
        return _(
            "{request}: {state}, {at}.", request=_code(request), state=labels.REQUEST_STATES[request.state][0], at=when
        )
    who: Inline = Text(request.decided_by)
    if request.decided_by_id is not None:
        who = Mention(request.decided_by_id, request.decided_by)
    code, platform = _code(request), labels.platform_name(request.decided_platform)
    if request.state == "rejected":
        return _(
            "{request} rejected by {who}, {at}, from {platform}.", request=code, who=who, at=when, platform=platform
        )
    return _("{request} approved by {who}, {at}, from {platform}.", request=code, who=who, at=when, platform=platform)


def _code(request: RequestView) -> Inline:
    return Bold(Text(labels.request_code(request.id)))


def next_of_decision(request: RequestView) -> Inline:
    """What follows from the state, honestly: Stocktide itself places no order yet."""
    match request.kind, request.state:
        case "purchase_order", "approved":
            return _("The order is yet to be placed by hand.")
        case "transfer", "approved":
            return _("The transfer is yet to be arranged by hand.")
        case "promotion", "approved":
            return _("The promotion is yet to be started by hand.")
        case _, "draft":
            return _("It waits to be submitted.")
        case _, "expired":
            return _("Nobody decided in time; it is proposed again if the need stays.")
        case _, "rejected":
            return (
                _("Nothing is ordered; it is proposed again only if things get worse.")
                if request.kind == "purchase_order"
                else _("Nothing is done.")
            )
        case _:
            return Text("")


def decided_card(request: RequestView, *, already: bool = False) -> Message:
    """The answer to who decided."""
    words = decision_line(request)
    blocks: list[Block] = [Paragraph(words), Paragraph(next_of_decision(request))]
    if already:
        blocks.append(Footnote(_("You had decided so before; nothing was done twice.")))
    return Message(words, tuple(block for block in blocks if block != Paragraph(Text(""))))


def requests_card(page: Page, line: tuple[str, ...]) -> Message:
    """The requests that wait for a decision, the oldest first."""
    title = n_("{count} request waits for approval", "{count} requests wait for approval", page.total)
    if not page.items:
        nothing = _("No request waits for you.")
        return Message(nothing, (Paragraph(nothing), Actions((Action(_("What to restock"), "restock"),))))
    columns = (
        Column(_("Request")),
        Column(_("Kind")),
        Column(_("Product")),
        Column(_("Units"), "end"),
        Column(_("To")),
        Column(_("Total"), "end"),
        Column(_("Arrives"), "end"),
    )
    requests: tuple[RequestView, ...] = page.items
    buttons = tuple(_open(request) for request in requests)
    blocks: list[Block] = [
        Heading(title),
        Table(columns, tuple(_row(request) for request in requests)),
        Actions(buttons),
        Paragraph(_("Next: open one to approve or reject it.")),
    ]
    return Message(title, (*blocks, *page_blocks(page, line)))


def _open(request: RequestView) -> Action:
    code = labels.request_code(request.id)
    return Action(_("{request} · {money}", request=code, money=Amount(request.total)), "requests", (code,))


def _row(request: RequestView) -> tuple[Inline, ...]:
    first, *others = request.lines or (None,)
    product: Inline = Code(first.sku) if first else labels.NONE
    if others:
        product = Span((product, Text(" "), _("and {count} more", count=len(others))))
    return (
        Text(labels.request_code(request.id)),
        labels.REQUEST_KINDS[request.kind],
        product,
        Number(sum(line.quantity for line in request.lines)),
        Text(request.location or "–"),
        Amount(request.total),
        Day(request.expected_on) if request.expected_on else labels.NONE,
    )
