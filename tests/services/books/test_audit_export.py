"""An export is checked by anybody: the script of docs/audit.md recomputes the chain from the file alone."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text, update

from bot.cli import books
from bot.ports import MovableClock
from bot.services.audit import GENESIS, POSTED, Audit, write_head
from bot.storage import audit as rows
from bot.storage import marks, tables
from bot.storage.database import Database
from bot.words import _, kept, unkept

pytestmark = pytest.mark.databases("sqlite")  # their statements run on PostgreSQL where that is named, and elsewhere

PAGE = Path(__file__).parents[3] / "docs" / "audit.md"


@pytest.fixture
def audit(database: Database, clock: MovableClock) -> Audit:
    return Audit(database=database, clock=clock)


@pytest.fixture
async def script(tmp_path: Path) -> Callable[[Path], tuple[int, str]]:
    """The documented checker, run by itself: its exit code and what it said."""
    [code] = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    checker = tmp_path / "checker.py"
    checker.write_text(code, encoding="utf-8")

    def check(path: Path) -> tuple[int, str]:
        run = [sys.executable, "-I", str(checker), str(path)]
        done = subprocess.run(run, capture_output=True, text=True, check=False)  # noqa: S603  # our own page and file
        return done.returncode, (done.stdout + done.stderr).strip()

    return check


async def write(database: Database, audit: Audit, clock: MovableClock, count: int) -> None:
    for number in range(count):
        async with database.transaction() as connection:
            data = {
                "name": '雨伞 "x"\n=1+1', "share": 0.1, "big": 10**15, "none": None, "inner": {"b": [1], "a": True},
            }  # fmt: skip
            platform = ("slack", "telegram", "")[number % 3]
            await audit.append(connection, "request.refused", f"request:{number}", data, None, platform)
        clock.push(timedelta(hours=1))


async def exported(audit: Audit, path: Path, **span: Any) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        put = books.putting("csv" if path.suffix == ".csv" else "jsonl", file)
        async for entry in audit.export(**span):
            put(entry)
    return path


@pytest.mark.parametrize("form", ["jsonl", "csv"])
async def test_the_documented_script_recomputes_the_chain(
    database: Database, audit: Audit, clock: MovableClock, tmp_path: Path, form: str, script: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(rows, "_BATCH", 3)
    await write(database, audit, clock, 10)
    path = await exported(audit, tmp_path / f"audit.{form}")
    count, head = await audit.head()
    assert script(path) == (0, f"{count} {head}")


@pytest.mark.parametrize(("language", "said"), [("en", "order_id is missing"), ("zh_CN", "缺少 order_id")])
async def test_a_sentence_is_said_in_the_organisation_s_language_and_hashed_as_it_is_said(
    database: Database, clock: MovableClock, tmp_path: Path, script: Any, language: str, said: str
) -> None:
    audit = Audit(database=database, clock=clock, language=language)
    why = _("{name} is missing", name="order_id")
    data = unkept({"error": kept(why), "all": [why], "by": {"name": why}, "text": "{name} is missing", "none": None})
    async with database.transaction() as connection:
        await audit.append(connection, "effect.failed", "effect:7", data)
    path = await exported(audit, tmp_path / "audit.jsonl")
    assert json.loads(path.read_text(encoding="utf-8"))["data"] == {
        "error": said, "all": [said], "by": {"name": said}, "text": "{name} is missing", "none": None,
    }  # fmt: skip
    assert script(path)[0] == 0


@pytest.mark.parametrize("form", ["jsonl", "csv"])
async def test_it_finds_an_edited_and_a_missing_line(
    database: Database, audit: Audit, clock: MovableClock, tmp_path: Path, form: str, script: Any
) -> None:
    await write(database, audit, clock, 4)
    path = await exported(audit, tmp_path / f"audit.{form}")
    whole = path.read_text(encoding="utf-8")
    path.write_text(whole.replace("request:2", "request:9"), encoding="utf-8")
    assert script(path) == (1, "entry 3 was edited")
    kept = [line for line in whole.splitlines(keepends=True) if "request:1" not in line]
    if form == "jsonl":  # a CSV's lines may hold line ends of their own
        path.write_text("".join(kept), encoding="utf-8")
        assert script(path) == (1, "something is missing before entry 3")


@pytest.mark.databases("sqlite", "postgres")
async def test_a_span_is_a_piece_of_the_chain(
    database: Database, audit: Audit, clock: MovableClock, tmp_path: Path, script: Any
) -> None:
    start = clock.now()
    await write(database, audit, clock, 6)
    span = {"since": start + timedelta(hours=2), "until": start + timedelta(hours=5)}
    found = [entry async for entry in audit.export(**span)]
    assert [entry["subject"] for entry in found] == ["request:2", "request:3", "request:4"]
    code, said = script(await exported(audit, tmp_path / "piece.jsonl", **span))
    assert (code, said) == (0, f"3 {found[-1]['hash']}")
    nothing = [entry async for entry in audit.export(since=start + timedelta(days=9))]
    assert nothing == []


async def test_a_head_that_was_posted_must_be_in_the_chain(
    database: Database, audit: Audit, clock: MovableClock
) -> None:
    await write(database, audit, clock, 3)
    _count, head = await audit.head()
    await write(database, audit, clock, 2)
    verdict = await audit.verify(head)
    assert (verdict.fault, verdict.found, verdict.entries) == ("", 3, 5)
    assert (await audit.verify(head[:16].upper())).found == 3
    assert (await audit.verify(GENESIS)).found == 0  # posted before the first entry
    lost = await audit.verify("ab" * 32)
    assert (lost.fault, lost.found) == ("absent", None)


async def rewrite(database: Database, audit: Audit, connection: Any) -> None:
    """Edit the second entry as somebody would who may change everything but what was posted: chain and head fit."""
    triggers = [f"audit_refuses_{deed}" for deed in ("update", "delete", "replace")]
    if database.is_sqlite:
        for trigger in triggers:
            await connection.execute(text(f"DROP TRIGGER {trigger}"))
    else:
        await connection.execute(text("DROP TRIGGER audit_refuses_change ON audit"))
    found = [entry async for entry in rows.entries(connection)]
    await connection.execute(text("DELETE FROM audit"))
    await connection.execute(
        update(tables.Mark).where(tables.Mark.key == "audit:head").values(value=write_head(0, GENESIS))
    )
    for number, entry in enumerate(found):
        data = {**entry.data, "name": "somebody else"} if number == 1 else entry.data
        await audit.append(connection, entry.action, entry.subject, data, entry.member_id, entry.platform)


@pytest.mark.databases("sqlite", "postgres")
async def test_a_chain_that_was_rewritten_whole_is_found_by_a_head_that_was_posted(
    database: Database, audit: Audit, clock: MovableClock
) -> None:
    await write(database, audit, clock, 4)
    count, head = await audit.head()
    async with database.transaction() as connection:
        await rewrite(database, audit, connection)
    assert (await audit.verify()).fault == ""  # nothing shows by itself
    assert (await audit.verify(head)).fault == "absent"
    async with database.transaction() as connection:
        await marks.add(connection, f"{POSTED}2011-11-21", write_head(count, head))
    verdict = await audit.verify()
    assert (verdict.fault, verdict.entries) == ("rewritten", 4)


async def test_a_check_is_remembered(database: Database, audit: Audit, clock: MovableClock) -> None:
    assert await audit.checked() is None
    await write(database, audit, clock, 2)
    await audit.check()
    checked = await audit.checked()
    assert checked is not None
    assert (checked.at, checked.entries, checked.fault) == (clock.now(), 2, "")
    await audit.check("ab" * 32)  # a hash of another log says nothing of this one
    assert (await audit.checked()) == checked
