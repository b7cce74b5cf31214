"""The use case: a file into facts, in batches that each commit, with a report at the end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import file_digest
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

from babel.numbers import list_currencies
from sqlalchemy import insert, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.errors import Fault, FileRefused
from bot.ports import Clock
from bot.services.audit import Audit
from bot.services.ingest import columns, values
from bot.services.ingest.contracts import (
    Desk,
    ImportOptions,
    ImportReport,
    Kind,
    OpenTable,
    Preview,
    Progress,
    TableBatch,
    TableFile,
)
from bot.services.ingest.places import Places
from bot.services.ingest.records import take
from bot.services.ingest.rejects import Rejects
from bot.services.ingest.rows import Rules
from bot.services.ingest.sales import MOVEMENT, SALE, Prepared, SalesReader
from bot.services.ingest.scratch import Scratch
from bot.services.ingest.settings import IngestSettings
from bot.services.ingest.wishes import likely_kinds
from bot.services.orders import Orders
from bot.services.receiving import Receiving
from bot.services.wakes import TOUCHED, Wakes
from bot.storage import derive, facts, touched
from bot.storage.bulk import insert_rows
from bot.storage.database import Database
from bot.storage.tables import ImportRun, Inbound, Sale, StockLevel, StockMovement
from bot.storage.types import of_micros

_SHOWN_ROWS = 5


class Ingest:
    """Imports files. `files` opens them (`bot.stores.files.open_table`).

    Without `orders` and `receiving` it refuses files of orders and receipts; without `wakes` nobody waits for what it
    changes.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        settings: IngestSettings,
        files: OpenTable,
        *,
        audit: Audit | None = None,
        orders: Orders | None = None,
        receiving: Receiving | None = None,
        wakes: Wakes | None = None,
    ) -> None:
        self._database = database
        self._desk = Desk(audit or Audit(database=database, clock=clock), orders, receiving)
        self._clock = clock
        self._settings = settings
        self._files = files
        self._wakes = wakes

    async def preview(self, kind: Kind, path: Path, options: ImportOptions | None = None) -> Preview:
        """What an import would read, without writing anything; FileRefused where it cannot be read at all."""
        options = options or ImportOptions()
        file = await asyncio.to_thread(self._open, path, options)
        mapping = columns.mapped(kind, file.headers, options.mapping, path.name)
        batch = await asyncio.to_thread(next, file.batches(_SHOWN_ROWS), None)
        rows = zip(*batch.columns, strict=True) if batch else ()
        return Preview(
            kind=kind,
            format=file.format,
            encoding=file.encoding,
            encoding_sure=file.encoding_sure,
            delimiter=file.delimiter,
            headers=file.headers,
            mapping={name: file.headers[place] for name, place in mapping.items()},
            unmapped=tuple(header for place, header in enumerate(file.headers) if place not in mapping.values()),
            missing=columns.missing(kind, mapping),
            rows=tuple(tuple(values.text(cell) for cell in row) for row in rows),
        )

    async def likely_kinds(self, path: Path, options: ImportOptions) -> tuple[Kind, ...]:
        """The kinds that a file may be, likeliest first; FileRefused where it cannot be read at all."""
        file = await asyncio.to_thread(self._open, path, options)
        return likely_kinds(file.headers, path.name, options.mapping)

    async def count(self, path: Path, options: ImportOptions) -> int:
        """The rows of a file, all of them read; FileRefused where one of them cannot be."""
        file = await asyncio.to_thread(self._open, path, options)
        return await asyncio.to_thread(lambda: sum(len(batch.lines) for batch in file.batches(self._settings.batch)))

    async def run(
        self, kind: Kind, path: Path, options: ImportOptions | None = None, progress: Progress | None = None
    ) -> ImportReport:
        """Import a file. Good rows are kept, bad ones go to the rejects file; doing it again changes nothing.

        FileRefused where the file, or a column it must have, cannot be read.
        """
        options = _checked(options or ImportOptions())
        if kind in {"orders", "receipts"} and (self._desk.orders is None or self._desk.receiving is None):
            raise FileRefused(Fault(kind, "cannot be read here", "run `stocktide import`"))
        began = time.perf_counter()
        file = await asyncio.to_thread(self._open, path, options)
        mapping = columns.mapped(kind, file.headers, options.mapping, path.name)
        columns.require(kind, mapping, file.headers, path.name)
        report = ImportReport(kind, path.name)
        run = await self._begin(kind, path)
        with ExitStack() as open_files:
            rejects = Rejects(options.rejects or path.with_name(path.name + ".rejects.csv"), file.headers)
            open_files.callback(rejects.close)
            step = progress or _silent
            if kind == "sales":
                await self._sales(file, mapping, options, rejects, report, step)
            else:
                await self._records(file, mapping, path, options, rejects, report, step)
        report.rejected = rejects.count
        report.unchanged = report.rows - report.added - report.updated - report.rejected
        report.rejects_path = rejects.path if rejects.count else None
        report.seconds = time.perf_counter() - began
        await self._end(run, report)
        return report

    def _open(self, path: Path, options: ImportOptions) -> TableFile:
        return self._files(path, encoding=options.encoding, delimiter=options.delimiter, sheet=options.sheet)

    async def _sales(
        self,
        file: TableFile,
        mapping: Mapping[str, int],
        options: ImportOptions,
        rejects: Rejects,
        report: ImportReport,
        progress: Progress,
    ) -> None:
        async with self._database.reading() as connection:
            places = Places(await facts.places(connection), options.location)
            known = await facts.product_ids(connection)
            follows = await facts.told_before(connection, Sale, options.source)
            last = await facts.newest(connection) if follows else None
        if "market" not in mapping:
            places.require_default(report.file_name, "market")
        batches = file.batches(self._settings.batch)
        scratch = Scratch()
        try:
            first = await asyncio.to_thread(next, batches, None)
            options = replace(options, date_order=options.date_order or _day_order(first, mapping, report.file_name))
            now, currencies = self._clock.now(), frozenset(list_currencies())
            reader = SalesReader(mapping, places, options, self._settings, now, currencies)

            def prepare(batch: TableBatch | None) -> Prepared | None:
                return reader.prepare(batch, scratch, rejects, report) if batch else None

            latest = 0
            # While one batch is stored, the next one is read: the two take about as long.
            reading = asyncio.create_task(asyncio.to_thread(prepare, first))
            try:
                while (prepared := await reading) is not None:
                    reading = asyncio.create_task(asyncio.to_thread(lambda: prepare(next(batches, None))))
                    await self._store(prepared, options.source, known, report)
                    latest = max(latest, prepared.last or 0)
                    progress(report.rows, file.lines)
            except FileRefused:  # damaged further down: what came before it is in, and counts
                await self._derive(options.source, scratch, latest, report, last)
                raise
            finally:
                await asyncio.wait([reading])
            await self._derive(options.source, scratch, latest, report, last)
        finally:
            scratch.close()

    async def _store(self, prepared: Prepared, source: str, known: dict[str, int], report: ImportReport) -> None:
        """One batch, one transaction: a crash loses none that was counted, and repeats none."""
        async with self._database.transaction() as connection:
            await facts.add_products(connection, prepared.products, self._clock.now(), known)
            sales = [(*row[:3], known.get(row[3]), *row[4:]) for row in prepared.sales]
            movements = [(*row[:2], known[row[2]], *row[3:]) for row in prepared.movements]
            added = await insert_rows(connection, Sale, SALE, sales)
            if added and prepared.first is not None:
                await derive.mark_touched(connection, source, prepared.first)
            added += await insert_rows(connection, StockMovement, MOVEMENT, movements)
        report.added += added
        report.rows += prepared.rows

    async def _derive(
        self, source: str, scratch: Scratch, latest: int, report: ImportReport, last: tuple[int, int] | None
    ) -> None:
        """Cancellations, demand, names, prices and freshness, in one transaction.

        The products of what was taken after `last` are judged then; None: nobody's.
        """
        async with self._database.transaction() as connection:
            since = await derive.touched_since(connection, source)
            if since is not None:
                window = self._settings.match_window
                report.cancellations, report.returns = await derive.derive(connection, source, since, window)
                await facts.name_products(connection, scratch.names())
                await facts.price_products(connection)
            if latest:
                hours = self._settings.sales_limit_hours
                await facts.refresh_feed(connection, source, "sales", of_micros(latest), hours)
            await self._touch(connection, set() if last is None else await facts.changed_after(connection, last))

    async def _touch(self, connection: AsyncConnection, products: AbstractSet[int]) -> None:
        """Let products be judged as soon as the transaction has ended."""
        if products:
            await touched.touch(connection, products, self._clock.now())
            if self._wakes is not None:
                await self._wakes.after(connection, TOUCHED)

    async def _records(
        self,
        file: TableFile,
        mapping: Mapping[str, int],
        path: Path,
        options: ImportOptions,
        rejects: Rejects,
        report: ImportReport,
        progress: Progress,
    ) -> None:
        options = replace(options, as_of=options.as_of or await asyncio.to_thread(_written_at, path))
        batches = file.batches(self._settings.batch)
        first = await asyncio.to_thread(next, batches, None)
        options = replace(options, date_order=options.date_order or _day_order(first, mapping, report.file_name))
        currencies, zones = frozenset(list_currencies()), frozenset(available_timezones())
        rules = Rules(mapping, options, self._settings, self._clock.now(), currencies, zones, tuple(file.headers))
        batch, follows = first, await self._follows(report.kind, options.source)
        while batch is not None:
            async with self._database.transaction() as connection:
                stored = await take(connection, report.kind, rules, batch, rejects, self._desk)
                await self._touch(connection, stored.judged if follows else frozenset())
            report.rows += len(batch.lines)
            report.added += stored.added
            report.updated += stored.updated
            progress(report.rows, file.lines)
            batch = await asyncio.to_thread(next, batches, None)

    async def _follows(self, kind: Kind, source: str) -> bool:
        """Whether the source told of stock before. Its first file is a history: a scan of the whole judges that."""
        tables: Mapping[Kind, facts.Told] = {"stock": StockLevel, "inbounds": Inbound}
        if kind not in tables:
            return False
        async with self._database.reading() as connection:
            return await facts.told_before(connection, tables[kind], source)

    async def _begin(self, kind: Kind, path: Path) -> int:
        digest = await asyncio.to_thread(_sha256, path)
        started = {"kind": kind, "file_name": path.name, "sha256": digest, "started_at": self._clock.now()}
        async with self._database.transaction() as connection:
            result = await connection.execute(insert(ImportRun).values(**started).returning(ImportRun.id))
            return result.scalar_one()

    async def _end(self, run: int, report: ImportReport) -> None:
        tallies = {"added": report.added, "unchanged": report.unchanged, "rejected": report.rejected}
        async with self._database.transaction() as connection:
            statement = update(ImportRun).where(ImportRun.id == run)
            await connection.execute(statement.values(finished_at=self._clock.now(), **tallies))


