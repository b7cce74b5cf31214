"""How far an approved order has come, and the buttons that take it further."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from bot.chat.cards import labels
from bot.chat.forms import Field, Form
from bot.chat.nodes import (
    Action,
    Actions,
    Block,
    Bold,
    Code,
    Footnote,
    Inline,
    Instant,
    Message,
    Number,
    Paragraph,
    Span,
    Text,
)
from bot.domain.views import OrderStage, RequestLineView, RequestView
from bot.words import Words, _, told

_STAGES: Mapping[OrderStage, Words] = {
    "ordered": _("ordered"),
    "confirmed": _("confirmed"),
    "in_transit": _("in transit"),
    "received": _("received"),
}
_ORDER: tuple[OrderStage, ...] = ("ordered", "confirmed", "in_transit", "partly_received", "received")
_LISTED = 6  # open lines that are named
MAX_LINES = 20  # lines that a form asks for


def order_blocks(request: RequestView) -> tuple[Block, ...]:
    """The blocks that a request's card shows of it: nothing before it is sent."""
    if request.kind == "promotion":
        return ()
    blocks = [Paragraph(words) for words in _unsent(request)]
    if not request.stage:
        return tuple(blocks)
    blocks.append(Paragraph(_progress(request)))
    if facts := _facts(request):
        blocks.append(Paragraph(_line(facts)))
    rest: list[Block] = [*blocks, *_open(request)]
    if buttons := _buttons(request):
        rest.append(Actions(buttons))
    return tuple(rest)


def _progress(request: RequestView) -> Inline:
    """Like ordered › confirmed › in transit › received 80 of 240, where it stands in bold."""
    done, total = _received(request)
    reached = request.stage if request.stage in _ORDER else "ordered"
    here: OrderStage = "received" if reached in {"partly_received", "received"} else reached
    parts: list[Inline] = []
    for stage, label in _STAGES.items():
        words: Words = label
        if stage == "received" and here == "received":
            words = _("received {done} of {total}", done=Number(done), total=Number(total))
        parts += [Text(" › ")] if parts else []
        parts.append(Bold(words) if stage == here else words)
    return Span(tuple(parts))


def _received(request: RequestView) -> tuple[int, int]:
    return sum(line.received for line in request.lines), sum(line.quantity for line in request.lines)


def _facts(request: RequestView) -> list[Inline]:
    """When it was ordered, what the other side calls it, how long it took, and what never came."""
    found: list[Inline] = []
    if request.ordered_at is not None:
        found.append(_("Ordered {at}", at=Instant(request.ordered_at)))
    if request.reference:
        found.append(_("their number {reference}", reference=Code(request.reference)))
    if (took := _decimal(request.detail.get("took_days"))) is not None:
        stated = _decimal(request.detail.get("stated_days"))
        found.append(
            _("took {days}", days=labels.days(took))
            if stated is None
            else _("took {days}, {stated} were stated", days=labels.days(took), stated=Number(stated, 1))
        )
    if isinstance(short := request.detail.get("short"), int) and short:
        found.append(_("{units} not delivered", units=labels.units(short)))
    if (over := sum(max(line.received - line.quantity, 0) for line in request.lines)) > 0:
        found.append(_("{units} more than ordered", units=labels.units(over)))
    return found


def _line(parts: list[Inline]) -> Inline:
    joined: list[Inline] = []
    for part in parts:
        joined += [Text(" · "), part] if joined else [part]
    return Span(tuple(joined))


def _unsent(request: RequestView) -> list[Words]:
    """What could not be sent, by each way that failed."""
    found = request.detail.get("unsent")
    if not isinstance(found, Mapping):
        return []
    ways = {"mail": _("by mail"), "folder": _("into the folder")}
    return [
        _("It could not be sent {way}: {error}", way=ways.get(str(way), Text(str(way))), error=told(str(error)))
        for way, error in found.items()
    ]


def _open(request: RequestView) -> list[Block]:
    """What is still to come of an order that arrived in part."""
    left = [line for line in request.lines if line.quantity > line.received]
    if request.state != "executing" or request.stage != "partly_received" or len(request.lines) == 1:
        return []
    parts: list[Inline] = [
        Span((Code(line.sku), Text(" "), Number(line.quantity - line.received))) for line in left[:_LISTED]
    ]
    if len(left) > _LISTED:
        parts.append(_("and {count} more", count=len(left) - _LISTED))
    return [Footnote(_("Still to come: {list}", list=_line(parts)))]


