"""Import one CSV file of sales in a process of its own, and print what that took as JSON."""

from __future__ import annotations

import asyncio
import json
import re
import resource
import sys
import time
from pathlib import Path

from bot.ports import MovableClock
from bot.sandbox import sample
from bot.services.ingest import ImportOptions, Ingest, IngestSettings
from bot.storage.database import Database
from bot.storage.migrations import migrate
from bot.stores.files import open_table
from tests.bench.stage import AT


def main() -> None:
    """`python -m tests.bench.importing FILE`; the database lies beside the file."""
    file = Path(sys.argv[1])
    taken = asyncio.run(_import(file))
    print(json.dumps({**taken, "peak_mb": _peak_mb()}))


def _peak_mb() -> float:
    """The peak of resident memory of this program alone; on Linux ru_maxrss would count its parent too."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(re.search(r"VmHWM:\s+(\d+) kB", status.read_text())[1]) / 2**10  # type: ignore[index]  # always there
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20  # bytes on macOS


async def _import(file: Path) -> dict[str, float]:
    database = Database(f"sqlite+aiosqlite:///{file.with_suffix('.db')}")
    await migrate(database)
    ingest = Ingest(database, MovableClock(AT, frozen=True), IngestSettings(currency="GBP", latest=AT), open_table)
    rejects = file.with_suffix(".rejects")
    await ingest.run("locations", Path(sample.__file__).parent / "locations.csv", ImportOptions(rejects=rejects))
    began, processor = time.perf_counter(), time.process_time()
    report = await ingest.run("sales", file, ImportOptions(source="bench", zone="Europe/London", rejects=rejects))
    seconds, used = time.perf_counter() - began, time.process_time() - processor
    await database.close()
    return {"rows": report.added, "rejected": report.rejected, "seconds": seconds, "processor": used}


main()
