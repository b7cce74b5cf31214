"""Fields of the API's records, read or named as what is wrong with them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from bot.domain.money import Money
from bot.errors import Amiss
from bot.stores.medusa.api import Row
from bot.words import _


class Unreadable(Amiss):
    """A record that cannot be read, and why."""


def text(row: Row, name: str) -> str:
    """A text; empty where there is none."""
    told = row.get(name)
    return "" if told is None else str(told).strip()


def ident(row: Row, name: str = "id") -> str:
    """The id of a record inside a record, or one that it names."""
    told = row.get(name)
    if not isinstance(told, str) or not told:
        raise Unreadable(_("{name} is missing in a part of it", name=name))
    return told


def whole(row: Row, name: str) -> int:
    """A count of units, which Medusa allows to be a fraction; zero where it is left out."""
    number = decimal(row, name, Decimal(0))
    if number != number.to_integral_value():
        raise Unreadable(_("{name} is {number}, not a whole number", name=name, number=number))
    return int(number)


def decimal(row: Row, name: str, otherwise: Decimal | None = None) -> Decimal:
    """A number; `otherwise` where there is none, and Unreadable where there must be one."""
    told = row.get(name)
    if told is None and otherwise is not None:
        return otherwise
    if isinstance(told, bool) or not isinstance(told, int | str | Decimal):
        raise Unreadable(_("{name} is missing", name=name))
    try:
        number = Decimal(told)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        raise Unreadable(_("{name} is {told}, no number", name=name, told=repr(str(told)[:40])))
    return number


def money(amount: Decimal, currency: str) -> Money:
    """An amount in major units, rounded to the currency's minor unit."""
    try:
        return Money.rounded(amount, currency)
    except (ValueError, InvalidOperation):
        raise Unreadable(_("{amount} {currency} is no money", amount=str(amount), currency=currency)) from None


def instant(row: Row, name: str) -> datetime:
    """A moment."""
    told = row.get(name)
    try:
        at = datetime.fromisoformat(str(told))
    except ValueError:
        raise Unreadable(_("{name} is {told}, no time", name=name, told=repr(told))) from None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def records(row: Row, name: str) -> list[Row]:
    """The records inside a record; none where they are left out."""
    told = row.get(name)
    if told is None:
        return []
    if not isinstance(told, list):
        raise Unreadable(_("{name} is no list", name=name))
    found: list[Row] = [each for each in told if isinstance(each, dict)]
    if len(found) < len([each for each in told if each is not None]):  # a link that leads nowhere is null
        raise Unreadable(_("{name} is no list of records", name=name))
    return found


def part(row: Row, name: str) -> Row:
    """The record inside a record; an empty one where there is none."""
    told: Any = row.get(name)
    return told if isinstance(told, dict) else {}


def excerpt(row: Row, names: Iterable[str]) -> str:
    """The named fields of a record as JSON, for whoever looks at a fault; no names or addresses among them."""
    return json.dumps({name: row.get(name) for name in names}, default=str, ensure_ascii=False)
