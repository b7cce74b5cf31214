"""Policy: its versions, who may decide where, who stands in for whom, and exchange rates."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from bot.storage.tables.base import Base, Id, key, to
from bot.storage.types import Exact


class PolicyVersion(Base):
    """One version of the policy, kept for ever; `id` is its number. `state`: proposed, active, replaced, refused.

    A version that loosens another one waits, proposed, until a second admin confirms it.
    """

    __tablename__ = "policies"
    id: Mapped[int] = key()
    document: Mapped[dict[str, Any]]
    state: Mapped[str] = mapped_column(index=True)
    loosens: Mapped[list[Any]] = mapped_column(doc="what it loosens, in words; empty: nothing")
    note: Mapped[str] = mapped_column(default="")
    proposed_by: Mapped[int | None] = to("members.id")
    proposed_at: Mapped[datetime]
    decided_by: Mapped[int | None] = to("members.id")
    decided_at: Mapped[datetime | None]


class MemberScope(Base):
    """Where a member's role reaches: one location, supplier or store by code; without any of a kind, everywhere."""

    __tablename__ = "member_scopes"
    member_id: Mapped[int] = mapped_column(Id, ForeignKey("members.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)  # location, supplier, store
    code: Mapped[str] = mapped_column(primary_key=True)


class Delegation(Base):
    """Who may decide in whose place, from when until when (at most 14 days)."""

    __tablename__ = "delegations"
    id: Mapped[int] = key()
    from_member: Mapped[int] = to("members.id")
    to_member: Mapped[int] = to("members.id")
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime] = mapped_column(index=True)
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class Authenticator(Base):
    """A member's generator of one-time codes (RFC 6238); `last_step` is the last one used, so no code works twice."""

    __tablename__ = "authenticators"
    member_id: Mapped[int] = mapped_column(Id, ForeignKey("members.id"), primary_key=True)
    secret: Mapped[str]
    created_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    last_step: Mapped[int] = mapped_column(default=0)
    failures: Mapped[int] = mapped_column(default=0, doc="wrong codes on end")
    locked_until: Mapped[datetime | None]


class ExchangeRate(Base):
    """One unit of `base` is `rate` units of `currency`, as `source` stated it at `stated_at` for its day."""

    __tablename__ = "exchange_rates"
    __table_args__ = (UniqueConstraint("source", "base", "currency", "day"),)
    id: Mapped[int] = key()
    source: Mapped[str]
    base: Mapped[str]
    currency: Mapped[str]
    day: Mapped[date] = mapped_column(index=True)
    rate: Mapped[Decimal] = mapped_column(Exact)
    stated_at: Mapped[datetime]
    fetched_at: Mapped[datetime]
