"""What the commands share that try forecasts and order policies on a file: its options, its reading, its report."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn, get_args

import typer

from bot.cli.common import counted, err, say
from bot.errors import Fault, FileRefused

if TYPE_CHECKING:
    from bot.services.evaluating.longform import LongForm, LongOptions

FileArgument = Annotated[Path, typer.Argument(help="CSV, TSV, XLSX or Parquet: a row per SKU and day, or per sale.")]
MapOption = Annotated[
    list[str] | None, typer.Option("--map", help="FIELD=HEADER,..., such as sku=StockCode,day=InvoiceDate.")
]
FreqOption = Annotated[str, typer.Option("--freq", help="The periods: day, week (from Monday) or month.")]
HoursOption = Annotated[
    float, typer.Option("--open-hours", help="Hours of a day that stockout_hours are counted in, such as 16.")
]
EncodingOption = Annotated[str | None, typer.Option("--encoding", help="utf-8, utf-16, gb18030, shift_jis ...")]
DelimiterOption = Annotated[str | None, typer.Option("--delimiter", help="What parts the cells, such as ';'.")]
SheetOption = Annotated[str | None, typer.Option("--sheet", help="The sheet of a workbook.")]
OrderOption = Annotated[str, typer.Option("--date-order", help="dmy or mdy, where 03/04/2011 may be read both ways.")]
SeriesOption = Annotated[int, typer.Option("--series", help="Try so many series, drawn by --seed; 0 takes them all.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]


def refuse(where: str, problem: str, remedy: str) -> NoReturn:
    """End the call with one line on standard error and the code 2."""
    say(err, str(Fault(where, problem, remedy)), "bold red")
    raise typer.Exit(2)


def shares(text: str, option: str) -> tuple[float, ...]:
    """`.5,.8,.95` as shares between 0 and 1, in rising order."""
    found = []
    for part in text.split(","):
        try:
            share = float(part)
        except ValueError:
            share = 0.0
        if not 0.0 < share < 1.0:
            refuse(option, f"{part.strip() or 'nothing'!r} is no share between 0 and 1", "write such as .8,.95")
        found.append(share)
    return tuple(sorted(set(found)))


def written(share: float) -> str:
    """A share in the fewest digits that tell it from every other: `0.8`, `0.9999999`."""
    import numpy as np  # takes its time to load

    return str(np.format_float_positional(share, trim="-"))


def chosen(text: str, option: str, known: Sequence[str]) -> tuple[str, ...]:
    """Names parted by commas, in any case, as `known` writes them; the nearest is offered for one that is none."""
    plain = {name.casefold(): name for name in known}
    found = []
    for part in (part.strip() for part in text.split(",")):
        if part.casefold() not in plain:
            near = difflib.get_close_matches(part.casefold(), plain, n=1, cutoff=0.0)
            refuse(option, f"{part!r} is none of {', '.join(known)}", f"did you mean {plain[near[0]]}?")
        found.append(plain[part.casefold()])
    return tuple(dict.fromkeys(found))


def within(value: float, least: float, most: float, option: str) -> None:
    """Refuse a figure that is too small or too large, or no number."""
    if not least <= value <= most:
        refuse(option, f"{value:g} cannot be", f"write {least:g} to {most:g}")


def long_options(mapping: list[str] | None, freq: str, hours: float, date_order: str, *how: str | None) -> LongOptions:
    """The options of a reading; `how` is the encoding, the delimiter and the sheet."""
    from bot.domain.forecasting import Freq  # loads SciPy
    from bot.services.evaluating.longform import LongOptions  # Arrow takes its time to load

    periods: dict[str, Freq] = {name: name for name in get_args(Freq)}
    (period,) = chosen(freq, "--freq", list(periods))[:1]
    if not 0.0 < hours <= 24.0:
        refuse("--open-hours", f"{hours:g} is not within a day", "write 24 or less")
    if date_order:
        chosen(date_order, "--date-order", ("dmy", "mdy"))
    encoding, delimiter, sheet = how
    wishes = dict(_pair(part) for given in mapping or [] for part in re.split(r",(?=\s*\w+\s*=)", given))
    return LongOptions(wishes, periods[period], hours, date_order, encoding, delimiter, sheet)


def read_file(file: Path, options: LongOptions) -> LongForm:
    """Read a file and say on standard error what became of it; a line and the code 2 where it cannot be read."""
    from bot.services.evaluating.longform import read  # Arrow takes its time to load
    from bot.services.ingest import IngestSettings
    from bot.stores.files.columnar import read_columns

    try:
        with err.status(f"Reading {file.name} ..."):
            form = read(file, options, IngestSettings(), read_columns)
    except FileRefused as error:
        say(err, f"Not read. {error.fault}", "bold red")
        raise typer.Exit(2) from error
    _report(file, form)
    return form


def sample(form: LongForm, count: int, seed: int) -> LongForm:
    """Some of the series by chance, or all where `count` is 0 or beyond them."""
    from bot.services.evaluating.longform import some  # Arrow takes its time to load

    return some(form, count, seed) if 0 < count < form.panel.series else form


def _pair(text: str) -> tuple[str, str]:
    name, equals, header = (part.strip() for part in text.partition("="))
    if not (name and equals and header):
        refuse("--map", f"{text!r} is not FIELD=HEADER", "write such as sku=StockCode,day=InvoiceDate")
    return name, header


def _report(file: Path, form: LongForm) -> None:
    panel, reading = form.panel, form.reading
    say(
        err,
        f"{file.name}: {counted(reading.rows, 'row')}, {counted(panel.series, 'series', 'series')} of "
        f"{counted(panel.periods, panel.freq)} from {panel.first} to {panel.starts(panel.periods - 1)}.",
    )
    say(err, "Read as: " + ", ".join(f"{name}={header}" for name, header in reading.mapping.items()) + ".")
    if reading.unread:
        say(err, f"Not read: {', '.join(reading.unread)}.")
    parts = [told] if (told := reading.no_demand.told()) else []
    if reading.idle:
        parts.append(f"{reading.idle:,} series that never sold in whole periods")
    if parts:
        say(err, f"No demand: {', '.join(parts)}.")
    if reading.aside:
        say(err, f"Set aside: {counted(reading.aside, 'row')} that cannot be read, the first of them:", "yellow")
        for row, name, problem in reading.first:
            say(err, f"  row {row}{f', {name}' if name else ''}: {problem}")
    if panel.freq == "day" and panel.periods > 60 and not _daily(form):
        say(err, "The file has one day a week or a month at most; did you mean --freq week or --freq month?", "yellow")


def _daily(form: LongForm) -> bool:
    """Whether sales fall on more than one day in seven."""
    return bool((form.panel.units.any(axis=0)).mean() > 1.5 / 7)
