"""The rows of the ingest API: keys, the locations that sources name, and the answers that batches were given."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.bulk import insert_rows
from bot.storage.cleanup import BATCH
from bot.storage.dialect import insert_into
from bot.storage.tables import ApiAnswer, ApiKey, StorePlace, StoreSync


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A key as it is kept; `digest` is the hash of the whole key, `scopes` words parted by spaces."""

    id: int
    name: str
    source: str
    prefix: str
    digest: str
    scopes: str
    created_at: datetime
    used_at: datetime | None
    revoked_at: datetime | None


_COLUMNS = tuple(ApiKey.__table__.columns)


async def add_key(connection: AsyncConnection, row: dict[str, object]) -> bool:
    """Keep a key; false where its name is taken."""
    added = insert_into(connection, ApiKey).values(row).on_conflict_do_nothing(index_elements=[ApiKey.name])
    return (await connection.execute(added.returning(ApiKey.id))).one_or_none() is not None


async def keys(connection: AsyncConnection) -> list[KeyRow]:
    """Every key, revoked ones too, by name."""
    return [KeyRow(*row) for row in await connection.execute(select(*_COLUMNS).order_by(ApiKey.name))]


async def live_key(connection: AsyncConnection, prefix: str) -> KeyRow | None:
    """The key of a prefix that was not revoked."""
    found = await connection.execute(select(*_COLUMNS).where(ApiKey.prefix == prefix, ApiKey.revoked_at.is_(None)))
    row = found.one_or_none()
    return None if row is None else KeyRow(*row)


async def revoke_key(connection: AsyncConnection, name: str, now: datetime) -> bool:
    """End a key; false where no live one has that name."""
    done = await connection.execute(
        update(ApiKey).where(ApiKey.name == name, ApiKey.revoked_at.is_(None)).values(revoked_at=now)
    )
    return done.rowcount == 1


async def note_use(connection: AsyncConnection, key_id: int, now: datetime) -> None:
    """Note that a key was used."""
    await connection.execute(update(ApiKey).where(ApiKey.id == key_id).values(used_at=now))


async def sources(connection: AsyncConnection) -> set[str]:
    """Whose facts come by the API."""
    return set(await connection.scalars(select(ApiKey.source).distinct()))


async def adopt_places(connection: AsyncConnection, store: str, wanted: Collection[tuple[str, int]]) -> None:
    """Make (location code, location id) places of a source's; one whose stock nobody counts yet is counted by it."""
    asked = [location for _, location in wanted]
    counted = select(StorePlace.location_id).where(StorePlace.counts, StorePlace.location_id.in_(asked))
    taken = set(await connection.scalars(counted))
    await insert_rows(
        connection,
        StorePlace,
        ("store", "place", "name", "location_id", "counts", "ignored"),
        [(store, code, code, location, location not in taken, False) for code, location in wanted],
    )


async def forget_syncs(connection: AsyncConnection, store: str, kind: str) -> None:
    """Drop what was noted of a source's batches of a kind: one is noted at a time, for they may come by the minute."""
    await connection.execute(delete(StoreSync).where(StoreSync.store == store, StoreSync.kind == kind))


@dataclass(frozen=True, slots=True)
class AnswerRow:
    """What an Idempotency-Key stands for; `body` is None while whoever holds the claim is at work."""

    digest: str
    claim: str
    claimed_at: datetime
    body: str | None


async def claim(connection: AsyncConnection, source: str, key: str, fresh: AnswerRow) -> bool:
    """Claim a key that nobody used before; false where somebody did."""
    values = {"digest": fresh.digest, "claim": fresh.claim, "claimed_at": fresh.claimed_at}
    added = insert_into(connection, ApiAnswer).values(source=source, key=key, **values)
    found = await connection.execute(added.on_conflict_do_nothing().returning(ApiAnswer.id))
    return found.one_or_none() is not None


async def answer(connection: AsyncConnection, source: str, key: str) -> AnswerRow | None:
    """What a key stands for; None where it was never used."""
    found = await connection.execute(
        select(ApiAnswer.digest, ApiAnswer.claim, ApiAnswer.claimed_at, ApiAnswer.body).where(
            ApiAnswer.source == source, ApiAnswer.key == key
        )
    )
    row = found.one_or_none()
    return None if row is None else AnswerRow(*row)


async def take_over(connection: AsyncConnection, source: str, key: str, held: str, fresh: AnswerRow) -> bool:
    """Claim a key from whoever held it and gave no answer; false where they did meanwhile, or another was quicker."""
    done = await connection.execute(
        update(ApiAnswer)
        .where(ApiAnswer.source == source, ApiAnswer.key == key, ApiAnswer.claim == held, ApiAnswer.body.is_(None))
        .values(claim=fresh.claim, claimed_at=fresh.claimed_at)
    )
    return done.rowcount == 1


async def settle(connection: AsyncConnection, source: str, key: str, held: str, body: str) -> bool:
    """Keep the answer; false where the claim was taken over."""
    done = await connection.execute(
        update(ApiAnswer)
        .where(ApiAnswer.source == source, ApiAnswer.key == key, ApiAnswer.claim == held, ApiAnswer.body.is_(None))
        .values(body=body)
    )
    return done.rowcount == 1


async def release(connection: AsyncConnection, source: str, key: str, held: str) -> None:
    """Give a claim back that came to no answer."""
    await connection.execute(
        delete(ApiAnswer).where(
            ApiAnswer.source == source, ApiAnswer.key == key, ApiAnswer.claim == held, ApiAnswer.body.is_(None)
        )
    )


async def forget_answers(connection: AsyncConnection, before: datetime) -> int:
    """Delete answers that were asked for before an instant, `BATCH` at a time; how many."""
    old = select(ApiAnswer.id).where(ApiAnswer.claimed_at < before).limit(BATCH)
    return (await connection.execute(delete(ApiAnswer).where(ApiAnswer.id.in_(old)))).rowcount
