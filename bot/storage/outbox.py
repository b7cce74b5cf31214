"""The outbox's rows.

A row waits as `pending`. A worker takes it by setting `lease_until` and raising `fence`; only the holder of the newest
fence may settle it, so a worker that was thought dead changes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, String, bindparam, case, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.claims import skipping
from bot.storage.conversations import ConversationRow
from bot.storage.conversations import get as conversation
from bot.storage.dialect import insert_into
from bot.storage.tables import Conversation, Outbox, Post
from bot.storage.types import UtcDateTime

UNCERTAIN = "uncertain: "  # begins the error of a letter that may have arrived already
SENDER_LOST = UNCERTAIN + "the sender was lost"
AT_ONCE = ("notice", "form")  # no messages: they wait behind nothing


@dataclass(frozen=True, slots=True)
class Head:
    """The first waiting row of its queue: it may leave now, if the rates allow."""

    id: int
    chat: str
    kind: str
    chat_kind: str


@dataclass(frozen=True, slots=True)
class Claimed:
    """A row that this worker holds until its lease ends.

    `abandoned` tells that an earlier holder never settled it: what it sent may have arrived. `message_id` is the id
    on the platform of the post that an edit replaces.
    """

    id: int
    fence: int
    kind: str
    subject: str
    message: dict[str, Any]
    language: str
    incoming: dict[str, Any] | None
    private: bool
    post_id: int | None
    attempts: int
    created_at: datetime
    error: str
    abandoned: bool
    message_id: str
    conversation: ConversationRow


@dataclass(frozen=True, slots=True)
class Letter:
    """One row of the list for `stocktide jobs`."""

    id: int
    platform: str
    conversation: str
    kind: str
    subject: str
    state: str
    attempts: int
    created_at: datetime
    error: str


# The queries that idle workers ask again and again are put together once: that takes longer than running them.
_NOW = bindparam("now", type_=UtcDateTime())
_PLATFORM = bindparam("platform", type_=String())
_RESTING: BindParameter[Sequence[str]] = bindparam("resting", expanding=True)

# The lowest waiting id of each queue. The posts of a conversation are one queue, its replies another, the edits of each
# post a third, and a notice or a form waits for nothing: an answer and a decision are shown at once, however many
# alerts are queued behind the rates.
_FIRSTS = (
    select(func.min(Outbox.id))
    .join(Conversation, Conversation.id == Outbox.conversation_id)
    .where(Outbox.state == "pending", Outbox.kind.not_in(AT_ONCE), Conversation.platform == _PLATFORM)
    .group_by(Outbox.conversation_id, Outbox.kind, func.coalesce(Outbox.post_id, 0))
)
_FREE = or_(Outbox.lease_until.is_(None), Outbox.lease_until <= _NOW)
_HEADS = (
    select(Outbox.id, Conversation.external_id, Outbox.kind, Conversation.kind)
    .join(Conversation, Conversation.id == Outbox.conversation_id)
    .where(
        Outbox.state == "pending",
        Outbox.due_at <= _NOW,
        _FREE,
        Conversation.platform == _PLATFORM,
        or_(Outbox.kind.in_(AT_ONCE), Conversation.external_id.not_in(_RESTING)),
        or_(Outbox.id.in_(_FIRSTS), Outbox.kind.in_(AT_ONCE)),
    )
    .order_by(Outbox.kind != "form", Outbox.kind == "post", Outbox.id)
)
_FREE_AT = case((Outbox.lease_until > Outbox.due_at, Outbox.lease_until), else_=Outbox.due_at)
_NEXT = (
    select(func.min(_FREE_AT))
    .join(Conversation, Conversation.id == Outbox.conversation_id)
    .where(Outbox.state == "pending", _FREE_AT > _NOW, Conversation.platform == _PLATFORM)
)


async def heads(
    connection: AsyncConnection, platform: str, now: datetime, resting: Sequence[str], limit: int = 200
) -> list[Head]:
    """Rows that may leave now: forms first, posts last, then by id; chats in `resting` are passed over."""
    asked = {"platform": platform, "now": now, "resting": resting}
    found = await connection.execute(_HEADS.limit(limit), asked)
    return [Head(*row) for row in found]


async def next_due(connection: AsyncConnection, platform: str, now: datetime) -> datetime | None:
    """The earliest instant after `now` at which a waiting row may leave, for a worker that would sleep."""
    found = await connection.execute(_NEXT, {"platform": platform, "now": now})
    at: datetime | None = found.scalar()
    return at


async def claim(connection: AsyncConnection, ids: Sequence[int], now: datetime, until: datetime) -> list[Claimed]:
    """Take the rows that nobody else holds; they are ours until `until`."""
    held = await connection.execute(
        skipping(
            select(*_CLAIMED, Post.message_id)
            .outerjoin(Post, Post.id == Outbox.post_id)
            .where(Outbox.id.in_(ids), Outbox.state == "pending", _FREE)
            .order_by(Outbox.id),
            Outbox,
        ),
        {"now": now},
    )
    taken = []
    for row in held.all():
        lost = row.lease_until is not None and not row.error.startswith(UNCERTAIN)
        await connection.execute(
            update(Outbox)
            .where(Outbox.id == row.id)
            .values(
                fence=row.fence + 1,
                lease_until=until,
                attempts=row.attempts + 1,
                error=SENDER_LOST if lost else row.error,
            )
        )
        taken.append(await _claimed(connection, row))
    return taken


_CLAIMED = (
    Outbox.id,
    Outbox.conversation_id,
    Outbox.fence,
    Outbox.kind,
    Outbox.subject,
    Outbox.message,
    Outbox.language,
    Outbox.incoming,
    Outbox.private,
    Outbox.post_id,
    Outbox.attempts,
    Outbox.created_at,
    Outbox.error,
    Outbox.lease_until,
)


async def _claimed(connection: AsyncConnection, row: Any) -> Claimed:  # noqa: ANN401  # a row of _CLAIMED
    return Claimed(
        id=row.id,
        fence=row.fence + 1,
        kind=row.kind,
        subject=row.subject,
        message=row.message,
        language=row.language,
        incoming=row.incoming,
        private=row.private,
        post_id=row.post_id,
        attempts=row.attempts + 1,
        created_at=row.created_at,
        error=row.error,
        abandoned=row.lease_until is not None,
        message_id=row.message_id or "",
        conversation=await conversation(connection, row.conversation_id),
    )


async def settle(connection: AsyncConnection, row_id: int, fence: int, **values: object) -> bool:
    """Write the outcome of a row that we hold and let it go; false when somebody else holds it by now."""
    done = await connection.execute(
        update(Outbox)
        .where(Outbox.id == row_id, Outbox.fence == fence, Outbox.state == "pending")
        .values(**{"lease_until": None, **values})
    )
    return done.rowcount == 1


async def add(connection: AsyncConnection, values: dict[str, Any]) -> int | None:
    """Add a row; None where its `dedupe_key` is there already."""
    added = await connection.execute(
        insert_into(connection, Outbox)
        .values(**values)
        .on_conflict_do_nothing(index_elements=["dedupe_key"])
        .returning(Outbox.id)
    )
    new: int | None = added.scalar_one_or_none()
    return new


async def by_key(connection: AsyncConnection, dedupe_key: str) -> int:
    """The row with that key."""
    return int((await connection.execute(select(Outbox.id).where(Outbox.dedupe_key == dedupe_key))).scalar_one())


async def form(connection: AsyncConnection, dedupe_key: str) -> tuple[dict[str, Any], dict[str, Any], int] | None:
    """A form that went out: the window, the event that caused it, and the conversation of that event."""
    found = await connection.execute(
        select(Outbox.message, Outbox.incoming, Outbox.conversation_id).where(
            Outbox.dedupe_key == dedupe_key, Outbox.kind == "form"
        )
    )
    row = found.one_or_none()
    return (row[0], row[1], row[2]) if row else None


async def message_of(connection: AsyncConnection, row_id: int) -> dict[str, Any]:
    """What a row says at present."""
    found: dict[str, Any] = (await connection.execute(select(Outbox.message).where(Outbox.id == row_id))).scalar_one()
    return found


async def reword(connection: AsyncConnection, subject: str, message: dict[str, Any], kinds: Collection[str]) -> int:
    """Replace what the undelivered rows about `subject` say, in flight and dead ones too; how many there are."""
    done = await connection.execute(
        update(Outbox)
        .where(Outbox.subject == subject, Outbox.state.in_(("pending", "dead", "uncertain")), Outbox.kind.in_(kinds))
        .values(message=message)
    )
    return done.rowcount


async def merge_edits(connection: AsyncConnection, post_id: int, now: datetime, before: int | None = None) -> int:
    """Mark the waiting edits of a post as merged, but those in flight; with `before` only those of lower id."""
    conditions = [Outbox.post_id == post_id, Outbox.kind == "edit", Outbox.state == "pending", _FREE]
    if before is not None:
        conditions.append(Outbox.id < before)
    done = await connection.execute(
        update(Outbox).where(*conditions).values(state="merged", lease_until=None, delivered_at=_NOW), {"now": now}
    )
    return done.rowcount


async def merge_posts(connection: AsyncConnection, conversation_id: int, now: datetime) -> int:
    """Mark every waiting post of a conversation as merged, but those in flight (a home page shows one at a time)."""
    done = await connection.execute(
        update(Outbox)
        .where(
            Outbox.conversation_id == conversation_id,
            Outbox.kind == "post",
            Outbox.state == "pending",
            _FREE,
        )
        .values(state="merged", lease_until=None, delivered_at=_NOW),
        {"now": now},
    )
    return done.rowcount


async def newer_edit(connection: AsyncConnection, post_id: int, row_id: int) -> bool:
    """Whether a newer edit of the post waits."""
    found = await connection.execute(
        select(Outbox.id)
        .where(Outbox.post_id == post_id, Outbox.kind == "edit", Outbox.state == "pending", Outbox.id > row_id)
        .limit(1)
    )
    return found.scalar() is not None


async def edited_since(connection: AsyncConnection, post_id: int, row_id: int) -> bool:
    """Whether an edit of the post was written after the row `row_id`."""
    found = await connection.execute(
        select(Outbox.id).where(Outbox.post_id == post_id, Outbox.kind == "edit", Outbox.id > row_id).limit(1)
    )
    return found.scalar() is not None


async def last_id(connection: AsyncConnection) -> int:
    """The highest row id so far."""
    return int((await connection.execute(select(func.coalesce(func.max(Outbox.id), 0)))).scalar_one())


async def waiting_before(connection: AsyncConnection, conversation_id: int, row_id: int) -> Any | None:  # noqa: ANN401  # a row
    """The untouched public post or reply that waits right before a row of the same conversation."""
    found = await connection.execute(
        select(Outbox.id, Outbox.kind, Outbox.subject, Outbox.message, Outbox.language)
        .where(
            Outbox.conversation_id == conversation_id,
            Outbox.state == "pending",
            Outbox.kind.in_(("post", "reply")),
            Outbox.id < row_id,
        )
        .order_by(Outbox.id.desc())
        .limit(1)
    )
    return found.one_or_none()


async def merge_row(connection: AsyncConnection, row_id: int, now: datetime) -> bool:
    """Mark a waiting row that was never tried as merged; false where a worker has taken it."""
    done = await connection.execute(
        update(Outbox)
        .where(Outbox.id == row_id, Outbox.state == "pending", Outbox.attempts == 0, Outbox.private.is_(False))
        .values(state="merged", delivered_at=now)
    )
    return done.rowcount == 1


async def say(connection: AsyncConnection, row_id: int, message: dict[str, Any]) -> None:
    """Replace what a row says."""
    await connection.execute(update(Outbox).where(Outbox.id == row_id).values(message=message))


async def bury(connection: AsyncConnection, conversation_ids: Sequence[int], error: str, now: datetime) -> int:
    """Make every waiting row of closed conversations a dead letter."""
    done = await connection.execute(
        update(Outbox)
        .where(Outbox.conversation_id.in_(conversation_ids), Outbox.state == "pending")
        .values(state="dead", error=error[:500], lease_until=None, delivered_at=now)
    )
    return done.rowcount


async def dead(connection: AsyncConnection, limit: int) -> list[Letter]:
    """Letters that were given up, or may or may not have arrived, newest first."""
    found = await connection.execute(
        select(
            Outbox.id,
            Conversation.platform,
            Conversation.external_id,
            Outbox.kind,
            Outbox.subject,
            Outbox.state,
            Outbox.attempts,
            Outbox.created_at,
            Outbox.error,
        )
        .join(Conversation, Conversation.id == Outbox.conversation_id)
        .where(Outbox.state.in_(("dead", "uncertain")))
        .order_by(Outbox.id.desc())
        .limit(limit)
    )
    return [Letter(*row) for row in found]


async def revive(connection: AsyncConnection, row_id: int, now: datetime) -> bool:
    """Make a dead letter wait again, its attempts forgotten; false where it is none."""
    done = await connection.execute(
        update(Outbox)
        .where(Outbox.id == row_id, Outbox.state.in_(("dead", "uncertain")))
        .values(state="pending", attempts=0, due_at=now, error="", lease_until=None, delivered_at=None)
    )
    return done.rowcount == 1


async def counts(connection: AsyncConnection) -> list[tuple[str, str, int, datetime]]:
    """(platform, state, rows, oldest creation) for the metrics, of everything not yet delivered."""
    found = await connection.execute(
        select(Conversation.platform, Outbox.state, func.count(), func.min(Outbox.created_at))
        .join(Conversation, Conversation.id == Outbox.conversation_id)
        .where(Outbox.state.in_(("pending", "dead", "uncertain")))
        .group_by(Conversation.platform, Outbox.state)
    )
    return [(platform, state, count, oldest) for platform, state, count, oldest in found]
