"""What the catalogue's past taught, by when."""

from __future__ import annotations

import json
from datetime import datetime
from functools import lru_cache

from sqlalchemy import bindparam, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.forecasting.lessons import Lessons, from_plain, plain
from bot.storage.tables import Lesson

_KEPT = 3  # the newest, so that a look at yesterday still finds its own
_LATEST = (
    select(Lesson.at, Lesson.told)
    .where(Lesson.at <= bindparam("until"))
    .order_by(Lesson.at.desc(), Lesson.id.desc())
    .limit(1)
)


@lru_cache(maxsize=4)
def _read(told: str) -> Lessons | None:
    return from_plain(json.loads(told))


async def latest(connection: AsyncConnection, at: datetime) -> Lessons | None:
    """The last lessons that were learned by then; None where there are none, or nothing was to be learned."""
    found = (await connection.execute(_LATEST, {"until": at})).one_or_none()
    return _read(found.told) if found is not None and found.told else None


async def learned_at(connection: AsyncConnection, at: datetime) -> datetime | None:
    """When somebody last tried to learn by then, whether or not there was anything to be learned; None where what was
    learned is of another form.
    """
    found = (await connection.execute(_LATEST, {"until": at})).one_or_none()
    return None if found is None or (found.told and _read(found.told) is None) else found.at


async def keep(connection: AsyncConnection, at: datetime, lessons: Lessons | None) -> None:
    """Keep what was learned as of an instant, and forget what is old."""
    told = "" if lessons is None else json.dumps(plain(lessons), separators=(",", ":"), allow_nan=False)
    await connection.execute(insert(Lesson).values(at=at, told=told))
    newest = select(Lesson.id).where(Lesson.at <= at).order_by(Lesson.at.desc(), Lesson.id.desc()).limit(_KEPT)
    await connection.execute(delete(Lesson).where(Lesson.at <= at, Lesson.id.not_in(newest)))
