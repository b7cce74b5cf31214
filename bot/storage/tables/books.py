"""The books: audit, effects, and what keeps scheduled work exactly once."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import ForeignKey, UniqueConstraint
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
    """A call to a store or supplier, written in the transaction that decided it; one row per `idempotency_key`."""

    __tablename__ = "effects"
    id: Mapped[int] = key()
    idempotency_key: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    request_id: Mapped[int | None] = to("requests.id")
    payload: Mapped[dict[str, Any]]
    state: Mapped[str] = mapped_column(index=True)  # pending, done, failed
    attempts: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    error: Mapped[str] = mapped_column(default="")


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
