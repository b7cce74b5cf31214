"""Files that nobody vouches for: the same rows as ever, and no more of the machine than is allowed."""

from __future__ import annotations

import csv
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.cells import harmless
from bot.errors import FileRefused
from bot.stores.files import open_table
from bot.stores.files.guarded import CHAT_LIMITS, Guarded
from bot.stores.files.table import FileLimits
from tests.ingest.conftest import Desk

HARD = 'sku,数量,备注\r\nA1,3,"two\nlines"\r\n\r\nA2,,x,beyond\r\nA3\r\n,,\r\nA4,-5,=1+1\r\n'


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
def test_a_text_is_cut_in_the_child_exactly_as_it_is_here(tmp_path: Path, codec: str) -> None:
    path = tmp_path / "stock.csv"
    path.write_bytes(HARD.encode(codec))
    here, there = open_table(path, encoding=codec), Guarded(CHAT_LIMITS)(path, encoding=codec)
    assert there.headers == here.headers
    for size in (1, 2, 100):
        assert list(there.batches(size)) == list(here.batches(size))


def test_japanese_text_comes_through_the_child(tmp_path: Path) -> None:
    path = tmp_path / "zaiko.csv"
    path.write_bytes("商品コード,在庫数量,名称\nA1,5,まねきねこの置物です\n".encode("cp932"))
    table = Guarded(CHAT_LIMITS)(path)
    assert table.encoding == "cp932"
    assert [batch.columns for batch in table.batches(9)] == [[["A1"], ["5"], ["まねきねこの置物です"]]]


@pytest.mark.parametrize(
    ("limits", "trouble"),
    [
        (FileLimits(bytes_on_disk=100), "large"),
        (FileLimits(rows=10), "rows"),
        (FileLimits(columns=2), "columns"),
    ],
)
def test_each_limit_is_held_and_named(tmp_path: Path, limits: FileLimits, trouble: str) -> None:
    path = tmp_path / "stock.csv"
    path.write_text("sku,on_hand,note\n" + "A1,5,x\n" * 50)
    with pytest.raises(FileRefused) as refused:
        list(Guarded(limits)(path).batches(100))
    assert refused.value.trouble == trouble


def test_what_needs_more_memory_than_is_allowed_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "stock.csv"
    path.write_text("sku,on_hand,note\n" + f"A1,5,{'x' * 100_000}\n" * 300)  # more than any process has to spare
    with pytest.raises(FileRefused) as refused:
        list(Guarded(FileLimits(memory=2**20))(path).batches(1_000))
    assert refused.value.trouble == "resources"


def test_what_unpacks_to_too_much_and_what_cannot_be_capped_are_refused(tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("xl/worksheets/sheet1.xml", b" " * 50_000_000)
    parquet = tmp_path / "stock.csv"
    parquet.write_bytes(b"PAR1 and whatever it may unpack to")
    found = []
    for path in (bomb, parquet):
        with pytest.raises(FileRefused) as refused:
            Guarded(CHAT_LIMITS)(path)
        found.append(refused.value.trouble)
    assert found == ["bomb", "format"]


def test_an_encoding_that_does_not_hold_further_down_is_named(tmp_path: Path) -> None:
    path = tmp_path / "stock.csv"
    path.write_bytes(b"sku,on_hand\n" + b"A1,5\n" * 40_000 + b"A\xff,1\n")
    with pytest.raises(FileRefused) as refused:
        list(Guarded(CHAT_LIMITS)(path, encoding="utf-8").batches(1_000))
    assert refused.value.trouble == "encoding"


@pytest.mark.parametrize(
    "cell", ["=1+1", "+A1", "-A1", "@SUM(A1)", "\t=1", "\r=1", " =1", "＝1", "-1+cmd|'/c calc'!A1"]
)
def test_a_cell_that_would_be_calculated_is_made_a_text(cell: str) -> None:
    assert harmless(cell) == f"'{cell}"


@given(st.integers() | st.none() | st.from_regex(r"[+-]?[0-9]{1,9}([.,][0-9]{1,3})?%?", fullmatch=True) | st.just("A1"))
def test_figures_and_plain_texts_stay_as_they_are(cell: object) -> None:
    assert harmless(cell) == cell


async def test_rejects_hold_no_formulas(desk: Desk) -> None:
    report = await desk.take('sku,location,on_hand,"=EVIL()"\n"=HYPERLINK(""http://x"")",UK,-3,@x\n', "stock")
    assert report.rejects_path is not None
    with report.rejects_path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0][3:] == ["sku", "location", "on_hand", "'=EVIL()"]
    assert rows[1][3:] == ['\'=HYPERLINK("http://x")', "UK", "-3", "'@x"]
