"""Dates as files of weeks and months write them: a year and a month, or an ISO week."""

from __future__ import annotations

import re
import unicodedata
from datetime import date

from bot.services.ingest.values import Bad

_FULL = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
_NAMES = {short: at for at, name in enumerate(_FULL, 1) for short in (name, name[:3])} | {"sept": 9}
_NAMED = "|".join(_NAMES)
_MONTH = (
    re.compile(r"(?P<year>\d{4})\s*[-/年]\s*(?P<month>\d{1,2})月?"),
    re.compile(r"(?P<year>\d{4})\.?(?P<month>\d{2})"),  # not 2019.1, which a spreadsheet makes of 2019.10
    re.compile(r"(?P<month>\d{1,2})[-/.](?P<year>\d{4})"),
    re.compile(rf"(?P<month>{_NAMED})\.?[\s,'/-]*(?P<year>\d{{4}})"),
    re.compile(rf"(?P<year>\d{{4}})[\s/-]*(?P<month>{_NAMED})\.?"),
)
_WEEK = re.compile(r"(?P<year>\d{4})-?w(?P<week>\d{1,2})(?:-?(?P<day>[1-7]))?")


def period(written: str) -> date | Bad | None:
    """The first day of a month (`2019-01`, `2019/1`, `201901`, `Jan 2019`) or of an ISO week (`2023-W05`, its Monday).

    A week with its day (`2023-W05-3`) is that day. None where the text is neither.
    """
    text = unicodedata.normalize("NFKC", written).strip().casefold()
    week = _WEEK.fullmatch(text)
    try:
        if week:
            return date.fromisocalendar(int(week["year"]), int(week["week"]), int(week["day"] or 1))
        for pattern in _MONTH:
            match = pattern.fullmatch(text)
            if match:
                month = match["month"]
                return date(int(match["year"]), _NAMES.get(month) or int(month), 1)
    except ValueError:
        return Bad("an impossible date")
    return None
