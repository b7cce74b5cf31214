"""The rows of stores: codes, places, cursors, faults, and what was read when."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import Any

from sqlalchemy import and_, delete, func, insert, not_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.storeviews import Calls, KindState, StoreState, Unsure
from bot.ports import FactKind, Fault, Page
from bot.ports import StorePlace as PlaceTold
from bot.storage import locks, marks
from bot.storage.bulk import insert_rows
from bot.storage.dialect import insert_into
from bot.storage.tables import (
    Feed,
    Kit,
    Location,
    Mark,
    Product,
    StoreCode,
    StoreCursor,
    StoreFault,
    StorePlace,
    StoreSync,
)
from bot.storage.types import to_micros
from bot.words import kept

COUNTED = ("same", "confirmed")  # the matches under which facts count
OPEN = ("suggested", "waiting")  # those that wait for a person; what one said is never written over
_PART = 5_000  # names in one question
_CALLS = "store-calls:"
_HOMELESS = and_(StorePlace.location_id.is_(None), ~StorePlace.ignored)


@dataclass(frozen=True, slots=True)
class Code:
    """A store's variant as we know it; `product_id` is None where it is no product of ours."""

    id: int
    code: str
    sku: str
    product_id: int | None
    match: str


@dataclass(frozen=True, slots=True)
class Spot:
    """A store's place as we know it; None as its location: nobody has said yet, or (`ignored`) it is none of ours."""

    place: str
    location_id: int | None
    zone: str
    counts: bool
    ignored: bool


@dataclass(frozen=True, slots=True)
class Begun:
    """Where a reading of a kind begins, and how often people had said by then what the store's things are."""

    cursor: str
    said: int


async def codes(connection: AsyncConnection, store: str, wanted: Collection[str]) -> dict[str, Code]:
    """What is known of some of a store's codes."""
    found: dict[str, Code] = {}
    asked = sorted(wanted)
    columns = select(StoreCode.id, StoreCode.code, StoreCode.sku, StoreCode.product_id, StoreCode.match)
    for start in range(0, len(asked), _PART):
        part = asked[start : start + _PART]
        rows = await connection.execute(columns.where(StoreCode.store == store, StoreCode.code.in_(part)))
        found |= {row.code: Code(row.id, row.code, row.sku, row.product_id, row.match) for row in rows}
    return found


async def write_codes(connection: AsyncConnection, store: str, rows: Iterable[tuple[Any, ...]]) -> None:
    """Write (code, sku, name, product_id, match, score, seen_at in microseconds).

    A code that is known is renewed while it is open: what a person said, or another page found out, meanwhile stands.
    A fact without a name leaves the one that is known.
    """
    await insert_rows(
        connection,
        StoreCode,
        ("store", "code", "sku", "name", "product_id", "match", "score", "seen_at"),
        [(store, *row) for row in sorted(rows, key=itemgetter(0))],  # two pages at once never wait crosswise
        "(store, code) DO UPDATE SET sku = excluded.sku, product_id = excluded.product_id, match = excluded.match, "
        "name = CASE WHEN excluded.name = '' THEN store_codes.name ELSE excluded.name END, score = excluded.score, "
        f"seen_at = excluded.seen_at WHERE store_codes.match IN ({', '.join(map(repr, OPEN))})",
    )


async def spots(connection: AsyncConnection, store: str) -> dict[str, Spot]:
    """The store's places by its own ids."""
    rows = await connection.execute(
        select(StorePlace.place, StorePlace.location_id, Location.zone, StorePlace.counts, StorePlace.ignored)
        .outerjoin(Location, Location.id == StorePlace.location_id)
        .where(StorePlace.store == store)
    )
    return {row.place: Spot(row.place, row.location_id, row.zone or "UTC", row.counts, row.ignored) for row in rows}


