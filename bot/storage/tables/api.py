"""Sellers' own systems: the keys by which they tell us facts, and the answers that each batch was given."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from bot.storage.tables.base import Base, key


class ApiKey(Base):
    """A key of the ingest API: the hash of it, found by its `prefix`, which is no secret.

    `source` is whose facts it tells: a new key of the same source goes on where the old one stopped. `scopes` are words
    parted by spaces.
    """

    __tablename__ = "api_keys"
    id: Mapped[int] = key()
    name: Mapped[str] = mapped_column(unique=True)
    source: Mapped[str] = mapped_column(index=True)
    prefix: Mapped[str] = mapped_column(unique=True)
    digest: Mapped[str]
    scopes: Mapped[str]
    created_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class ApiAnswer(Base):
    """What a source's Idempotency-Key stands for: `digest` is of the batch, `body` the answer, null until there is one.

    Whoever is at work holds `claim`; after a while without an answer another may take it over.
    """

    __tablename__ = "api_answers"
    __table_args__ = (UniqueConstraint("source", "key"),)
    id: Mapped[int] = key()
    source: Mapped[str]
    key: Mapped[str]
    digest: Mapped[str]
    claim: Mapped[str]
    claimed_at: Mapped[datetime] = mapped_column(index=True)
    body: Mapped[str | None]
