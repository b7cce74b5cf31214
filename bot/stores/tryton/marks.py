"""How a purchase that we wrote is known again: by its key, which people see as where it came from."""

from __future__ import annotations

from bot.stores.tryton.values import Row, text

FIELDS = ("reference", "description")
_OURS = "Stocktide "


def mark(key: str) -> str:
    """What is written into both fields: the reference may be overwritten with the supplier's, the description may not
    once the purchase is no draft.
    """
    return _OURS + key


def is_ours(row: Row) -> bool:
    """Whether we wrote a purchase: its goods are awaited since, and reading them back would count them twice."""
    return any(text(row, name).startswith(_OURS) for name in FIELDS)
