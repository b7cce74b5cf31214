"""Amounts of several currencies in the organisation's own, for ranking; what is paid keeps its currency."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Decimal

from bot.domain.money import exponent


class Exchange:
    """Converts minor units into the organisation's currency. `rates`: its units for one unit of another."""

    def __init__(self, currency: str, rates: Mapping[str, Decimal]) -> None:
        self.currency = currency
        self._rates = {**rates, currency: Decimal(1)}

    def factor(self, currency: str) -> Decimal | None:
        """Minor units of the organisation's currency for one minor unit of another; None without a rate."""
        rate = self._rates.get(currency)
        return None if rate is None else rate.scaleb(exponent(self.currency) - exponent(currency))

    def minor(self, amount: int | None, currency: str) -> int | None:
        """An amount in the organisation's minor units, rounded half to even; None where it or its rate is unknown."""
        factor = self.factor(currency)
        if amount is None or factor is None:
            return None
        return int((amount * factor).quantize(Decimal(1), ROUND_HALF_EVEN))

    def rate(self, currency: str) -> Decimal | None:
        """The rate itself, for evidence."""
        return self._rates.get(currency)
