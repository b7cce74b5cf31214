"""Files of exchange rates: the ECB's XML, its wide tables (a column per currency), and long ones (a rate per line)."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from zoneinfo import ZoneInfo

from babel.numbers import list_currencies

from bot.errors import Declined, Fault, FileRefused
from bot.ports import Rate
from bot.services.ingest import values
from bot.services.ingest.columns import plain
from bot.services.ingest.contracts import OpenTable, TableFile
from bot.services.ingest.values import Bad

NOON = time(12)  # a file tells the day alone
_MOST = Decimal(10) ** 9
_MOST_BYTES = 16 * 2**20
_BATCH = 5000
_HEADERS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "currency": ("currency", "currencycode", "code", "to", "quote", "币种", "货币", "币别"),
        "date": ("date", "day", "asof", "日期"),
        "rate": ("rate", "exchangerate", "value", "汇率"),
        "base": ("base", "basecurrency", "from", "基准货币", "基础货币", "本币"),
    }
)
_NOTHING = ("", "n/a", "na", "-", "–")

Document = Callable[[bytes], tuple[Rate, ...]]


@dataclass(frozen=True, slots=True)
class RateOptions:
    """What the person says about a file; `base` is the currency whose one unit the rates are for, where no column says.

    `source` names who stated them: empty means `ecb` of the ECB's XML, otherwise `file`.
    """

    mapping: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    base: str = ""
    source: str = ""
    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None
    date_order: str = ""


@dataclass(frozen=True, slots=True)
class RateFile:
    """What a file says: its rates, and `faults` of the rows that cannot be."""

    source: str
    rates: tuple[Rate, ...]
    faults: tuple[Fault, ...]


class RateReader:
    """Reads files of rates as of `now`; `zone` is where their days begin."""

    def __init__(self, *, files: OpenTable, document: Document, zone: ZoneInfo, now: datetime) -> None:
        self._files = files
        self._document = document
        self._zone = zone
        self._now = now
        self._known = frozenset(list_currencies())

    def read(self, path: Path, options: RateOptions) -> RateFile:
        """The rates of a file; FileRefused where it cannot be read at all, or holds none."""
        if options.base and options.base not in self._known:
            raise FileRefused(Fault(f"--base {options.base}", "no such currency", "write an ISO code such as EUR"))
        if _is_xml(path):
            found = RateFile(options.source or "ecb", self._of_document(path), ())
        else:
            found = self._of_table(path, options)
        if not found.rates:
            first = found.faults[0] if found.faults else Fault(path.name, "holds no rate")
            raise FileRefused(Fault(first.where, first.problem, "no row of the file could be read"))
        return found

    def _of_document(self, path: Path) -> tuple[Rate, ...]:
        if path.stat().st_size > _MOST_BYTES:
            raise FileRefused(Fault(path.name, f"is larger than {_MOST_BYTES // 2**20} MB", "give the ECB's own file"))
        try:
            return self._document(path.read_bytes())
        except Declined as error:
            raise FileRefused(Fault(path.name, error.detail, "give the ECB's XML, or a table")) from error

    def _of_table(self, path: Path, options: RateOptions) -> RateFile:
        file = self._files(path, encoding=options.encoding, delimiter=options.delimiter, sheet=options.sheet)
        places = _places(file.headers, options.mapping, path.name)
        wide = [] if "rate" in places else self._wide(file.headers)
        if wide and "date" in places:
            rows = self._wide_rows(file, places["date"], wide, options)
        else:
            _require(places, options, path.name)
            rows = self._long_rows(file, places, options)
        rates: list[Rate] = []
        faults: list[Fault] = []
        for line, where, found in rows:
            if isinstance(found, Bad):
                faults.append(Fault(f"{path.name}:{line}:{where}", found.reason))
            else:
                rates.append(found)
        return RateFile(options.source or "file", tuple(rates), tuple(faults))

    def _wide(self, headers: Sequence[str]) -> list[int]:
        """The columns that are called after a currency."""
        return [place for place, header in enumerate(headers) if header.strip().upper() in self._known]

    def _wide_rows(
        self, file: TableFile, dates: int, columns: Sequence[int], options: RateOptions
    ) -> Iterator[tuple[int, str, Rate | Bad]]:
        base = options.base or "EUR"  # the only ones who publish such tables state rates of the euro
        for line, cells in _rows(file):
            day = self._day(cells[dates], options.date_order)
            if isinstance(day, Bad):
                yield line, "date", day
                continue
            for place in columns:
                code = file.headers[place].strip().upper()
                if code != base and values.text(cells[place]).casefold() not in _NOTHING:
                    yield line, code, self._rate(base, code, day, cells[place])

    def _long_rows(
        self, file: TableFile, places: Mapping[str, int], options: RateOptions
    ) -> Iterator[tuple[int, str, Rate | Bad]]:
        for line, cells in _rows(file):
            code = values.currency(cells[places["currency"]], self._known)
            base: str | Bad = options.base
            if "base" in places and values.text(cells[places["base"]]):
                base = values.currency(cells[places["base"]], self._known)
            day = self._day(cells[places["date"]], options.date_order)
            for where, found in (("currency", code), ("base", base or Bad("missing")), ("date", day)):
                if isinstance(found, Bad):
                    yield line, where, found
                    break
            else:
                assert isinstance(code, str) and isinstance(base, str) and isinstance(day, date)  # noqa: S101, PT018  # each was looked at above
                yield line, "rate", self._rate(base, code, day, cells[places["rate"]])

    def _day(self, cell: object, order: str) -> date | Bad:
        found = values.moment(cell, order)
        if isinstance(found, Bad):
            written = unicodedata.normalize("NFKC", values.text(cell))
            try:  # the ECB writes 20 November 2026
                found = datetime.strptime(written, "%d %B %Y").replace(tzinfo=UTC)
            except ValueError:
                return Bad("not a date")
        day = found.date() if isinstance(found, datetime) else found
        return Bad("in the future") if day > self._now.astimezone(self._zone).date() else day

    def _rate(self, base: str, code: str, day: date, cell: object) -> Rate | Bad:
        if code == base:
            return Bad("a rate of a currency to itself")
        rate = values.decimal(cell)
        if isinstance(rate, Bad):
            return rate
        if not 1 / _MOST <= rate <= _MOST:
            return Bad("not a rate: nothing, negative or absurd")
        return Rate(base, code, day, rate, datetime.combine(day, NOON, self._zone).astimezone(UTC))


def _rows(file: TableFile) -> Iterator[tuple[int, list[object]]]:
    for batch in file.batches(_BATCH):
        for place, line in enumerate(batch.lines):
            yield line, [column[place] for column in batch.columns]


def _places(headers: Sequence[str], mapping: Mapping[str, str], where: str) -> dict[str, int]:
    """Which column holds which field; FileRefused where a mapping names what is not there."""
    found: dict[str, int] = {}
    for name, header in mapping.items():
        if name not in _HEADERS:
            raise FileRefused(Fault(f"--map {name}", "no such field of rates", f"there are {', '.join(_HEADERS)}"))
        if header not in headers:
            raise FileRefused(Fault(f"--map {name}={header}", f"{where} has no such header", ", ".join(headers)))
        found[name] = list(headers).index(header)
    for name, meant in _HEADERS.items():
        for place, header in enumerate(headers):
            if name not in found and plain(header) in meant:
                found[name] = place
    return found


def _require(places: Mapping[str, int], options: RateOptions, where: str) -> None:
    missing = [name for name in ("currency", "date", "rate") if name not in places]
    if missing:
        raise FileRefused(Fault(where, f"has no column for {', '.join(missing)}", f"--map {missing[0]}=HEADER"))
    if "base" not in places and not options.base:
        problem = "does not say which currency's one unit the rates are for"
        raise FileRefused(Fault(where, problem, "add --base EUR, or a column base"))


def _is_xml(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(64).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")
    except OSError:
        return False  # opening it as a table says what is wrong
