"""Fingerprints of what cases keep (`bot.services.sameness`): whether a scan need write them again."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.bulk import insert_rows
from bot.storage.chunks import chunked
from bot.storage.tables import CasePrint

_ALL = select(CasePrint.case_id, CasePrint.fingerprint)


async def known(connection: AsyncConnection) -> dict[int, int]:
    """The fingerprint of every case that has one, by its id."""
    # The driver's own tuples: making tens of thousands of Row objects would take longer than the query.
    return dict((await connection.execute(_ALL)).cursor.fetchall())


async def keep(connection: AsyncConnection, written: Mapping[int, int | None]) -> None:
    """Note what was written of cases, by their ids; None takes away what was known."""
    rows = [(case_id, found) for case_id, found in written.items() if found is not None]
    for some in chunked([case_id for case_id, found in written.items() if found is None]):
        await connection.execute(delete(CasePrint).where(CasePrint.case_id.in_(some)))
    await insert_rows(
        connection,
        CasePrint,
        ("case_id", "fingerprint"),
        rows,
        "(case_id) DO UPDATE SET fingerprint = excluded.fingerprint",
    )
