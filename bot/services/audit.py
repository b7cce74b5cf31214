"""The audit log: append-only, each entry's hash covers the one before it.

An entry is written in the transaction of the fact it tells of. The chain's head (number of entries and last hash) is
kept in a row of its own, locked while appending: entries of concurrent transactions chain one after another, and
entries cut off the end are missed. Heads that were posted (see `bot.services.heads`) must stand in the chain for ever.
docs/audit.md tells how anybody checks an exported log without Stocktide.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Literal

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.language import language
from bot.ports import Clock
from bot.storage import audit as books
from bot.storage import locks, marks
from bot.storage.database import Database
from bot.words import Words

GENESIS = "0" * 64
POSTED = "audit:posted:"  # followed by the local date; the value is a head
_VERIFIED = "audit:verified"

Fault = Literal["", "edited", "unchained", "cut", "rewritten", "absent"]


@dataclass(frozen=True, slots=True)
class AuditVerdict:
    """What the walk found: how many entries, and the id of the first one that is wrong.

    `fault`: `edited` (its hash does not cover its content), `unchained` (it does not follow the one before: something
    was deleted, inserted or moved), `cut` (the end is missing; `broken_at` is the last entry left, 0 if none),
    `rewritten` (a head that was posted is another now), `absent` (the hash asked for is not in the chain; `broken_at`
    as of `cut`). `head` is the hash of the last entry walked. `found` is the number of the entry whose hash was asked
    for.
    """

    entries: int
    broken_at: int | None
    fault: Fault = ""
    head: str = GENESIS
    found: int | None = None


@dataclass(frozen=True, slots=True)
class Deed:
    """What is to be recorded; `subject` is case:12, request:7, member:3 ..., `data` plain JSON, or sentences in it.

    What is hashed stays as it is, so that a sentence is said as it is written down, in the organisation's language.
    """

    action: str
    subject: str
    data: Mapping[str, Any]
    member_id: int | None = None
    platform: str = ""


@dataclass(frozen=True, slots=True)
class Checked:
    """When the whole chain was walked last, how many entries it had, and the fault that was found, if any."""

    at: datetime
    entries: int
    fault: str


class Audit:
    """Appends to the log, verifies it, and reads it out."""

    def __init__(self, *, database: Database, clock: Clock, language: str = "en") -> None:
        self._database = database
        self._clock = clock
        self._language = language

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
        count, previous = parse_head(await locks.audit_head(connection, write_head(0, GENESIS)))
        at = self._clock.now().astimezone(UTC)
        values = []
        for deed in deeds:
            entry: dict[str, Any] = {
                "at": at,
                "member_id": deed.member_id,
                "platform": deed.platform,
                "action": deed.action,
                "subject": deed.subject,
                "data": json.loads(_canonical(self._said(deed.data))),
                "previous_hash": previous,
            }
            previous = entry["hash"] = _hash(entry)
            values.append(entry)
        return await books.add(connection, values, write_head(count + len(values), previous))

    def _said(self, data: object) -> object:
        """Data whose sentences are text."""
        match data:
            case Words():
                return language(self._language).say(data)
            case Mapping():
                return {name: self._said(value) for name, value in data.items()}
            case list() | tuple():
                return [self._said(value) for value in data]
        return data

    async def verify(self, against: str | None = None) -> AuditVerdict:
        """Walk the whole chain; on the first fault stop and say where.

        `against` is the hash of a head that was posted or noted elsewhere, or its first signs: it must be in the chain.
        """
        wanted = (against or "").strip().lower()
        async with self._database.reading() as connection:
            head = await books.head(connection) or write_head(0, GENESIS)
            posted = dict(parse_head(value) for value in (await marks.beginning(connection, POSTED)).values())
            walk = _Walk(wanted, posted)
            async for entry in books.entries(connection):
                fault = walk.step(entry)
                if fault:
                    return walk.verdict(entry.id, fault)
        if parse_head(head) != (walk.count, walk.previous):
            return walk.verdict(walk.last, "cut")
        if wanted and walk.found is None:
            return walk.verdict(walk.last, "absent")
        return walk.verdict(None, "")

    async def check(self, against: str | None = None) -> AuditVerdict:
        """Verify, and remember when that was and what was found."""
        verdict = await self.verify(against)
        if verdict.fault != "absent":  # that one says nothing of the log itself
            told = {"at": self._clock.now().isoformat(), "entries": verdict.entries, "fault": verdict.fault}
            async with self._database.transaction() as connection:
                await marks.put(connection, _VERIFIED, json.dumps(told))
        return verdict

    async def checked(self) -> Checked | None:
        """The last check; None where there was none."""
        async with self._database.reading() as connection:
            told = await marks.get(connection, _VERIFIED)
        if told is None:
            return None
        found = json.loads(told)
        return Checked(datetime.fromisoformat(found["at"]), found["entries"], found["fault"])

    async def head(self) -> tuple[int, str]:
        """How many entries there are, and the hash of the last one."""
        async with self._database.reading() as connection:
            return parse_head(await books.head(connection) or write_head(0, GENESIS))

    async def posted(self) -> tuple[date, int] | None:
        """The last local date whose head was posted, and how many entries it covers; None where there is none."""
        async with self._database.reading() as connection:
            heads = await marks.beginning(connection, POSTED)
        if not heads:
            return None
        last = max(heads)
        return date.fromisoformat(last.removeprefix(POSTED)), parse_head(heads[last])[0]

    async def export(
        self, since: datetime | None = None, until: datetime | None = None
    ) -> AsyncIterator[Mapping[str, Any]]:
        """Every entry from `since` until just before `until`, in order, with what its hash covers as it was hashed.

        Keys: id, and those of `Audit` in `storage.tables`; `at` is text in UTC, `data` plain JSON.
        """
        async with self._database.reading() as connection:
            async for entry in books.entries(connection, since, until):
                yield {"id": entry.id, **_plain(_content(entry)), "hash": entry.hash}


class _Walk:
    """The state of one walk along the chain."""

    def __init__(self, wanted: str, posted: Mapping[int, str]) -> None:
        self._wanted = wanted
        self._posted = posted
        self.count = 0
        self.last = 0
        self.previous = GENESIS
        self.found: int | None = 0 if wanted and GENESIS.startswith(wanted) else None

    def step(self, entry: books.Entry) -> Fault:
        """Take the next entry in; what is wrong with it."""
        self.count += 1
        if entry.previous_hash != self.previous:
            return "unchained"
        if entry.hash != _hash(_content(entry)):
            return "edited"
        if self._posted.get(self.count, entry.hash) != entry.hash:
            return "rewritten"
        if self._wanted and entry.hash.startswith(self._wanted):
            self.found = self.count
        self.previous, self.last = entry.hash, entry.id
        return ""

    def verdict(self, broken_at: int | None, fault: Fault) -> AuditVerdict:
        """What has been found so far."""
        return AuditVerdict(self.count, broken_at, fault, self.previous, self.found)


def line(entry: Mapping[str, Any]) -> str:
    """An exported entry as one line of JSON, its keys sorted as they are hashed."""
    return _canonical(entry)


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


def _plain(content: Mapping[str, Any]) -> dict[str, Any]:
    """What is hashed: everything but the hash itself, the instant as text."""
    at: datetime = content["at"]
    plain = {**content, "at": at.astimezone(UTC).isoformat(timespec="microseconds")}
    plain.pop("hash", None)
    return plain


def _hash(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(_canonical(_plain(content)).encode()).hexdigest()


def _canonical(data: object) -> str:
    """One text for one content: sorted keys, no spaces, no NaN."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False, default=dict)


def write_head(count: int, last: str) -> str:
    """A head as it is kept."""
    return f"{count} {last}"


def parse_head(head: str) -> tuple[int, str]:
    """The number of entries and the last hash of a head as it is kept."""
    count, last = head.split()
    return int(count), last
