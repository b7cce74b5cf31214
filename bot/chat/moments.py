"""Ends to come as people write them, and the instants they mean to whoever wrote them.

A day means its end there, a time of day that time, a length so long from now: `until Friday`, `until 2011-12-01 18:00`,
`till tomorrow`, `until 3d`, `直到周五`, `到12月1日`, `下周三18点`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from types import MappingProxyType
from zoneinfo import ZoneInfo

from bot.chat.arguments import Until
from bot.chat.nodes import Code, Instant
from bot.chat.values import LONGEST, read_clock, read_lapse
from bot.domain.localtime import instant_of
from bot.errors import BadArgument, Refusal
from bot.words import _

_MINUTE = timedelta(minutes=1)
_LEAD = re.compile(r"(?:until|till|til|to|by|through|for|直到|截至|截止到|截止|到|至)\s*", re.IGNORECASE)
_TAIL = re.compile(r"\s*(?:为止|止)$")
_AT = re.compile(r"\s*(?:\bat\b)?\s*", re.IGNORECASE)

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
_WEEKDAYS: Mapping[str, int] = MappingProxyType(
    {name[:length]: number for number, name in enumerate(_DAYS) for length in (3, 4, 5, len(name))}
    | {sign: number for number, sign in enumerate("一二三四五六日")}
    | {"天": 6}
)
_AHEAD: Mapping[str, int] = MappingProxyType(
    {"today": 0, "tonight": 0, "tomorrow": 1, "今天": 0, "今日": 0, "今晚": 0, "明天": 1, "明日": 1, "后天": 2}
)
_WEEKDAY = re.compile(
    r"(next\s+|下个?|本|这个?)?(?:周|星期|礼拜)([一二三四五六日天])|(next\s+|this\s+)?([a-z]{3,9})", re.IGNORECASE
)
_FULL = re.compile(r"([0-9]{4})[-/.年]([0-9]{1,2})[-/.月]([0-9]{1,2})[日号]?")
_CHINESE = re.compile(r"([0-9]{1,2})月([0-9]{1,2})[日号]?")
_DAY_MONTH = re.compile(r"([0-9]{1,2})(?:st|nd|rd|th)?\s+([a-z]{3,9})\.?(?:\s+([0-9]{4}))?", re.IGNORECASE)
_MONTH_DAY = re.compile(r"([a-z]{3,9})\.?\s+([0-9]{1,2})(?:st|nd|rd|th)?(?:,?\s+([0-9]{4}))?", re.IGNORECASE)


def read_until(text: str) -> Until:
    """An end as typed; BadArgument where it is none."""
    body = _TAIL.sub("", _LEAD.sub("", text.strip(), count=1)).strip()
    for read in (_lapse, _clock, _stamp, _day_and_time):
        found = read(body)
        if found is not None:
            return found
    raise BadArgument(
        _(
            "I cannot read {text} as an end; write {day}, {date}, {time} or {length}.",
            text=Code(text[:80]),
            day=Code("until Friday"),
            date=Code("until 2011-12-01"),
            time=Code("until 18:00"),
            length=Code("until 3d"),
        )
    )


def instant_until(until: Until, now: datetime, zone: ZoneInfo) -> datetime:
    """The instant that an end means to somebody in `zone`: of a day its last minute.

    BadArgument where it has passed, is no date, or lies more than 90 days ahead.
    """
    ends = until.instant or (now + until.length if until.length is not None else _instant(until, now, zone))
    if ends <= now:
        raise BadArgument(_("That end, {at}, has passed; write one to come.", at=Instant(ends)))
    if ends > now + LONGEST:
        raise BadArgument(
            _(
                "That end, {at}, lies more than {days} days ahead; write a nearer one.",
                at=Instant(ends),
                days=LONGEST.days,
            )
        )
    return ends


def _lapse(body: str) -> Until | None:
    try:
        return Until(length=read_lapse(body).length)
    except Refusal:
        return None


def _clock(body: str) -> Until | None:
    try:
        return Until(at=read_clock(body).at)
    except Refusal:
        return None


def _stamp(body: str) -> Until | None:
    """An instant with its offset, as buttons carry it: 2011-12-01T18:00:00+00:00."""
    try:
        found = datetime.fromisoformat(body)
    except ValueError:
        return None
    return Until(instant=found) if found.tzinfo is not None else None


def _day_and_time(body: str) -> Until | None:
    """A day, and perhaps a time of that day behind it."""
    for read in (_ahead, _dated, _weekday):
        for end in range(len(body), 0, -1):
            found = read(body[:end].strip())
            if found is None:
                continue
            rest = _AT.sub("", body[end:], count=1)
            if not rest:
                return found
            clock = _clock(rest)
            if clock is not None:
                return Until(found.day, found.month_day, found.weekday, found.ahead, found.next_week, clock.at)
    return None


def _ahead(text: str) -> Until | None:
    days = _AHEAD.get(text.casefold())
    return None if days is None else Until(ahead=days)


def _weekday(text: str) -> Until | None:
    match = _WEEKDAY.fullmatch(text)
    if match is None:
        return None
    number = _WEEKDAYS.get((match[2] or match[4]).casefold())
    said = (match[1] or match[3] or "").casefold().strip()
    return None if number is None else Until(weekday=number, next_week=said in {"next", "下", "下个"})


def _dated(text: str) -> Until | None:
    """A date with or without its year; one that no calendar has is none."""
    if match := _FULL.fullmatch(text):
        return _of_date(int(match[1]), int(match[2]), int(match[3]))
    if match := _CHINESE.fullmatch(text):
        return _of_date(None, int(match[1]), int(match[2]))
    if match := _DAY_MONTH.fullmatch(text):
        return _of_date(match[3], _month(match[2]), int(match[1]))
    if match := _MONTH_DAY.fullmatch(text):
        return _of_date(match[3], _month(match[1]), int(match[2]))
    return None


def _month(name: str) -> int:
    return next((number for number, full in enumerate(_MONTHS, 1) if full.startswith(name.casefold())), 0)


def _of_date(year: str | int | None, month: int, day: int) -> Until | None:
    try:
        on = date(int(year or 2000), month, day)  # a leap year, so that 29 February may be asked for
    except ValueError:
        return None
    return Until(day=on) if year else Until(month_day=(on.month, on.day))


def _instant(until: Until, now: datetime, zone: ZoneInfo) -> datetime:
    today = now.astimezone(zone).date()
    on = _day_of(until, today)
    if until.at is not None:
        return instant_of(zone, on, until.at)
    ends = _last_minute(zone, on)
    # Said in the last minute of a Friday, `until Friday` is the next one.
    return _last_minute(zone, on + timedelta(days=7)) if until.weekday is not None and ends <= now else ends


def _last_minute(zone: ZoneInfo, on: date) -> datetime:
    return instant_of(zone, on + timedelta(days=1), time.min) - _MINUTE


def _day_of(until: Until, today: date) -> date:
    if until.day is not None:
        return until.day
    if until.month_day is not None:
        return _next_of(until.month_day, today)
    if until.weekday is not None:
        monday = today - timedelta(days=today.weekday())
        if until.next_week:
            return monday + timedelta(days=7 + until.weekday)
        return today + timedelta(days=(until.weekday - today.weekday()) % 7)
    return today + timedelta(days=until.ahead or 0)


def _next_of(month_day: tuple[int, int], today: date) -> date:
    """The next such day, today included; 29 February waits for a leap year."""
    for year in range(today.year, today.year + 9):
        try:
            on = date(year, *month_day)
        except ValueError:
            continue
        if on >= today:
            return on
    raise ValueError(f"no year has {month_day}")
