"""Amounts of several currencies in the organisation's own, for ranking and for limits; what is paid keeps its currency.

A rate is of a day and a source. Where no source states the pair itself, it is turned round, or crossed through the
currency that both are stated in: 1 GBP = (CNY per EUR) / (GBP per EUR) CNY.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Context, Decimal

from bot.domain.money import exponent

FRESH = timedelta(hours=24)
_DIGITS = Context(prec=15)  # of a rate that is computed: a thousandth of a minor unit in ten thousand million
TYPED = "settings"


@dataclass(frozen=True, slots=True)
class StatedRate:
    """One unit of `base` is `rate` units of `currency`, as a source stated it."""

    source: str
    base: str
    currency: str
    day: date
    rate: Decimal
    stated_at: datetime


@dataclass(frozen=True, slots=True)
class Quote:
    """One unit of a currency is `rate` units of the organisation's.

    `day` and `stated_at` are None where it was typed by hand (its age is unknown) and for the organisation's own
    currency, whose `source` is empty. `through` is the currency it was crossed through, or empty.
    """

    rate: Decimal
    day: date | None
    source: str
    stated_at: datetime | None = None
    through: str = ""


class Exchange:
    """Converts minor units into the organisation's currency.

    `typed` are units of it for one unit of another, as typed by hand; `quotes` are those of a source and win.
    """

    def __init__(self, currency: str, typed: Mapping[str, Decimal], quotes: Mapping[str, Quote] | None = None) -> None:
        self.currency = currency
        by_hand = {code: Quote(rate, None, TYPED) for code, rate in typed.items()}
        self._quotes = {**by_hand, **(quotes or {}), currency: Quote(Decimal(1), None, "")}

    def factor(self, currency: str) -> Decimal | None:
        """Minor units of the organisation's currency for one minor unit of another; None without a rate."""
        rate = self.rate(currency)
        return None if rate is None else rate.scaleb(exponent(self.currency) - exponent(currency))

    def minor(self, amount: int | None, currency: str) -> int | None:
        """An amount in the organisation's minor units, rounded half to even; None where it or its rate is unknown."""
        factor = self.factor(currency)
        if amount is None or factor is None:
            return None
        return int((amount * factor).quantize(Decimal(1), ROUND_HALF_EVEN))

    def rate(self, currency: str) -> Decimal | None:
        """The rate itself, for evidence."""
        quote = self._quotes.get(currency)
        return None if quote is None else quote.rate

    def quote(self, currency: str) -> Quote | None:
        """The rate with its day and source, as a decision is bound to it; None without a rate."""
        return self._quotes.get(currency)

    def age(self, currency: str, at: datetime) -> timedelta | None:
        """How old the rate is at `at`; None where nobody knows. The organisation's own currency is never old."""
        if currency == self.currency:
            return timedelta(0)
        quote = self._quotes.get(currency)
        return None if quote is None or quote.stated_at is None else at - quote.stated_at

    def stale(self, currency: str, at: datetime) -> bool:
        """Whether the rate is older than 24 hours, of unknown age, or not there at all."""
        age = self.age(currency, at)
        return age is None or age > FRESH

    def currencies(self) -> tuple[str, ...]:
        """Every currency with a rate but the organisation's own, by code."""
        return tuple(sorted(code for code in self._quotes if code != self.currency))


def quotes_of(currency: str, stated: Iterable[StatedRate]) -> dict[str, Quote]:
    """What one unit of each other currency is in `currency`, by the newest day; the order of `stated` means nothing.

    Of one day a pair stated as such wins over one turned round, and that over one crossed.
    """
    newest: dict[tuple[str, str], StatedRate] = {}
    for row in stated:
        pair = (row.base, row.currency)
        if row.base != row.currency and (pair not in newest or _age(row) > _age(newest[pair])):
            newest[pair] = row
    best: dict[str, tuple[_Rank, Quote]] = {}
    for code, rank, quote in _candidates(currency, newest):
        if code != currency and (code not in best or rank > best[code][0]):
            best[code] = (rank, quote)
    return {code: quote for code, (_rank, quote) in sorted(best.items())}


_Rank = tuple[date, datetime, int, str]


def _age(row: StatedRate) -> tuple[date, datetime, str, Decimal]:
    return row.day, row.stated_at, row.source, row.rate


def _candidates(own: str, newest: Mapping[tuple[str, str], StatedRate]) -> Iterable[tuple[str, _Rank, Quote]]:
    """Every way to `own`: as stated, turned round, and crossed, in which the older of the two rates counts."""
    for (base, code), row in newest.items():
        if code == own:
            yield base, (row.day, row.stated_at, 2, ""), Quote(row.rate, row.day, row.source, row.stated_at)
        elif base == own:
            turned = Quote(_DIGITS.divide(Decimal(1), row.rate), row.day, row.source, row.stated_at)
            yield code, (row.day, row.stated_at, 1, ""), turned
        elif (base, own) in newest:
            ours = newest[base, own]
            older = min(row, ours, key=_age)
            source = "+".join(sorted({row.source, ours.source}))
            crossed = Quote(_DIGITS.divide(ours.rate, row.rate), older.day, source, older.stated_at, base)
            yield code, (older.day, older.stated_at, 0, base), crossed
