"""The one statement that SQLAlchemy writes per dialect: an insert that may meet a row already there."""

from __future__ import annotations

from typing import Any

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.tables import Base

Insert = sqlite.Insert | postgresql.Insert


def insert_into(connection: AsyncConnection, table: type[Base]) -> Any:  # noqa: ANN401  # the two share no base with ON CONFLICT
    """An INSERT that knows `on_conflict_do_nothing` and `on_conflict_do_update`."""
    return sqlite.insert(table) if connection.dialect.name == "sqlite" else postgresql.insert(table)
