"""The audit log: append-only, each entry's hash covers the one before it.

An entry is written in the transaction of the fact it tells of. The chain's head (number of entries and last hash) is
kept in a row of its own, locked while appending: entries of concurrent transactions chain one after another, and
entries cut off the end are missed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.ports import Clock
from bot.storage import audit as books
from bot.storage import locks
from bot.storage.database import Database

GENESIS = "0" * 64

Fault = Literal["", "edited", "unchained", "cut"]


@dataclass(frozen=True, slots=True)
class AuditVerdict:
    """What the walk found: how many entries, and the id of the first one that is wrong.

    `fault`: `edited` (its hash does not cover its content), `unchained` (it does not follow the one before: something
    was deleted, inserted or moved), `cut` (the end is missing; `broken_at` is the last entry left, 0 if none).
    """

    entries: int
    broken_at: int | None
    fault: Fault = ""


@dataclass(frozen=True, slots=True)
class Deed:
    """What is to be recorded; `subject` is case:12, request:7, member:3 ..., `data` plain JSON."""

    action: str
    subject: str
    data: Mapping[str, Any]
    member_id: int | None = None
    platform: str = ""


class Audit:
    """Appends to the log and verifies it."""

    def __init__(self, *, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def append(
        self,
        connection: AsyncConnection,
        action: str,
        subject: str,
        data: Mapping[str, Any],
        member_id: int | None = None,
        platform: str = "",
    ) -> int:
        """Record one deed in the caller's transaction; the entry's id. Lock nothing else afterwards."""
        return await self.append_all(connection, [Deed(action, subject, data, member_id, platform)])

    async def append_all(self, connection: AsyncConnection, deeds: Sequence[Deed]) -> int:
        """Record several deeds in their order, at least one; the id of the last entry."""
        count, previous = _parse(await locks.audit_head(connection, _head(0, GENESIS)))
        at = self._clock.now().astimezone(UTC)
        values = []
        for deed in deeds:
            entry: dict[str, Any] = {
                "at": at,
                "member_id": deed.member_id,
                "platform": deed.platform,
                "action": deed.action,
                "subject": deed.subject,
                "data": json.loads(_canonical(deed.data)),
                "previous_hash": previous,
            }
            previous = entry["hash"] = _hash(entry)
            values.append(entry)
        return await books.add(connection, values, _head(count + len(values), previous))

    async def verify(self) -> AuditVerdict:
        """Walk the whole chain; on the first fault stop and say where."""
        async with self._database.reading() as connection:
            head = await books.head(connection)
            count, previous, last = 0, GENESIS, 0
            async for entry in books.entries(connection):
                count += 1
                if entry.previous_hash != previous:
                    return AuditVerdict(count, entry.id, "unchained")
                if entry.hash != _hash(_content(entry)):
                    return AuditVerdict(count, entry.id, "edited")
                previous, last = entry.hash, entry.id
        if _parse(head or _head(0, GENESIS)) != (count, previous):
            return AuditVerdict(count, last, "cut")
        return AuditVerdict(count, None)


def _content(entry: books.Entry) -> dict[str, Any]:
    return {
        "at": entry.at,
        "member_id": entry.member_id,
        "platform": entry.platform,
        "action": entry.action,
        "subject": entry.subject,
        "data": entry.data,
        "previous_hash": entry.previous_hash,
    }


def _hash(content: Mapping[str, Any]) -> str:
    at: datetime = content["at"]
    plain = {**content, "at": at.astimezone(UTC).isoformat(timespec="microseconds")}
    plain.pop("hash", None)
    return hashlib.sha256(_canonical(plain).encode()).hexdigest()


def _canonical(data: object) -> str:
    """One text for one content: sorted keys, no spaces, no NaN."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False, default=dict)


def _head(count: int, last: str) -> str:
    return f"{count} {last}"


def _parse(head: str) -> tuple[int, str]:
    count, last = head.split()
    return int(count), last