async def kits(connection: AsyncConnection, products: Collection[int]) -> dict[int, list[tuple[int, int]]]:
    """The components (product id, units in one) of those products that are kits."""
    rows = await connection.execute(
        select(Kit.product_id, Kit.component_id, Kit.quantity)
        .where(Kit.product_id.in_(products))
        .order_by(Kit.product_id, Kit.component_id)
    )
    found: dict[int, list[tuple[int, int]]] = {}
    for product, component, quantity in rows:
        found.setdefault(product, []).append((component, quantity))
    return found


async def cursor(connection: AsyncConnection, store: str, kind: FactKind) -> str:
    """How far a kind is read; empty: not at all."""
    found = await connection.scalar(
        select(StoreCursor.cursor).where(StoreCursor.store == store, StoreCursor.kind == kind)
    )
    return found or ""


async def begin(connection: AsyncConnection, store: str, kind: FactKind) -> Begun:
    """Begin to read a kind; what is said of the store from here on, while its pages come, takes their cursors away."""
    said = await marks.get(connection, f"{locks.NAMING}{store}")
    return Begun(await cursor(connection, store, kind), int(said or 0))


async def whole_since(connection: AsyncConnection, store: str, page: Page, now: datetime) -> datetime | None:
    """When the reading of all there is began that a page is of; None where it tells but what changed."""
    mine = StoreCursor.store == store, StoreCursor.kind == page.kind
    known = (await connection.execute(select(StoreCursor.whole_since).where(*mine))).one_or_none()
    return now if known is None or page.anew else known.whole_since


async def keep_cursor(connection: AsyncConnection, store: str, page: Page, now: datetime) -> datetime | None:
    """Note how far a kind is read, while the store's naming is held and is what it was as the reading began.

    `now` is before the page's facts were written. Where the page ends a reading of all there is: when that began.
    """
    since = await whole_since(connection, store, page, now)
    ended = page.until is not None
    values = {"cursor": page.cursor, "read_at": now, "whole_since": None if ended else since}
    row = insert_into(connection, StoreCursor).values(store=store, kind=page.kind, **values)
    await connection.execute(
        row.on_conflict_do_update(index_elements=[StoreCursor.store, StoreCursor.kind], set_=values)
    )
    return since if ended else None


async def keep_faults(
    connection: AsyncConnection,
    store: str,
    kind: FactKind,
    faults: Sequence[Fault],
    taken: Collection[str],
    now: datetime,
) -> None:
    """Set facts aside, and drop what was set aside of facts that are `taken` now."""
    subjects = sorted(taken)
    for start in range(0, len(subjects), _PART):
        part = subjects[start : start + _PART]
        await connection.execute(
            delete(StoreFault).where(StoreFault.store == store, StoreFault.kind == kind, StoreFault.subject.in_(part))
        )
    distinct = dict(sorted({fault.where: fault for fault in faults}.items()))  # two pages at once never wait crosswise
    await insert_rows(
        connection,
        StoreFault,
        ("store", "kind", "subject", "problem", "record", "seen_at"),
        [(store, kind, f.where, kept(f.said), f.record[:4_000], to_micros(now)) for f in distinct.values()],
        "(store, kind, subject) DO UPDATE SET problem = excluded.problem, record = excluded.record, "
        "seen_at = excluded.seen_at",
    )


async def any_aside(connection: AsyncConnection, store: str) -> bool:
    """Whether any fact of a store is set aside."""
    found = await connection.execute(select(StoreFault.id).where(StoreFault.store == store).limit(1))
    return found.first() is not None


async def standing_faults(
    connection: AsyncConnection, store: str, kind: FactKind, subjects: Collection[str]
) -> set[str]:
    """Which of the subjects have a fault of a kind: what was told of them last could not be taken."""
    found: set[str] = set()
    asked = sorted(subjects)
    for start in range(0, len(asked), _PART):
        part = asked[start : start + _PART]
        found |= set(
            await connection.scalars(
                select(StoreFault.subject).where(
                    StoreFault.store == store, StoreFault.kind == kind, StoreFault.subject.in_(part)
                )
            )
        )
    return found


