"""What can be done about a case side by side, and what asking for goods led to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from bot.chat.cards import labels
from bot.chat.cards.requests import request_card
from bot.chat.nodes import (
    Action,
    Actions,
    Amount,
    Badge,
    Block,
    Bold,
    Column,
    Day,
    Footnote,
    Heading,
    Inline,
    Message,
    Number,
    Paragraph,
    Span,
    Table,
    Text,
)
from bot.domain.options import OptionKind, OptionsView, OptionView, Why
from bot.domain.views import RequestView
from bot.words import Words, _, n_

KINDS: Mapping[OptionKind, Words] = {
    "transfer": _("Transfer"),
    "expedite": _("Expedite"),
    "buy": _("Buy"),
    "wait": _("Wait"),
}

_WHY: Mapping[Why, Words] = {
    "nothing_lost": _("no sale is lost, at the least cost of those that lose none"),
    "least_lost": _("it loses the least margin, and costs the least in all"),
    "cheapest": _("lost margin, carrying cost and freight together are the least"),
}


def options_card(view: OptionsView) -> Message:
    """The options in a table, the best one named with its reason, and a button for each."""
    case = view.case
    title = _(
        "Options for {product} at {place}", product=labels.product(case.sku, case.name), place=Text(case.location)
    )
    columns = (
        Column(_("Option")),
        Column(_("Units"), "end"),
        Column(_("Arrives"), "end"),
        Column(_("Landed cost"), "end"),
        Column(_("Stock-out days avoided"), "end"),
        Column(_("Margin lost"), "end"),
        Column(_("Cost of capital tied up"), "end"),
    )
    best = next(option for option in view.options if option.best)
    blocks: list[Block] = [
        Heading(title),
        Table(columns, tuple(_row(option) for option in view.options)),
        Paragraph(_("Best: {option}: {why}.", option=Bold(KINDS[best.kind]), why=_WHY[view.why])),
    ]
    if view.request is not None:
        code = Bold(Text(labels.request_code(view.request.id)))
        blocks.append(
            Paragraph(_("{request} covers this now; choosing another option removes its line there.", request=code))
        )
    code_of_case = labels.case_code(case.id)
    buttons = [_button(option, code_of_case) for option in view.options if not option.current]
    buttons.append(Action(_("Why?"), "why", (code_of_case,)))
    blocks.append(Actions(tuple(buttons)))
    blocks.append(
        Footnote(
            n_(
                "Over the next {count} day, at today's figures; sales missed in that time count as lost.",
                "Over the next {count} days, at today's figures; sales missed in that time count as lost.",
                int(view.days),
            )
        )
    )
    return Message(title, tuple(blocks))


def _row(option: OptionView) -> tuple[Inline, ...]:
    name: list[Inline] = [Bold(KINDS[option.kind]) if option.best else KINDS[option.kind]]
    if source := option.supplier or option.from_location:
        name += [Text(" "), Text(source)]
    if option.mode:
        name += [Text(" "), labels.MODES.get(option.mode, Text(option.mode))]
    if option.best:
        name += [Text(" "), Badge(_("best"), "good")]
    if option.current:
        name += [Text(" "), Badge(_("asked for"), "plain")]
    return (
        Span(tuple(name)),
        Number(option.units) if option.units else labels.NONE,
        Day(option.arrives_on) if option.arrives_on else labels.NONE,
        Amount(option.landed),
        Number(option.avoided_days, 1),
        Amount(option.lost),
        Amount(option.carrying),
    )


def _button(option: OptionView, case: str) -> Action:
    style: Literal["plain", "primary"] = "primary" if option.best else "plain"
    return Action(_do(option), "options", (case, option.kind), style=style)


def _do(option: OptionView) -> Words:
    units = labels.units(option.units)
    match option.kind:
        case "transfer":
            return _("Transfer {units}", units=units)
        case "expedite":
            return _("Expedite {units}", units=units)
        case "buy":
            return _("Buy {units}", units=units)
        case "wait":
            return _("Wait")


def bought_card(request: RequestView, sku: str, position: int, order_up_to: int) -> Message:
    """What somebody asked for, and what the inventory position comes to with it."""
    card = request_card(request)
    words: Inline = _(
        "With this order the inventory position of {sku} is {position}; the order-up-to level is {level}.",
        sku=Text(sku),
        position=labels.units(position),
        level=labels.units(order_up_to),
    )
    if position > order_up_to:
        over = _("That is {units} more than is needed.", units=labels.units(position - order_up_to))
        words = Span((words, Text(" "), Badge(_("note"), "warn"), Text(" "), over))
    return Message(card.summary, (card.blocks[0], Paragraph(words), *card.blocks[1:]))


def lot_card(
    sku: str, units: int, supplier: tuple[str, str], location: str, terms: tuple[int, int], fits: tuple[int, ...]
) -> Message:
    """So many units cannot be bought; `supplier` is (name, code), `terms` are (minimum, pack), `fits` could be."""
    minimum, pack = terms
    words = _(
        "{supplier} takes at least {minimum} of {sku}, in packs of {pack}: {units} cannot be ordered.",
        supplier=Text(supplier[0]),
        minimum=labels.units(minimum),
        sku=Text(sku),
        pack=pack,
        units=labels.units(units),
    )
    buttons = tuple(
        Action(
            _("Order {units}", units=labels.units(fit)), "buy", (sku, str(fit), supplier[1], location), style="primary"
        )
        for fit in fits
    )
    blocks: list[Block] = [Paragraph(words)]
    if buttons:
        blocks.append(Actions(buttons))
    return Message(words, tuple(blocks))
