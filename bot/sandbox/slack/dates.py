"""Slack's date tokens, put into the local time of whoever looks."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_time

TOKEN = re.compile(r"\{(\w+)\}")
TOKENS = frozenset(
    [
        "date_num",
        "date_slash",
        "date",
        "date_short",
        "date_long",
        "date_pretty",
        "date_short_pretty",
        "date_long_pretty",
        "time",
        "time_secs",
        "ago",
        "day_divider_pretty",
    ]
)
_WIDTHS = {"date": "long", "date_short": "medium", "date_long": "full", "day_divider": "full"}


def fault_of(unix: str, template: str) -> str:
    """What is wrong with a date, or an empty string: the time is whole seconds and the format holds known tokens."""
    if not re.fullmatch(r"-?\d{1,12}", unix):
        return f"date timestamp {unix!r} is not whole seconds"
    names = TOKEN.findall(template)
    if not names:
        return "date format holds no token"
    unknown = [name for name in names if name not in TOKENS]
    return f"unknown date token: {{{unknown[0]}}}" if unknown else ""


def show(unix: int, template: str, zone: str, locale: str, now: datetime) -> str:
    """The date as a person with that zone and Slack locale (en-US, zh-CN) reads it at `now`."""
    at = datetime.fromtimestamp(unix, UTC).astimezone(ZoneInfo(zone))
    known, here = Locale.parse(locale, sep="-"), now.astimezone(at.tzinfo)
    # Babel puts a narrow no-break space before AM and PM, which nobody can type into a search.
    return TOKEN.sub(lambda token: _one(token[1], at, known, here), template).replace("\u202f", " ")


def _one(name: str, at: datetime, locale: Locale, now: datetime) -> str:
    if name.endswith("_pretty"):
        near = {0: "today", 1: "tomorrow", -1: "yesterday"}.get((at.date() - now.date()).days)
        return near or _one(name.removesuffix("_pretty"), at, locale, now)
    match name:
        case "time":
            return format_time(at, "short", tzinfo=at.tzinfo, locale=locale)
        case "time_secs":
            return format_time(at, "medium", tzinfo=at.tzinfo, locale=locale)
        case "date_num":
            return at.strftime("%Y-%m-%d")
        case "date_slash":
            return at.strftime("%m/%d/%Y")
        case "ago":
            return _ago(now - at)
    return format_date(at.date(), _WIDTHS[name], locale=locale)


def _ago(passed: timedelta) -> str:
    seconds = abs(int(passed.total_seconds()))
    for size, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= size:
            count = seconds // size
            span = f"{count} {unit}{'' if count == 1 else 's'}"
            return f"{span} ago" if passed >= timedelta(0) else f"in {span}"
    return "just now"
