"""What people write of orders: their number and a new date, or what has arrived and when; pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from bot.chat.arguments import Rest
from bot.chat.filling import pairs, read_value
from bot.chat.forms import Field
from bot.chat.nodes import Code
from bot.chat.parsing import plain
from bot.errors import BadArgument
from bot.words import _

_DATE = r"(?P<day>[0-9]{4}[-/.年][0-9]{1,2}[-/.月][0-9]{1,2}日?|[^\W\d]+)"
_ARRIVES = re.compile(rf"(?:^|\s)(?:arrives|arriving|eta|due|预计到货|到货|预计)(?:\s+on)?\s*[:：]?\s*{_DATE}\s*$", re.IGNORECASE)  # fmt: skip  # noqa: E501
_ON = re.compile(rf"(?:^|\s)(?:on|于)\s*{_DATE}\s*$", re.IGNORECASE)
_AGAIN = re.compile(r"(?:^|\s)(?:again|再次|又)\s*$", re.IGNORECASE)
_NEAR = {
    **dict.fromkeys(("today", "今天", "今日"), 0),
    **dict.fromkeys(("yesterday", "昨天", "昨日"), -1),
    **dict.fromkeys(("tomorrow", "明天", "明日"), 1),
}


@dataclass(frozen=True, slots=True)
class SaidOrder:
    """The other side's own number, and when the goods arrive; what was not said is empty."""

    reference: str = ""
    arrives: date | None = None


@dataclass(frozen=True, slots=True)
class SaidDelivery:
    """Units by SKU (in lower case), the day they came, and whether the same came before."""

    units: Mapping[str, int] = field(default_factory=dict)
    on: date | None = None
    again: bool = False


def read_order(rest: Rest | None, today: date) -> SaidOrder:
    """`SB-77 arrives 2011-12-20`, either part alone, or the pairs of a form; BadArgument for a date that is none."""
    if rest is None:
        return SaidOrder()
    if rest.words and all("=" in word for word in rest.words):
        given = pairs(rest)
        arrives = given.get("arrives")
        return SaidOrder(given.get("reference", "").strip(), _day(arrives, today) if arrives else None)
    text = plain(rest.text).strip()
    match = _ARRIVES.search(text)
    if match is None:
        return SaidOrder(text)
    return SaidOrder(text[: match.start()].strip(), _day(match["day"], today))


def read_arrival(rest: Rest | None, today: date) -> SaidOrder:
    """What follows `arrives`: `2011-12-20`, or the pairs of a form."""
    if rest is None or (rest.words and all("=" in word for word in rest.words)):
        return read_order(rest, today)
    return SaidOrder(arrives=_day(plain(rest.text).strip(), today))


def read_delivery(rest: Rest | None, today: date) -> SaidDelivery:
    """`85123A=120 22423=24 on 2011-12-18`, `on yesterday`, `again`, or the pairs of a form."""
    if rest is None:
        return SaidDelivery()
    if rest.words and all("=" in word for word in rest.words):
        given = pairs(rest)
        on = given.pop("on", "")
        return SaidDelivery(_units(given), _day(on, today) if on else None)
    text = plain(rest.text).strip()
    again = _AGAIN.search(text)
    text = text[: again.start()].strip() if again else text
    match = _ON.search(text)
    on_day = _day(match["day"], today) if match else None
    text = text[: match.start()].strip() if match else text
    return SaidDelivery(_units(pairs(Rest(text)) if text else {}), on_day, again is not None)


def _units(given: Mapping[str, str]) -> dict[str, int]:
    found = {}
    for name, value in given.items():
        number = value.replace(",", "").replace(" ", "")
        if not (number.isascii() and number.isdigit() and len(number) <= 9):
            words = _("{text} is no number of units; write {example}.", text=Code(value[:40]), example=Code("SKU=120"))
            raise BadArgument(words, "receive")
        found[name] = int(number)
    return found


def _day(text: str, today: date) -> date:
    ahead = _NEAR.get(text.casefold())
    if ahead is not None:
        return today + timedelta(days=ahead)
    return date.fromisoformat(read_value(Field("day", _("Day"), "day"), text))
