"""How old stock is, as stores say."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, bindparam, delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.money import Money
from bot.domain.told import FRESH, ToldAge
from bot.ports import AgeFact
from bot.storage import masters
from bot.storage.narrowed import NAMED, Narrowed
from bot.storage.tables import StockAge
from bot.storage.types import to_micros

_KEPT = timedelta(days=100)
_STORE = "store:"
_MONEY = ("storage", "surcharge", "charged")
_COLUMNS = (
    "product_id", "location_id", "as_of", "source", "bands", "currency", "storage_minor", "surcharge_minor",
    "charged_minor",
)  # fmt: skip


async def keep(
    connection: AsyncConnection, source: str, told: Mapping[tuple[int, int], Sequence[AgeFact]], now: datetime
) -> int:
    """Keep what a source says by (product, location), of several variants of a product together; how much was news."""
    rows = [(*key, *_together(facts, source, now)) for key, facts in told.items()]
    added, updated = await masters.upsert(connection, StockAge, _COLUMNS[:4], _COLUMNS, rows)
    await connection.execute(delete(StockAge).where(StockAge.source == source, StockAge.as_of < now - _KEPT))
    return added + updated


def _together(facts: Sequence[AgeFact], source: str, now: datetime) -> tuple[Any, ...]:
    latest = max(fact.as_of for fact in facts)
    current = list({fact.code: fact for fact in facts if fact.as_of == latest}.values())
    bands: Counter[tuple[int, int | None]] = Counter()
    for fact in current:
        bands.update({(band.first, band.last): band.units for band in fact.bands})
    ordered = [[first, last, units] for (first, last), units in sorted(bands.items(), key=lambda item: item[0][0])]
    sums = [[amount for fact in current if (amount := getattr(fact, name)) is not None] for name in _MONEY]
    currencies = {amount.currency for amounts in sums for amount in amounts}
    one = len(currencies) == 1  # money of two currencies is never added up
    minor = [sum(amount.minor for amount in amounts) if amounts and one else None for amounts in sums]
    return to_micros(min(latest, now)), source, json.dumps(ordered), next(iter(currencies)) if one else "", *minor


_LATEST = Narrowed(
    select(*(StockAge.__table__.c[name] for name in _COLUMNS))
    .where(StockAge.as_of > bindparam("since"), StockAge.as_of <= bindparam("at"))
    .order_by(StockAge.as_of, StockAge.id),
    StockAge.product_id.in_(NAMED),
)


async def fresh(
    connection: AsyncConnection, at: datetime, product_ids: Collection[int] | None = None
) -> dict[tuple[int, int], ToldAge]:
    """What stores said last by an instant, by (product, location); nothing that is no longer fresh then."""
    rows = await _LATEST.run(connection, product_ids, since=at - FRESH, at=at)
    last = {(row.product_id, row.location_id): row for row in rows}
    return {key: _told(row) for key, row in last.items()}


def _told(row: Row[*tuple[Any, ...]]) -> ToldAge:
    amounts = {
        name: None if minor is None else Money.of_minor(minor, row.currency)
        for name, minor in zip(_MONEY, (row.storage_minor, row.surcharge_minor, row.charged_minor), strict=True)
    }
    bands = tuple((first, last, units) for first, last, units in json.loads(row.bands))
    return ToldAge(row.source.removeprefix(_STORE), row.as_of, bands, **amounts)
