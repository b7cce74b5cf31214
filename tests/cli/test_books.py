"""`audit` and `rates`: what leaves the house can be checked, and what comes in is dated."""

from __future__ import annotations

import asyncio
import csv
import json
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from bot.ports import SystemClock
from bot.services.audit import Audit
from bot.storage.database import Database
from tests.cli.terminal import stocktide
from tests.rates.server import document

RATES = "currency,date,rate,base\nCNY,{day},9.4213,GBP\nEUR,{day},1.1675,GBP\nXYZ,{day},1,GBP\n"


@pytest.fixture
def log(empty: Path) -> tuple[str, ...]:
    """An audit log with three entries; their hashes."""

    async def work() -> tuple[str, ...]:
        database = Database(f"sqlite+aiosqlite:///{empty / 'stocktide.db'}")
        audit = Audit(database=database, clock=SystemClock())
        hashes = []
        for number in range(3):
            async with database.transaction() as connection:
                await audit.append(connection, "case.snoozed", f"case:{number}", {"name": "雨伞"})
            hashes.append((await audit.head())[1])
        await database.close()
        return tuple(hashes)

    return asyncio.run(work())


def test_a_posted_head_is_looked_for_in_the_chain(log: tuple[str, ...]) -> None:
    ran = stocktide("audit", "verify", "--against", log[1].upper())
    assert (ran.code, ran.out) == (
        0,
        f"The audit log is whole: 3 entries, head {log[2]}\nThe hash asked for is that of entry number 2, 1 ago.\n",
    )
    ran = stocktide("audit", "verify", "--against", "ab" * 32)
    assert ran.code == 1
    assert "has been rewritten or cut off" in ran.out


@pytest.mark.parametrize("wrong", ["abc", "xyz" * 10, "ab" * 40])
def test_what_is_no_hash_is_a_usage_error(log: tuple[str, ...], wrong: str) -> None:
    del log
    ran = stocktide("audit", "verify", "--against", wrong)
    assert (ran.code, ran.out) == (2, "")
    assert "0-9 and a-f" in " ".join(ran.err.split())


def test_an_export_goes_to_the_standard_output_or_to_a_new_file(home: Path, log: tuple[str, ...]) -> None:
    ran = stocktide("audit", "export")
    assert ran.code == 0
    assert tuple(json.loads(line)["hash"] for line in ran.out.splitlines()) == log
    assert "3 entries exported" in ran.err
    ran = stocktide("audit", "export", "--format", "csv", "--output", "audit.csv")
    assert (ran.code, ran.out) == (0, "")
    with (home / "audit.csv").open(encoding="utf-8", newline="") as file:
        found = list(csv.DictReader(file))
    assert tuple(row["hash"] for row in found) == log
    assert json.loads(found[0]["data"]) == {"name": "雨伞"}
    again = stocktide("audit", "export", "--output", "audit.csv")
    assert again.code == 1
    assert "exists already" in again.err
    assert stocktide("audit", "export", "--output", "no/such/folder.jsonl").code == 1


def test_an_export_of_a_span_holds_its_entries_alone(log: tuple[str, ...]) -> None:
    del log
    assert stocktide("audit", "export", "--until", "2020-01-01T00:00Z").out == ""
    assert len(stocktide("audit", "export", "--since", "2020-01-01T00:00Z").out.splitlines()) == 3
    assert stocktide("audit", "export", "--since", "yesterday").code == 2
    assert stocktide("audit", "export", "--format", "xml").code == 2


@pytest.mark.usefixtures("empty")
def test_rates_are_imported_and_shown_with_day_source_and_age(home: Path) -> None:
    (home / "stocktide.toml").write_text("[organisation]\ncurrency = 'GBP'\nrates = { THB = '0.02' }\n")
    today = SystemClock().now().date()
    (home / "rates.csv").write_text(RATES.format(day=today))
    shown = stocktide("import", "rates", "rates.csv", "--preview")
    assert (shown.code, shown.out) == (0, "")
    assert f"1 GBP = 9.4213 CNY on {today}" in shown.err
    ran = stocktide("import", "rates", "rates.csv", "--yes")
    assert (ran.code, ran.out.splitlines()[0]) == (
        0, "2 rates of file: 2 added, 0 corrected, 0 unchanged; 1 cell rejected.",
    )  # fmt: skip
    assert "Rejected: rates.csv:4:currency: unknown currency" in ran.err
    told = stocktide("rates").out
    assert f"{today}" in told
    rows = {line.split()[1]: line for line in told.splitlines()[1:-1]}
    assert set(rows) == {"CNY", "EUR", "THB"}
    assert "fresh" in rows["CNY"]
    assert "unknown" in rows["THB"]
    assert "stale" in rows["THB"]
    later = stocktide("rates", "--at", f"{today + timedelta(days=3)}T00:00Z").out
    assert (later.count("stale"), later.count("Stale")) == (3, 1)


@pytest.mark.usefixtures("empty")
def test_the_bank_s_own_file_is_imported(home: Path) -> None:
    today = SystemClock().now().date()
    (home / "eurofxref-daily.xml").write_bytes(document({today: {"USD": Decimal(1), "GBP": Decimal(2)}}))
    ran = stocktide("import", "rates", "eurofxref-daily.xml", "--yes")
    assert ran.out.startswith("2 rates of ecb: 2 added")


@pytest.mark.usefixtures("empty")
def test_a_file_that_holds_no_rates_is_refused_with_what_to_do(home: Path) -> None:
    (home / "rates.csv").write_text("currency,date,rate\nCNY,2011-11-21,9\n")
    ran = stocktide("import", "rates", "rates.csv", "--yes")
    assert ran.code == 2
    assert "add --base EUR" in ran.err
    assert stocktide("import", "rates", "nowhere.csv", "--yes").code == 2
    assert "is known. Next: stocktide import rates" in stocktide("rates").out
