"""Files that members send in a chat."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from bot.storage.tables.base import Base, key, to


class Upload(Base):
    """A file that waits to be imported. The file itself stays with the platform and is fetched when it is needed.

    `event_id` and `place` (the number of the file in the message) make a redelivered message the same row. `given` is
    what was said of it (see `bot.services.ingest.wishes`), `sha256` what was shown. `state`: waiting, done, cancelled.
    """

    __tablename__ = "uploads"
    __table_args__ = (UniqueConstraint("platform", "event_id", "place"),)
    id: Mapped[int] = key()
    platform: Mapped[str]
    event_id: Mapped[str]
    place: Mapped[int]
    member_id: Mapped[int] = to("members.id")
    person: Mapped[str]
    conversation_id: Mapped[int] = to("conversations.id")
    file_id: Mapped[str]
    name: Mapped[str]
    size: Mapped[int]
    kind: Mapped[str] = mapped_column(default="")
    given: Mapped[dict[str, Any]]
    sha256: Mapped[str] = mapped_column(default="")
    state: Mapped[str] = mapped_column(default="waiting")
    sent_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]
