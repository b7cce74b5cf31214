"""What a promotion does to prices, how it goes, what went wrong, and what it brought."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from bot.chat.cards import discounts, labels
from bot.chat.cards.lifts import REASONS, brought
from bot.chat.cards.stored import decimal_of, minor
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
    Message,
    Number,
    Paragraph,
    Span,
    Table,
    Text,
    Tone,
)
from bot.chat.paging import page_blocks
from bot.domain.views import Page, PromotionView, RequestView
from bot.words import Words, _, n_, told

STAGES: Mapping[str, tuple[Words, Tone]] = {
    "starting": (_("starting"), "plain"),
    "running": (_("running"), "good"),
    "stopping": (_("stopping"), "warn"),
    "stopped": (_("stopped"), "plain"),
}
_STOPPABLE = ("starting", "running")


def promotion_blocks(request: RequestView) -> tuple[Block, ...]:
    """The blocks that a request's card shows of it: the price before and after, what is expected, how it goes."""
    if request.kind != "promotion":
        return ()
    life = _life(request)
    blocks: list[Block] = []
    if request.detail.get("store"):
        blocks.append(Paragraph(_prices(request)))
        if request.state in {"draft", "pending"}:
            blocks += [Facts(_forecast(request)), Footnote(_assumed(request))]
    if request.stage in STAGES:
        blocks.append(Paragraph(_progress(request, life)))
    if (words := _trouble(request, life)) is not None:
        blocks.append(Paragraph(Span((Badge(_("check"), "bad"), Text(" "), words))))
    if isinstance(told := life.get("lift"), Mapping):
        blocks.append(Paragraph(brought(told, request.total.currency)))
    if buttons := _buttons(request, life):
        blocks.append(Actions(buttons))
    return tuple(blocks)


def running_card(page: Page, line: tuple[str, ...], *, halted: bool = False) -> Message:
    """The promotions that run, each with a button that stops it."""
    views: tuple[PromotionView, ...] = page.items
    how = Footnote(_("A new one: {example}", example=Code("promo 85123A 20% until Friday")))
    note = [Paragraph(_("New ones are halted; those that run go on until they are stopped."))] if halted else []
    if not views:
        nothing = _("No promotion runs.")
        return Message(nothing, (Paragraph(nothing), *note, how))
    title = n_("{count} promotion runs", "{count} promotions run", page.total)
    columns = (
        Column(_("Promotion")),
        Column(_("Product")),
        Column(_("Store")),
        Column(_("Price before"), "end"),
        Column(_("Price now"), "end"),
        Column(_("Sold"), "end"),
        Column(_("Until"), "end"),
    )
    stops = [_stop(view.request_id) for view in views if view.stage in _STOPPABLE]
    if len(stops) > 1:
        stops.append(Action(_("Stop all of them"), "stop", ("all",), style="danger"))
    buttons = [Actions(tuple(stops))] if stops else []
    table = Table(columns, tuple(_row(view) for view in views))
    return Message(title, (Heading(title), table, *note, *buttons, how, *page_blocks(page, line)))


def stopped_card(request: RequestView, *, already: bool) -> Message:
    """The answer to who stopped a promotion."""
    code = Bold(Text(labels.request_code(request.id)))
    if discounts.is_discount(request):
        words = discounts.stops(code, stopped=request.stage == "stopped", already=already)
    elif request.stage == "stopped":
        words = _("{request} is over; the price before stands.", request=code)
        if not _life(request).get("restored", True):
            words = _("{request} is over.", request=code)
    elif already:
        words = _("{request} is being stopped already; the price before is put back.", request=code)
    else:
        words = _("{request} stops: the price before is put back, then read again to be sure.", request=code)
    return Message(words, (Paragraph(words),))


def stopped_all_card(count: int) -> Message:
    """The answer to who stopped all promotions."""
    words = n_(
        "{count} promotion stops; its price before is put back, or its discount withdrawn.",
        "{count} promotions stop; their prices before are put back, or their discounts withdrawn.",
        count,
    )
    if not count:
        words = _("No promotion runs.")
    return Message(words, (Paragraph(words),))


def trouble_card(request: RequestView) -> Message:
    """What went wrong in the store, for whoever must look."""
    words = _trouble(request, _life(request)) or _("{request} is over.", request=Text(labels.request_code(request.id)))
    code = labels.request_code(request.id)
    buttons = [Action(_("Open {request}", request=Text(code)), "requests", (code,), style="primary")]
    if request.stage == "stopping":
        buttons.append(Action(_again(request), "stop", (code,)))
    elif request.stage in _STOPPABLE:
        buttons.append(_stop(request.id))
    blocks = (Heading(_heading(request)), Paragraph(words), Actions(tuple(buttons)))
    return Message(words, blocks)


