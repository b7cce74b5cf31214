"""The sample: a real year of sales, the places it is sold to, and people and suppliers made up around it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from bot.ports import Clock
from bot.sandbox.reconstruct import ReconstructionReport, reconstruct
from bot.services.ingest import ImportOptions, ImportReport, Ingest, IngestSettings, Kind
from bot.storage.database import Database
from bot.stores.files import open_table

SOURCE = "sample"
CURRENCY = "GBP"
ENDS = datetime(2011, 12, 10, tzinfo=UTC)  # after the last sale

_HERE = Path(__file__).parent
_MASTERS: tuple[Kind, ...] = ("locations", "suppliers", "members")


@dataclass(slots=True)
class SampleReport:
    """What loading took, by phase in seconds, and what it made."""

    sales: ImportReport
    reconstruction: ReconstructionReport
    phases: dict[str, float] = field(default_factory=dict)


async def load_sample(
    database: Database, clock: Clock, progress: Callable[[int, int | None], None] | None = None
) -> SampleReport:
    """Load the whole sample: 541,909 lines of sales, places, people, suppliers, and the reconstructed stock.

    Facts reach to the end of the sample's year; ask for them as of the clock's instant.
    """
    return await _load(_HERE / "online_retail.parquet", database, clock, progress)


async def load_small(
    database: Database, clock: Clock, progress: Callable[[int, int | None], None] | None = None
) -> SampleReport:
    """Load 40 products of the sample, all their lines: quick enough for a test. 85123A is among them."""
    return await _load(_HERE / "small.parquet", database, clock, progress)


async def _load(
    sales: Path, database: Database, clock: Clock, progress: Callable[[int, int | None], None] | None
) -> SampleReport:
    settings = IngestSettings(currency=CURRENCY, latest=ENDS)
    ingest = Ingest(database, clock, settings, open_table)
    phases: dict[str, float] = {}
    with TemporaryDirectory(prefix="stocktide-") as scratch:
        rejects = Path(scratch) / "rejects.csv"  # the sample has none; an installed package is no place to write
        options = ImportOptions(source=SOURCE, zone="Europe/London", rejects=rejects)
        with _timed(phases, "places and people"):
            for kind in _MASTERS:
                await ingest.run(kind, _HERE / f"{kind}.csv", ImportOptions(rejects=rejects))
        with _timed(phases, "sales"):
            imported = await ingest.run("sales", sales, options, progress)
    with _timed(phases, "stock"):
        rebuilt = await reconstruct(database)
    return SampleReport(imported, rebuilt, phases)


@contextmanager
def _timed(phases: dict[str, float], name: str) -> Iterator[None]:
    began = time.perf_counter()
    yield
    phases[name] = time.perf_counter() - began
