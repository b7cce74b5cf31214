"""Requests put before somebody in person: one with its whole card, several as a list with a button each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot.chat.cards import labels
from bot.chat.nodes import (
    MAX_ACTIONS,
    Action,
    Actions,
    Amount,
    Badge,
    Block,
    Bullets,
    Footnote,
    Heading,
    Inline,
    Message,
    Span,
    Text,
)
from bot.domain.routing import Offering
from bot.domain.views import RequestView
from bot.words import Words, _, n_

_LISTED = MAX_ACTIONS - 2


def offer_note(offering: Offering, names: Mapping[int, str]) -> Words:
    """Why a request comes to this person."""
    if offering.why == "delegate":
        name = Text(names.get(offering.for_whom or 0, ""))
        return _("You stand in for {name}, who is away. Nobody has decided so far.", name=name)
    if offering.why == "escalated":
        return _("Nobody has decided so far, so it comes to you too.")
    return _("You may decide this, and you are at work now.")


def offered_card(requests: Sequence[RequestView], offerings: Sequence[Offering], names: Mapping[int, str]) -> Message:
    """Several requests at once, the urgent and the largest first; `offerings` in the order of `requests`."""
    title = n_("{count} request waits for you", "{count} requests wait for you", len(requests))
    pairs = sorted(
        zip(requests, offerings, strict=True),
        key=lambda pair: (not pair[0].urgent, pair[0].total.currency, -pair[0].total.minor, pair[0].id),
    )
    shown = pairs[:_LISTED]
    buttons = [_open(request) for request, _offering in shown]
    if len(pairs) > len(shown):
        buttons.append(Action(_("All {count}", count=len(pairs)), "requests"))
    blocks: list[Block] = [
        Heading(title),
        Bullets(tuple(_line(request, offering, names) for request, offering in shown)),
        Actions(tuple(buttons)),
        Footnote(_("You may decide these, and you are at work now.")),
    ]
    return Message(title, tuple(blocks))


def _line(request: RequestView, offering: Offering, names: Mapping[int, str]) -> Inline:
    parts: list[Inline] = [
        Text(f"{labels.request_code(request.id)} · "),
        labels.REQUEST_KINDS[request.kind],
        Text(" · "),
        Amount(request.total),
    ]
    if request.supplier:
        parts += [Text(" · "), Text(request.supplier)]
    if request.urgent:
        parts += [Text(" "), Badge(_("urgent"), "bad")]
    if offering.why == "delegate":
        parts += [Text(" · "), _("for {name}", name=Text(names.get(offering.for_whom or 0, "")))]
    elif offering.why == "escalated":
        parts += [Text(" · "), _("nobody has decided so far")]
    return Span(tuple(parts))


def _open(request: RequestView) -> Action:
    code = labels.request_code(request.id)
    return Action(_("Open {request}", request=code), "requests", (code,))