async def set_aside(connection: AsyncConnection, store: str, kind: FactKind, since: datetime) -> set[str] | None:
    """The variants of a kind's facts that were set aside since: their faults name them, alone or at a place.

    None where one names no variant that is known: whose facts it cost is not known either.
    """
    subjects = (
        await connection.scalars(
            select(StoreFault.subject).where(
                StoreFault.store == store, StoreFault.kind == kind, StoreFault.seen_at >= since
            )
        )
    ).all()
    named = {subject: {subject, subject.rpartition("@")[0]} for subject in subjects}
    known = await codes(connection, store, {code for both in named.values() for code in both})
    if any(not both & known.keys() for both in named.values()):
        return None
    return {code for both in named.values() for code in both}


async def state(connection: AsyncConnection, store: str, since: datetime) -> StoreState:
    """How a store stands; what its calls missed is counted since an instant."""
    newest = select(func.max(StoreSync.id)).where(StoreSync.store == store).group_by(StoreSync.kind)
    last = await connection.execute(
        select(StoreSync.kind, StoreSync.finished_at, StoreSync.facts, StoreSync.changed, StoreSync.error)
        .where(StoreSync.id.in_(newest))
        .order_by(StoreSync.kind)
    )
    kinds = tuple(KindState(*row) for row in last)
    unsure = select(func.count()).where(StoreCode.store == store, StoreCode.match.in_(OPEN))
    homeless = select(func.count()).where(StorePlace.store == store, _HOMELESS)
    faults = select(func.count()).where(StoreFault.store == store)
    named, placed, aside = [await connection.scalar(query) or 0 for query in (unsure, homeless, faults)]
    heard = await calls(connection, store)
    return StoreState(store, kinds, named, placed, aside, heard, await missed(connection, store, since))


async def note_sync(
    connection: AsyncConnection, store: str, kind: FactKind, at: datetime, counts: tuple[int, int, int, int], error: str
) -> None:
    """Note how a reading ended; `counts` are facts, changed ones, faults, and changes that no call had told.

    `error` is why it broke off as `bot.words.kept` has it, empty where it did not.
    """
    facts, changed, faults, missed = counts
    values = {"facts": facts, "changed": changed, "faults": faults, "missed": missed, "error": error}
    row = {"store": store, "kind": kind, "started_at": at, "finished_at": at, **values}
    await connection.execute(insert(StoreSync).values(row))


async def calls(connection: AsyncConnection, store: str) -> Calls | None:
    """How a store's calls stand; None where they were never asked for."""
    kept = await marks.get(connection, f"{_CALLS}{store}")
    if kept is None:
        return None
    since, _, error = kept.partition(" ")
    return Calls(datetime.fromisoformat(since) if since else None, error)


async def note_calls(connection: AsyncConnection, store: str, calls: Calls) -> None:
    """Note how a store's calls stand."""
    since = "" if calls.since is None else calls.since.isoformat()
    await marks.put(connection, f"{_CALLS}{store}", f"{since} {calls.error}")


async def told(connection: AsyncConnection, store: str, kind: FactKind) -> bool:
    """Whether the store's calls were on already when a kind was last read to its end."""
    on = await calls(connection, store)
    if on is None or on.since is None:
        return False
    last = await connection.scalar(
        select(func.max(StoreSync.finished_at)).where(
            StoreSync.store == store, StoreSync.kind == kind, StoreSync.error == ""
        )
    )
    return last is not None and last >= on.since


async def missed(connection: AsyncConnection, store: str, since: datetime) -> int:
    """Changes since an instant that readings found and no call had told."""
    found = await connection.scalar(
        select(func.sum(StoreSync.missed)).where(StoreSync.store == store, StoreSync.finished_at >= since)
    )
    return int(found or 0)


async def break_off(connection: AsyncConnection, source: str, kind: str, now: datetime) -> None:
    """A source's feed (sales, stock) that cannot be read is stale at once, whatever its facts' age."""
    await connection.execute(
        update(Feed).where(Feed.source == source, Feed.kind == kind, Feed.fresh_until < now).values(limit_hours=0)
    )


