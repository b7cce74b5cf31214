"""Reads the small values of a line: case and request numbers, lengths of time, times of day."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import time, timedelta
from decimal import Decimal
from types import MappingProxyType

from bot.chat.arguments import (
    CaseCode,
    CaseRef,
    ClockTime,
    EffectRef,
    Lapse,
    Percent,
    Price,
    RequestCode,
    RequestRef,
    Units,
)
from bot.chat.nodes import Code
from bot.errors import BadArgument
from bot.words import _

MOST_UNITS = 10_000_000
LONGEST = timedelta(days=90)

_CASE = re.compile(r"(?:(?:c|case|案例)[-#\s]*|#)?([0-9]{1,12})", re.IGNORECASE)
_REQUEST = re.compile(r"(?:(?:r|request|申请)[-#\s]*|#)?([0-9]{1,12})(?:@([0-9]{1,6}))?", re.IGNORECASE)
_EFFECT = re.compile(r"(?:(?:e|effect|call|调用)[-#\s]*|#)?([0-9]{1,12})(?:@([0-9]{1,6}))?", re.IGNORECASE)
_WHOLE = re.compile(r"([0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,9})\s*(?:pcs?|units?|件|个)?", re.IGNORECASE)
_LAPSE = re.compile(r"([0-9]{1,4})\s*([a-z]+|[分小时钟天日周个月]+)", re.IGNORECASE)
_CLOCK = re.compile(
    r"(上午|早上|中午|下午|晚上)?\s*([0-9]{1,2})(?:[:.点时]([0-9]{2}|半)?分?)?\s*(am|pm)?", re.IGNORECASE
)

_CASE_CODE = re.compile(r"(?:c|case|案例)[-#\s]*([0-9]{1,12})", re.IGNORECASE)
_REQUEST_CODE = re.compile(r"(?:r|request|申请)[-#\s]*([0-9]{1,12})(?:@([0-9]{1,6}))?", re.IGNORECASE)
_PERCENT = re.compile(r"[-−]?\s*([0-9]{1,3}(?:[.,][0-9]{1,2})?)\s*%(?:\s*off)?", re.IGNORECASE)
_ZHE = re.compile(r"打?\s*([1-9](?:\.?[0-9])?)\s*折")  # 8折 and 85折 are what is left to pay, in tenths
_PRICE = re.compile(r"([£$€¥]|[A-Z]{3})?\s*([0-9]{1,7}(?:[.,][0-9]{1,3})?)\s*([£$€¥元]|[A-Z]{3})?", re.IGNORECASE)
_SIGNS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "£": ("GBP",), "€": ("EUR",), "¥": ("CNY", "JPY"), "元": ("CNY",),
        "$": ("USD", "AUD", "CAD", "HKD", "NZD", "SGD"),
    }
)  # fmt: skip

_UNITS = {
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes", "分", "分钟"), timedelta(minutes=1)),
    **dict.fromkeys(("h", "hour", "hours", "小时", "个小时", "时"), timedelta(hours=1)),
    **dict.fromkeys(("d", "day", "days", "天", "日"), timedelta(days=1)),
    **dict.fromkeys(("w", "week", "weeks", "周", "个周"), timedelta(weeks=1)),
}


def read_case(text: str) -> CaseRef:
    """`C-12`, `c12`, `#12`, `12`."""
    match = _CASE.fullmatch(text)
    if match is None:
        raise BadArgument(
            _("{text} is no case number; cases look like {example}.", text=Code(text[:80]), example=Code("C-12"))
        )
    return CaseRef(int(match[1]))


def read_request(text: str) -> RequestRef:
    """`R-12`, `r12`, `#12`, `12`, and a button's `R-12@3`."""
    match = _REQUEST.fullmatch(text)
    if match is None:
        raise BadArgument(
            _("{text} is no request number; requests look like {example}.", text=Code(text[:80]), example=Code("R-12"))
        )
    return RequestRef(int(match[1]), int(match[2]) if match[2] else None)


def read_request_code(text: str) -> RequestCode:
    """`R-12`, `r12`, and a button's `R-12@3`; a bare number is none."""
    match = _REQUEST_CODE.fullmatch(text)
    if match is None:
        raise BadArgument(
            _("{text} is no request number; requests look like {example}.", text=Code(text[:80]), example=Code("R-12"))
        )
    return RequestCode(int(match[1]), int(match[2]) if match[2] else None)


