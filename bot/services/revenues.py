"""What was taken for goods, in the organisation's currency at the rates of the days the orders were placed on.

Money is kept in the currency it was paid in and converted when it is asked for, so a rate that comes late, or is
corrected, mends every figure at once. The rate of a day is the newest one of that day or, where none was stated then
(weekends, holidays), of the ten days before it; a rate typed by hand has no day and stands in where there is none.
The sum is exact and is rounded once, half to even; a rate that is turned round or crossed has fifteen digits. Money
without a rate is left out and named; its units count all the same.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Decimal, localcontext

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain import setaside
from bot.domain.money import Money
from bot.domain.views import Revenue
from bot.services.exchange import Exchange, StatedRate, quotes_of
from bot.storage import locks, rates
from bot.storage import revenues as rows
from bot.words import Words, kept

NEAR = timedelta(days=10)
_EXACT = 60  # digits: more than amounts and rates of fifteen can come to


@dataclass(frozen=True, slots=True)
class DatedRates:
    """The rates of days; `typed` as in `Exchange`."""

    currency: str
    typed: Mapping[str, Decimal]
    stated: tuple[StatedRate, ...]
    _stated: dict[date, list[StatedRate]] = field(default_factory=dict)
    _days: dict[date, Exchange] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Put the rates in order: a history has a thousand days, of thirty rates each."""
        for rate in self.stated:
            self._stated.setdefault(rate.day, []).append(rate)

    def on(self, day: date) -> Exchange:
        """The rates of a day."""
        found = self._days.get(day)
        if found is None:
            near = [rate for back in range(NEAR.days) for rate in self._stated.get(day - timedelta(days=back), ())]
            found = self._days[day] = Exchange(self.currency, self.typed, quotes_of(self.currency, near))
        return found


async def dated(
    connection: AsyncConnection, currency: str, typed: Mapping[str, Decimal], days: Collection[date]
) -> DatedRates:
    """The rates of some days."""
    stated = await rates.between(connection, min(days) - NEAR, max(days)) if days else []
    return DatedRates(currency, typed, tuple(StatedRate(*(getattr(r, f) for f in _FIELDS)) for r in stated))


_FIELDS = ("source", "base", "currency", "day", "rate", "stated_at")


async def of_product(
    connection: AsyncConnection,
    currency: str,
    typed: Mapping[str, Decimal],
    product: int,
    spans: Mapping[int, tuple[date, date]],
) -> dict[int, Revenue]:
    """A product's revenue by location between two local days, both inclusive; see `bot.storage.revenues.takings`."""
    taken = await rows.takings(connection, product, spans)
    exchange = await dated(connection, currency, typed, {each.day for each in taken if each.currency != currency})
    return {
        place: sum_of((each for each in taken if each.location_id == place), exchange)
        for place in {each.location_id for each in taken}
    }


def sum_of(taken: Iterable[rows.Takings], exchange: DatedRates) -> Revenue:
    """Takings of several days and currencies together."""
    total, waiting = Decimal(0), set()
    with localcontext(prec=_EXACT):
        for each in taken:
            factor = exchange.on(each.day).factor(each.currency)
            if factor is None:
                waiting.add(each.currency)
            else:
                total += each.minor * factor
        minor = int(total.quantize(Decimal(1), ROUND_HALF_EVEN))
    return Revenue(Money.of_minor(minor, exchange.currency), tuple(sorted(waiting)))


async def lacking(
    connection: AsyncConnection, currency: str, typed: Mapping[str, Decimal], wanted: Mapping[str, Collection[date]]
) -> dict[str, Words]:
    """What is wrong with the money of some currencies and days, as faults say it; none where every day has a rate."""
    strange = {code: days for code, days in wanted.items() if code != currency and code not in typed}
    exchange = await dated(connection, currency, typed, {day for days in strange.values() for day in days})
    found: dict[str, Words] = {}
    for code, days in strange.items():
        missing = [day for day in sorted(days) if exchange.on(day).rate(code) is None]
        if missing:
            found[code] = setaside.no_rate(f"{code} {missing[0].isoformat()}")
    return found


async def mend(connection: AsyncConnection, currency: str, typed: Mapping[str, Decimal]) -> None:
    """Look again at money that waits for a rate: what waits no more goes from the list, the rest says since when.

    A store's naming is held, as by the pages that list such money.
    """
    for store, code in await rows.waiting(connection):
        await locks.naming(connection, store)
        days = await rows.days_of(connection, f"store:{store}", code)
        wrong = await lacking(connection, currency, typed, {code: days})
        problem = wrong.get(code)
        await rows.settle(connection, store, code, "" if problem is None else kept(problem))
