"""Fields of the API's records, read or named as what is wrong with them."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from bot.domain.money import Money
from bot.errors import Amiss
from bot.stores.woocommerce.api import Row
from bot.words import _


class Unreadable(Amiss):
    """A record that cannot be read, and why."""


def text(row: Row, name: str) -> str:
    """A text; empty where there is none. WordPress keeps `&` as `&amp;`."""
    told = row.get(name)
    return "" if told is None else html.unescape(str(told)).strip()


def ident(row: Row) -> str:
    """The id of a record inside a record."""
    if not isinstance(row.get("id"), int):
        raise Unreadable(_("a part of it has no id"))
    return str(row["id"])


def whole(row: Row, name: str) -> int:
    """A count of units, which plugins may make a fraction."""
    told = row.get(name)
    number = _decimal(told, name)
    if number != number.to_integral_value():
        raise Unreadable(_("{name} is {told}, not a whole number", name=name, told=told))
    return int(number)


def money(row: Row, name: str, currency: str) -> Money:
    """An amount, rounded to the currency's minor unit."""
    try:
        return Money.rounded(_decimal(row.get(name), name), currency)
    except ValueError:
        raise Unreadable(_("{name} is no money", name=name)) from None


def amount(row: Row, name: str) -> Decimal | None:
    """A price as it was typed in; None where none was."""
    told = row.get(name)
    return None if told in (None, "") else _decimal(told, name)


def instant(row: Row, name: str) -> datetime:
    """A moment in GMT, which the API writes without a zone."""
    told = row.get(name)
    try:
        at = datetime.fromisoformat(str(told))
    except ValueError:
        raise Unreadable(_("{name} is {told}, no time", name=name, told=repr(told))) from None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def rows(row: Row, name: str) -> list[Row]:
    """A list of records inside a record."""
    told = row.get(name)
    if not isinstance(told, list) or not all(isinstance(each, dict) for each in told):
        raise Unreadable(_("{name} is no list of records", name=name))
    return told


def excerpt(row: Row, names: Iterable[str]) -> str:
    """The named fields of a record as JSON, for whoever looks at a fault; no names or addresses among them."""
    return json.dumps({name: row.get(name) for name in names}, default=str, ensure_ascii=False)


def _decimal(told: Any, name: str) -> Decimal:  # noqa: ANN401  # whatever stands there
    if isinstance(told, bool) or told in (None, ""):
        raise Unreadable(_("{name} is missing", name=name))
    try:
        number = Decimal(str(told))
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        raise Unreadable(_("{name} is {told}, no number", name=name, told=repr(str(told)[:40])))
    return number
