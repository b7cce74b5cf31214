"""The effects' rows: calls that cost money.

A row waits as `pending`: the call is certainly not under way. A worker begins it by making it `sending` with a lease
and a higher `fence`, in a transaction that holds the gate (see `storage.locks`): that is the intent, written before the
call. Only the holder of the newest fence may settle it. A `sending` row whose lease has ended is taken up to be looked
for; where its outcome is known already and only could not be carried out, `result` holds it as `kept`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import ColumnElement, and_, case, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.effects import Answered, EffectState, EffectTopic, EffectView
from bot.domain.money import Money
from bot.storage.claims import skipping
from bot.storage.dialect import insert_into
from bot.storage.tables import Audit, Effect, Halt, Location, Member, Request, Supplier

ANSWERED = "effect.answered"  # the audit's action


@dataclass(frozen=True, slots=True)
class EffectRow:
    """A call as stored; `key` is its idempotency key, `fence` that of whoever holds it."""

    id: int
    key: str
    kind: str
    topic: EffectTopic
    request_id: int | None
    payload: dict[str, Any]
    state: EffectState
    attempts: int
    created_at: datetime
    due_at: datetime
    lease_until: datetime | None
    fence: int
    begun_at: datetime | None
    finished_at: datetime | None
    result: dict[str, Any] | None
    error: str


_COLUMNS = (
    Effect.id,
    Effect.idempotency_key,
    Effect.kind,
    Effect.topic,
    Effect.request_id,
    Effect.payload,
    Effect.state,
    Effect.attempts,
    Effect.created_at,
    Effect.due_at,
    Effect.lease_until,
    Effect.fence,
    Effect.begun_at,
    Effect.finished_at,
    Effect.result,
    Effect.error,
)

_HELD: tuple[Any, ...] = (Effect.id, Effect.state)


async def add(connection: AsyncConnection, values: Mapping[str, Any]) -> int:
    """Write a call down; its id, or that of the row which has its key already."""
    added = await connection.execute(
        insert_into(connection, Effect)
        .values(**values)
        .on_conflict_do_nothing(index_elements=["idempotency_key"])
        .returning(Effect.id)
    )
    new: int | None = added.scalar_one_or_none()
    if new is not None:
        return new
    key = values["idempotency_key"]
    return int((await connection.execute(select(Effect.id).where(Effect.idempotency_key == key))).scalar_one())


async def row(connection: AsyncConnection, effect_id: int) -> EffectRow | None:
    """One call; None where there is none of that number."""
    found = (await connection.execute(select(*_COLUMNS).where(Effect.id == effect_id))).one_or_none()
    return EffectRow(*found) if found else None


def _ready(now: datetime, kinds: Collection[str]) -> ColumnElement[bool]:
    """Due, in nobody's hands, of a kind that we know, and not stopped by a halt."""
    free = or_(Effect.lease_until.is_(None), Effect.lease_until <= now)
    begins = and_(Effect.state == "pending", Effect.topic.not_in(select(Halt.topic)))
    return and_(or_(begins, Effect.state == "sending"), Effect.due_at <= now, free, Effect.kind.in_(kinds))


async def ready(
    connection: AsyncConnection, now: datetime, kinds: Collection[str], busy: Collection[int], limit: int
) -> list[int]:
    """Rows that may be taken up now but for those that are `busy`, the longest due first."""
    found = await connection.execute(
        select(Effect.id)
        .where(_ready(now, kinds), Effect.id.not_in(busy))
        .order_by(Effect.due_at, Effect.id)
        .limit(limit)
    )
    return list(found.scalars())


async def next_due(connection: AsyncConnection, now: datetime, kinds: Collection[str]) -> datetime | None:
    """The earliest instant after `now` at which a row may be taken up, for a worker that would sleep."""
    free_at = case((Effect.lease_until > Effect.due_at, Effect.lease_until), else_=Effect.due_at)
    found = await connection.execute(
        select(func.min(free_at)).where(Effect.state.in_(("pending", "sending")), free_at > now, Effect.kind.in_(kinds))
    )
    at: datetime | None = found.scalar()
    return at


async def claim(
    connection: AsyncConnection, ids: Sequence[int], now: datetime, until: datetime, kinds: Collection[str]
) -> tuple[list[EffectRow], list[EffectRow]]:
    """Take rows that nobody else holds, until `until`: those that begin now, and those to be looked for.

    The caller holds the gate, so that no halt is thrown between the look at the halts and the commit.
    """
    held = (
        await connection.execute(
            skipping(
                select(*_HELD).where(Effect.id.in_(ids), _ready(now, kinds)).order_by(Effect.id),
                Effect,
            )
        )
    ).all()
    hold = {"fence": Effect.fence + 1, "lease_until": until}
    begin = {**hold, "state": "sending", "begun_at": now, "attempts": Effect.attempts + 1, "result": None}
    begun = await _take(connection, [found.id for found in held if found.state == "pending"], begin)
    doubtful = await _take(connection, [found.id for found in held if found.state == "sending"], hold)
    return begun, doubtful


async def _take(connection: AsyncConnection, ids: Sequence[int], values: Mapping[str, Any]) -> list[EffectRow]:
    if not ids:
        return []
    taken = await connection.execute(update(Effect).where(Effect.id.in_(ids)).values(**values).returning(*_COLUMNS))
    return sorted((EffectRow(*found) for found in taken), key=lambda found: found.id)


