"""The books: audit, effects, and what keeps scheduled work exactly once."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from bot.storage.tables.base import Base, Id, key, to


class Audit(Base):
    """One decision, refusal or change; append-only, each entry's hash covers the one before (see services.audit)."""

    __tablename__ = "audit"
    id: Mapped[int] = key()
    at: Mapped[datetime]
    member_id: Mapped[int | None] = to("members.id")
    platform: Mapped[str]
    action: Mapped[str]
    subject: Mapped[str] = mapped_column(index=True)
    data: Mapped[dict[str, Any]]
    previous_hash: Mapped[str] = mapped_column(unique=True)
    hash: Mapped[str] = mapped_column(unique=True)


class Effect(Base):
    """A call to a store or supplier, written in the transaction that decided it; one row per `idempotency_key`.

    `state`: pending (not begun), sending (the intent is written: it may have happened), done, failed (it did not happen
    and will not), halted (nobody can tell whether it happened: a person must say), cancelled (called off before).
    A worker holds a row by `lease_until` and `fence`. `topic` is what a halt stops: purchases, promotions; a call that
    restores a price has the topic `restores`, which nothing stops.
    """

    __tablename__ = "effects"
    __table_args__ = (Index("ix_effects_due", "state", "due_at"),)
    id: Mapped[int] = key()
    idempotency_key: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    topic: Mapped[str]
    request_id: Mapped[int | None] = to("requests.id")
    payload: Mapped[dict[str, Any]]
    state: Mapped[str]
    attempts: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    due_at: Mapped[datetime]
    lease_until: Mapped[datetime | None]
    fence: Mapped[int] = mapped_column(default=0)
    begun_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    result: Mapped[dict[str, Any] | None]
    error: Mapped[str] = mapped_column(default="")


class Halt(Base):
    """A kill switch that is thrown: no call of the topic (purchases, promotions) begins while the row stands."""

    __tablename__ = "halts"
    topic: Mapped[str] = mapped_column(primary_key=True)
    member_id: Mapped[int] = to("members.id")
    at: Mapped[datetime]
    reason: Mapped[str] = mapped_column(default="")


class DigestEntry(Base):
    """The ledger that makes a digest exactly once per member and local date. `state`: sent, late, merged, skipped."""

    __tablename__ = "digest_ledger"
    member_id: Mapped[int] = mapped_column(Id, ForeignKey("members.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    local_date: Mapped[date] = mapped_column(primary_key=True)
    due_at: Mapped[datetime]
    decided_at: Mapped[datetime]
    state: Mapped[str]
    outbox_id: Mapped[int | None] = to("outbox.id")


class JobRun(Base):
    """One run of a job, claimed by inserting (job, due_at)."""

    __tablename__ = "job_runs"
    __table_args__ = (UniqueConstraint("job", "due_at"),)
    id: Mapped[int] = key()
    job: Mapped[str]
    due_at: Mapped[datetime]
    state: Mapped[str]  # running, done, failed
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    result: Mapped[dict[str, Any] | None]
    error: Mapped[str] = mapped_column(default="")


class Mark(Base):
    """A small remembered fact, such as the next Telegram update offset."""

    __tablename__ = "marks"
    key: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]


class Lesson(Base):
    """What the catalogue's past taught as of an instant, as JSON (`bot.domain.forecasting.lessons`); the last few.

    `told` is empty where it was too little to teach anything.
    """

    __tablename__ = "lessons"
    id: Mapped[int] = key()
    at: Mapped[datetime] = mapped_column(index=True)
    told: Mapped[str]
