"""Column types: instants in UTC only, and exact decimals kept as integers."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, DateTime, Dialect, String
from sqlalchemy.types import JSON, TypeDecorator, TypeEngine

JsonData = JSON(none_as_null=True)


class UtcDateTime(TypeDecorator[datetime]):
    """An aware datetime, stored in UTC: integer microseconds on SQLite (which drops zones), timestamptz on PostgreSQL.

    A naive datetime is refused on the way in; what comes out is aware and in UTC.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Choose the column type of the database at hand."""
        return dialect.type_descriptor(BigInteger() if dialect.name == "sqlite" else DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | datetime | None:
        """Take an aware datetime to UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no zone; instants are stored in UTC")
        return to_micros(value) if dialect.name == "sqlite" else value.astimezone(UTC)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:  # noqa: ANN401, ARG002  # driver type, the hook's form
        """Give back an aware datetime in UTC."""
        return of_stored(value)


class Micros(TypeDecorator[Decimal]):
    """A Decimal with at most six decimals (a unit price such as 0.125), stored as an integer of millionths."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> int | None:  # noqa: ARG002  # the hook's form
        """Refuse what would be rounded."""
        if value is None:
            return None
        scaled = value.scaleb(6)
        if scaled != int(scaled):
            raise ValueError(f"{value} has more than six decimals")
        return int(scaled)

    def process_result_value(self, value: int | None, dialect: Dialect) -> Decimal | None:  # noqa: ARG002  # the hook's form
        """Give back the exact Decimal."""
        return None if value is None else Decimal(value).scaleb(-6).normalize()


class Exact(TypeDecorator[Decimal]):
    """A Decimal of any scale, stored as its plain text: a rate such as 0.000054321 keeps every digit."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> str | None:  # noqa: ARG002  # the hook's form
        """Write it without an exponent or idle zeros, so that equal numbers are equal texts."""
        if value is None:
            return None
        if not value.is_finite():
            raise ValueError(f"{value} is no number to keep")
        plain = f"{value:f}"
        return plain.rstrip("0").rstrip(".") if "." in plain else plain

    def process_result_value(self, value: str | None, dialect: Dialect) -> Decimal | None:  # noqa: ARG002  # the hook's form
        """Give back the exact Decimal."""
        return None if value is None else Decimal(value)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_micros(at: datetime) -> int:
    """Whole microseconds since 1970 in UTC, without the rounding of a float timestamp."""
    since = at.astimezone(UTC) - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def of_micros(micros: int) -> datetime:
    """The inverse of `to_micros`."""
    seconds, rest = divmod(micros, 1_000_000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest)


def of_stored(value: int | datetime | None) -> datetime | None:
    """An instant as either database's driver gives it, aware and in UTC."""
    if value is None:
        return None
    return of_micros(value) if isinstance(value, int) else value.astimezone(UTC)
