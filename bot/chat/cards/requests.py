"""Requests for approval: the card with its buttons, and who decided."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

from bot.chat.cards import labels
from bot.chat.cards.containers import container_facts, container_notes, skus_listed
from bot.chat.cards.effects import halt_blocks
from bot.chat.cards.orders import order_blocks
from bot.chat.cards.promotions import promotion_blocks
from bot.chat.cards.reviews import review_notes
from bot.chat.cards.stored import decimal_of
from bot.chat.cards.votes import vote_blocks
from bot.chat.nodes import (
    Action,
    Actions,
    Amount,
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
from bot.domain.views import RequestKind, RequestLineView, RequestView
from bot.words import Words, _, n_

_OPEN = frozenset({"draft", "pending"})
_NOTHING = Text("")
MAX_CHANGES = 8  # listed one by one; the rest is counted

CHANGED: Mapping[str, Words] = {
    "supplier": _("Supplier"),
    "date": _("Date"),
    "mode": _("Way"),
    "total": _("Total"),
    "policy": _("Policy"),
    "rate": _("Exchange rate"),
}

_MONEY: Mapping[RequestKind, Words] = {
    "purchase_order": _("Total"),
    "transfer": _("Value"),
    "promotion": _("Given away at most"),
}


def request_card(request: RequestView, page: int = 1) -> Message:
    """A request: what is asked for, what changed, who said what, and the buttons that are open to it."""
    blocks: list[Block] = [
        Heading(_heading(request)),
        *_difference(request),
        Facts(_facts(request)),
        *warnings(request),
        *_lines(request, page),
        *vote_blocks(request),
        *order_blocks(request),
        *promotion_blocks(request),
        *halt_blocks(request),
    ]
    if request.state == "pending":
        blocks.append(Paragraph(_("Next: approve or reject it.")))
    else:
        after = next_of_decision(request)
        parts: tuple[Inline, ...] = (decision_line(request),)
        blocks.append(Paragraph(Span(parts if after == _NOTHING else (*parts, Text(" "), after))))
        if request.comment:
            blocks.append(Paragraph(_("Comment: {comment}", comment=Text(request.comment))))
    if buttons := _buttons(request):
        blocks.append(Actions(buttons))
    blocks.append(Footnote(_origin(request)))
    return Message(_summary(request), tuple(blocks), subject=f"request:{request.id}")


def _heading(request: RequestView) -> Inline:
    label, tone = labels.REQUEST_STATES[request.state]
    title = _(
        "{kind} {request}",
        kind=labels.REQUEST_KINDS[request.kind],
        request=Text(labels.request_code(request.id)),
    )
    parts: list[Inline] = [title, Text(" · "), Badge(label, tone)]
    if request.urgent and request.state in _OPEN:
        parts += [Text(" "), Badge(_("urgent"), "bad")]
    return Span(tuple(parts))


def _difference(request: RequestView) -> list[Block]:
    """What is different from what was shown before."""
    found = request.detail.get("difference")
    if not found or not isinstance(found, list) or request.state not in _OPEN:
        return []
    items = tuple(changed_words(item) for item in found[:MAX_CHANGES] if isinstance(item, Mapping))
    if len(found) > MAX_CHANGES:
        more = len(found) - MAX_CHANGES
        items = (*items, n_("and {count} more change", "and {count} more changes", more))
    return [Paragraph(Bold(_("Changed since it was shown:"))), Bullets(items)] if items else []


def changed_words(item: Mapping[str, object]) -> Inline:
    """What changed, from what, and to what."""
    what, before, after = (str(item.get(key, "")) for key in ("what", "before", "after"))
    label = CHANGED.get(what, Code(what))
    if not before or before == "0":
        return _("{what}: {after}, new", what=label, after=Text(after))
    if not after or after == "0":
        return _("{what}: taken out, it was {before}", what=label, before=Text(before))
    return _("{what}: {before}, now {after}", what=label, before=Text(before), after=Bold(Text(after)))


def _added(request: RequestView) -> int:
    """Minor units of what was added to the order beyond what is due."""
    return sum(
        min(line.detail["filled"], line.quantity) * line.unit_cost.minor
        for line in request.lines
        if isinstance(line.detail.get("filled"), int)
    )


def warnings(request: RequestView) -> list[Block]:
    """What to know before deciding."""
    words: list[Inline] = []
    least = request.detail.get("least_total_minor")
    if isinstance(least, int) and request.total.minor < least and request.state in _OPEN:
        minimum = Amount(Money.of_minor(least, request.total.currency))
        words.append(_("The supplier takes no order under {money}; this one is below it.", money=minimum))
    if (added := _added(request)) and request.state in _OPEN:
        money = Amount(Money.of_minor(added, request.total.currency))
        words.append(
            _("{money} of it is not due yet, but will be next: it joins this order.", money=money)
            if not isinstance(least, int)
            else _(
                "Filled up by {money}, with what runs out next: the supplier takes no order under {least}.",
                money=money,
                least=Amount(Money.of_minor(least, request.total.currency)),
            )
        )
    if (skus := request.detail.get("overstocked")) and request.state in _OPEN:
        names = Text(skus_listed([str(sku) for sku in skus]))
        words.append(_("Not filled up with more of {skus}: it would lie above its overstock line.", skus=names))
    if request.urgent and request.state in _OPEN:
        late = sum(not line.detail.get("in_time", True) for line in request.lines)
        words.append(
            n_(
                "{count} product runs out before its goods are here.",
                "{count} products run out before their goods are here.",
                late,
            )
            if late
            else _("A product runs out before its goods are here.")
        )
    if request.state in _OPEN:
        words += [*container_notes(request), *review_notes(request)]
    return [Paragraph(Span((Badge(_("note"), "warn"), Text(" "), word))) for word in words]


def _summary(request: RequestView) -> Words:
    return _(
        "{kind} {request}: {money}, {state}",
        kind=labels.REQUEST_KINDS[request.kind],
        request=Text(labels.request_code(request.id)),
        money=Amount(request.total),
        state=labels.REQUEST_STATES[request.state][0],
    )


def _facts(request: RequestView) -> tuple[tuple[Words, Inline], ...]:
    pairs: list[tuple[Words, Inline]] = [(_MONEY[request.kind], Bold(Amount(request.total)))]
    if request.supplier:
        pairs.append((_("Supplier"), Text(request.supplier)))
    if request.from_location:
        pairs.append((_("From"), Text(request.from_location)))
    pairs.append((_("To") if request.kind != "promotion" else _("Place"), Text(request.location)))
    if request.expected_on is not None:
        pairs.append((_("Arrives"), Day(request.expected_on)))
    if request.mode:
        pairs.append((_("Way"), labels.MODES.get(request.mode, Text(request.mode))))
    pairs += container_facts(request)
    if len(request.lines) > 1:
        pairs.append((_("Products"), Number(len(request.lines))))
        pairs.append((_("Units"), Number(sum(line.quantity for line in request.lines))))
    if request.reference:
        pairs.append((_("Reference"), Text(request.reference)))
    pairs += _details(request)
    return tuple(pairs)


def _details(request: RequestView) -> list[tuple[Words, Inline]]:
    """What a single line rests on, and the terms of a clearance, as far as they are told."""
    pairs: list[tuple[Words, Inline]] = []
    alone: Mapping[str, object] = request.lines[0].detail if len(request.lines) == 1 else {}
    if (lead := decimal_of(alone.get("lead_time_days"))) is not None:
        pairs.append((_("Lead time"), labels.days(lead)))
    if (cover := decimal_of(alone.get("days_of_cover"))) is not None:
        pairs.append((_("Cover now"), labels.days(cover)))
    prices = [("floor_price_minor", _("Floor price"))]
    if not request.detail.get("store"):  # where there is one, `promotion_blocks` tells the price before and after
        if (depth := decimal_of(request.detail.get("depth"))) is not None:
            pairs.append((_("Discount"), Number(depth, 1, share=True)))
        prices = [("price_minor", _("Price now")), ("promo_price_minor", _("Clearance price")), *prices]
    for key, label in prices:
        minor = request.detail.get(key)
        if isinstance(minor, int):
            pairs.append((label, Amount(Money.of_minor(minor, request.total.currency))))
    return pairs


def _lines(request: RequestView, page: int) -> list[Block]:
    if len(request.lines) == 1:
        line = request.lines[0]
        values: dict[str, Inline] = {
            "units": Bold(labels.units(line.quantity)),
            "product": labels.product(line.sku, line.name),
            "cost": Amount(line.unit_cost),
        }
        if request.kind == "promotion":
            return [Paragraph(_("{units} of {product}, cost {cost} each", **values))]
        return [Paragraph(_("{units} of {product} at {cost} each", **values))]
    shown = page_of(request.lines, page)
    if not shown.items:
        return []
    columns = (
        Column(_("Product")),
        Column(_("Units"), "end"),
        Column(_("Each"), "end"),
        Column(_("Total"), "end"),
        Column(_("Cover, days"), "end"),
        Column(_("Arrives"), "end"),
    )
    turn = page_blocks(shown, ("requests", labels.request_code(request.id)))
    return [Table(columns, tuple(_line(line, request) for line in shown.items)), *turn]


def _line(line: RequestLineView, request: RequestView) -> tuple[Inline, ...]:
    arrives = day_of(line.detail.get("arrives_on")) or request.expected_on
    late = not line.detail.get("in_time", True)
    day: Inline = labels.NONE if arrives is None else Day(arrives)
    return (
        labels.product(line.sku, line.name),
        Number(line.quantity),
        Amount(line.unit_cost),
        Amount(Money.of_minor(line.unit_cost.minor * line.quantity, line.unit_cost.currency)),
        labels.short_days(decimal_of(line.detail.get("days_of_cover"))),
        Bold(day) if late else day,
    )


def day_of(value: object) -> date | None:
    """A date in ISO form; None where it is none."""
    try:
        return date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _buttons(request: RequestView) -> tuple[Action, ...]:
    """What can be done with it; who may is asked when it is pressed."""
    code, shown = labels.request_code(request.id), labels.request_code(request.id, request.version)
    edit = Action(_("Edit"), "edit", (shown,))
    cancel = Action(_("Cancel it"), "cancel", (shown,))
    found: list[Action] = []
    match request.state:
        case "pending":
            found += [
                Action(_("Approve {money}", money=Amount(request.total)), "approve", (shown,), style="primary"),
                Action(_("Reject"), "reject", (shown,), style="danger"),
            ]
            found += [edit] if request.kind != "promotion" else []
            found.append(cancel)
        case "draft":
            if request.kind != "promotion":  # which is started rather than submitted, see `promotion_blocks`
                found += [Action(_("Submit {request}", request=code), "submit", (shown,), style="primary"), edit]
            found.append(cancel)
        case "approved":
            found.append(cancel)
    if request.case_id is not None:
        case = labels.case_code(request.case_id)
        found.append(Action(_("Why?"), "why", (case,)))
        if request.state == "pending":
            found.append(Action(_("Snooze 1 day"), "snooze", (case, "1d")))
    found.append(labels.board_button(code))
    return tuple(found)


def _origin(request: RequestView) -> Inline:
    who: Inline = Text(request.requested_by) if request.requested_by else Text("Stocktide")
    parts: list[Inline] = [_("Drafted by {who}, {at}", who=who, at=Instant(request.created_at))]
    if request.expires_at is not None and request.state in {"draft", "pending"}:
        parts += [Text(" · "), _("expires {at}", at=Instant(request.expires_at))]
    if request.edited_by:
        parts += [Text(" · "), _("changed last by {who}", who=Text(request.edited_by))]
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
    if request.state == "cancelled":
        return _(
            "{request} cancelled by {who}, {at}, from {platform}.", request=code, who=who, at=when, platform=platform
        )
    return _("{request} approved by {who}, {at}, from {platform}.", request=code, who=who, at=when, platform=platform)


def _code(request: RequestView) -> Inline:
    return Bold(Text(labels.request_code(request.id)))


def next_of_decision(request: RequestView) -> Inline:
    """What follows from the state; empty text where what follows is shown elsewhere on the card."""
    match request.kind, request.state:
        case "purchase_order", "approved":
            return _("Next the order goes out to the supplier.")
        case "transfer", "approved":
            return _("Next the transfer goes out to {place}.", place=Text(request.from_location))
        case "promotion", "approved":
            return _("Next the price changes in the store.")
        case _, "draft":
            return _("It waits to be submitted.")
        case _, "expired":
            return _("Nobody decided in time; it is proposed again if the need stays.")
        case _, "rejected" | "cancelled":
            return _silence(request)
        case _, "failed":
            return _("It could not be carried out; the need is open again.")
        case _:
            return _NOTHING


def _silence(request: RequestView) -> Inline:
    """For how long a proposal that somebody turned down is not made again."""
    days = decimal_of(request.detail.get("cool_down_days"))
    if request.decided_at is None or days is None:
        return _("Nothing is done.")
    again = request.decided_at + timedelta(days=float(days))
    return _("It is not proposed again before {day}, unless things get worse.", day=Instant(again, "date"))


def decided_card(request: RequestView, *, already: bool = False) -> Message:
    """The answer to who decided."""
    words = decision_line(request)
    blocks: list[Block] = [Paragraph(words), Paragraph(next_of_decision(request))]
    if already:
        blocks.append(Footnote(_("You had decided so before; nothing was done twice.")))
    return Message(words, tuple(block for block in blocks if block != Paragraph(_NOTHING)))
