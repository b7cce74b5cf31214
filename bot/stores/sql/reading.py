"""Values of rows, whatever type the database gives them, read or named as what is wrong with them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from bot.domain.money import Money
from bot.errors import Amiss, Declined
from bot.settings import StorePart
from bot.words import _

Row = Mapping[str, Any]
_YES, _NO = ("1", "true", "t", "yes", "y"), ("0", "false", "f", "no", "n")
_TICKS: Mapping[str, int] = {"": 0, "seconds": 1, "milliseconds": 1_000}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_HIDDEN = ("customer",)


class Unreadable(Amiss):
    """A row that cannot be read, and why."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What rows leave open: the zone of times without one, ticks of a second of times that are numbers, and so on."""

    zone: ZoneInfo
    ticks: int
    currency: str
    place: str

    @classmethod
    def of(cls, part: StorePart) -> Terms:
        """As the options say; Declined where they cannot be read."""
        options = part.options
        try:
            zone = ZoneInfo(options.get("zone", "UTC"))
        except (ValueError, OSError, KeyError):
            raise Declined(
                _("options.zone: {zone} is no time zone such as Europe/London", zone=repr(options["zone"]))
            ) from None
        if options.get("times", "") not in _TICKS:
            raise Declined(_("options.times: 'seconds' or 'milliseconds' since 1970, or nothing"))
        return cls(zone, _TICKS[options.get("times", "")], options.get("currency", ""), options.get("place", "store"))

    def since(self, at: datetime | None, dialect: str) -> datetime | str | int:
        """An instant as a query compares it: a local time without a zone, as text in SQLite, or a count of ticks."""
        at = at or _EPOCH
        if self.ticks:
            return int((at - _EPOCH) / timedelta(seconds=1) * self.ticks)
        local = at.astimezone(self.zone).replace(tzinfo=None, microsecond=0)
        return local.isoformat(sep=" ") if dialect == "sqlite" else local

    def instant(self, row: Row, name: str) -> datetime:
        """A moment; one without a zone is of `zone`."""
        told = row.get(name)
        if isinstance(told, str):
            told = _parsed(told, name)
        if isinstance(told, date) and not isinstance(told, datetime):
            told = datetime.combine(told, time())  # its zone is set below
        if isinstance(told, datetime):
            at = told.replace(tzinfo=self.zone) if told.tzinfo is None else told
            return _in_range(at, name)
        number = decimal(row, name)
        if not self.ticks:
            raise Unreadable(_("{name} is a number; options.times says what it counts", name=name))
        try:
            return _EPOCH + timedelta(microseconds=int(number * 1_000_000 / self.ticks))
        except OverflowError:
            raise Unreadable(_("{name} is {number}, no time", name=name, number=number)) from None

    def day(self, row: Row, name: str) -> date:
        """A day, as it is in `zone`."""
        told = row.get(name)
        if isinstance(told, date) and not isinstance(told, datetime):
            return told
        return self.instant(row, name).astimezone(self.zone).date()

    def money(self, row: Row, name: str) -> Money:
        """An amount in major units, rounded to the currency's minor unit."""
        currency = text(row, "currency") or self.currency
        try:
            return Money.rounded(decimal(row, name), currency)
        except (ValueError, InvalidOperation):
            raise Unreadable(
                _(
                    "{name} is {told} {currency}, no money",
                    name=name,
                    told=row.get(name),
                    currency=currency or "–",
                )
            ) from None

    def where(self, row: Row) -> str:
        """A place; the one of the options where a row names none."""
        return text(row, "place") or self.place


def text(row: Row, name: str) -> str:
    """A text; empty where there is none. What no database of ours keeps is taken out."""
    told = row.get(name)
    if told is None:
        return ""
    return (told if isinstance(told, str) else _worded(told, name)).replace("\x00", "").strip()


def ident(row: Row, name: str) -> str:
    """A text that tells rows apart."""
    told = row.get(name)
    if isinstance(told, str) and "\x00" in told:
        raise Unreadable(_("{name} holds a NUL character", name=name))
    found = text(row, name)
    if not found:
        raise Unreadable(_("{name} is empty", name=name))
    return found


def decimal(row: Row, name: str) -> Decimal:
    """A number. One that the database keeps as a binary fraction is what it is written as."""
    told = row.get(name)
    if told is None or told == "" or isinstance(told, bool):
        raise Unreadable(_("{name} is empty", name=name))
    try:
        number = Decimal(told) if isinstance(told, int | Decimal) else Decimal(str(told))  # a float's shortest text
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        raise Unreadable(_("{name} is {told}, no number", name=name, told=repr(str(told)[:40])))
    return number


def whole(row: Row, name: str, otherwise: int | None = None) -> int:
    """A count of units; `otherwise` where there is none."""
    if row.get(name) is None and otherwise is not None:
        return otherwise
    number = decimal(row, name)
    if abs(number) > 10**12 or number != int(number):
        raise Unreadable(_("{name} is {told}, not a whole number of units", name=name, told=row[name]))
    return int(number)


def yes(row: Row, name: str) -> bool:
    """A yes or no; yes where nothing is said."""
    told = row.get(name)
    if told is None:
        return True
    said = str(int(told) if isinstance(told, bool | int | float | Decimal) else told).strip().lower()
    if said not in (*_YES, *_NO):
        raise Unreadable(_("{name} is {said}, neither yes nor no", name=name, said=repr(said[:40])))
    return said in _YES


def excerpt(row: Row, names: tuple[str, ...]) -> str:
    """The columns of a row that somebody looks at as JSON, for whoever looks at a fault; nobody's buyer."""
    shown = {name: row[name] for name in names if name in row and name not in _HIDDEN}
    return json.dumps(shown, default=str, ensure_ascii=False)


def _worded(told: object, name: str) -> str:
    if isinstance(told, bytes | memoryview):
        raise Unreadable(_("{name} is bytes, no text", name=name))
    return str(int(told) if isinstance(told, float) and told.is_integer() else told)


def _parsed(told: str, name: str) -> datetime | date:
    try:
        return datetime.fromisoformat(told.strip())
    except ValueError:
        raise Unreadable(
            _("{name} is {told}, no time such as 2026-11-30 18:05:00", name=name, told=repr(told[:40]))
        ) from None


def _in_range(at: datetime, name: str) -> datetime:
    try:
        return at.astimezone(UTC)
    except OverflowError:
        raise Unreadable(_("{name} is {at}, no time", name=name, at=at)) from None
