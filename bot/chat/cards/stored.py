"""Figures as a request or a case keeps them, in JSON, read for a card."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from bot.chat.cards import labels
from bot.chat.nodes import Amount, Inline
from bot.domain.money import Money


def decimal_of(value: object) -> Decimal | None:
    """A JSON number or its text as a Decimal; None where it is neither."""
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        return None
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def minor(value: object, currency: str) -> Inline:
    """Minor units as an amount of the currency; unknown for anything else."""
    return Amount(Money.of_minor(value, currency)) if isinstance(value, int) else labels.NONE
