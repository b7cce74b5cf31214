"""The columns of the board's tables over the whole catalogue: on the page, and in CSV and XLSX."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from markupsafe import Markup

from bot.chat.cards.labels import KINDS as KIND_WORDS
from bot.domain.money import Money
from bot.domain.standing import KINDS, NEVER, Standing, day_of
from bot.domain.turnover import ABC, XYZ
from bot.web.board.voice import NOTHING, Voice
from bot.words import Words, _

Cell = str | int | float | Decimal | date | None  # as exported


@dataclass(frozen=True, slots=True)
class Column:
    """One column: `key` names it in addresses and exports, `sort` is the standing's column it sorts by (or none)."""

    key: str
    title: Words
    sort: str
    shown: Callable[[Standing, int, Voice], Markup]
    plain: Callable[[Standing, int], Cell]
    numeric: bool = True


def _text(key: str, title: Words) -> Column:
    def plain(standing: Standing, row: int) -> Cell:
        return str(getattr(standing, key)[row])

    def shown(standing: Standing, row: int, voice: Voice) -> Markup:  # noqa: ARG001  # one shape for all columns
        return Markup.escape(plain(standing, row))

    return Column(key, title, key, shown, plain, numeric=False)


def _sku() -> Column:
    def shown(standing: Standing, row: int, voice: Voice) -> Markup:  # noqa: ARG001  # one shape for all columns
        link = Markup('<a href="/board/sku?code={}&amp;place={}"><code>{}</code></a>')
        sku = str(standing.sku[row])
        return link.format(_quoted(sku), _quoted(str(standing.place[row])), sku)

    return Column("sku", _("SKU"), "sku", shown, lambda standing, row: str(standing.sku[row]), numeric=False)


def _units(key: str, title: Words) -> Column:
    def plain(standing: Standing, row: int) -> Cell:
        value = float(getattr(standing, key)[row])
        return int(value) if value == value else None  # noqa: PLR0124  # NaN alone differs from itself

    return Column(key, title, key, lambda standing, row, voice: voice.number(_whole(plain(standing, row))), plain)


def _figure(key: str, title: Words, decimals: int) -> Column:
    def plain(standing: Standing, row: int) -> Cell:
        value = float(getattr(standing, key)[row])
        return round(value, decimals) if abs(value) < float("inf") else None

    def shown(standing: Standing, row: int, voice: Voice) -> Markup:
        return voice.number(float(getattr(standing, key)[row]), decimals)

    return Column(key, title, key, shown, plain)


def _day(key: str, title: Words) -> Column:
    def plain(standing: Standing, row: int) -> Cell:
        return day_of(int(getattr(standing, key)[row]))

    def shown(standing: Standing, row: int, voice: Voice) -> Markup:
        return voice.day(day_of(int(getattr(standing, key)[row])))

    return Column(key, title, key, shown, plain)


def _money(key: str, title: Words) -> Column:
    def plain(standing: Standing, row: int) -> Cell:
        return Money.of_minor(int(getattr(standing, key)[row]), standing.currency).amount

    def shown(standing: Standing, row: int, voice: Voice) -> Markup:
        return voice.minor(int(getattr(standing, key)[row]), standing.currency)

    return Column(key, title, key, shown, plain)


def _classes() -> Column:
    def plain(standing: Standing, row: int) -> Cell:
        return f"{ABC[standing.abc[row]]}{XYZ[standing.xyz[row]]}"

    def shown(standing: Standing, row: int, voice: Voice) -> Markup:  # noqa: ARG001  # one shape for all columns
        return Markup.escape(plain(standing, row))

    return Column("class", _("Class"), "abc", shown, plain, numeric=False)


def _flags() -> Column:
    def plain(standing: Standing, row: int) -> Cell:
        return " ".join(kind for kind, on in zip(KINDS, standing.flags[row], strict=True) if on)

    def shown(standing: Standing, row: int, voice: Voice) -> Markup:
        badges = [
            Markup('<span class="badge {}">{}</span>').format(KIND_WORDS[kind][1], voice.say(KIND_WORDS[kind][0]))
            for kind, on in zip(KINDS, standing.flags[row], strict=True)
            if on
        ]
        return Markup(" ").join(badges) or NOTHING

    return Column("flags", _("To look at"), "", shown, plain, numeric=False)


def _aged(bucket: int, title: Words) -> Column:
    def plain(standing: Standing, row: int) -> Cell:
        return int(standing.aged[row, bucket])

    def shown(standing: Standing, row: int, voice: Voice) -> Markup:
        return voice.number(int(standing.aged[row, bucket]) or None)

    return Column(f"aged_{bucket}", title, f"aged_{bucket}", shown, plain)


def _step(key: str, title: Words) -> Column:
    def plain(standing: Standing, row: int) -> Cell:
        return int(getattr(standing.step, key)[row]) if standing.step.units[row] else None

    def shown(standing: Standing, row: int, voice: Voice) -> Markup:
        return voice.number(_whole(plain(standing, row)))

    return Column(f"step_{key}", title, f"step_{key}", shown, plain)


def _fees() -> Column:
    def known(standing: Standing, row: int) -> int | None:
        minor = int(standing.fees[row])
        return None if minor >= NEVER else minor

    def plain(standing: Standing, row: int) -> Cell:
        minor = known(standing, row)
        return None if minor is None else Money.of_minor(minor, standing.currency).amount

    def shown(standing: Standing, row: int, voice: Voice) -> Markup:
        minor = known(standing, row)
        return NOTHING if minor is None else voice.minor(minor, standing.currency)

    return Column("fees", _("Next fees, as the store says"), "fees", shown, plain)


def _whole(value: Cell) -> int | None:
    return value if isinstance(value, int) else None


def _quoted(text: str) -> str:
    return quote(text, safe="")


CATEGORY = _text("category", _("Category"))  # in files alone: the pages are wide enough
_NAMES = (_sku(), _text("name", _("Product")), _text("place", _("Place")))

STOCK: tuple[Column, ...] = (
    *_NAMES,
    _units("on_hand", _("On hand")),
    _units("incoming", _("Incoming")),
    _units("pending", _("In requests")),
    _figure("per_day", _("A day"), 2),
    _figure("cover", _("Cover, days"), 1),
    _day("stockout", _("Runs out")),
    _day("arrival", _("Arrives")),
    _units("reorder_point", _("Reorder at")),
    _units("order_up_to", _("Order up to")),
    _figure("turn_days", _("Days of inventory"), 0),
    _money("value", _("Value")),
    _money("lost_margin", _("Margin at risk")),
    _classes(),
    _flags(),
)

SLOW: tuple[Column, ...] = (
    *_NAMES,
    _units("on_hand", _("On hand")),
    _units("excess", _("Excess")),
    _units("idle", _("Idle, days")),
    _figure("cover", _("Cover, days"), 0),
    _money("tied_up", _("Tied up")),
    _aged(2, _("61–90 days")),
    _aged(3, _("91–180 days")),
    _aged(4, _("over 180 days")),
    _step("days", _("Days to the next age")),
    _step("units", _("Units that reach it")),
    _step("age", _("That age, days")),
    _fees(),
    _flags(),
)


def by_key(columns: Sequence[Column]) -> dict[str, Column]:
    """The columns by their keys."""
    return {column.key: column for column in columns}


def exported(
    columns: Sequence[Column], head: Sequence[str], standing: Standing, rows: Sequence[int]
) -> list[list[Any]]:
    """The cells of an export, below its headings."""
    return [list(head), *([column.plain(standing, row) for column in columns] for row in rows)]
