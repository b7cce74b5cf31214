"""Lists of requests: a page, and what a scan drafted beside the cards of its largest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot.chat.cards import labels
from bot.chat.nodes import (
    Action,
    Actions,
    Amount,
    Badge,
    Block,
    Code,
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
from bot.chat.paging import PAGE_SIZE, page_blocks
from bot.domain.views import Page, RequestView
from bot.words import Words, _, n_

_EMPTY: Mapping[str, Words] = {
    "waiting": _("No request waits for you."),
    "drafts": _("There are no drafts."),
    "orders": _("No order is under way."),
    "all": _("There are no requests yet."),
}


def requests_card(page: Page, line: tuple[str, ...], which: str = "waiting") -> Message:
    """A page of requests: those that wait for a decision, drafts, orders under way, or all."""
    title = _title(which, page.total)
    others = tuple(Action(label, "requests", (key,)) for key, label in _others() if key != which)
    if not page.items:
        nothing = _EMPTY[which]
        return Message(nothing, (Paragraph(nothing), Actions((Action(_("What to restock"), "restock"), *others))))
    requests: tuple[RequestView, ...] = page.items
    hint = _("Next: open one to approve or reject it.") if which == "waiting" else _("Next: open one to see it whole.")
    blocks: list[Block] = [
        Heading(title),
        _table(requests, which),
        Actions(tuple(_open(request) for request in requests[:PAGE_SIZE])),
        Paragraph(hint),
    ]
    return Message(title, (*blocks, *page_blocks(page, line), Actions(others)))


def more_requests_card(page: Page) -> Message:
    """Orders that a scan drafted besides those with a card of their own."""
    words = n_("{count} more request waits for approval", "{count} more requests wait for approval", page.total)
    requests: tuple[RequestView, ...] = page.items[:PAGE_SIZE]
    blocks: list[Block] = [Heading(words), _table(requests, "waiting")]
    if page.total > len(requests):
        blocks.append(Footnote(n_("The dearest is shown.", "The {count} dearest are shown.", len(requests))))
    label = n_("See {count} request", "See all {count} requests", page.total)
    blocks.append(Actions((Action(label, "requests", ("waiting",), style="primary"),)))
    return Message(words, tuple(blocks))


def _title(which: str, total: int) -> Words:
    match which:
        case "drafts":
            return n_("{count} draft", "{count} drafts", total)
        case "orders":
            return n_("{count} order under way", "{count} orders under way", total)
        case "all":
            return n_("{count} request in all", "{count} requests in all", total)
    return n_("{count} request waits for approval", "{count} requests wait for approval", total)


def _others() -> tuple[tuple[str, Words], ...]:
    return (
        ("waiting", _("Waiting")),
        ("drafts", _("Drafts")),
        ("orders", _("Under way")),
        ("all", _("All")),
    )


def _table(requests: Sequence[RequestView], which: str) -> Table:
    columns = [Column(_("Request")), Column(_("Kind"))]
    if which != "waiting":
        columns.append(Column(_("State")))
    columns += [
        Column(_("Products")),
        Column(_("Units"), "end"),
        Column(_("To")),
        Column(_("Total"), "end"),
        Column(_("Arrives"), "end"),
    ]
    return Table(tuple(columns), tuple(_row(request, which) for request in requests))


def _row(request: RequestView, which: str) -> tuple[Inline, ...]:
    first, *others = request.lines or (None,)
    product: Inline = Code(first.sku) if first else labels.NONE
    if others:
        product = Span((product, Text(" "), _("and {count} more", count=len(others))))
    number: Inline = Text(labels.request_code(request.id))
    if request.urgent and request.state in {"draft", "pending"}:
        number = Span((number, Text(" "), Badge(_("urgent"), "bad")))
    cells: list[Inline] = [number, labels.REQUEST_KINDS[request.kind]]
    if which != "waiting":
        cells.append(labels.REQUEST_STATES[request.state][0])
    cells += [
        product,
        Number(sum(line.quantity for line in request.lines)),
        Text(request.location or "–"),
        Amount(request.total),
        Day(request.expected_on) if request.expected_on else labels.NONE,
    ]
    return tuple(cells)


def _open(request: RequestView) -> Action:
    code = labels.request_code(request.id)
    return Action(_("{request} · {money}", request=code, money=Amount(request.total)), "requests", (code,))
