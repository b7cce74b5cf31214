"""What moves cross-border demand and supply: events with their days of each year, 2020 to 2035.

Days of the Chinese, Islamic and Hindu calendars stand in tables, as the `holidays` library computes them (a test
compares the two); days that a company announces stand with where it did, and where it has not yet, in their usual week,
marked `expected`. Whoever plans may write any event of any year anew (`Written`). Sizes are what to assume until own
sales tell otherwise: sellers plan for 1.5 to 3 times the usual sales in a peak, and these are the low end of that.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from types import MappingProxyType
from typing import Literal

from bot.words import Words, _

EventKind = Literal["demand", "supply"]
YEARS = range(2020, 2036)
HOLIDAY = "public_holiday"
_PEAK = 1.5
_USUAL = "the usual week: no days announced yet"

_LUNAR_NEW_YEAR = (
    "2020-01-25 2021-02-12 2022-02-01 2023-01-22 2024-02-10 2025-01-29 2026-02-17 2027-02-06 2028-01-26 2029-02-13 "
    "2030-02-03 2031-01-23 2032-02-11 2033-01-31 2034-02-19 2035-02-08"
)
_TET = _LUNAR_NEW_YEAR.replace("2030-02-03", "2030-02-02")  # Hanoi's new moon comes before midnight, Beijing's after
_RAMADAN = (
    "2020-04-24 2021-04-13 2022-04-02 2023-03-23 2024-03-11 2025-03-01 2026-02-18 2027-02-08 2028-01-28 2029-01-16 "
    "2030-01-05 2030-12-26 2031-12-15 2032-12-04 2033-11-23 2034-11-12 2035-11-01"
)
_EID = (
    "2020-05-24 2021-05-13 2022-05-02 2023-04-21 2024-04-10 2025-03-30 2026-03-20 2027-03-09 2028-02-26 2029-02-14 "
    "2030-02-04 2031-01-24 2032-01-14 2033-01-02 2033-12-23 2034-12-12 2035-12-01"
)
_DIWALI = (
    "2020-11-14 2021-11-04 2022-10-24 2023-11-12 2024-10-31 2025-10-20 2026-11-08 2027-10-29 2028-10-17 2029-11-05 "
    "2030-10-26 2031-11-14 2032-11-02 2033-10-22 2034-11-10 2035-10-30"
)
_PRIME_DAY = {  # first and last day, as Amazon announced them
    2020: ("2020-10-13", "2020-10-14"),
    2021: ("2021-06-21", "2021-06-22"),
    2022: ("2022-07-12", "2022-07-13"),
    2023: ("2023-07-11", "2023-07-12"),
    2024: ("2024-07-16", "2024-07-17"),
    2025: ("2025-07-08", "2025-07-11"),
}
_LUNAR, _HIJRI, _HINDU = (
    "Chinese lunisolar calendar",
    "Islamic calendar; sightings may move it by a day",
    "Hindu calendar",
)
_FIXED, _LAW = "the same days every year", "public holidays by law"

_EAST = frozenset({"CN", "HK", "TW", "SG", "MY"})
_MUSLIM = frozenset({"AE", "BD", "BH", "EG", "ID", "JO", "KW", "MA", "MY", "OM", "PK", "QA", "SA", "TR"})
_WEST = frozenset(
    {"AT", "AU", "BE", "BR", "CA", "CH", "DE", "DK", "ES", "FI", "FR", "GB", "IE", "IT", "MX", "NL", "NO", "NZ", "PL"}
    | {"PT", "SE", "US"}
)
_PRIME = frozenset({"AT", "AU", "BE", "BR", "CA", "DE", "ES", "FR", "GB", "IT", "JP", "MX", "NL", "SG", "US"})
_ELEVEN = frozenset({"CN", "HK", "ID", "MY", "PH", "SG", "TH", "TW", "VN"})


@dataclass(frozen=True, slots=True)
class Event:
    """Days, both ends included, on which the demand of some countries is `uplift` times the usual, or suppliers rest.

    `countries` are ISO 3166 codes, empty for all; `expected`: nobody has announced these days yet;
    `stated`: a person wrote the size of this very event. The uplift of a
    supply event says nothing and is 1.
    """

    key: str
    name: Words
    kind: EventKind
    first: date
    last: date
    countries: frozenset[str]
    uplift: float
    source: str
    expected: bool = False
    stated: bool = False

    def touches(self, country: str) -> bool:
        """Whether it moves that country."""
        return not self.countries or country.upper() in self.countries


@dataclass(frozen=True, slots=True)
class Written:
    """An event as somebody wrote it in the settings: takes the place of the calendar's own with its key within half
    a year, or stands beside the others; of two with one key and first day the later counts. None keeps what the
    calendar has.
    """

    key: str
    first: date
    last: date
    name: str = ""
    kind: EventKind | None = None
    countries: frozenset[str] | None = None
    uplift: float | None = None
    source: str = "settings"


@dataclass(frozen=True, slots=True)
class CalendarSettings:
    """What is written over the calendar: sizes by key, events, and how long before and after the new year suppliers
    rest.

    Factories close about two weeks around Chinese New Year (seacomp.com/resources/preparing-supply-chain-for-chinese-
    new-year names two to three); `production_share` of a lead time is making, the rest is moving, which goes on.
    """

    uplifts: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    written: tuple[Written, ...] = ()
    closed_before: int = 7
    closed_after: int = 7
    production_share: float = 0.5


_Span = tuple[date, date, bool]  # first, last, expected


@dataclass(frozen=True, slots=True)
class _Rule:
    key: str
    name: Words
    kind: EventKind
    countries: frozenset[str]
    uplift: float
    source: str
    days: Callable[[CalendarSettings], Iterable[_Span]]


def _dates(table: str) -> list[date]:
    return [date.fromisoformat(each) for each in table.split()]


def _around(table: str, before: int, after: int) -> Callable[[CalendarSettings], Iterable[_Span]]:
    return lambda _settings: (
        (day - timedelta(days=before), day + timedelta(days=after), False) for day in _dates(table)
    )


def _closed(table: str) -> Callable[[CalendarSettings], Iterable[_Span]]:
    return lambda settings: (
        (day - timedelta(days=settings.closed_before), day + timedelta(days=settings.closed_after), False)
        for day in _dates(table)
    )


def _yearly(month: int, first: int, last: int) -> Callable[[CalendarSettings], Iterable[_Span]]:
    return lambda _settings: ((date(year, month, first), date(year, month, last), False) for year in YEARS)


def _fasts(_settings: CalendarSettings) -> Iterable[_Span]:
    """Ramadan ends on the eve of Eid."""
    return ((first, eid - timedelta(days=1), False) for first, eid in zip(_dates(_RAMADAN), _dates(_EID), strict=True))


def _weekday(year: int, month: int, weekday: int, number: int) -> date:
    """The `number`-th weekday (Monday 0) of a month."""
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (number - 1))


def _black_fridays(_settings: CalendarSettings) -> Iterable[_Span]:
    """From the day after the fourth Thursday of November to the Monday after it."""
    for year in YEARS:
        friday = _weekday(year, 11, 3, 4) + timedelta(days=1)
        yield friday, friday + timedelta(days=3), False


def _prime_days(_settings: CalendarSettings) -> Iterable[_Span]:
    """As announced; otherwise four days from the second Tuesday of July, as in 2025, expected."""
    for year in YEARS:
        if year in _PRIME_DAY:
            first, last = _PRIME_DAY[year]
            yield date.fromisoformat(first), date.fromisoformat(last), False
        else:
            usual = _weekday(year, 7, 1, 2)
            yield usual, usual + timedelta(days=3), True


def _demand(
    key: str, name: Words, countries: Iterable[str], source: str, days: Callable[[CalendarSettings], Iterable[_Span]]
) -> _Rule:
    return _Rule(key, name, "demand", frozenset(countries), _PEAK, source, days)


def _rest(
    key: str, name: Words, countries: Iterable[str], source: str, days: Callable[[CalendarSettings], Iterable[_Span]]
) -> _Rule:
    return _Rule(key, name, "supply", frozenset(countries), 1.0, source, days)


_RULES = (
    _demand("lunar_new_year", _("Lunar New Year shopping"), _EAST, _LUNAR, _around(_LUNAR_NEW_YEAR, 14, -1)),
    _demand("ramadan", _("Ramadan"), _MUSLIM, _HIJRI, _fasts),
    _demand("eid", _("Eid al-Fitr"), _MUSLIM, _HIJRI, _around(_EID, 0, 2)),
    _demand("songkran", _("Songkran"), {"TH"}, _FIXED, _yearly(4, 13, 15)),
    _demand("six_eighteen", _("6.18"), {"CN"}, _FIXED, _yearly(6, 18, 18)),
    _demand("prime_day", _("Prime Day"), _PRIME, "aboutamazon.com", _prime_days),
    _demand("diwali", _("Diwali"), {"IN"}, _HINDU, _around(_DIWALI, 9, 0)),
    _demand("singles_day", _("11.11"), _ELEVEN, _FIXED, _yearly(11, 11, 11)),
    _demand("black_friday", _("Black Friday to Cyber Monday"), _WEST, "the day after Thanksgiving", _black_fridays),
    _demand("christmas", _("Christmas shopping"), _WEST, _FIXED, _yearly(12, 1, 24)),
    _rest(
        "lunar_new_year_closed", _("Chinese New Year: suppliers closed"), {"CN", "HK", "TW"}, _LUNAR,
        _closed(_LUNAR_NEW_YEAR),
    ),
    _rest("tet_closed", _("Tet: suppliers closed"), {"VN"}, "Vietnamese lunisolar calendar", _closed(_TET)),
    _rest("songkran_closed", _("Songkran: suppliers closed"), {"TH"}, _LAW, _yearly(4, 13, 15)),
    _rest("golden_week_closed", _("Golden Week: suppliers closed"), {"CN"}, _LAW, _yearly(10, 1, 7)),
)  # fmt: skip
KEYS = tuple(rule.key for rule in _RULES)


def events(first: date, last: date, settings: CalendarSettings | None = None) -> list[Event]:
    """Every event with a day from `first` to `last`, by first day and key, with what is written over it."""
    settings = settings or CalendarSettings()
    ruled = [event for rule in _RULES for event in _of_rule(rule, settings)]
    written: list[Event] = []
    for line in {(line.key, line.first): line for line in settings.written}.values():
        old = next((event for event in ruled if _same(event, line)), None)  # a written one takes no written one's place
        if old is not None:
            ruled.remove(old)
        written.append(_as_written(line, old or _rule_of(line.key, settings)))
    inside = (event for event in (*ruled, *written) if event.first <= last and event.last >= first)
    return sorted(inside, key=lambda event: (event.first, event.key))


def holidays_of(named: Mapping[str, Mapping[date, str]]) -> list[Event]:
    """Public holidays, (day, name) by country, as events: one for each day, of every country that has it.

    They are days off, for people to see; their size is 1 and no figure rests on them.
    """
    found: dict[date, dict[str, str]] = {}
    for country, days in named.items():
        for day, name in days.items():
            found.setdefault(day, {})[country] = name
    return [
        Event(HOLIDAY, _called(names), "demand", day, day, frozenset(names), 1.0, _LAW)
        for day, names in sorted(found.items())
    ]


def _called(names: Mapping[str, str]) -> Words:
    one = next(iter(names.values()))
    return Words(one) if set(names.values()) == {one} else _("Public holidays")


def closures(country: str, chosen: Iterable[Event]) -> list[tuple[date, date]]:
    """The days on which suppliers of a country rest: (first, last), ascending, without overlaps."""
    spans = sorted((event.first, event.last) for event in chosen if event.kind == "supply" and event.touches(country))
    merged: list[tuple[date, date]] = []
    for first, last in spans:
        if merged and first <= merged[-1][1] + timedelta(days=1):
            merged[-1] = (merged[-1][0], max(merged[-1][1], last))
        else:
            merged.append((first, last))
    return merged


class Closures:
    """The rests of suppliers by country, reckoned once for all questions."""

    def __init__(self, settings: CalendarSettings | None = None) -> None:
        self._share = (settings or CalendarSettings()).production_share
        self._events = [event for event in events(date.min, date.max, settings) if event.kind == "supply"]
        self._of: dict[str, list[tuple[date, date]]] = {}

    def delay(self, country: str, start: date, lead_days: float) -> int:
        """Days by which they stretch an order placed with a supplier there on `start`; see `delay`."""
        code = country.upper()
        if code not in self._of:
            self._of[code] = closures(code, self._events)
        ahead = self._of[code]
        return delay(start, lead_days, ahead[bisect_left(ahead, start, key=lambda rest: rest[1]) :], self._share)


def delay(start: date, lead_days: float, closed: Sequence[tuple[date, date]], production_share: float) -> int:
    """Days by which rests stretch an order placed on `start`: those that fall into its making.

    The making takes the first `production_share` of the lead time in working days; each day of rest in it adds a day.
    """
    day, left, rested = start, lead_days * production_share, 0
    for first, last in closed:
        if last < day or left <= 0:
            continue
        worked = (first - day).days
        if worked >= left:
            break
        left -= max(worked, 0)
        rest = (last - max(first, day)).days + 1
        rested += rest
        day = last + timedelta(days=1)
    return rested


def _of_rule(rule: _Rule, settings: CalendarSettings) -> Iterable[Event]:
    uplift = settings.uplifts.get(rule.key, rule.uplift)
    for first, last, expected in rule.days(settings):
        source = _USUAL if expected else rule.source
        yield Event(rule.key, rule.name, rule.kind, first, last, rule.countries, uplift, source, expected)


def _rule_of(key: str, settings: CalendarSettings) -> Event | None:
    """A rule's own event, for a year that the calendar does not reach."""
    rule = next((rule for rule in _RULES if rule.key == key), None)
    return None if rule is None else next(iter(_of_rule(rule, settings)))


def _same(event: Event, line: Written) -> bool:
    """Whether a line is about an event: the same key within half a year, for Eid comes twice in some."""
    return event.key == line.key and abs((event.first - line.first).days) < 180


def _as_written(line: Written, old: Event | None) -> Event:
    base = old or Event(line.key, Words(line.name or line.key), "demand", line.first, line.last, frozenset(), 1.0, "")
    return replace(
        base,
        name=Words(line.name) if line.name else base.name,
        kind=line.kind or base.kind,
        first=line.first,
        last=line.last,
        countries=base.countries if line.countries is None else line.countries,
        uplift=base.uplift if line.uplift is None else line.uplift,
        source=line.source,
        expected=False,
        stated=line.uplift is not None,
    )
