"""Keeps the working tables small; facts, cases, requests and the audit log are never touched."""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.services.promotions import PROPOSED
from bot.services.purchases import BOUGHT
from bot.services.receiving import RECEIVED
from bot.storage import apikeys, forecasts, jobs, websessions
from bot.storage import cleanup as rows
from bot.storage.database import Database

EVENTS = timedelta(days=7)  # platforms redeliver for a day at most
LETTERS = timedelta(days=30)
CODES = timedelta(days=1)
RUNS = timedelta(days=14)
FORECASTS = timedelta(days=183)  # half a year
ANSWERS = timedelta(days=2)  # the ingest API promises a day


async def clean(database: Database, now: datetime) -> dict[str, int]:
    """Delete what is older than its keep; how many rows of each kind."""
    kept = (
        ("events", rows.events, now - EVENTS),
        ("deliveries", rows.deliveries, now - EVENTS),
        ("letters", rows.letters, now - LETTERS),
        ("answers", apikeys.forget_answers, now - ANSWERS),
    )
    done = {kind: 0 for kind, _, _ in kept}
    for kind, forget, before in kept:
        while True:
            async with database.transaction() as connection:
                count = await forget(connection, before)
            done[kind] += count
            if count < rows.BATCH:
                break
    done["forecasts"] = 0
    while True:
        async with database.transaction() as connection:
            count = await forecasts.forget(connection, (now - FORECASTS).date())
        done["forecasts"] += count
        if not count:
            break
    async with database.transaction() as connection:
        done["codes"] = await rows.codes(connection, now - CODES)
        done["marks"] = sum([await rows.marks(connection, mark, now - EVENTS) for mark in (BOUGHT, PROPOSED, RECEIVED)])
        done["pages"] = await websessions.forget(connection, now - CODES)
        done["runs"] = await jobs.forget(connection, now - RUNS)
    return done
