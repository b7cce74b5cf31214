"""What a promotion does to prices, and how it goes."""

from __future__ import annotations

from bot.chat.nodes import Block
from bot.domain.views import RequestView


def promotion_blocks(request: RequestView) -> tuple[Block, ...]:  # noqa: ARG001  # filled in with the part it shows
    """The blocks that a request's card shows of it."""
    return ()
