"""What stores called to say: each delivery kept once, and worked off in the order in which they came."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, case, exists, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.sheet import json_text
from bot.ports import Delivery
from bot.storage.bulk import insert_rows
from bot.storage.claims import skipping
from bot.storage.tables import StoreDelivery
from bot.storage.types import UtcDateTime, to_micros

_COLUMNS = ("store", "delivery_id", "topic", "said", "state", "attempts", "received_at", "due_at", "error")


@dataclass(frozen=True, slots=True)
class Held:
    """A delivery in hand; `attempts` counts this one and is its fence."""

    id: int
    store: str
    attempts: int
    received_at: datetime
    delivery: Delivery


async def add(connection: AsyncConnection, told: Iterable[tuple[str, Delivery]], now: datetime) -> int:
    """Keep (store, delivery) pairs; how many were not known."""
    at = to_micros(now)
    distinct = {(store, delivery.id): delivery for store, delivery in told}
    rows = [
        (store, delivery.id, delivery.topic, json_text(dict(delivery.said)), "new", 0, at, at, "")
        for (store, _id), delivery in distinct.items()
    ]
    return await insert_rows(connection, StoreDelivery, _COLUMNS, rows)


# Put together once: an idle worker asks again and again.
_NOW = bindparam("now", type_=UtcDateTime())
_FREE = or_(StoreDelivery.lease_until.is_(None), StoreDelivery.lease_until <= _NOW)
_READY = skipping(
    select(
        StoreDelivery.id, StoreDelivery.store, StoreDelivery.attempts, StoreDelivery.received_at,
        StoreDelivery.delivery_id, StoreDelivery.topic, StoreDelivery.said,
    )
    .where(
        StoreDelivery.state == "new",
        StoreDelivery.due_at <= _NOW,
        _FREE,
        StoreDelivery.store.in_(bindparam("stores", expanding=True)),
    )
    .order_by(StoreDelivery.due_at, StoreDelivery.id)
    .limit(bindparam("most")),
    StoreDelivery,
)  # fmt: skip
_FREE_AT = case(
    (StoreDelivery.lease_until > StoreDelivery.due_at, StoreDelivery.lease_until), else_=StoreDelivery.due_at
)
_NEXT = select(func.min(_FREE_AT)).where(StoreDelivery.state == "new", _FREE_AT > _NOW)
_WAITING = select(func.count()).where(StoreDelivery.state == "new", StoreDelivery.due_at <= _NOW)


async def claim(
    connection: AsyncConnection, stores: Collection[str], now: datetime, until: datetime, most: int
) -> list[Held]:
    """Take the oldest deliveries of the stores that nobody else holds."""
    rows = (await connection.execute(_READY, {"now": now, "stores": list(stores), "most": most})).all()
    held = [
        Held(row.id, row.store, row.attempts + 1, row.received_at, Delivery(row.delivery_id, row.topic, row.said))
        for row in rows
    ]
    if held:
        await connection.execute(
            update(StoreDelivery)
            .where(StoreDelivery.id.in_([one.id for one in held]))
            .values(attempts=StoreDelivery.attempts + 1, lease_until=until)
        )
    return held


async def any_of(connection: AsyncConnection, store: str) -> bool:
    """Whether a call of a store is kept: one came within the days that they are."""
    return bool(await connection.scalar(select(exists().where(StoreDelivery.store == store))))


async def next_due(connection: AsyncConnection, now: datetime) -> datetime | None:
    """The earliest instant after `now` at which a delivery may be taken."""
    at: datetime | None = (await connection.execute(_NEXT, {"now": now})).scalar()
    return at


async def waiting(connection: AsyncConnection, now: datetime) -> int:
    """How many deliveries are due or in hand."""
    return int((await connection.execute(_WAITING, {"now": now})).scalar_one())


_TABLE = StoreDelivery.__table__
_MINE = update(_TABLE).where(  # type: ignore[arg-type]  # a Table by declaration
    _TABLE.c.id == bindparam("of"), _TABLE.c.attempts == bindparam("fence"), _TABLE.c.state == "new"
)
_SETTLE = _MINE.values(
    state=bindparam("state"), due_at=bindparam("due"), handled_at=bindparam("at"), error=bindparam("error"),
    lease_until=None,
)  # fmt: skip
_GIVE_BACK = _MINE.values(lease_until=None, attempts=_TABLE.c.attempts - 1)


async def settle(connection: AsyncConnection, held: Iterable[Held], now: datetime) -> None:
    """Note that deliveries in hand are done; those that another worker has taken since are his."""
    values = [
        {"of": one.id, "fence": one.attempts, "state": "done", "due": one.received_at, "at": now, "error": ""}
        for one in held
    ]
    if values:
        await connection.execute(_SETTLE, values)


async def put_off(connection: AsyncConnection, held: Held, due: datetime | None, error: str, now: datetime) -> None:
    """Note that a delivery could not be followed: tried again when it is due, or (None) given up."""
    row = {"of": held.id, "fence": held.attempts, "error": error[:500], "at": None if due else now}
    await connection.execute(_SETTLE, [{**row, "state": "new" if due else "failed", "due": due or now}])


async def give_back(connection: AsyncConnection, held: Iterable[Held]) -> None:
    """Let go of deliveries in hand, as if they had not been taken; those that another worker has taken since are his.

    A lease may have run out meanwhile: without the fence a third worker could take what the second is at work on, with
    the second's own fence.
    """
    values = [{"of": one.id, "fence": one.attempts} for one in held]
    if values:
        await connection.execute(_GIVE_BACK, values)


async def counts(connection: AsyncConnection, store: str, since: datetime) -> dict[str, int]:
    """Deliveries of a store since an instant by state, and all that wait."""
    found = await connection.execute(
        select(StoreDelivery.state, func.count())
        .where(
            StoreDelivery.store == store,
            or_(StoreDelivery.state == "new", StoreDelivery.received_at >= since),
        )
        .group_by(StoreDelivery.state)
    )
    return {state: int(number) for state, number in found}


async def open_counts(connection: AsyncConnection) -> list[tuple[str, str, int, datetime]]:
    """(store, state, rows, oldest) of what is not done, for the metrics."""
    found = await connection.execute(
        select(StoreDelivery.store, StoreDelivery.state, func.count(), func.min(StoreDelivery.received_at))
        .where(StoreDelivery.state != "done")
        .group_by(StoreDelivery.store, StoreDelivery.state)
    )
    return [(store, state, count, oldest) for store, state, count, oldest in found]
