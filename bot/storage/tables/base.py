"""What every table shares: the declarative base, its column types, and keys."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Integer, MetaData
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from bot.storage.types import JsonData, Micros, UtcDateTime

# SQLite gives row ids to INTEGER keys alone; PostgreSQL gets 64 bits.
Id = BigInteger().with_variant(Integer, "sqlite")


class Base(DeclarativeBase):
    """The declared schema; `type_annotation_map` keeps naive datetimes out of every table."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012  # SQLAlchemy's declared form
        datetime: UtcDateTime,
        Decimal: Micros,
        dict[str, Any]: JsonData,
        list[Any]: JsonData,
    }


def key() -> Mapped[int]:
    """A row id."""
    return mapped_column(Id, primary_key=True)


def to(column: str) -> Mapped[Any]:
    """An indexed reference to another table's row id."""
    return mapped_column(Id, ForeignKey(column), index=True)
