"""Long lists in pages: ten items, and the buttons that turn the page in place. Nothing is ever cut silently."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bot.chat.nodes import Action, Actions, Block, Footnote
from bot.domain.views import Page
from bot.words import _, n_

PAGE_SIZE = 10


def page_of(items: Sequence[Any], number: int, size: int = PAGE_SIZE) -> Page:
    """Page `number` (from 1; clamped to what there is) of a list that is at hand whole."""
    pages = max(1, -(-len(items) // size))
    number = min(max(1, number), pages)
    return Page(tuple(items[(number - 1) * size : number * size]), number, pages, len(items))


def page_blocks(page: Page, line: tuple[str, ...]) -> tuple[Block, ...]:
    """Where one stands, and the buttons to the neighbours; `line` is the command that shows this list.

    A list of one page states only how many there are.
    """
    if page.pages <= 1:
        return (Footnote(n_("{count} in all", "{count} in all", page.total)),) if page.total else ()
    stand = _("page {number} of {pages} · {total} in all", number=page.number, pages=page.pages, total=page.total)
    buttons = []
    if page.number > 1:
        buttons.append(_turn(page.number - 1, line, back=True))
    if page.number < page.pages:
        buttons.append(_turn(page.number + 1, line, back=False))
    return Footnote(stand), Actions(tuple(buttons))


def _turn(number: int, line: tuple[str, ...], *, back: bool) -> Action:
    label = _("‹ Previous") if back else _("Next ›")
    return Action(label, line[0], line[1:], page=number, in_place=True)
