"""Video rooms: who may come, who is inside, what was noted."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, case, exists, func, insert, literal, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.chunks import chunked
from bot.storage.dialect import insert_into
from bot.storage.tables import Conversation, Member, Product, Request, RequestLine, Room, RoomGuest, RoomNote, RoomVisit

GRACE = timedelta(minutes=15)  # an empty room stays open so long
UNSEEN = timedelta(minutes=2)  # a stay is over that no process has said it holds for so long
_GOES_ON = or_(RoomVisit.left_at.is_(None), RoomVisit.missed_at.is_not(None))  # as whoever holds it says


@dataclass(frozen=True, slots=True)
class RoomRow:
    """A room; see `storage.tables.web.Room`. `conversation_kind` is empty where its conversation is not known."""

    id: int
    key: str
    provider: str
    reference: str
    url: str
    title: str
    topic: str
    product_id: int | None
    sku: str
    name: str
    case_id: int | None
    conversation_id: int | None
    conversation_kind: str
    opened_by: int
    host: str
    cap: int
    recording: bool
    agreed: bool
    calls: Mapping[str, str]
    called: tuple[int, ...]
    starts_at: datetime
    created_at: datetime
    reminded_at: datetime | None
    ended_at: datetime | None
    minutes_at: datetime | None

    @property
    def private(self) -> bool:
        """Whether it was opened in a conversation of one person with the bot."""
        return self.conversation_kind in {"direct", "home"}


@dataclass(frozen=True, slots=True)
class GuestRow:
    """Who may come in, as what, and whether they were asked by name."""

    member_id: int
    role: str
    invited: bool


@dataclass(frozen=True, slots=True)
class Stay:
    """One stay; `left_at` is None while they are inside."""

    member_id: int
    name: str
    joined_at: datetime
    left_at: datetime | None


@dataclass(frozen=True, slots=True)
class NoteRow:
    """One line for the minutes."""

    kind: str
    text: str
    name: str
    at: datetime


_COLUMNS = (
    Room.id, Room.key, Room.provider, Room.reference, Room.url, Room.title, Room.topic, Room.product_id, Product.sku,
    Product.name, Room.case_id, Room.conversation_id, Conversation.kind.label("kind"),
    Room.opened_by, Member.name.label("host"), Room.cap, Room.recording, Room.agreed, Room.calls,
    Room.called, Room.starts_at, Room.created_at, Room.reminded_at, Room.ended_at, Room.minutes_at,
)  # fmt: skip


async def add(connection: AsyncConnection, values: Mapping[str, Any]) -> int | None:
    """Keep a room; None where its event made one before."""
    once = insert_into(connection, Room).values(**values).on_conflict_do_nothing(index_elements=["event"])
    added = await connection.execute(once.returning(Room.id))
    found: int | None = added.scalar_one_or_none()
    return found


async def _rows(connection: AsyncConnection, *conditions: Any) -> list[RoomRow]:  # noqa: ANN401  # SQL expressions
    found = await connection.execute(
        select(*_COLUMNS)
        .join(Member, Member.id == Room.opened_by)
        .outerjoin(Product, Product.id == Room.product_id)
        .outerjoin(Conversation, Conversation.id == Room.conversation_id)
        .where(*conditions)
        .order_by(Room.id)
    )
    return [_row(row) for row in found]


def _row(row: Any) -> RoomRow:  # noqa: ANN401  # a row of _COLUMNS
    given = dict(zip(RoomRow.__dataclass_fields__, row, strict=True))
    blank = {"sku": row.sku or "", "name": row.name or "", "conversation_kind": row.kind or ""}
    return RoomRow(**{**given, **blank, "called": tuple(row.called)})


async def one(connection: AsyncConnection, room_id: int) -> RoomRow | None:
    """A room by its number."""
    return next(iter(await _rows(connection, Room.id == room_id)), None)


async def by_key(connection: AsyncConnection, key: str) -> RoomRow | None:
    """A room by its id."""
    return next(iter(await _rows(connection, Room.key == key)), None)


async def by_event(connection: AsyncConnection, event: str) -> RoomRow | None:
    """The room that an event made."""
    return next(iter(await _rows(connection, Room.event == event)), None)


async def to_remind(connection: AsyncConnection, since: datetime, until: datetime) -> list[RoomRow]:
    """Agreed rooms that begin between two instants, nobody reminded of them yet; what began at once needs none."""
    return await _rows(
        connection,
        Room.agreed,
        Room.ended_at.is_(None),
        Room.reminded_at.is_(None),
        Room.starts_at >= since,
        Room.starts_at <= until,
        Room.starts_at > Room.created_at,
    )


async def forgotten(connection: AsyncConnection, before: datetime) -> list[RoomRow]:
    """Rooms that should have begun before an instant, and in which nobody is nor has been since."""
    # Whoever was missed may be talking on without us, and is given the time to come back.
    since = or_(RoomVisit.left_at.is_(None), RoomVisit.left_at >= before, RoomVisit.missed_at >= before)
    lively = exists().where(RoomVisit.room_id == Room.id, since)
    return await _rows(connection, Room.ended_at.is_(None), Room.starts_at < before, ~lively)


async def lately(connection: AsyncConnection, since: datetime) -> list[RoomRow]:
    """Rooms that have not ended, or ended after an instant."""
    return await _rows(connection, or_(Room.ended_at.is_(None), Room.ended_at > since))


async def change(connection: AsyncConnection, room_id: int, **values: object) -> None:
    """Set columns of a room."""
    await connection.execute(update(Room).where(Room.id == room_id).values(**values))


async def agree(connection: AsyncConnection, room_id: int, **values: object) -> bool:
    """Settle the hour of a room; false where it was settled already, or the room is over."""
    open_still = (Room.id == room_id, ~Room.agreed, Room.ended_at.is_(None))
    agreed = await connection.execute(update(Room).where(*open_still).values(agreed=True, **values).returning(Room.id))
    return agreed.scalar_one_or_none() is not None


async def end(connection: AsyncConnection, room_id: int, at: datetime) -> bool:
    """End a room and every stay in it, those that no process holds as of when they were seen; false where it had."""
    ended = await connection.execute(
        update(Room).where(Room.id == room_id, Room.ended_at.is_(None)).values(ended_at=at).returning(Room.id)
    )
    if ended.scalar_one_or_none() is None:
        return False
    last = case((RoomVisit.seen_at < at - UNSEEN, RoomVisit.seen_at), else_=literal(at, RoomVisit.left_at.type))
    inside = update(RoomVisit).where(RoomVisit.room_id == room_id, RoomVisit.left_at.is_(None))
    await connection.execute(inside.values(left_at=last))
    missed = update(RoomVisit).where(RoomVisit.room_id == room_id, RoomVisit.missed_at.is_not(None))
    await connection.execute(missed.values(missed_at=None))  # nobody goes on in a room that is over
    return True


async def seat(connection: AsyncConnection, room_id: int, member_id: int, role: str, *, invited: bool) -> None:
    """Let somebody in; who was let in before keeps their role."""
    await connection.execute(
        insert_into(connection, RoomGuest)
        .values(room_id=room_id, member_id=member_id, role=role, invited=invited)
        .on_conflict_do_nothing(index_elements=["room_id", "member_id"])
    )


async def appoint(connection: AsyncConnection, room_id: int, member_id: int, role: str) -> None:
    """Let somebody in with a role, or give them another one; whether they were asked by name stays."""
    statement = insert_into(connection, RoomGuest).values(room_id=room_id, member_id=member_id, role=role)
    await connection.execute(
        statement.on_conflict_do_update(index_elements=["room_id", "member_id"], set_={"role": role})
    )


async def guests(connection: AsyncConnection, room_id: int) -> list[GuestRow]:
    """Who may come in, in the order in which they were named."""
    found = await connection.execute(
        select(RoomGuest.member_id, RoomGuest.role, RoomGuest.invited)
        .where(RoomGuest.room_id == room_id)
        .order_by(RoomGuest.id)
    )
    return [GuestRow(*row) for row in found]


async def joined(connection: AsyncConnection, room_id: int, member_id: int, visit: str, at: datetime) -> None:
    """A stay begins, or goes on after a lost connection."""
    await connection.execute(
        insert_into(connection, RoomVisit)
        .values(room_id=room_id, member_id=member_id, visit=visit, joined_at=at, seen_at=at)
        .on_conflict_do_update(index_elements=["visit"], set_={"left_at": None, "seen_at": at, "missed_at": None})
    )


async def left(connection: AsyncConnection, visit: str, at: datetime) -> None:
    """A stay ends; one that ended is left as it is, unless it was merely missed."""
    await connection.execute(
        update(RoomVisit).where(RoomVisit.visit == visit, _GOES_ON).values(left_at=at, missed_at=None)
    )


async def seen(connection: AsyncConnection, visits: Collection[str], at: datetime) -> set[int]:
    """Mark stays that a process holds; those that were missed go on, and the rooms of these come back."""
    rooms: set[int] = set()
    for some in chunked(visits):
        # What another has locked is about to end, and waiting for it could be waiting for each other.
        held = select(RoomVisit.id).where(RoomVisit.visit.in_(some), _GOES_ON).with_for_update(skip_locked=True)
        marked = await connection.execute(
            update(RoomVisit)
            .where(RoomVisit.id.in_(held))
            .values(seen_at=at)
            .returning(RoomVisit.id, RoomVisit.room_id, RoomVisit.missed_at)
        )
        missed = {row.id: row.room_id for row in marked if row.missed_at is not None}
        if missed:
            await connection.execute(
                update(RoomVisit).where(RoomVisit.id.in_(list(missed))).values(left_at=None, missed_at=None)
            )
        rooms |= set(missed.values())
    return rooms


async def miss(connection: AsyncConnection, before: datetime, at: datetime) -> list[int]:
    """End every stay that no process has held since an instant, as of when it was seen last; the room of each."""
    unseen = select(RoomVisit.id).where(RoomVisit.left_at.is_(None), RoomVisit.seen_at < before)
    ended = await connection.execute(
        update(RoomVisit)
        .where(RoomVisit.id.in_(unseen.with_for_update(skip_locked=True)))
        .values(left_at=RoomVisit.seen_at, missed_at=at)
        .returning(RoomVisit.room_id)
    )
    return list(ended.scalars())


async def stays(connection: AsyncConnection, room_id: int) -> list[Stay]:
    """Every stay, the first one first."""
    found = await connection.execute(
        select(RoomVisit.member_id, Member.name, RoomVisit.joined_at, RoomVisit.left_at)
        .join(Member, Member.id == RoomVisit.member_id)
        .where(RoomVisit.room_id == room_id)
        .order_by(RoomVisit.joined_at, RoomVisit.id)
    )
    return [Stay(*row) for row in found]


async def note(connection: AsyncConnection, room_id: int, member_id: int, kind: str, text: str, at: datetime) -> None:
    """Keep a line for the minutes."""
    await connection.execute(insert(RoomNote).values(room_id=room_id, member_id=member_id, kind=kind, text=text, at=at))


async def note_count(connection: AsyncConnection, room_id: int) -> int:
    """How many lines the minutes have."""
    found = await connection.execute(select(func.count()).select_from(RoomNote).where(RoomNote.room_id == room_id))
    return int(found.scalar_one())


async def notes(connection: AsyncConnection, room_id: int) -> list[NoteRow]:
    """The lines for the minutes, in the order they were made."""
    found = await connection.execute(
        select(RoomNote.kind, RoomNote.text, Member.name, RoomNote.at)
        .join(Member, Member.id == RoomNote.member_id)
        .where(RoomNote.room_id == room_id)
        .order_by(RoomNote.id)
    )
    return [NoteRow(*row) for row in found]


_LAST_NOTE = select(func.coalesce(func.max(RoomNote.id), 0))


async def last_note(connection: AsyncConnection) -> int:
    """Changes with every note of any room."""
    return await connection.scalar(_LAST_NOTE) or 0


async def owe_minutes(connection: AsyncConnection, room_id: int, due: Mapping[int, datetime]) -> None:
    """Say when each of the absent is to be told."""
    for member_id, at in due.items():
        await connection.execute(
            update(RoomGuest)
            .where(RoomGuest.room_id == room_id, RoomGuest.member_id == member_id)
            .values(minutes_due=at)
        )


async def minutes_due(connection: AsyncConnection, now: datetime, limit: int) -> list[tuple[int, int]]:
    """(room, member) whose morning with the minutes has come, the longest due first."""
    found = await connection.execute(
        select(RoomGuest.room_id, RoomGuest.member_id)
        .where(RoomGuest.minutes_due <= now)
        .order_by(RoomGuest.minutes_due, RoomGuest.id)
        .limit(limit)
    )
    return [(row[0], row[1]) for row in found]


async def minutes_told(connection: AsyncConnection, room_id: int, member_id: int) -> bool:
    """Mark somebody told; false where another worker did."""
    told = await connection.execute(
        update(RoomGuest)
        .where(RoomGuest.room_id == room_id, RoomGuest.member_id == member_id, RoomGuest.minutes_due.is_not(None))
        .values(minutes_due=None)
        .returning(RoomGuest.id)
    )
    return told.scalar_one_or_none() is not None


async def unwritten(connection: AsyncConnection) -> list[RoomRow]:
    """Rooms that ended and have no minutes yet: whoever ended them stopped in between, or writes them just now."""
    return await _rows(connection, Room.ended_at.is_not(None), Room.minutes_at.is_(None))


async def write_up(connection: AsyncConnection, room_id: int, at: datetime) -> bool:
    """Note that a room's minutes are written; false where they were."""
    statement = update(Room).where(Room.id == room_id, Room.minutes_at.is_(None)).values(minutes_at=at)
    return (await connection.execute(statement)).rowcount == 1


async def remind(connection: AsyncConnection, room_id: int, at: datetime) -> bool:
    """Mark a room's reminder sent; false where another worker did."""
    marked = await connection.execute(
        update(Room).where(Room.id == room_id, Room.reminded_at.is_(None)).values(reminded_at=at).returning(Room.id)
    )
    return marked.scalar_one_or_none() is not None


async def requests_of(connection: AsyncConnection, product_id: int, since: datetime | None = None) -> list[int]:
    """Requests with a line of a product that are open, or were decided since an instant; the newest first."""
    wanted: ColumnElement[bool] = Request.state.in_(("draft", "pending", "approved", "executing"))
    if since is not None:
        wanted = or_(wanted, Request.decided_at >= since)
    found = await connection.execute(
        select(RequestLine.request_id)
        .join(Request, Request.id == RequestLine.request_id)
        .where(RequestLine.product_id == product_id, wanted)
        .group_by(RequestLine.request_id)
        .order_by(RequestLine.request_id.desc())
    )
    return list(found.scalars())
