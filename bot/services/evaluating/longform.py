"""A file in long form, or raw invoice lines, as a panel of series."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from bot.domain.arrays import Floats, Ints
from bot.domain.forecasting import Freq, Panel
from bot.errors import Fault, FileRefused
from bot.services.evaluating import cells, fields, lines
from bot.services.evaluating.cells import Aside, Texts
from bot.services.evaluating.gathering import Rows, Told, gathered
from bot.services.evaluating.lines import Lines, NoDemand
from bot.services.ingest import IngestSettings, values

_MOST = 1e9  # units in one row; more is a fault of the file


class FileColumns(Protocol):
    """Columns of a file (see `bot.stores.files.columnar.Columns`)."""

    @property
    def headers(self) -> tuple[str, ...]:
        """The columns' names as written."""
        ...

    @property
    def cells(self) -> dict[int, pa.Array[Any]]:
        """The chosen columns by their places."""
        ...

    @property
    def rows(self) -> Ints:
        """The row of the file that each entry stands on."""
        ...

    @property
    def odd(self) -> tuple[tuple[int, str], ...]:
        """Rows of another width than the header, and what is wrong with them."""
        ...


class ReadColumns(Protocol):
    """Reads the columns that are chosen; `bot.stores.files.columnar.read_columns`."""

    def __call__(
        self,
        path: Path,
        choose: Callable[[tuple[str, ...]], Sequence[int]],
        *,
        encoding: str | None = None,
        delimiter: str | None = None,
        sheet: str | None = None,
    ) -> FileColumns:
        """Read `path`; FileRefused when it is no table."""
        ...


@dataclass(frozen=True, slots=True)
class LongOptions:
    """How to read the file: field -> header, the periods, and how many hours a day can be out of stock."""

    mapping: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    freq: Freq = "day"
    open_hours: float = 24.0
    date_order: str = ""
    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """What became of the rows: `aside` of them could not be read, and `first` says of a few (row, field, what).

    `idle` is how many series neither sold nor had stock in the whole periods and were left out; `unread` are the
    headers of the columns that mean nothing here.
    """

    rows: int
    aside: int
    first: tuple[tuple[int, str, str], ...]
    no_demand: NoDemand
    idle: int
    mapping: Mapping[str, str]
    unread: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class LongForm:
    """A panel, what its series are called, and how their orders are packed, where the file says.

    `since` (n,): the column of each series' first row, be it of a sale or of none.
    """

    panel: Panel
    skus: tuple[str, ...]
    locations: tuple[str, ...]
    since: Ints
    pack_size: Told
    minimum_order: Told
    reading: Reading


def read(path: Path, options: LongOptions, settings: IngestSettings, read_columns: ReadColumns) -> LongForm:
    """Read a file; bad rows are set aside, and FileRefused where it cannot be read or holds no good row."""
    mapping: dict[str, int] = {}

    def choose(headers: tuple[str, ...]) -> Sequence[int]:
        mapping.update(fields.mapped(headers, options.mapping, path.name))
        return list(mapping.values())

    how = {"encoding": options.encoding, "delimiter": options.delimiter, "sheet": options.sheet}
    found = read_columns(path, choose, **how)
    columns = {name: found.cells[place] for name, place in mapping.items()}
    said = {one.name: found.headers[mapping[one.name]] for one in fields.LONG if one.name in mapping}
    unread = tuple(header for at, header in enumerate(found.headers) if header and at not in mapping.values())
    return _Reader(path.name, options, settings, columns, found).form(said, unread)


