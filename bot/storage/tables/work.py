"""Work: cases, and the messages that come in and go out."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from bot.storage.tables.base import Base, Id, key, to


class Case(Base):
    """One kind of trouble of one SKU at one location; see design.md, Cases. `key` is `kind:product_id:location_id`.

    `severity` counts classes upwards from 1; `notified_severity` is what the audience knows. `money_minor` is the
    money at risk in the organisation's currency. `evidence` holds the inputs, windows, formula and result of the
    figure shown; it stands behind the short columns, which a scan reads and writes far more often.
    `updated_at` is when any of it changed last: a scan that finds everything as it was writes nothing.
    `request_id` is the request that answers the case, the last one there was: a case has one at most that is open.
    """

    __tablename__ = "cases"
    __table_args__ = (
        Index(
            "uq_cases_unresolved",
            "key",
            unique=True,
            sqlite_where=text("resolved_at IS NULL"),
            postgresql_where=text("resolved_at IS NULL"),
        ),
        Index(
            "ix_cases_ranked",
            "kind",
            "money_minor",
            sqlite_where=text("resolved_at IS NULL"),
            postgresql_where=text("resolved_at IS NULL"),
        ),
    )
    id: Mapped[int] = key()
    key: Mapped[str]
    kind: Mapped[str]
    product_id: Mapped[int | None] = to("products.id")
    location_id: Mapped[int | None] = to("locations.id")
    state: Mapped[str]
    severity: Mapped[int]
    notified_severity: Mapped[int] = mapped_column(default=0)
    money_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str]
    request_id: Mapped[int | None] = to("requests.id")
    opened_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    notified_at: Mapped[datetime | None]
    snoozed_until: Mapped[datetime | None]
    resolved_at: Mapped[datetime | None] = mapped_column(index=True)
    evidence: Mapped[dict[str, Any]]
    foretold_on: Mapped[date | None] = mapped_column(doc="when the stock would end, as it was first told; a local day")
    ended: Mapped[str | None] = mapped_column(doc="why it is over, where that is not that its figures recovered")


class CasePrint(Base):
    """What the figures of an unresolved case come to, as a scan of the whole wrote them; a copy, as packs are.

    It stands apart from the case: behind its evidence, it would take as long to read as that.
    """

    __tablename__ = "case_prints"
    case_id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    fingerprint: Mapped[int] = mapped_column(BigInteger)


class Inbox(Base):
    """An event from a platform, stored before it is acknowledged and taken once."""

    __tablename__ = "inbox"
    __table_args__ = (UniqueConstraint("platform", "event_id"), Index("ix_inbox_due", "state", "due_at"))
    id: Mapped[int] = key()
    platform: Mapped[str]
    event_id: Mapped[str]
    kind: Mapped[str]
    payload: Mapped[dict[str, Any]]
    state: Mapped[str]  # new, done, failed
    attempts: Mapped[int] = mapped_column(default=0)
    received_at: Mapped[datetime]
    due_at: Mapped[datetime]
    lease_until: Mapped[datetime | None]
    handled_at: Mapped[datetime | None]
    error: Mapped[str] = mapped_column(default="")


class Outbox(Base):
    """A message on its way out. The posts of a conversation leave in the order of their ids; so do its replies, and the
    edits of each post.

    `kind`: post, edit (of `post_id`), reply (through the handle in `incoming`), notice (one line to who pressed), form
    (opened for who pressed).
    `message` is the neutral message (see `bot.chat.codec`). `state`: pending, sent, merged (a newer edit took its
    place), uncertain (it may have arrived), dropped (what it answered is gone), dead. A worker holds a row by
    `lease_until` and `fence`.
    """

    __tablename__ = "outbox"
    __table_args__ = (Index("ix_outbox_due", "state", "due_at"), Index("ix_outbox_order", "conversation_id", "id"))
    id: Mapped[int] = key()
    conversation_id: Mapped[int] = mapped_column(Id, ForeignKey("conversations.id"))
    dedupe_key: Mapped[str | None] = mapped_column(unique=True)
    kind: Mapped[str]
    subject: Mapped[str] = mapped_column(default="", doc="what it shows: case:12, request:7, digest:3")
    message: Mapped[dict[str, Any]]
    language: Mapped[str]
    incoming: Mapped[dict[str, Any] | None]
    private: Mapped[bool] = mapped_column(default=False)
    post_id: Mapped[int | None] = to("posts.id")
    state: Mapped[str]
    attempts: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    due_at: Mapped[datetime]
    lease_until: Mapped[datetime | None]
    fence: Mapped[int] = mapped_column(default=0)
    delivered_at: Mapped[datetime | None]
    error: Mapped[str] = mapped_column(default="")


class Post(Base):
    """A message as it stands on a platform: the copies of a case or request that decisions edit in place."""

    __tablename__ = "posts"
    __table_args__ = (UniqueConstraint("conversation_id", "message_id"), Index("ix_posts_subject", "subject"))
    id: Mapped[int] = key()
    conversation_id: Mapped[int] = mapped_column(Id, ForeignKey("conversations.id"))
    subject: Mapped[str]
    message_id: Mapped[str]
    posted_at: Mapped[datetime]


class Button(Base):
    """What an opaque button id stands for; `digest` makes the same button the same row."""

    __tablename__ = "buttons"
    token: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(unique=True)
    command: Mapped[str]
    arguments: Mapped[list[Any]]
    page: Mapped[int] = mapped_column(default=1)
    in_place: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]


class Dialogue(Base):
    """A form that is being filled in by typing, where the platform has no window for it; one per person and place.

    `form` is the encoded `bot.chat.forms.Form`, `answers` what was given so far, `asking` the field whose value the
    next line is (empty: none is awaited), `message_id` the message that shows the form.
    """

    __tablename__ = "dialogues"
    __table_args__ = (UniqueConstraint("conversation_id", "person"),)
    id: Mapped[int] = key()
    conversation_id: Mapped[int] = to("conversations.id")
    person: Mapped[str]
    form: Mapped[dict[str, Any]]
    answers: Mapped[dict[str, Any]]
    asking: Mapped[str] = mapped_column(default="")
    message_id: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
