"""One-time codes that join two identities, and what becomes of a member whose identities join another's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, delete, exists, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import aliased

from bot.storage import members
from bot.storage.tables import (
    DigestEntry,
    Halt,
    LinkCode,
    Offer,
    PolicyVersion,
    Room,
    RoomGuest,
    RoomNote,
    RoomVisit,
    Upload,
)
from bot.storage.tables.base import Base


@dataclass(frozen=True, slots=True)
class CodeRow:
    """A code that is unused and in time; see `storage.tables.people.LinkCode`."""

    code_hash: str
    member_id: int
    platform: str
    external_id: str
    conversation: str
    answers: str
    name: str


_COLUMNS = (
    LinkCode.code_hash,
    LinkCode.member_id,
    LinkCode.platform,
    LinkCode.external_id,
    LinkCode.conversation,
    LinkCode.answers,
    LinkCode.name,
)


# Where a member is named, and may be named more than once.
_NAMING = (
    PolicyVersion.proposed_by, PolicyVersion.decided_by, Halt.member_id, Room.opened_by, RoomVisit.member_id,
    RoomNote.member_id, Upload.member_id,
)  # fmt: skip


async def add_code(connection: AsyncConnection, values: Mapping[str, Any]) -> None:
    """Keep a code's hash; earlier codes of this identity die."""
    mine = (LinkCode.platform == values["platform"]) & (LinkCode.external_id == values["external_id"])
    await connection.execute(delete(LinkCode).where(mine, LinkCode.used_at.is_(None)))
    await connection.execute(insert(LinkCode).values(**values))


async def code(connection: AsyncConnection, code_hash: str, at: datetime) -> CodeRow | None:
    """A code that is unused and in time."""
    row = (await connection.execute(_unused(code_hash).where(LinkCode.expires_at > at))).one_or_none()
    return CodeRow(*row) if row else None


async def answered(connection: AsyncConnection, code_hash: str) -> CodeRow | None:
    """The code that another one answers; it may have lapsed meanwhile, for the answer has a time of its own."""
    row = (await connection.execute(_unused(code_hash))).one_or_none()
    return CodeRow(*row) if row else None


async def use_codes(connection: AsyncConnection, hashes: Sequence[str], at: datetime) -> None:
    """Use codes up."""
    await connection.execute(update(LinkCode).where(LinkCode.code_hash.in_(hashes)).values(used_at=at))


async def merge(connection: AsyncConnection, kept: int, dropped: int) -> None:
    """Make two members one; a morning that either had is had, and nothing is put before the one twice."""
    await _give(connection, DigestEntry, DigestEntry.member_id, ("kind", "local_date"), kept, dropped)
    await _give(connection, Offer, Offer.member_id, ("request_id", "version", "reason"), kept, dropped)
    await _give(connection, RoomGuest, RoomGuest.member_id, ("room_id",), kept, dropped)
    for column in _NAMING:
        await connection.execute(update(column.class_).where(column == dropped).values({column: kept}))
    await members.join(connection, kept, dropped)


async def _give(
    connection: AsyncConnection,
    table: type[Base],
    column: Any,  # noqa: ANN401  # a mapped column
    keys: Sequence[str],
    kept: int,
    dropped: int,
) -> None:
    """Give rows to another member, but those that they have already."""
    other = aliased(table)
    same = and_(*(getattr(other, key) == getattr(table, key) for key in keys))
    has = exists().where(same, getattr(other, column.key) == kept)
    await connection.execute(update(table).where(column == dropped, ~has).values({column: kept}))


def _unused(code_hash: str) -> Any:  # noqa: ANN401  # a Select of seven typed columns
    return select(*_COLUMNS).where(LinkCode.code_hash == code_hash, LinkCode.used_at.is_(None))