class _Reader:
    """The columns of one file on their way into a panel."""

    def __init__(
        self,
        where: str,
        options: LongOptions,
        settings: IngestSettings,
        columns: Mapping[str, pa.Array[Any]],
        found: FileColumns,
    ) -> None:
        self._where = where
        self._options = options
        self._settings = settings
        self._columns = columns
        self._odd = found.odd
        self._aside = Aside(found.rows, np.zeros(len(found.rows), dtype=bool))

    def form(self, said: Mapping[str, str], unread: tuple[str, ...]) -> LongForm:
        """The panel and what is told of the reading."""
        got = self._lines()
        in_stock = self._in_stock()
        packs = [self._packing(name) for name in ("pack_size", "minimum_order")]
        cost = self._number("cost", 0.0, np.inf)
        category = self._texts("category", values.text)
        sale, no_demand = lines.demanded(got, self._settings, self._aside)
        if not sale.any():
            raise FileRefused(Fault(self._where, *self._nothing(no_demand)))
        key = got.sku.codes[sale] * len(got.place.names) + got.place.codes[sale]
        keys, series = np.unique(key, return_inverse=True)
        day = got.at[sale].astype("M8[D]").astype(np.int64)
        amount = (got.units[sale], in_stock[sale], got.price[sale], cost[sale])
        rows = Rows(series.astype(np.int64), day, *amount, category.codes[sale], got.place.codes[sale])
        found = gathered(rows, [one[sale] for one in packs], self._options.freq, self._where)
        if not found.kept.any():
            raise FileRefused(Fault(self._where, *self._idle(no_demand)))
        first = [(row, "", problem) for row, problem in self._odd] + self._aside.first
        entries = len(self._aside.bad) + len(self._odd)
        bad = int(self._aside.bad.sum()) + len(self._odd)
        idle = int((~found.kept).sum())
        reading = Reading(entries, bad, tuple(sorted(first)[:5]), no_demand, idle, said, unread)
        names, codes = (got.sku.names, got.place.names), keys[found.kept]
        pack_size, minimum_order = found.packs
        return LongForm(
            found.panel,
            tuple(names[0][code] for code in (codes // len(names[1])).tolist()),
            tuple(names[1][code] for code in (codes % len(names[1])).tolist()),
            found.since,
            pack_size,
            minimum_order,
            reading,
        )

    def _lines(self) -> Lines:
        return Lines(
            self._texts("sku", values.sku),
            self._texts("location", values.text),
            cells.moments(self._columns["day"], "day", self._aside, self._options.date_order, self._where),
            self._number("units", -_MOST, _MOST),
            self._number("price", -np.inf, np.inf),
            self._texts("order_ref", values.text),
            self._texts("customer", values.text),
        )

    def _texts(self, name: str, read_one: Callable[[object], str | values.Bad]) -> Texts:
        column = self._columns.get(name)
        if column is None:
            return Texts(np.zeros(len(self._aside.bad), dtype=np.int64), ("",))
        return cells.texts(column, read_one, name, self._aside)

    def _number(self, name: str, least: float, most: float) -> Floats:
        """A column of numbers within bounds, NaN where there is none."""
        column = self._columns.get(name)
        if column is None:
            return np.full(len(self._aside.bad), np.nan)
        found = cells.numbers(column, name, self._aside, cells.share if name == "in_stock" else cells.number)
        self._aside.put((found < least) | (found > most), name, f"not between {least:g} and {most:g}")
        return found

    def _packing(self, name: str) -> Floats:
        found = self._number(name, 0.0, float(self._settings.quantity_limit))
        return np.where(found > 0, found, np.nan)

    def _in_stock(self) -> Floats:
        """The share of the day with stock, NaN where nobody says."""
        if "in_stock" in self._columns:
            return self._number("in_stock", 0.0, 1.0)
        hours = self._options.open_hours
        return 1.0 - self._number("stockout_hours", 0.0, hours) / hours

    def _nothing(self, no_demand: NoDemand) -> tuple[str, str]:
        if not len(self._aside.bad):
            return "has no rows", "export it again"
        bad = int(self._aside.bad.sum())
        if not bad:
            return f"holds no sale: {no_demand.told()}", "is it the right file?"
        row, name, problem = self._aside.first[0]
        return f"holds no row that can be read; row {row}, {name}: {problem}", "mend it, or name its columns with --map"

    def _idle(self, no_demand: NoDemand) -> tuple[str, str]:
        """Why no series ever sold, and what to do."""
        left_out = no_demand.told()
        if not left_out:
            return "sells nothing in its whole periods", "give a longer file"
        return (
            f"sells nothing in its whole periods: {left_out} are no demand",
            "look into those lines, or map other columns",
        )


def some(form: LongForm, count: int, seed: int) -> LongForm:
    """`count` of the series by chance, in their order."""
    rows = np.sort(np.random.default_rng(seed).permutation(form.panel.series)[:count])
    return LongForm(
        form.panel.chosen(rows),
        tuple(form.skus[row] for row in rows.tolist()),
        tuple(form.locations[row] for row in rows.tolist()),
        form.since[rows],
        form.pack_size.chosen(rows),
        form.minimum_order.chosen(rows),
        form.reading,
    )