async def add_places(connection: AsyncConnection, store: str, found: Sequence[PlaceTold]) -> None:
    """Make a store's places known. One that is called as a location's code or name is that location; a store's only
    place is the organisation's only location. The first place of a location counts its stock.
    """
    ours = list(await connection.execute(select(Location.id, Location.code, Location.name)))
    by_name = {name.casefold(): row.id for row in ours for name in (row.name, row.code)}
    taken = set(
        await connection.scalars(select(StorePlace.location_id).where(StorePlace.counts, StorePlace.location_id > 0))
    )
    for place in found:
        location = by_name.get(place.name.casefold()) or by_name.get(place.id.casefold())
        if location is None and len(found) == 1 and len(ours) == 1:
            location = ours[0].id
        counts = location is not None and location not in taken
        row = insert_into(connection, StorePlace).values(
            store=store, place=place.id, name=place.name, location_id=location, counts=counts, ignored=False
        )
        done = await connection.execute(row.on_conflict_do_nothing().returning(StorePlace.id))
        if done.one_or_none() is not None and counts:
            taken.add(location)


async def unsure(connection: AsyncConnection, store: str) -> Unsure:
    """What of a store waits for a person."""
    named = await connection.execute(
        select(
            StoreCode.code, StoreCode.sku, StoreCode.name, func.coalesce(Product.sku, "").label("ours"), StoreCode.score
        )
        .outerjoin(Product, Product.id == StoreCode.product_id)
        .where(StoreCode.store == store, StoreCode.match.in_(OPEN))
        .order_by(StoreCode.score.desc(), StoreCode.code)
    )
    homeless = await connection.execute(
        select(StorePlace.place, StorePlace.name).where(StorePlace.store == store, _HOMELESS)
    )
    aside = await connection.execute(
        select(StoreFault.kind, StoreFault.subject, StoreFault.problem)
        .where(StoreFault.store == store)
        .order_by(StoreFault.kind, StoreFault.subject)
    )
    return Unsure(*(tuple(tuple(row) for row in found) for found in (named, homeless, aside)))  # type: ignore[arg-type]


async def map_place(connection: AsyncConnection, store: str, place: str, location: str) -> bool:
    """Say which location (code) a place is, or none; false where either is unknown.

    Where another place counts that location's stock already, its word goes on to hold.
    """
    await locks.naming(connection, store)
    found = None if not location else await connection.scalar(select(Location.id).where(Location.code == location))
    if location and found is None:
        return False
    mine = and_(StorePlace.store == store, StorePlace.place == place)
    others = select(StorePlace.id).where(StorePlace.location_id == found, StorePlace.counts, not_(mine))
    counts = found is not None and (await connection.execute(others)).first() is None
    done = await connection.execute(
        update(StorePlace).where(mine).values(location_id=found, counts=counts, ignored=found is None)
    )
    await forget_cursors(connection, store)
    return done.rowcount == 1


async def map_code(connection: AsyncConnection, store: str, code: str, sku: str) -> bool:
    """Say which product (SKU) a variant is, or none; false where either is unknown."""
    await locks.naming(connection, store)
    found = None if not sku else await connection.scalar(select(Product.id).where(Product.sku == sku.strip().upper()))
    if sku and found is None:
        return False
    done = await connection.execute(
        update(StoreCode)
        .where(StoreCode.store == store, StoreCode.code == code)
        .values(product_id=found, match="confirmed" if sku else "ignored", score=100)
    )
    await forget_cursors(connection, store)
    return done.rowcount == 1


async def forget_cursors(connection: AsyncConnection, store: str) -> None:
    """Let the next reading begin anew: facts that were set aside are told again, and the others change nothing.

    A reading under way goes on, but its cursors hold no more: it read its first pages by what was said before.
    """
    said = await locks.naming(connection, store)
    await connection.execute(update(Mark).where(Mark.key == f"{locks.NAMING}{store}").values(value=str(said + 1)))
    await connection.execute(delete(StoreCursor).where(StoreCursor.store == store))
