"""Fields of Amazon's records, read or named as what is wrong with them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from bot.domain.money import Money
from bot.errors import Declined
from bot.words import _

Row = Mapping[str, Any]


class Unreadable(Declined):
    """A record that cannot be read, and why."""


def text(row: Row, name: str) -> str:
    """A text; empty where there is none."""
    told = row.get(name)
    return "" if told is None else str(told).strip()


def need(row: Row, name: str) -> str:
    """A text that must be there."""
    told = text(row, name)
    if not told:
        raise Unreadable(_("{name} is missing", name=name))
    return told


def part(row: Row, name: str) -> Row:
    """A record inside a record; an empty one where there is none."""
    told = row.get(name)
    if told is None:
        return {}
    if not isinstance(told, dict):
        raise Unreadable(_("{name} is no record", name=name))
    return told


def rows(row: Row, name: str) -> list[Row]:
    """A list of records inside a record; an empty one where there is none."""
    told = row.get(name)
    if told is None:
        return []
    if not isinstance(told, list) or not all(isinstance(each, dict) for each in told):
        raise Unreadable(_("{name} is no list of records", name=name))
    return told


def whole(row: Row, name: str) -> int:
    """A count of units; none where nothing stands."""
    told = row.get(name)
    if told in (None, ""):
        return 0
    number = decimal(told, name)
    if number != number.to_integral_value() or number < 0:
        raise Unreadable(_("{name} is {told}, no count of units", name=name, told=repr(str(told)[:40])))
    return int(number)


def decimal(told: Any, name: str) -> Decimal:  # noqa: ANN401  # whatever stands there
    """A number; never by way of a float."""
    try:
        number = Decimal(str(told).strip()) if not isinstance(told, bool) else Decimal("NaN")
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or abs(number) >= Decimal(10) ** 15:
        raise Unreadable(_("{name} is {told}, no number", name=name, told=repr(str(told)[:40])))
    return number


def money(amount: Decimal, currency: str) -> Money:
    """An amount, rounded to the currency's minor unit."""
    try:
        return Money.rounded(amount, currency)
    except ValueError:
        raise Unreadable(_("{amount} {currency} is no money", amount=str(amount), currency=currency)) from None


def instant(row: Row, name: str) -> datetime:
    """A moment; one without a zone cannot be placed."""
    told = text(row, name)
    try:
        at = datetime.fromisoformat(told)
    except ValueError:
        raise Unreadable(_("{name} is {told}, no time", name=name, told=repr(told[:40]))) from None
    if at.tzinfo is None:
        raise Unreadable(_("{name} is {told}, a time without a zone", name=name, told=repr(told[:40])))
    return at.astimezone(UTC)


def stamp(at: datetime) -> str:
    """An instant as Amazon's parameters take it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def excerpt(row: Row, names: Iterable[str]) -> str:
    """The named fields of a record as JSON, for whoever looks at a fault; no names or addresses among them."""
    return json.dumps({name: row.get(name) for name in names}, default=str, ensure_ascii=False)
