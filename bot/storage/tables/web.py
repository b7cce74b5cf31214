"""Who looks at our pages, and the rooms where people meet."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from bot.storage.tables.base import Base, key, to


class WebPass(Base):
    """A one-time link to a page for one member; only the hash of its token is kept. `target` is the page's path."""

    __tablename__ = "web_passes"
    id: Mapped[int] = key()
    digest: Mapped[str] = mapped_column(unique=True)
    member_id: Mapped[int] = to("members.id")
    target: Mapped[str]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    used_at: Mapped[datetime | None]


class WebSession(Base):
    """A browser that came in by a pass; only the hash of its cookie is kept."""

    __tablename__ = "web_sessions"
    id: Mapped[int] = key()
    digest: Mapped[str] = mapped_column(unique=True)
    member_id: Mapped[int] = to("members.id")
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)


class Room(Base):
    """A video room. `key` is its unguessable id, `reference` and `url` are its provider's.

    `conversation_id` is where it was asked for and its card stands. Planned until `starts_at`, open until `ended_at`;
    `minutes_at` tells when its minutes were written.
    """

    __tablename__ = "rooms"
    id: Mapped[int] = key()
    key: Mapped[str] = mapped_column(unique=True)
    provider: Mapped[str]
    reference: Mapped[str] = mapped_column(default="")
    url: Mapped[str] = mapped_column(default="")
    title: Mapped[str]
    topic: Mapped[str] = mapped_column(default="")
    product_id: Mapped[int | None] = to("products.id")
    case_id: Mapped[int | None] = to("cases.id")
    conversation_id: Mapped[int | None] = to("conversations.id")
    opened_by: Mapped[int] = to("members.id")
    cap: Mapped[int]
    recording: Mapped[bool] = mapped_column(default=False)
    agreed: Mapped[bool] = mapped_column(default=True, doc="false while a better hour is offered")
    event: Mapped[str | None] = mapped_column(unique=True, doc="what asked for it: a command that comes twice")
    calls: Mapped[dict[str, Any]] = mapped_column(doc="platform: its id of the call")
    called: Mapped[list[Any]] = mapped_column(doc="ids of the members whom the platforms were told are inside")
    starts_at: Mapped[datetime]
    created_at: Mapped[datetime]
    reminded_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None] = mapped_column(index=True)
    minutes_at: Mapped[datetime | None]


class RoomGuest(Base):
    """Who may come in, and as what: host, cohost, member or viewer."""

    __tablename__ = "room_guests"
    __table_args__ = (UniqueConstraint("room_id", "member_id"),)
    id: Mapped[int] = key()
    room_id: Mapped[int] = to("rooms.id")
    member_id: Mapped[int] = to("members.id")
    role: Mapped[str]
    invited: Mapped[bool] = mapped_column(default=False, doc="asked by name, rather than free to come")
    minutes_due: Mapped[datetime | None] = mapped_column(index=True, doc="when the absent are told what came of it")


class RoomVisit(Base):
    """One stay of one person; a reconnection within seconds continues it.

    The process that holds its connection moves `seen_at` on. A stay that none holds any more ends as of `seen_at`, and
    `missed_at` tells when that was found out.
    """

    __tablename__ = "room_visits"
    id: Mapped[int] = key()
    room_id: Mapped[int] = to("rooms.id")
    member_id: Mapped[int] = to("members.id")
    visit: Mapped[str] = mapped_column(unique=True)
    joined_at: Mapped[datetime]
    left_at: Mapped[datetime | None] = mapped_column(index=True)
    seen_at: Mapped[datetime | None]
    missed_at: Mapped[datetime | None]


class RoomNote(Base):
    """What the minutes will say. `kind`: decision, note, file (its name, size and SHA-256)."""

    __tablename__ = "room_notes"
    id: Mapped[int] = key()
    room_id: Mapped[int] = to("rooms.id")
    member_id: Mapped[int] = to("members.id")
    kind: Mapped[str]
    text: Mapped[str]
    at: Mapped[datetime]