def late_card(view: PromotionView, since: datetime) -> Message:
    """That a price could not be put back for a while; it is tried on and on."""
    words = _(
        "The price of {product} in {store} is not back yet; the store has not answered since {at}.",
        product=Code(view.sku),
        store=Text(view.store),
        at=Instant(since, "time"),
    )
    if view.means != "price":
        words = discounts.late(view, Instant(since, "time"))
    code = labels.request_code(view.request_id)
    button = Action(_("Open {request}", request=Text(code)), "requests", (code,))
    hint = Footnote(
        _("It is tried again and again; you need not do anything, unless it is urgent to change it by hand.")
    )
    return Message(words, (Paragraph(words), Actions((button,)), hint))


def _heading(request: RequestView) -> Inline:
    label, tone = labels.REQUEST_STATES[request.state]
    title = _("{kind} {request}", kind=labels.REQUEST_KINDS["promotion"], request=Text(labels.request_code(request.id)))
    return Span((title, Text(" · "), Badge(label, tone)))


def _life(request: RequestView) -> Mapping[str, Any]:
    found = request.detail.get("life")
    return found if isinstance(found, Mapping) else {}


def _prices(request: RequestView) -> Inline:
    detail, currency = request.detail, request.total.currency
    depth = decimal_of(detail.get("share") or detail.get("depth"))  # a discount's own, whatever it is rounded to
    values: dict[str, Inline] = {
        "store": Bold(Text(str(detail["store"]))),
        "before": minor(detail.get("price_minor"), currency),
        "after": Bold(minor(detail.get("promo_price_minor"), currency)),
        "end": _instant(detail.get("ends_at")),
        "depth": labels.NONE if depth is None else Number(depth, 1, share=True),
    }
    if discounts.is_discount(request):
        return discounts.offer(request, values)
    if request.state in {"draft", "pending"}:
        return _("In {store}: {before} now, {after} until {end} ({depth} less)", **values)
    return _("In {store}: {after} in place of {before} until {end} ({depth} less)", **values)


def _forecast(request: RequestView) -> tuple[tuple[Words, Inline], ...]:
    """What is expected of it, in dates and money."""
    detail, currency = request.detail, request.total.currency
    cost = request.lines[0].unit_cost.minor
    after = detail.get("promo_price_minor")
    pairs: list[tuple[Words, Inline]] = []
    if isinstance(after, int):
        pairs.append((_("Margin per unit at that price"), minor(after - cost, currency)))
    pairs += [
        (_("Break-even discount, each"), minor(detail.get("break_even_minor"), currency)),
        (_("Sells out on, with promotion"), _day(detail.get("sell_out_on"))),
        (_("Sells out on, without"), _day(detail.get("sell_out_without_on"))),
        (_("Sold while it runs"), labels.units(_whole(detail.get("expected_units")))),
        (_("Discount given on those"), minor(detail.get("given_away_minor"), currency)),
        (_("Carrying cost saved"), minor(detail.get("held_minor"), currency)),
    ]
    return tuple(pairs)


def _assumed(request: RequestView) -> Inline:
    """What the forecast rests on."""
    detail = request.detail
    elasticity, rate = decimal_of(detail.get("elasticity")), decimal_of(detail.get("per_day"))
    words = _(
        "Assumed: sells {rate} without it, and {factor} times that with it (1% cheaper sells {elasticity}% more).",
        rate=labels.per_day(rate),
        factor=labels.NONE if (factor := decimal_of(detail.get("uplift"))) is None else Number(factor, 2),
        elasticity=labels.NONE if elasticity is None else Number(elasticity, 1),
    )
    parts: list[Inline] = [words]
    if discounts.is_discount(request):
        parts += [Text(" "), discounts.assumption(request)]
    if detail.get("price_from") == "catalogue":
        parts += [Text(" "), _("The store did not answer; the price now is the catalogue's.")]
    return Span(tuple(parts))


