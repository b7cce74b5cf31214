"""The rows of files that members sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.chat.incoming import SharedFile
from bot.storage.dialect import insert_into
from bot.storage.tables import Member, Upload


@dataclass(frozen=True, slots=True)
class UploadRow:
    """A file that a member sent; see the table."""

    id: int
    platform: str
    member_id: int
    member: str
    person: str
    conversation_id: int
    file: SharedFile
    kind: str
    given: Mapping[str, Any]
    sha256: str
    state: str
    sent_at: datetime


async def add(connection: AsyncConnection, values: Mapping[str, Any]) -> int:
    """Note a file; the same one of the same event keeps its row."""
    row = insert_into(connection, Upload).values(values).on_conflict_do_nothing()
    await connection.execute(row)
    found = await connection.execute(
        select(Upload.id).where(
            Upload.platform == values["platform"],
            Upload.event_id == values["event_id"],
            Upload.place == values["place"],
        )
    )
    return int(found.scalar_one())


async def one(connection: AsyncConnection, upload_id: int) -> UploadRow | None:
    """A file by its number; None where there is none."""
    found = await connection.execute(
        select(Upload, Member.name.label("member"))
        .join(Member, Member.id == Upload.member_id)
        .where(Upload.id == upload_id)
    )
    row = found.one_or_none()
    if row is None:
        return None
    file = SharedFile(row.file_id, row.name, row.size)
    return UploadRow(
        row.id, row.platform, row.member_id, row.member, row.person, row.conversation_id, file, row.kind, row.given,
        row.sha256, row.state, row.sent_at,
    )  # fmt: skip


async def change(connection: AsyncConnection, upload_id: int, **values: object) -> bool:
    """Set columns of a file that still waits; false where it waits no more."""
    waiting = update(Upload).where(Upload.id == upload_id, Upload.state == "waiting")
    return (await connection.execute(waiting.values(**values))).rowcount == 1
