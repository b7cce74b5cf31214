"""Tryton's values as ours, and ours as Tryton's: exact decimals, dates, instants, spans of time.

Its JSON-RPC writes what JSON has no word for as `{"__class__": "Decimal", "decimal": "7.50"}` and the like
(trytond/protocols/jsonrpc.py). Its instants are in UTC and say so nowhere.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from bot.domain.money import Money
from bot.errors import Amiss
from bot.words import _

Row = Mapping[str, Any]
_MICROSECOND = timedelta(microseconds=1)


class Unreadable(Amiss):
    """A record that cannot be read, and why."""


def dumps(told: object) -> bytes:
    """A call as it is sent. TypeError for what Tryton has no way to write; a naive datetime among it."""
    return json.dumps(told, default=_outwards, ensure_ascii=False, separators=(",", ":")).encode()


def loads(text: bytes) -> Any:  # noqa: ANN401  # whatever was answered
    """An answer, in our values; ValueError where it is none."""
    try:
        return json.loads(text, parse_float=Decimal, object_hook=_inwards)
    except (KeyError, TypeError, ArithmeticError) as error:
        raise ValueError(f"a value that Tryton does not write: {error}") from error


def whole(row: Row, name: str) -> int:
    """A count of units. Tryton counts in floats, rounded to the unit's digits."""
    told = row.get(name)
    number = Decimal(told) if isinstance(told, int) and not isinstance(told, bool) else told
    if not isinstance(number, Decimal) or not number.is_finite():
        raise Unreadable(_("{name} is {told}, no number", name=name, told=repr(told)))
    if number != number.to_integral_value():
        raise Unreadable(_("{name} is {told}, not a whole number", name=name, told=format(number.normalize(), "f")))
    return int(number)


def text(row: Row, name: str) -> str:
    """A text; empty where there is none."""
    told = row.get(name)
    return "" if told is None else str(told).strip()


def nested(row: Row, name: str) -> Row:
    """The record that a field leads to, of which fields were asked for with a dot; empty where it leads nowhere."""
    told = row.get(f"{name}.")
    return told if isinstance(told, Mapping) else {}


def money(row: Row, name: str, currency: str) -> Money | None:
    """An amount, rounded to the currency's minor unit; None where there is none."""
    told = row.get(name)
    if told is None:
        return None
    if not isinstance(told, Decimal) or not told.is_finite():
        raise Unreadable(_("{name} is {told}, no amount", name=name, told=repr(told)))
    try:
        return Money.rounded(told, currency)
    except (ValueError, InvalidOperation):
        raise Unreadable(_("{name} is {told}, no amount", name=name, told=repr(told))) from None


def day(row: Row, name: str) -> date | None:
    """A date; None where there is none."""
    told = row.get(name)
    if told is None:
        return None
    if not isinstance(told, date) or isinstance(told, datetime):
        raise Unreadable(_("{name} is {told}, no date", name=name, told=repr(told)))
    return told


def excerpt(row: Row, names: Iterable[str]) -> str:
    """The named fields of a record as JSON, for whoever looks at a fault; no names or addresses among them."""
    return json.dumps({name: row.get(name) for name in names}, default=str, ensure_ascii=False)


def _outwards(told: object) -> dict[str, Any]:
    match told:
        case Decimal():
            return {"__class__": "Decimal", "decimal": str(told)}
        case datetime() if told.tzinfo is not None:
            at = told.astimezone(UTC)
            clock = {"hour": at.hour, "minute": at.minute, "second": at.second, "microsecond": at.microsecond}
            return {"__class__": "datetime", "year": at.year, "month": at.month, "day": at.day, **clock}
        case date() if not isinstance(told, datetime):
            return {"__class__": "date", "year": told.year, "month": told.month, "day": told.day}
        case timedelta():
            return {"__class__": "timedelta", "seconds": told.total_seconds()}
    raise TypeError(f"{told!r} cannot be told to Tryton")


def _inwards(told: dict[str, Any]) -> Any:  # noqa: ANN401  # as the object hook of json
    match told.get("__class__"):
        case "Decimal":
            return Decimal(told["decimal"])
        case "date":
            return date(told["year"], told["month"], told["day"])
        case "datetime":
            clock = time(told["hour"], told["minute"], told["second"], told["microsecond"], UTC)
            return datetime.combine(date(told["year"], told["month"], told["day"]), clock)
        case "timedelta":
            return round(Decimal(told["seconds"]) * 1_000_000) * _MICROSECOND
    return told
