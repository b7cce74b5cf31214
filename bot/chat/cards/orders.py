"""How far an approved order has come, and the buttons that take it further."""

from __future__ import annotations

from bot.chat.nodes import Block
from bot.domain.views import RequestView


def order_blocks(request: RequestView) -> tuple[Block, ...]:  # noqa: ARG001  # filled in with the part it shows
    """The blocks that a request's card shows of it."""
    return ()
