"""A watched folder: whole files are imported once, and lie beside their reports afterwards."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest

from bot.errors import SettingsError
from bot.services import filefeeds
from bot.services.ingest import ImportOptions, ImportReport, Kind
from jobs import files
from tests.stores.files.conftest import OpenDesk

WANTED = {"stock": "stock*, *库存*", "sales": "sold*.csv"}


@pytest.fixture
def drop(tmp_path: Path) -> Path:
    """A folder of its own: the database lies in the other."""
    (tmp_path / "drop").mkdir()
    return tmp_path / "drop"


def move(folder: Path, to: Path) -> None:
    folder.rename(to)


def lying(folder: Path) -> set[str]:
    """The names in a folder."""
    return {path.name for path in folder.iterdir()}


LEVELS = "SELECT p.sku, l.on_hand FROM stock_levels l JOIN products p ON p.id = l.product_id ORDER BY p.sku"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("库存-1.csv", "商品编码,仓库,库存数量,备注\nA1,UK,5,招财猫摆件\n".encode("gb18030")),
        ("stock.tsv", "SKU\tLocation\tOn hand\nA1\tUK\t5\n".encode("utf-16")),
        ("stock.csv", b"\xef\xbb\xbfsku;location;on_hand\r\nA1;UK;5\r\n"),
        ("stock-jp.csv", "sku,location,on_hand,メモ\nA1,UK,5,まねきねこの置物です\n".encode("shift_jis")),
    ],
    ids=["gbk", "utf-16", "bom", "shift-jis"],
)
async def test_files_of_every_encoding_are_taken(drop: Path, open_desk: OpenDesk, name: str, content: bytes) -> None:
    desk = open_desk(drop.as_uri(), WANTED)
    (drop / name).write_bytes(content)
    assert await desk.look() == []
    (taken,) = await desk.look(minutes=1)
    assert (taken.file, taken.kind, taken.added, taken.error) == (name, "stock", 1, "")
    assert await desk.rows(LEVELS) == [("A1", 5)]
    assert lying(drop) == {"done"}
    assert (drop / "done" / name).read_bytes() == content
    assert "1 added" in (drop / "done" / f"{name}.report.txt").read_text()


async def test_a_file_that_grows_or_bears_a_name_of_work_is_left_alone(drop: Path, open_desk: OpenDesk) -> None:
    desk = open_desk(drop.as_uri(), WANTED)
    path = drop / "stock.csv"
    path.write_text("sku,location,on_hand\n")
    for name in (".stock.csv", "stock.csv.part", "stock.csv.filepart", "other.csv"):
        (drop / name).write_text("sku,location,on_hand\nX,UK,1\n")
    (drop / "stock-link.csv").symlink_to(drop / "other.csv")
    assert await desk.look() == []
    for number in range(3):
        with path.open("a") as file:
            file.write(f"A{number},UK,{number}\n")
        assert await desk.look(minutes=1) == []
    (taken,) = await desk.look(minutes=1)
    assert (taken.rows, taken.error) == (3, "")
    assert lying(drop) == {
        ".stock.csv", "stock.csv.part", "stock.csv.filepart", "other.csv", "stock-link.csv", "done",
    }  # fmt: skip


async def test_what_cannot_be_read_goes_to_failed_and_rejects_lie_beside_their_file(
    drop: Path, open_desk: OpenDesk
) -> None:
    desk = open_desk(drop.as_uri(), WANTED)
    (drop / "stock-a.csv").write_text("name,colour\nx,y\n")
    (drop / "stock-b.csv").write_text("sku,location,on_hand\nA1,UK,many\nA2,UK,3\n=A3,UK,-1\n")
    await desk.look()
    taken = {one.file: one for one in await desk.look(minutes=1)}
    assert "no column for sku" in taken["stock-a.csv"].error
    assert (taken["stock-b.csv"].added, taken["stock-b.csv"].rejected) == (1, 2)
    assert "not imported" in (drop / "failed" / "stock-a.csv.report.txt").read_text()
    assert (drop / "failed" / "stock-a.csv").exists()
    rejects = (drop / "done" / "stock-b.csv.rejects.csv").read_text(encoding="utf-8-sig")
    assert "'=A3" in rejects
    assert await desk.look(minutes=1) == []


async def test_a_process_killed_before_the_file_is_put_away_doubles_nothing(
    drop: Path, open_desk: OpenDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    (drop / "sold.csv").write_text("sku,quantity,date,price\nA1,2,2011-11-01 10:00,2.50\nA1,2,2011-11-01 10:00,2.50\n")
    (drop / "stock.csv").write_text("sku,location,on_hand\nA1,UK,9\n")
    first = open_desk(drop.as_uri(), WANTED)
    await first.look()

    class Killed(BaseException):
        """The end of the process."""

    def die(*_given: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(filefeeds, "_write_papers", die)
        with pytest.raises(Killed):
            await first.look(minutes=1)
    before = await first.rows("SELECT (SELECT count(*) FROM sales), (SELECT count(*) FROM stock_levels)")
    second = open_desk(drop.as_uri(), WANTED)
    taken = {one.file: one for one in await second.look(minutes=5)}
    assert set(taken) == {"sold.csv", "stock.csv"}
    after = await second.rows("SELECT (SELECT count(*) FROM sales), (SELECT count(*) FROM stock_levels)")
    assert before[0][0] == 2
    assert after == [(2, 1)]
    assert {path.name for path in (drop / "done").iterdir() if path.suffix == ".csv"} == {"sold.csv", "stock.csv"}


async def test_a_file_that_breaks_something_keeps_no_other_from_being_read(
    drop: Path, open_desk: OpenDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("stock-a.csv", "stock-b.csv"):
        (drop / name).write_text("sku,location,on_hand\nA1,UK,9\n")
    desk = open_desk(drop.as_uri(), WANTED)
    await desk.look()
    ingest = desk.app.services.files._feeds["drop"].ingest
    whole = ingest.run

    async def broken(kind: Kind, path: Path, options: ImportOptions) -> ImportReport:
        if path.name == "stock-a.csv":
            raise ZeroDivisionError
        return await whole(kind, path, options)

    monkeypatch.setattr(ingest, "run", broken)
    assert [(one.file, one.error) for one in await desk.look(minutes=1)] == [
        ("stock-a.csv", "something went wrong: ZeroDivisionError"),
        ("stock-b.csv", ""),
    ]
    assert (drop / "stock-a.csv").exists()


async def test_the_same_name_comes_again_tomorrow(drop: Path, open_desk: OpenDesk) -> None:
    desk = open_desk(drop.as_uri(), WANTED)
    for units in (5, 4):
        await desk.look(minutes=60)
        (drop / "stock.csv").write_text(f"sku,location,on_hand\nA1,UK,{units}\n")
        os.utime(drop / "stock.csv", (stamp := desk.clock.now().timestamp(), stamp))
        await desk.look()
        (taken,) = await desk.look(minutes=1)
        assert taken.added == 1
    assert [row[1] for row in await desk.rows(LEVELS)] == [5, 4]
    assert {path.name for path in (drop / "done").glob("*.csv")} == {"stock.csv", "stock-2.csv"}
    # What was read and is laid there again by hand is read again, and is the same count.
    (drop / "done" / "stock.csv").rename(drop / "stock.csv")
    await desk.look(minutes=60)
    (taken,) = await desk.look(minutes=1)
    assert (taken.rows, taken.added, taken.updated) == (1, 0, 0)


async def test_the_job_looks_when_the_time_has_come(drop: Path, open_desk: OpenDesk) -> None:
    desk = open_desk(drop.as_uri(), {**WANTED, "minutes": "10"})
    (drop / "stock.csv").write_text("sku,location,on_hand\nA1,UK,9\n")
    places = desk.app.services.files
    assert await places.tick() == []
    assert await desk.app.services.files.tick() == []
    desk.clock.push(timedelta(minutes=9))
    assert await places.tick() == []
    desk.clock.push(timedelta(minutes=1))
    assert [one.file for one in await places.tick()] == ["stock.csv"]


async def test_a_feed_that_stops_opens_a_case(drop: Path, open_desk: OpenDesk) -> None:
    desk = open_desk(drop.as_uri(), {**WANTED, "hours": "6"})
    (drop / "stock.csv").write_text("sku,location,on_hand\nA1,UK,9\n")
    await desk.look()
    await desk.look(minutes=1)
    assert await desk.rows("SELECT source, kind, limit_hours FROM feeds") == [("files:drop", "stock", 6)]
    for hours, kinds in ((5, []), (2, ["data_stale"])):
        desk.clock.push(timedelta(hours=hours))
        await desk.app.services.watch.scan(desk.clock.now())
        assert [row[0] for row in await desk.rows("SELECT kind FROM cases WHERE kind = 'data_stale'")] == kinds


async def test_a_place_that_cannot_be_looked_into_opens_a_case_at_once_and_resolves_it_when_it_can_be_again(
    drop: Path, open_desk: OpenDesk
) -> None:
    desk = open_desk(drop.as_uri(), {**WANTED, "hours": "6"})
    limits, standing = "SELECT limit_hours FROM feeds", "SELECT kind FROM cases WHERE resolved_at IS NULL"
    (drop / "stock.csv").write_text("sku,location,on_hand\nA1,UK,9\n")
    for _look in range(2):
        await files.JOB.run(desk.app.services, desk.clock.now())
        desk.clock.push(timedelta(minutes=1))
    assert await desk.rows(limits) == [(6,)]
    move(drop, drop.with_name("elsewhere"))
    done = await files.JOB.run(desk.app.services, desk.clock.now())
    assert "No such file" in done["errors"][0]
    assert await desk.rows(limits) == [(0,)]
    assert await desk.rows(standing) == [("data_stale",)]
    move(drop.with_name("elsewhere"), drop)
    desk.clock.push(timedelta(minutes=1))
    assert (await files.JOB.run(desk.app.services, desk.clock.now()))["errors"] == []
    assert await desk.rows(limits) == [(6,)]
    assert await desk.rows(standing) == []


async def test_a_folder_that_is_not_there_is_said_so(drop: Path, open_desk: OpenDesk) -> None:
    desk = open_desk((drop / "gone").as_uri(), WANTED)
    (taken,) = await desk.look()
    assert "No such file" in taken.error
    (check,) = await desk.app.services.files.check("drop")
    assert check.verdict == "fail"
    (drop / "gone").mkdir()
    (check,) = await desk.app.services.files.check("drop")
    assert check.verdict == "ok"


@pytest.mark.parametrize(
    ("url", "options"),
    [
        ("ftp://example.com/", WANTED),
        ("file:///tmp/x", {"stok": "*"}),
        ("file:///tmp/x", {"members": "*"}),
        ("file:///tmp/x", {"minutes": "soon"}),
        ("sftp://example.com/out", WANTED),
        ("sftp://example.com:many/out", WANTED),
        ("sftp://user:secret@example.com/out", {**WANTED, "host_key": "ssh-ed25519 AAAA"}),
    ],
)
def test_settings_that_cannot_work_are_refused(open_desk: OpenDesk, url: str, options: dict[str, str]) -> None:
    with pytest.raises(SettingsError) as refused:
        open_desk(url, options)
    assert "secret" not in str(refused.value).replace("`secret`", "")
