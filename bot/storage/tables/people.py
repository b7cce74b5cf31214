"""People: members, their identities, conversations and what they may decide."""

from __future__ import annotations

from datetime import datetime, time

from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from bot.storage.tables.base import Base, key, to


class Member(Base):
    """A person. `next_digest_at` is precomputed, so that a tick finds who is due by one index look-up."""

    __tablename__ = "members"
    id: Mapped[int] = key()
    name: Mapped[str] = mapped_column(unique=True)
    role: Mapped[str] = mapped_column(default="viewer")
    zone: Mapped[str]
    zone_known: Mapped[bool] = mapped_column(default=False, doc="false until the person or Slack has told it")
    language: Mapped[str] = mapped_column(default="en")
    country: Mapped[str] = mapped_column(default="", doc="ISO 3166 code whose public holidays are days off")
    working_from: Mapped[time] = mapped_column(default=time(9))
    working_to: Mapped[time] = mapped_column(default=time(18))
    workdays: Mapped[str] = mapped_column(default="12345", doc="ISO weekdays")
    digest_at: Mapped[time | None] = mapped_column(default=time(9), doc="null: no digest")
    next_digest_at: Mapped[datetime | None] = mapped_column(index=True)
    preferred_platform: Mapped[str] = mapped_column(default="")
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime]


class Identity(Base):
    """A member on one platform."""

    __tablename__ = "identities"
    __table_args__ = (UniqueConstraint("platform", "external_id"),)
    id: Mapped[int] = key()
    member_id: Mapped[int] = to("members.id")
    platform: Mapped[str]
    external_id: Mapped[str]
    handle: Mapped[str] = mapped_column(default="")
    linked_at: Mapped[datetime]


class LinkCode(Base):
    """A one-time code on the way of joining two identities into one person; only its hash is kept.

    The first code is got by a member in a `conversation` of their platform. Entered on the other platform, it is
    answered by a second one, which `answers` it (its hash) and names who got it there as the platform knows them.
    """

    __tablename__ = "link_codes"
    code_hash: Mapped[str] = mapped_column(primary_key=True)
    member_id: Mapped[int] = to("members.id")
    platform: Mapped[str]
    external_id: Mapped[str]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    conversation: Mapped[str] = mapped_column(default="", doc="the group it was got in; empty: in private")
    answers: Mapped[str] = mapped_column(default="")
    name: Mapped[str] = mapped_column(default="")


class Conversation(Base):
    """A channel, group, private chat or home page on a platform; `thread` is a forum topic where there is one."""

    __tablename__ = "conversations"
    __table_args__ = (UniqueConstraint("platform", "external_id", "thread", "kind"),)
    id: Mapped[int] = key()
    platform: Mapped[str]
    external_id: Mapped[str]
    thread: Mapped[str] = mapped_column(default="")
    kind: Mapped[str]  # direct, group, home, terminal
    title: Mapped[str] = mapped_column(default="")
    language: Mapped[str] = mapped_column(default="en")
    zone: Mapped[str] = mapped_column(default="UTC")
    member_id: Mapped[int | None] = to("members.id")
    closed_at: Mapped[datetime | None]
    closed_reason: Mapped[str] = mapped_column(default="")


class Subscription(Base):
    """A conversation's wish to be told of a topic: restock, surge, slump, slow, late, stale, requests; of one location
    or all.
    """

    __tablename__ = "subscriptions"
    __table_args__ = (UniqueConstraint("conversation_id", "topic"),)
    id: Mapped[int] = key()
    conversation_id: Mapped[int] = to("conversations.id")
    topic: Mapped[str]
    created_at: Mapped[datetime]
