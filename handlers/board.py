"""`board [PAGE|PRODUCT|CASE|REQUEST]`: a link of one's own to the pages of figures."""

from __future__ import annotations

from typing import Literal
from urllib.parse import quote

from bot.chat.arguments import CaseCode, RequestCode, Sku
from bot.chat.cards import board_card, notice_card
from bot.chat.command import Command
from bot.chat.nodes import Message
from bot.errors import NotAllowed
from bot.services import Invocation
from bot.services.sessions import LINK_MINUTES
from bot.words import _

_PAGES = {
    "overview": "/board",
    "products": "/board/stock",
    "slow": "/board/slow",
    "requests": "/board/requests",
    "suppliers": "/board/suppliers",
}


async def board(
    call: Invocation,
    page: CaseCode | RequestCode | Literal["overview", "products", "slow", "requests", "suppliers"] | Sku | None = None,
) -> Message:
    """A link that opens the page once, for the asker alone."""
    match page:
        case CaseCode():
            target = f"/board/case/{page.id}"
        case RequestCode():
            target = f"/board/request/{page.id}"
        case Sku():
            target = f"/board/sku?code={quote(page.code, safe='')}"
        case _:
            target = _PAGES[page or "overview"]
    card = board_card(await call.services.sessions.link(call.asker.member_id, target), LINK_MINUTES)
    if not call.services.whispers.needed(call.origin):
        return card
    if await call.services.whispers.send(call.asker.member_id, card):
        return notice_card(_("I have sent you the link in private."))
    raise NotAllowed(_("The link is for your eyes alone: ask me for it in a private chat."))


COMMAND = Command("board", board, summary=_("Figures on a page: a link of your own"), audience="asker", short=True)