async def settle(connection: AsyncConnection, held: EffectRow, values: Mapping[str, Any]) -> bool:
    """Write what came of a call that we hold and let it go; false where somebody else took it over meanwhile."""
    done = await connection.execute(
        update(Effect)
        .where(Effect.id == held.id, Effect.fence == held.fence, Effect.state == "sending")
        .values(**{"lease_until": None, **values})
    )
    return done.rowcount == 1


async def answer(connection: AsyncConnection, effect_id: int, attempts: int, values: Mapping[str, Any]) -> bool:
    """Change a call that waits for a person's word on that attempt; false where it waits no longer."""
    done = await connection.execute(
        update(Effect)
        .where(Effect.id == effect_id, Effect.state == "halted", Effect.attempts == attempts)
        .values(**values)
    )
    return done.rowcount == 1


async def cancel(connection: AsyncConnection, request_id: int, now: datetime) -> int:
    """Call off what a request planned and nobody has under way, but what restores a price; how many."""
    done = await connection.execute(
        update(Effect)
        .where(Effect.request_id == request_id, Effect.state == "pending", Effect.topic != "restores")
        .values(state="cancelled", finished_at=now)
    )
    return done.rowcount


async def begun(connection: AsyncConnection, request_id: int) -> bool:
    """Whether a call of the request is under way, has happened, or may have."""
    found = await connection.execute(
        select(Effect.id)
        .where(Effect.request_id == request_id, Effect.state.in_(("sending", "done", "halted")))
        .limit(1)
    )
    return found.scalar() is not None


async def waiting(connection: AsyncConnection, topics: Collection[str]) -> list[int]:
    """The requests with a call of the topics that has not begun, by id."""
    found = await connection.execute(
        select(Effect.request_id)
        .where(Effect.state == "pending", Effect.topic.in_(topics), Effect.request_id.is_not(None))
        .distinct()
        .order_by(Effect.request_id)
    )
    return [request_id for request_id in found.scalars() if request_id is not None]


async def under_way(connection: AsyncConnection, topics: Collection[str]) -> list[int]:
    """The calls of the topics that have begun and are not settled."""
    found = await connection.execute(
        select(Effect.id).where(Effect.state == "sending", Effect.topic.in_(topics)).order_by(Effect.id)
    )
    return list(found.scalars())


async def counts(connection: AsyncConnection) -> list[tuple[str, str, int, datetime]]:
    """(topic, state, rows, oldest creation) of every call that is not over."""
    found = await connection.execute(
        select(Effect.topic, Effect.state, func.count(), func.min(Effect.created_at))
        .where(Effect.state.in_(("pending", "sending", "halted")))
        .group_by(Effect.topic, Effect.state)
        .order_by(Effect.topic, Effect.state)
    )
    return [(topic, state, count, oldest) for topic, state, count, oldest in found]


async def troubled(connection: AsyncConnection, skip: int, limit: int) -> tuple[int, list[int]]:
    """How many calls wait for a person or keep failing, and one page of them: those that wait for a person first."""
    unsettled = and_(Effect.state.in_(("pending", "sending")), Effect.error != "")
    wanted = or_(Effect.state == "halted", unsettled)
    total = (await connection.execute(select(func.count()).select_from(Effect).where(wanted))).scalar_one()
    found = await connection.execute(
        select(Effect.id).where(wanted).order_by(Effect.state != "halted", Effect.id).offset(skip).limit(limit)
    )
    return total, list(found.scalars())


async def views(connection: AsyncConnection, ids: Collection[int]) -> dict[int, EffectView]:
    """The calls as shown, by id."""
    found = await connection.execute(
        select(
            *_COLUMNS, Request.kind.label("asked"), Request.total_minor, Request.currency, Supplier.name, Location.code
        )
        .outerjoin(Request, Request.id == Effect.request_id)
        .outerjoin(Supplier, Supplier.id == Request.supplier_id)
        .outerjoin(Location, Location.id == Request.location_id)
        .where(Effect.id.in_(ids))
    )
    said = await _answers(connection, ids)
    return {each.id: _view(each, said.get(each.id)) for each in found}


def _view(found: Any, answered: Answered | None) -> EffectView:  # noqa: ANN401  # a row of `views`
    store = found.payload.get("store")
    return EffectView(
        id=found.id,
        key=found.idempotency_key,
        kind=found.kind,
        topic=found.topic,
        state=found.state,
        attempts=found.attempts,
        created_at=found.created_at,
        begun_at=found.begun_at,
        finished_at=found.finished_at,
        due_at=found.due_at,
        error=found.error,
        request_id=found.request_id,
        request_kind=found.asked,
        total=None if found.total_minor is None else Money.of_minor(found.total_minor, found.currency),
        whom=found.name or (store if isinstance(store, str) else "") or "",
        location=found.code or "",
        answered=answered,
    )


async def _answers(connection: AsyncConnection, ids: Collection[int]) -> dict[int, Answered]:
    """What people said last of each call, as the audit log has it."""
    subjects = {f"effect:{effect_id}": effect_id for effect_id in ids}
    found = await connection.execute(
        select(Audit.subject, Audit.data, Audit.member_id, Member.name, Audit.at, Audit.platform)
        .outerjoin(Member, Member.id == Audit.member_id)
        .where(Audit.subject.in_(subjects), Audit.action == ANSWERED)
        .order_by(Audit.id)
    )
    return {subjects[subject]: _answered(*rest) for subject, *rest in found}


def _answered(
    data: Mapping[str, Any], member_id: int | None, name: str | None, at: datetime, platform: str
) -> Answered:
    verdict = cast("Any", data["verdict"])
    return Answered(verdict, member_id, name or "", at, platform, data["attempt"], data.get("note", ""))