def _progress(request: RequestView, life: Mapping[str, Any]) -> Inline:
    label, tone = STAGES[request.stage]
    parts: list[Inline] = [Badge(label, tone)]
    if life.get("started_at"):
        parts += [Text(" · "), _("started {at}", at=_instant(life["started_at"]))]
    reason = str(life.get("stop_reason"))
    if reason in REASONS:
        who = str(life.get("stopped_by") or "")
        why = REASONS[reason] if reason != "person" or not who else _("{who} stopped it", who=Text(who))
        parts += [Text(" · "), why]
    if life.get("stopped_at"):
        parts += [Text(" · "), _("ended {at}", at=_instant(life["stopped_at"]))]
        if life.get("restored") and life.get("started_at"):
            over = discounts.gone(request) if discounts.is_discount(request) else _("the price before stands again")
            parts += [Text(" · "), over]
    return Span(tuple(parts))


def _trouble(request: RequestView, life: Mapping[str, Any]) -> Words | None:
    """What went wrong, and what to do."""
    found = life.get("trouble")
    if not isinstance(found, Mapping):
        return None
    if discounts.is_discount(request) and (words := discounts.trouble(request, found)) is not None:
        return words
    currency, sku = request.total.currency, Code(request.lines[0].sku)
    store = Text(str(request.detail.get("store", "")))
    seen = minor(found.get("found_minor"), currency)
    match found.get("kind"):
        case "differs":
            shown = minor(request.detail.get("price_minor"), currency)
            return _(
                "{sku} costs {seen} in {store} now, not the approved {shown}; nothing was changed. Ask again.",
                store=store, seen=seen, sku=sku, shown=shown,
            )  # fmt: skip
        case "currency":
            other = Text(str(found.get("currency", "")))
            return _("{store} sells {sku} in {currency}; nothing was changed.", store=store, sku=sku, currency=other)
        case "ended":
            return _("Its end came before it could start; nothing was changed.")
        case "not_started":
            error = told(str(found.get("error", "")))
            return _("The price was not lowered; {store} said: {error}", store=store, error=error)
        case "not_standing":
            return _(
                "The price was lowered, but {store} asks {seen} now: somebody changed it at once.",
                store=store,
                seen=seen,
            )
        case "changed":
            return _(
                "Somebody changed the price of {sku} in {store} to {seen} meanwhile; it was left so. Is it right?",
                sku=sku, store=store, seen=seen,
            )  # fmt: skip
        case "not_restored":
            error = told(str(found.get("error", "")))
            return _(
                "The price of {sku} in {store} was not put back: {error}. Put it back there, or try again.",
                sku=sku, store=store, error=error,
            )  # fmt: skip
    return None


def _buttons(request: RequestView, life: Mapping[str, Any]) -> tuple[Action, ...]:
    code = labels.request_code(request.id)
    if request.state == "draft":
        shown = labels.request_code(request.id, request.version)
        return (Action(_("Start clearance"), "promo", (shown,), style="primary"),)
    if request.state in {"approved", "executing"} and request.stage in _STOPPABLE:
        return (_stop(request.id),)
    trouble = life.get("trouble")
    if request.stage == "stopping" and isinstance(trouble, Mapping) and trouble.get("kind") == "not_restored":
        return (Action(_again(request), "stop", (code,), style="primary"),)
    return ()


def _again(request: RequestView) -> Words:
    return _("Try to withdraw it again") if discounts.is_discount(request) else _("Try to restore it again")


def _stop(request_id: int) -> Action:
    code = labels.request_code(request_id)
    return Action(_("Stop {request} now", request=Text(code)), "stop", (code,), style="danger")


def _row(view: PromotionView) -> tuple[Inline, ...]:
    sold: Inline = Number(view.sold)
    if view.stop_after is not None:
        sold = _("{sold} of {target}", sold=Number(view.sold), target=Number(view.stop_after))
    label, tone = STAGES[view.stage]
    mark = discounts.price_mark(view)
    price: Inline = Amount(view.price)
    return (
        Span((Text(labels.request_code(view.request_id)), Text(" "), Badge(label, tone))),
        labels.product(view.sku, view.name),
        Span((Text(view.store), Text(" · "), Text(view.location))),
        labels.amount(view.before),
        price if mark is None else Span((price, Text(" "), mark)),
        sold,
        Instant(view.ends_at),
    )


def _instant(value: object) -> Inline:
    try:
        return Instant(datetime.fromisoformat(str(value)))
    except ValueError:
        return labels.NONE


def _day(value: object) -> Inline:
    try:
        return Day(date.fromisoformat(str(value)))
    except ValueError:
        return _("not within a year")


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) else None
