"""Cells into values. Each reader remembers what it has read: sales files repeat their codes, prices and minutes.

A reader gives `Bad` for a cell that cannot be; it never raises.

Local times: a time that daylight saving skips is taken as if the clock had not yet been moved (02:30 becomes the
instant of 03:30); one that happens twice is its first occurrence.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

_REMEMBERED = 20_000


@dataclass(frozen=True, slots=True)
class Bad:
    """A cell that cannot be, and why."""

    reason: str


class Memo(dict[Any, Any]):
    """Reads a cell once: `memo[cell]`. It forgets everything when it holds too much, so memory stays constant."""

    def __init__(self, read: Callable[[Any], Any]) -> None:
        super().__init__()
        self._read = read

    def __missing__(self, cell: Any) -> Any:  # noqa: ANN401  # cells are of any kind
        if len(self) >= _REMEMBERED:
            self.clear()
        value = self[cell] = self._read(cell)
        return value

    def column(self, cells: list[Any]) -> list[Any]:
        """All cells of a column. 1 and 1.0 and True are one key, so only equal cells share a reading."""
        return list(map(self.__getitem__, cells))


def text(cell: object) -> str:
    """A cell as text without outer spaces; whole floats as spreadsheets write them lose their `.0`."""
    if cell is None:
        return ""
    if isinstance(cell, float):
        if cell != cell:  # noqa: PLR0124  # NaN is how tables write nothing
            return ""
        return str(int(cell)) if cell.is_integer() else repr(cell)
    found = str(cell).strip()
    return "" if found.lower() in {"nan", "none", "null", "#n/a"} else found


def sku(cell: object) -> str | Bad:
    """A product's code: upper case, no outer spaces."""
    found = unicodedata.normalize("NFKC", text(cell)).upper()
    if not found:
        return Bad("missing")
    return found if len(found) <= 100 and found.isprintable() else Bad("not a product code")


def whole(cell: object, limit: int) -> int | Bad:
    """A whole number within the limit, with or without thousands separators."""
    number = decimal(cell)
    if isinstance(number, Bad):
        return number
    if number != number.to_integral_value():
        return Bad("not a whole number")
    return int(number) if abs(number) <= limit else Bad(f"absurd: beyond {limit}")


def decimal(cell: object) -> Decimal | Bad:
    """An exact number: `1,234.50`, `1.234,50`, `12,5`, `£3.75`, full-width digits. No NaN, no infinity."""
    found = unicodedata.normalize("NFKC", repr(cell) if isinstance(cell, float) else text(cell))
    found = re.sub(r"[\s'’_]|(?<![\d.,])[£$€¥₹₩元]", "", found)
    if not found:
        return Bad("missing")
    if re.fullmatch(r"\(.*\)", found):  # accountants' negative
        found = "-" + found[1:-1]
    if re.fullmatch(r"[+-]?\d{1,3}(,\d{3})+(\.\d*)?", found):
        found = found.replace(",", "")
    elif re.fullmatch(r"[+-]?(\d{1,3}(\.\d{3})+|\d+),\d*", found):
        found = found.replace(".", "").replace(",", ".")
    try:
        number = Decimal(found)
    except InvalidOperation:
        return Bad("not a number")
    return number if number.is_finite() else Bad("not a finite number")


def micros(cell: object, limit: int) -> int | Bad:
    """A price in millionths of the currency."""
    number = decimal(cell)
    if isinstance(number, Bad):
        return number
    if abs(number) > limit:
        return Bad(f"absurd: beyond {limit}")
    scaled = number.scaleb(6)
    return int(scaled) if scaled == scaled.to_integral_value() else Bad("more than six decimals")


def currency(cell: object, known: frozenset[str]) -> str | Bad:
    """An ISO 4217 code; 人民币 and RMB are CNY."""
    found = text(cell).upper()
    found = {"RMB": "CNY", "人民币": "CNY", "美元": "USD", "欧元": "EUR", "英镑": "GBP", "日元": "JPY"}.get(
        found, found
    )
    return found if found in known else Bad("unknown currency")


_DATE = re.compile(
    r"(?P<a>\d{1,4})[-/.年](?P<b>\d{1,2})[-/.月](?P<c>\d{1,4})日?"
    r"(?:[T\s]+(?P<h>\d{1,2}):(?P<m>\d{2})(?::(?P<s>\d{2})(?:\.\d+)?)?\s*(?P<half>[AaPp][Mm])?)?"
    r"\s*(?P<zone>Z|UTC|[+-]\d{2}:?\d{2})?"
)


def day_order(cell: object) -> str:
    """`dmy` or `mdy` where a date such as 13/12/2010 tells, else empty; `?` where it could be either."""
    match = _DATE.fullmatch(text(cell)) if isinstance(cell, str) else None
    if not match or len(match["a"]) == 4:
        return ""
    if int(match["a"]) > 12:
        return "dmy"
    return "mdy" if int(match["b"]) > 12 else "?"


def moment(cell: object, order: str) -> datetime | date | Bad:
    """A moment as written: an aware or naive datetime, or a date where no time is given."""
    if isinstance(cell, datetime | date):
        return cell
    written = unicodedata.normalize("NFKC", text(cell))
    if not written:
        return Bad("missing")
    if re.fullmatch(r"\d{8}", written):
        written = f"{written[:4]}-{written[4:6]}-{written[6:]}"
    match = _DATE.fullmatch(written)
    if not match:
        return Bad("not a date")
    first, second, third = int(match["a"]), int(match["b"]), int(match["c"])
    if len(match["a"]) == 4:
        year, month, day = first, second, third
    elif len(match["c"]) == 4:
        year, (day, month) = third, (first, second) if order == "dmy" else (second, first)
    else:
        return Bad("a date without a four-digit year")
    try:
        on = date(year, month, day)
        if match["h"] is None:
            return on
        hour = int(match["h"])
        if match["half"]:
            hour = hour % 12 + (12 if match["half"].lower() == "pm" else 0)
        at = time(hour, int(match["m"]), int(match["s"] or 0))
    except ValueError:
        return Bad("an impossible date")
    return datetime.combine(on, at, _offset(match["zone"]))


def instant(found: datetime | date, zone: ZoneInfo) -> datetime:
    """The UTC instant of a moment; one without a zone is local time in `zone`, a date its first moment there."""
    if not isinstance(found, datetime):
        found = datetime.combine(found, time())
    return (found if found.tzinfo else found.replace(tzinfo=zone)).astimezone(UTC)


def _offset(written: str | None) -> Any:  # noqa: ANN401  # a tzinfo, or None for local time
    if not written:
        return None
    if written in {"Z", "UTC"}:
        return UTC
    return datetime.fromisoformat(f"2000-01-01T00:00{written}").tzinfo
