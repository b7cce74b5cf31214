"""`stocktide import`: files into facts, with a preview, a progress bar and a report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, get_args

import typer
from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from bot.cli import rates
from bot.cli.common import (
    counted,
    err,
    load_settings,
    opened,
    out,
    parse_instant,
    progress_bar,
    run_async,
    say,
    visible,
)
from bot.services.ingest import ImportOptions, ImportReport, Ingest, Kind, Preview
from bot.services.ratefiles import RateOptions

_KINDS: tuple[str, ...] = get_args(Kind)
_WIDTH = 24  # characters of a previewed cell


def register(app: typer.Typer) -> None:
    """Add the command to the root."""
    app.command("import")(import_file)


def import_file(  # noqa: PLR0917  # Typer's options are parameters
    context: typer.Context,
    kind: Annotated[str, typer.Argument(help=f"One of {', '.join(_KINDS)}, rates.")],
    file: Annotated[Path, typer.Argument(help="A CSV, TSV, XLSX or Parquet file.")],
    map_: Annotated[list[str] | None, typer.Option("--map", help="FIELD=HEADER, such as sku=StockCode.")] = None,
    encoding: Annotated[str | None, typer.Option(help="utf-8, utf-16, gb18030, shift_jis ...")] = None,
    delimiter: Annotated[str | None, typer.Option(help="What parts the cells, such as ';'.")] = None,
    sheet: Annotated[str | None, typer.Option(help="The sheet of a workbook.")] = None,
    zone: Annotated[str | None, typer.Option(help="The zone of times without one.")] = None,
    location: Annotated[str | None, typer.Option(help="The location of rows that name none.")] = None,
    currency: Annotated[str | None, typer.Option(help="The currency of rows that name none.")] = None,
    base: Annotated[str, typer.Option(help="The currency whose one unit rates are for, where no column says.")] = "",
    date_order: Annotated[str, typer.Option(help="dmy or mdy, where 03/04/2011 may be read both ways.")] = "",
    as_of: Annotated[
        str | None, typer.Option(help="When a stock file was true, such as 2026-11-01T08:00+08:00.")
    ] = None,
    rejects: Annotated[
        Path | None, typer.Option(help="Where bad rows are listed; beside the file, as FILE.rejects.csv, by default.")
    ] = None,
    source: Annotated[str, typer.Option(help="Whose facts these are; a line of one source is taken once.")] = "file",
    preview: Annotated[bool, typer.Option("--preview", help="Show what would be read, and stop.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask after the preview.")] = False,
) -> None:
    """Import a file; good rows are kept, bad ones listed, and doing it twice changes nothing."""
    if kind == "rates":
        asked = RateOptions(_mapping(map_ or []), base.upper(), "", encoding, delimiter, sheet, date_order)
        rates.import_rates(context, file, asked, preview=preview, yes=yes)
        return
    loaded = load_settings(context)
    chosen = _kind(kind)
    options = ImportOptions(
        mapping=_mapping(map_ or []),
        source=source,
        zone=zone,
        encoding=encoding,
        delimiter=delimiter,
        sheet=sheet,
        location=location,
        currency=currency,
        date_order=date_order,
        as_of=parse_instant(as_of),
        rejects=rejects,
    )

    async def work() -> ImportReport | None:
        async with opened(loaded) as application:
            _show_preview(await application.ingest.preview(chosen, file, options), file)
            if preview or not (yes or not err.is_terminal or typer.confirm("Import it so?", default=True, err=True)):
                return None
            return await _with_bar(application.ingest, chosen, file, options)

    report = run_async(work)
    if report is not None:
        _show_report(report)


async def _with_bar(ingest: Ingest, kind: Kind, file: Path, options: ImportOptions) -> ImportReport:
    with progress_bar() as bar:
        task = bar.add_task(f"Importing {file.name}", total=None)
        return await ingest.run(kind, file, options, lambda done, total: bar.update(task, completed=done, total=total))


def _kind(text: str) -> Kind:
    for kind in get_args(Kind):
        if text == kind:
            found: Kind = kind
            return found
    raise typer.BadParameter(f"choose one of {', '.join(_KINDS)}, rates")


def _mapping(given: list[str]) -> dict[str, str]:
    found = {}
    for pair in given:
        field, equals, header = pair.partition("=")
        if not (field and equals and header):
            raise typer.BadParameter(f"--map takes FIELD=HEADER, such as sku=StockCode, not {pair!r}")
        found[field.strip()] = header.strip()
    return found


def _show_preview(found: Preview, file: Path) -> None:
    encoding = f", {found.encoding}" + ("" if found.encoding_sure else " (a guess; --encoding overrides it)")
    say(err, f"{file.name}: {found.format}{encoding if found.encoding else ''}")
    field_of = {header: field for field, header in found.mapping.items()}
    table = Table(box=None, pad_edge=False)
    for title, texts in (("header", found.headers), ("read as", tuple(found.mapping))):
        # What was understood is shown whole; where the line is short, the samples give way.
        _add_column(table, title, min(_WIDTH, max(map(cell_len, (title, *texts)))))
    for number in range(1, min(len(found.rows), 3) + 1):
        _add_column(table, f"row {number}", 0)
    for place, header in enumerate(found.headers):
        cells = (header, field_of.get(header, "—"), *(row[place] for row in found.rows[:3]))
        table.add_row(*(Text(visible(cell)) for cell in cells))
    err.print(table)
    if found.missing:
        say(err, f"Missing: {', '.join(found.missing)}. Name their headers: --map {found.missing[0]}=HEADER")


def _add_column(table: Table, title: str, least: int) -> None:
    table.add_column(title, min_width=least or None, max_width=_WIDTH, overflow="ellipsis", no_wrap=True)


def _show_report(report: ImportReport) -> None:
    say(
        out,
        f"{counted(report.rows, 'row')} in {report.seconds:.1f} s: {report.added:,} added, {report.updated:,} updated, "
        f"{report.unchanged:,} unchanged, {report.rejected:,} rejected.",
    )
    if report.kind == "sales":
        say(
            out,
            f"No demand: {counted(report.cancellations, 'cancellation')}, {counted(report.returns, 'return')}, "
            f"{counted(report.write_offs, 'write-off')}, {counted(report.adjustments, 'adjustment')}, "
            f"{counted(report.samples, 'sample')}, {counted(report.fees, 'line')} of fees and postage.",
        )
    if report.rejects_path:
        say(out, f"The rejected rows, each with its line, field and reason: {report.rejects_path}")
    judged = report.kind in {"sales", "stock", "orders", "receipts", "inbounds"}
    say(out, "Next: stocktide scan" if judged else "Next: stocktide import sales FILE")