def _silent(_done: int, _of: int | None) -> None:
    """Nobody watches the progress."""


def _written_at(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC).replace(microsecond=0)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def _checked(options: ImportOptions) -> ImportOptions:
    if options.zone is not None:
        try:
            ZoneInfo(options.zone)
        except (KeyError, ValueError, OSError) as error:
            raise FileRefused(Fault(f"--zone {options.zone}", "no such time zone", "write Europe/Berlin")) from error
    if options.currency is not None and options.currency not in list_currencies():
        raise FileRefused(Fault(f"--currency {options.currency}", "no such currency", "write an ISO code such as EUR"))
    if options.date_order not in {"", "dmy", "mdy"}:
        raise FileRefused(Fault(f"--date-order {options.date_order}", "is neither", "write dmy or mdy"))
    return options


_DATES = ("sold_at", "as_of", "ordered_at", "expected_on", "received_at")


def _day_order(batch: TableBatch | None, mapping: Mapping[str, int], where: str) -> str:
    """Whether 3/4/2011 is in April or in March, by the first dates that tell; FileRefused where all could be either."""
    found: set[str] = set()
    for name in _DATES:
        if batch and name in mapping:
            found |= {values.day_order(cell) for cell in set(batch.columns[mapping[name]])}
    if {"dmy", "mdy"} <= found:
        return ""  # one of them is wrong in either reading; it will be a reject
    if "?" in found and not found & {"dmy", "mdy"}:
        problem = "dates such as 3/4/2011 could be of March or of April"
        raise FileRefused(Fault(where, problem, "write --date-order dmy or --date-order mdy"), "dates")
    return next(iter(found & {"dmy", "mdy"}), "")