def read_case_code(text: str) -> CaseCode:
    """`C-12`, `c12`; a bare number is none."""
    match = _CASE_CODE.fullmatch(text)
    if match is None:
        raise BadArgument(
            _("{text} is no case number; cases look like {example}.", text=Code(text[:80]), example=Code("C-12"))
        )
    return CaseCode(int(match[1]))


def read_percent(text: str) -> Percent:
    """`20%`, `20 % off`, `12.5%`, `8折`, `75折`; more than nothing and less than all."""
    share = None
    if match := _PERCENT.fullmatch(text):
        share = Decimal(match[1].replace(",", ".")) / 100
    elif match := _ZHE.fullmatch(text):
        digits = match[1].replace(".", "")
        share = 1 - Decimal(digits) / 10 ** len(digits)
    if share is None:
        raise BadArgument(
            _(
                "{text} is no discount and no price; write {percent} or {price}.",
                text=Code(text[:80]),
                percent=Code("20%"),
                price=Code("1.99 GBP"),
            )
        )
    if not 0 < share < 1:
        raise BadArgument(_("A discount lies between 0% and 100%, not at {text}.", text=Code(text)))
    return Percent(share)


def read_price(text: str) -> Price:
    """`£1.99`, `1.99 GBP`, `GBP 1.99`, `12元`, `1.99`; a bare whole number is none: it may be meant as a discount."""
    match = _PRICE.fullmatch(text)
    sign = ((match[1] or match[3] or "") if match else "").upper()
    if match is None or (match[1] and match[3]) or (not sign and not re.search(r"[.,]", match[2])):
        raise BadArgument(_("{text} is no price; write {price}.", text=Code(text[:80]), price=Code("1.99 GBP")))
    amount = Decimal(match[2].replace(",", "."))
    if amount <= 0:
        raise BadArgument(_("A price is above nothing; {text} is not.", text=Code(text)))
    return Price(amount, _SIGNS.get(sign, (sign,)) if sign else ())


def read_effect(text: str) -> EffectRef:
    """`E-5`, `e5`, `#5`, `5`, and a button's `E-5@2`."""
    match = _EFFECT.fullmatch(text)
    if match is None:
        raise BadArgument(
            _("{text} is no number of a call; calls look like {example}.", text=Code(text[:80]), example=Code("E-5"))
        )
    return EffectRef(int(match[1]), int(match[2]) if match[2] else None)


def read_units(text: str) -> Units:
    """`240`, `1,200`, `240 pcs`, `240个`; at least one and at most ten million."""
    match = _WHOLE.fullmatch(text)
    count = int(match[1].replace(",", "")) if match else 0
    if not 1 <= count <= MOST_UNITS:
        raise BadArgument(
            _("{text} is no number of units; write {example}.", text=Code(text[:80]), example=Code("240"))
        )
    return Units(count)


def read_lapse(text: str) -> Lapse:
    """`30m`, `12h`, `3d`, `2w`, `3 days`, `3天`; longer than nothing and at most 90 days."""
    match = _LAPSE.fullmatch(text)
    unit = _UNITS.get(match[2].lower()) if match else None
    if match is None or unit is None:
        raise BadArgument(
            _(
                "{text} is no length of time; write {days} or {hours}.",
                text=Code(text[:80]),
                days=Code("3d"),
                hours=Code("12h"),
            )
        )
    length = int(match[1]) * unit
    if not timedelta(0) < length <= LONGEST:
        raise BadArgument(
            _("{text} does not lie between one minute and {days} days.", text=Code(text), days=LONGEST.days)
        )
    return Lapse(length)


def read_clock(text: str) -> ClockTime:
    """`08:30`, `8.30`, `8:30pm`, `8am`, `8点半`, `下午3点`; a bare number is no time of day."""
    match = _CLOCK.fullmatch(text)
    at = _clock(match) if match else None
    if at is None:
        raise BadArgument(_("{text} is no time of day; write {example}.", text=Code(text[:80]), example=Code("08:30")))
    return ClockTime(at)


def _clock(match: re.Match[str]) -> time | None:
    part, hour, minute, half = match[1], int(match[2]), match[3], (match[4] or "").lower()
    if not (part or half or re.search(r"[:.点时]", match[0])) or re.search(r"[:.]$", match[0]):
        return None
    afternoon = half == "pm" or part in {"中午", "下午", "晚上"}
    if half and not 1 <= hour <= 12:
        return None
    if (half or part) and hour == 12:
        hour = 12 if afternoon and part != "晚上" else 0
    elif afternoon and hour < 12:
        hour += 12
    minutes = 30 if minute == "半" else int(minute or 0)
    return time(hour, minutes) if hour < 24 and minutes < 60 else None
