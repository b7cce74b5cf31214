"""How a transfer that we wrote is known again: by a tag that its key becomes."""

from __future__ import annotations

import hashlib

from bot.stores.shopify.reading import Node

_MARK = "stocktide-"


def tag(key: str) -> str:
    """The tag of a key."""
    return f"{_MARK}{hashlib.sha256(key.encode()).hexdigest()[:40]}"


def is_ours(transfer: Node) -> bool:
    """Whether we wrote a transfer."""
    return any(str(each).startswith(_MARK) for each in transfer["tags"])