def _buttons(request: RequestView) -> tuple[Action, ...]:
    if request.state != "executing":
        return ()
    code, shown = labels.request_code(request.id), labels.request_code(request.id, request.version)
    found = []
    if request.stage == "ordered":
        found.append(Action(_("Confirmed"), "order", (code, "confirmed"), style="primary"))
    if request.stage in {"ordered", "confirmed"}:
        found.append(Action(_("Shipped"), "order", (code, "shipped")))
    whole = request.stage != "partly_received"
    found.append(Action(_("All received") if whole else _("Rest received"), "receive", (shown,)))
    if len(request.lines) <= MAX_LINES:
        found.append(Action(_("Received in part"), "receive", (shown, "some")))
    found.append(Action(_("New date"), "order", (code, "arrives")))
    if not whole:
        found.append(Action(_("Close, the rest is not coming"), "order", (code, "close"), style="danger"))
    return tuple(found)


def progress_card(request: RequestView, *, already: bool) -> Message:
    """The answer to who reported on an order."""
    code = Bold(Text(labels.request_code(request.id)))
    if already:
        words = _("{request} was like that already; nothing has changed.", request=code)
    elif request.state == "done":
        words = _("{request} is closed: the rest is expected no longer.", request=code)
    else:
        words = _("{request} is noted.", request=code)
    return Message(words, (Paragraph(words), *_standing(request)))


def received_card(
    request: RequestView, units: Mapping[str, int], over: Mapping[str, int], *, already: bool, repeated: bool
) -> Message:
    """The answer to who reported an arrival: what was counted in, and what of it was more than ordered."""
    code = Bold(Text(labels.request_code(request.id)))
    blocks: list[Block] = []
    if repeated:
        words = _("You reported exactly this for {request} before; nothing was counted twice.", request=code)
        blocks.append(Footnote(_("If it did arrive a second time, write {word} at the end.", word=Code("again"))))
    elif already:
        words = _("All of {request} had been received before; nothing was counted twice.", request=code)
    elif request.state == "done":
        words = _("{request}: {units} received; nothing is open.", request=code, units=_units(units))
    else:
        words = _("{request}: {units} received.", request=code, units=_units(units))
    if over:
        more = _line([Span((Code(sku), Text(" "), Number(count))) for sku, count in list(over.items())[:_LISTED]])
        blocks.append(Paragraph(_("More than ordered: {list}. It is counted in; tell the buyer.", list=more)))
    return Message(words, (Paragraph(words), *blocks, *_standing(request)))


def _units(units: Mapping[str, int]) -> Inline:
    return labels.units(sum(units.values()))


def _standing(request: RequestView) -> list[Block]:
    return [Paragraph(_progress(request))] if request.stage else []


def receive_form(request: RequestView) -> Form:
    """Asks for the units of each line that arrived, and for the day."""
    fields = [
        Field(f"line{number}", _label(line), "whole", str(max(line.quantity - line.received, 0)))
        for number, line in enumerate(request.lines, 1)
    ]
    hint = _("Leave it empty if it came today.")
    return Form(
        title=_("Received in part"),
        intro=_("How many units of {request} arrived?", request=Text(labels.request_code(request.id))),
        fields=(*fields, Field("on", _("Arrived on"), "day", required=False, hint=hint)),
        command="receive",
        arguments=(labels.request_code(request.id, request.version),),
        submit=_("Receive"),
    )


def _label(line: RequestLineView) -> Text:
    return Text(f"{line.sku} {line.name}"[:60])


def arrives_form(request: RequestView) -> Form:
    """Asks for the new date of an order, and for the other side's number."""
    day = request.expected_on.isoformat() if request.expected_on else ""
    return Form(
        title=_("New date"),
        intro=_("When does {request} arrive?", request=Text(labels.request_code(request.id))),
        fields=(
            Field("arrives", _("Arrives"), "day", day),
            Field("reference", _("Supplier's reference"), "text", request.reference, required=False),
        ),
        command="order",
        arguments=(labels.request_code(request.id), "arrives"),
        submit=_("Save"),
    )


def _decimal(value: object) -> Decimal | None:
    return Decimal(value) if isinstance(value, str) and value.replace(".", "", 1).isdigit() else None
