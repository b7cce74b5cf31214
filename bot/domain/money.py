"""Money as an exact amount in one currency; never a float."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal

# ISO 4217 exponents that differ from two; every other currency has two decimals.
_EXPONENTS = {
    **dict.fromkeys(
        ("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV"), 0
    ),
    **dict.fromkeys(("XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}


def exponent(currency: str) -> int:
    """Decimals of the currency's minor unit (ISO 4217)."""
    return _EXPONENTS.get(currency, 2)


@dataclass(frozen=True, slots=True)
class Money:
    """An exact amount; `amount` is in major units and already rounded to the currency's minor unit."""

    amount: Decimal
    currency: str

    def __post_init__(self) -> None:
        """Refuse what is not exact money: floats, non-finite amounts, fractions of a minor unit."""
        exact: object = self.amount  # a float slips past annotations at run time
        if not isinstance(exact, Decimal) or not exact.is_finite():
            raise TypeError(f"money takes a finite Decimal, not {exact!r}")
        if self.amount != self.amount.quantize(Decimal(1).scaleb(-exponent(self.currency))):
            raise ValueError(f"{self.amount} {self.currency} has a fraction of a minor unit; use Money.rounded")
        if len(self.currency) != 3 or not (self.currency.isascii() and self.currency.isupper()):
            raise ValueError(f"{self.currency!r} is not an ISO 4217 code")

    @classmethod
    def rounded(cls, amount: Decimal, currency: str) -> Money:
        """The amount rounded half to even to the currency's minor unit."""
        return cls(amount.quantize(Decimal(1).scaleb(-exponent(currency)), ROUND_HALF_EVEN), currency)

    @classmethod
    def of_minor(cls, minor: int, currency: str) -> Money:
        """The amount of an integer count of minor units (pence, fen, sen)."""
        return cls(Decimal(minor).scaleb(-exponent(currency)), currency)

    @property
    def minor(self) -> int:
        """The integer count of minor units."""
        return int(self.amount.scaleb(exponent(self.currency)))

    def __add__(self, other: Money) -> Money:
        self._same(other)
        return Money(self.amount + other.amount, self.currency)

    def __sub__(self, other: Money) -> Money:
        self._same(other)
        return Money(self.amount - other.amount, self.currency)

    def __mul__(self, times: int) -> Money:
        return Money(self.amount * times, self.currency)

    def __lt__(self, other: Money) -> bool:
        self._same(other)
        return self.amount < other.amount

    def __le__(self, other: Money) -> bool:
        self._same(other)
        return self.amount <= other.amount

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"

    def _same(self, other: Money) -> None:
        if self.currency != other.currency:
            raise ValueError(f"{self.currency} and {other.currency} do not mix")
