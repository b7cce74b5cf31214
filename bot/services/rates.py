"""Exchange rates: fetched from a source, imported from files, and looked up as of an instant."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.chat.cards import rates_missing_card
from bot.errors import Declined, OutsideError
from bot.ports import Clock, Rate, RateSource
from bot.services import revenues
from bot.services.audit import Audit
from bot.services.exchange import FRESH, Exchange, Quote, StatedRate, quotes_of
from bot.services.ingest.contracts import OpenTable
from bot.services.outbox import Outbox
from bot.services.ratefiles import Document, RateFile, RateOptions, RateReader
from bot.services.settings import ServiceSettings
from bot.storage import rates as rows
from bot.storage.database import Database
from bot.storage.rates import Kept, RateRow
from bot.words import Words, _

_log = structlog.get_logger(__name__)
_JUMP = 3  # times the rate of a few days ago; more is a fault of the source until a person says otherwise
_RECENT = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class RateLine:
    """One currency's rate as shown; `age` None: nobody knows."""

    currency: str
    quote: Quote
    age: timedelta | None
    stale: bool


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What became of a look at the source: `outcome` is off, fresh (nothing new is due), fetched or failed."""

    outcome: str
    added: int = 0
    day: date | None = None
    problem: str = ""


async def exchange_at(connection: AsyncConnection, settings: ServiceSettings, at: datetime) -> Exchange:
    """The rates of the table as they were known at `at`, and those of the settings where it has none."""
    own = settings.organisation_currency
    stated = [
        StatedRate(row.source, row.base, row.currency, row.day, row.rate, row.stated_at)
        for row in await rows.latest(connection, at)
    ]
    return Exchange(own, settings.rates, quotes_of(own, stated))


class Rates:
    """Keeps the table of rates."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        audit: Audit,
        outbox: Outbox,
        settings: ServiceSettings,
        source: RateSource | None,
        files: OpenTable,
        document: Document,
    ) -> None:
        self._database = database
        self._clock = clock
        self._audit = audit
        self._outbox = outbox
        self._settings = settings
        self._source = source
        self._files = files
        self._document = document

    async def exchange(self, connection: AsyncConnection, at: datetime) -> Exchange:
        """See `exchange_at`."""
        return await exchange_at(connection, self._settings, at)

    async def overview(self, at: datetime) -> tuple[RateLine, ...]:
        """Every currency with a rate, by code."""
        async with self._database.reading() as connection:
            exchange = await self.exchange(connection, at)
        found = ((code, exchange.quote(code)) for code in exchange.currencies())
        return tuple(
            RateLine(code, quote, exchange.age(code, at), exchange.stale(code, at)) for code, quote in found if quote
        )

    async def read_file(self, path: Path, options: RateOptions) -> RateFile:
        """What a file says; FileRefused where it cannot be read. Nothing is written."""
        zone = ZoneInfo(self._settings.default_zone)
        reader = RateReader(files=self._files, document=self._document, zone=zone, now=self._clock.now())
        return await asyncio.to_thread(reader.read, path, options)

    async def keep_file(self, file: RateFile, name: str) -> Kept:
        """Keep the rates of a file; doing it again changes nothing."""
        async with self._database.transaction() as connection:
            kept = await self._keep(connection, file.source, file.rates, "rates.imported", {"file": name})
        await self._mend()
        return kept

    async def refresh(self) -> Refreshed:
        """Ask the source once its newest rates are a day old; say so, once a day, where it cannot be helped."""
        if self._source is None:
            return Refreshed("off")
        now, name = self._clock.now(), self._source.name
        async with self._database.reading() as connection:
            held = [row for row in await rows.latest(connection, now) if row.source == name]
        newest = max((row.stated_at for row in held), default=None)
        if newest is not None and now - newest < FRESH:
            return Refreshed("fresh", day=max(row.day for row in held))
        try:
            found = await self._source.fetch()
            _credible(found, held, now)
        except OutsideError as error:
            _log.warning("no exchange rates", source=name, error=str(error))
            await self._tell(newest, error.said, now)
            return Refreshed("failed", problem=str(error))
        async with self._database.transaction() as connection:
            kept = await self._keep(connection, name, found, "rates.fetched", {})
        await self._mend()
        return Refreshed("fetched", kept.added, max(rate.day for rate in found))

    async def _keep(
        self, connection: AsyncConnection, source: str, rates: Sequence[Rate], action: str, data: dict[str, str]
    ) -> Kept:
        now = self._clock.now()
        stated = [  # a source may be a little early; nothing was stated after it was read
            RateRow(source, rate.base, rate.currency, rate.day, rate.rate, min(rate.stated_at, now)) for rate in rates
        ]
        kept = await rows.keep(connection, stated, now)
        if kept.added or kept.changed:
            days = [rate.day for rate in rates]
            told = {
                "added": kept.added,
                "changed": kept.changed,
                "first_day": min(days).isoformat(),
                "last_day": max(days).isoformat(),
            }
            await self._audit.append(connection, action, f"rates:{source}", {**data, **told})
        return kept

    async def _mend(self) -> None:
        """Look again at the money that waits for a rate."""
        async with self._database.transaction() as connection:
            await revenues.mend(connection, self._settings.organisation_currency, self._settings.rates)

    async def _tell(self, newest: datetime | None, problem: Words, now: datetime) -> None:
        on = now.astimezone(ZoneInfo(self._settings.default_zone)).date()
        card = rates_missing_card(newest, problem)
        async with self._database.transaction() as connection:
            await self._outbox.announce(connection, "stale", card, dedupe_key=f"rates-missing:{on}")


def _credible(found: Sequence[Rate], held: Sequence[RateRow], now: datetime) -> None:
    """Declined where a rate is of the future, or has moved as no rate does: its base or its point is misplaced."""
    before = {(row.base, row.currency): row for row in held}
    for rate in found:
        if rate.day > now.date() + timedelta(days=1):
            raise Declined(_("the rates are of {day}, which is in the future", day=rate.day))
        last = before.get((rate.base, rate.currency))
        if last is None or not last.day <= rate.day <= last.day + _RECENT:
            continue
        if not Decimal(1) / _JUMP < rate.rate / last.rate < _JUMP:
            raise Declined(
                _(
                    "{currency} is said to have moved from {before} on {then} to {now} on {day}; "
                    "if so, import the rates from a file",
                    currency=rate.currency,
                    before=str(last.rate),
                    then=str(last.day),
                    now=str(rate.rate),
                    day=str(rate.day),
                )
            )
