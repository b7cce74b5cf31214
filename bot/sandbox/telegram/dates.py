"""Telegram's date_time entities, put into the local time of whoever looks."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_time, format_timedelta

FORMAT = re.compile(r"r|w?[dD]?[tT]?")
_CHINESE = {"zh-hans": "zh_Hans", "zh-hant": "zh_Hant"}


def show(unix: int, template: str, zone: str, language: str, now: datetime) -> str:
    """The date as a client in that zone and language shows it; empty where the format is, as the text then stands."""
    at = datetime.fromtimestamp(unix, UTC).astimezone(ZoneInfo(zone))
    locale = Locale.parse(_CHINESE.get(language.lower(), language).replace("-", "_"))
    if template == "r":
        return format_timedelta(at - now, add_direction=True, locale=locale)
    parts = []
    for letter in template:
        match letter:
            case "w":
                parts.append(format_date(at.date(), "EEE", locale=locale))
            case "d" | "D":
                parts.append(format_date(at.date(), "short" if letter == "d" else "long", locale=locale))
            case "t" | "T":
                parts.append(format_time(at, "short" if letter == "t" else "medium", tzinfo=at.tzinfo, locale=locale))
    # Babel puts a narrow no-break space before AM and PM, which nobody can type into a search.
    return " ".join(parts).replace("\u202f", " ")
