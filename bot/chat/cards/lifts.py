"""What a promotion brought, told the day after and on its request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.chat.cards import discounts, labels
from bot.chat.cards.stored import decimal_of, minor
from bot.chat.nodes import (
    Action,
    Actions,
    Code,
    Facts,
    Footnote,
    Heading,
    Inline,
    Message,
    Number,
    Paragraph,
    Text,
)
from bot.domain.promotion import Lift, StopReason
from bot.domain.views import RequestView
from bot.words import Words, _, n_

REASONS: Mapping[str, Words] = {
    "end": _("its end had come"),
    "sold": _("the units to be cleared were sold"),
    "needed": _("another location needs the stock"),
    "person": _("somebody stopped it"),
    "halt": _("all promotions were stopped"),
    "differs": _("the store had not what was approved"),
}


def lift_card(request: RequestView, lift: Lift, reason: StopReason) -> Message:
    """What a promotion brought, the day after."""
    currency = request.total.currency
    line = request.lines[0]
    title = _(
        "What {request} brought: {product}", request=Text(labels.request_code(request.id)), product=Code(line.sku)
    )
    change: Inline = labels.NONE if lift.factor is None else _("{times} times", times=Number(lift.factor, 1))
    pairs: tuple[tuple[Words, Inline], ...] = (
        (_("Sold while it ran"), labels.units(lift.during.units)),
        (_("A day while it ran"), labels.per_day(lift.during.per_day)),
        (_("A day before it"), labels.per_day(lift.before.per_day)),
        (_("Compared with before"), change),
        (_("More than without it"), labels.units(lift.extra)),
        (_("Given away"), minor(lift.given_away_minor, currency)),
        (_("Margin made"), minor(lift.margin_minor, currency)),
        (_("Margin without it"), minor(lift.margin_without_minor, currency)),
        (_("Stock freed, at cost"), minor(lift.freed_minor, currency)),
    )
    left_out = lift.before.left_out + lift.during.left_out
    note = n_(
        "{days} days of the promotion compared with the {days} days before; {count} day without stock left out.",
        "{days} days of the promotion compared with the {days} days before; {count} days without stock left out.",
        left_out,
        days=lift.during.days,
    )
    code = labels.request_code(request.id)
    return Message(
        title,
        (
            Heading(title),
            Paragraph(_("It stopped because {reason}.", reason=REASONS[reason])),
            Facts(pairs),
            Actions((Action(_("Open {request}", request=Text(code)), "requests", (code,)),)),
            Footnote(note),
            *([Footnote(discounts.reckoning(request))] if discounts.is_discount(request) else []),
        ),
    )


def brought(told: Mapping[str, Any], currency: str) -> Inline:
    """What it brought in a line, of the figures that the request keeps."""
    return _(
        "{during} (before: {before}); {given} given away, {freed} of stock freed.",
        during=labels.per_day(decimal_of(told.get("during_per_day"))),
        before=labels.per_day(decimal_of(told.get("before_per_day"))),
        given=minor(told.get("given_away_minor"), currency),
        freed=minor(told.get("freed_minor"), currency),
    )
