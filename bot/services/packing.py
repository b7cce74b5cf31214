"""Keeping the packs of daily demand up to date, so that a scan of the whole reads them instead of every row."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog
from sqlalchemy.exc import DBAPIError

from bot.storage import packs
from bot.storage.chunks import chunked
from bot.storage.database import Database

_log = structlog.get_logger(__name__)
_BATCH = 100  # products in one transaction: a tenth of a second of a year's rows


async def keep_packed(database: Database, at: datetime) -> None:
    """Pack the demand of products whose packs lack more than a few days, up to the day of `at` (aware) anywhere.

    Where somebody writes demand for long, the rest is left for another time: what is not packed is read from its rows.
    """
    most = at.date() + timedelta(days=1)
    async with database.reading() as connection:
        late = await packs.behind(connection, most)
    try:
        for products in chunked(late, _BATCH):
            async with database.transaction() as connection:
                await packs.hold(connection)
                await packs.pack(connection, products, most)
    except DBAPIError as error:
        if not packs.is_busy(error):
            raise
        _log.info("demand is being written; the rest of it is packed another time")
