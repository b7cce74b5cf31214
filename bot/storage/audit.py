"""The audit log's rows; `bot.services.audit` chains and checks them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage import marks
from bot.storage.locks import AUDIT_HEAD
from bot.storage.tables import Audit, Mark

_BATCH = 1000
_ADDED = insert(Audit).returning(Audit.id)
_MOVED = update(Mark).where(Mark.key == AUDIT_HEAD).values(value=bindparam("head"))


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry as stored; `at` is UTC."""

    id: int
    at: datetime
    member_id: int | None
    platform: str
    action: str
    subject: str
    data: dict[str, Any]
    previous_hash: str
    hash: str


async def add(connection: AsyncConnection, values: list[dict[str, Any]], head: str) -> int:
    """Append entries in their order and move the chain's head; the id of the last one."""
    if len(values) > 1:
        await connection.execute(insert(Audit), values[:-1])
    added = await connection.execute(_ADDED, values[-1])
    await connection.execute(_MOVED, {"head": head})
    return int(added.scalar_one())


async def entries(
    connection: AsyncConnection, since: datetime | None = None, until: datetime | None = None
) -> AsyncIterator[Entry]:
    """Every entry in the order of ids, read in batches; or from the first one at or after `since` to the last one
    before `until`, with all between them, so that the chain stays whole where clocks of replicas differ.
    """
    wanted = select(*Audit.__table__.columns).order_by(Audit.id).limit(_BATCH)
    if since is not None:
        wanted = wanted.where(Audit.id >= select(func.min(Audit.id)).where(Audit.at >= since).scalar_subquery())
    if until is not None:
        wanted = wanted.where(Audit.id <= select(func.max(Audit.id)).where(Audit.at < until).scalar_subquery())
    last = 0
    while True:
        rows = (await connection.execute(wanted.where(Audit.id > last))).all()
        for row in rows:
            yield Entry(**row._mapping)  # noqa: SLF001  # the public name of a row's dict in SQLAlchemy 2
        if len(rows) < _BATCH:
            return
        last = rows[-1].id


async def head(connection: AsyncConnection) -> str | None:
    """Where the chain is said to end; None before the first entry."""
    return await marks.get(connection, AUDIT_HEAD)
