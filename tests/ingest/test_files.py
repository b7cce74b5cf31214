from __future__ import annotations

import zipfile
from datetime import date, datetime
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bot.errors import FileRefused
from bot.stores.files import FileLimits, open_table
from bot.stores.files.encoding import guess_encoding
from bot.stores.files.table import Table

CHINESE = (
    "商品编码,数量,下单时间,单价,商品名称\nA1,2,2011-01-01 10:00,3.5,白色心形蜡烛台\n"
    "B2,1,2011-01-02 11:00,9.9,红色保温水壶\n"
)
JAPANESE = "商品コード,数量,注文日,単価,名称\nA1,2,2011-01-01,350,ハートのキャンドル\nB2,1,2011-01-02,990,あかい水筒\n"
HALF_PAST, NINE = map(datetime.fromisoformat, ("2011-01-01T09:30", "2011-01-01T09:00"))  # as files write them
WESTERN = "sku,quantity,date,price,name\nA1,2,2011-01-01,3.50,Café crème £5\n"


def cells(table: Table, size: int = 50_000) -> list[tuple[object, ...]]:
    return [row for batch in table.batches(size) for row in zip(*batch.columns, strict=True)]


@pytest.mark.parametrize(
    ("text", "codec", "expected"),
    [
        (CHINESE, "utf-8", "utf-8"),
        (CHINESE, "utf-8-sig", "utf-8-sig"),
        (CHINESE, "utf-16", "utf-16"),
        (WESTERN, "utf-16-le", "utf-16-le"),
        (WESTERN, "utf-16-be", "utf-16-be"),
        (CHINESE, "gbk", "gb18030"),
        (CHINESE, "gb18030", "gb18030"),
        (JAPANESE, "shift_jis", "cp932"),
        (WESTERN, "cp1252", "cp1252"),
    ],
)
def test_a_text_file_is_read_in_the_encoding_it_was_written_in(
    tmp_path: Path, text: str, codec: str, expected: str
) -> None:
    path = tmp_path / "sales.csv"
    path.write_bytes(text.encode(codec))
    table = open_table(path)
    assert table.encoding == expected
    assert list(table.headers) == text.split("\n", 1)[0].split(",")
    assert cells(table)[0] == tuple(text.split("\n")[1].split(","))


def test_a_guess_without_proof_says_so_and_can_be_overridden(tmp_path: Path) -> None:
    path = tmp_path / "short.csv"
    path.write_bytes("sku,qty,名\nA,1,亜\n".encode("shift_jis"))
    assert not guess_encoding(path).sure
    assert open_table(path, encoding="shift_jis").headers == ("sku", "qty", "名")


def test_a_wrong_or_unknown_encoding_is_refused_with_what_to_write(tmp_path: Path) -> None:
    path = tmp_path / "sales.csv"
    path.write_bytes(CHINESE.encode("gbk"))
    with pytest.raises(FileRefused, match=r"is not utf-8 text .*--encoding"):
        open_table(path, encoding="utf-8")
    with pytest.raises(FileRefused, match="'klingon' is not known"):
        open_table(path, encoding="klingon")


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(tmp_path: Path, mark: str) -> None:
    path = tmp_path / "sales.txt"
    path.write_text(f"sku{mark}quantity{mark}name\nA{mark}1{mark}red, large\nB{mark}2{mark}blue\n")
    if mark == ",":
        path.write_text('sku,quantity,name\nA,1,"red, large"\nB,2,blue\n')
    table = open_table(path)
    assert table.delimiter == mark
    assert cells(table) == [("A", "1", "red, large"), ("B", "2", "blue")]


def test_lines_are_numbered_as_an_editor_numbers_them(tmp_path: Path) -> None:
    path = tmp_path / "sales.csv"
    path.write_text('sku,name\nA,"two\nlines"\n\nB,one\nC\nD,1,2\n')
    batches = list(open_table(path).batches(2))
    assert [list(batch.lines) for batch in batches] == [[2, 5], [6, 7]]
    assert batches[1].columns == [["C", "D"], ["", "1"]]
    assert batches[1].odd == {1: "has 3 cells under 2 headers"}


def test_a_formula_in_a_text_file_stays_text(tmp_path: Path) -> None:
    path = tmp_path / "sales.csv"
    path.write_text("sku,name\nA,=HYPERLINK(1)\n")
    assert cells(open_table(path)) == [("A", "=HYPERLINK(1)")]


def test_a_quotation_mark_never_closed_is_told_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "sales.csv"
    path.write_text('sku,name\nA,ok\nB,"open\n' + "x,y\n" * 50_000)
    with pytest.raises(FileRefused, match="quotation mark"):
        cells(open_table(path))


def test_parquet_keeps_its_values(tmp_path: Path) -> None:
    path = tmp_path / "sales.parquet"
    columns = {"sku": ["A", "B", None], "quantity": [1, 2, 3], "at": [NINE] * 3}
    pq.write_table(pa.table(columns).append_column("kind", pa.array(["x", "y", "x"]).dictionary_encode()), path)
    table = open_table(path)
    assert (table.format, table.headers, table.lines) == ("Parquet", ("sku", "quantity", "at", "kind"), 3)
    assert cells(table, 2) == [
        ("A", 1, NINE, "x"),
        ("B", 2, NINE, "y"),
        (None, 3, NINE, "x"),
    ]


def workbook(path: Path, rows: list[list[object]]) -> Path:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "Orders"
    for row in rows:
        sheet.append(row)
    book.create_sheet("Notes").append(["note"])
    book.save(path)
    return path


def test_a_workbook_keeps_numbers_and_dates_and_numbers_its_rows(tmp_path: Path) -> None:
    rows: list[list[object]] = [["sku", "quantity", "at"], ["A", 2, HALF_PAST], [], ["B", 1.5, None]]
    table = open_table(workbook(tmp_path / "sales.xlsx", rows))
    batch = next(table.batches(10))
    assert (table.format, table.headers) == ("XLSX", ("sku", "quantity", "at"))
    assert list(batch.lines) == [2, 4]
    assert batch.columns == [["A", "B"], [2, 1.5], [HALF_PAST, None]]
    assert open_table(tmp_path / "sales.xlsx", sheet="Notes").headers == ("note",)
    with pytest.raises(FileRefused, match="no sheet 'Returns', but Orders, Notes"):
        open_table(tmp_path / "sales.xlsx", sheet="Returns")


def test_a_workbook_that_is_none_is_refused_with_what_to_do(tmp_path: Path) -> None:
    named = tmp_path / "sales.xlsx"
    named.write_text("sku,quantity\nA,1\n")
    with pytest.raises(FileRefused, match=r"named as an Excel file but is not one .*rename it to \.csv"):
        open_table(named)
    with zipfile.ZipFile(named, "w") as archive:
        archive.writestr("holiday.jpg", b"x" * 100)
    with pytest.raises(FileRefused, match="not an XLSX workbook"):
        open_table(named)
    with zipfile.ZipFile(named, "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
    with pytest.raises(FileRefused, match="cannot be read as a workbook"):
        open_table(named)
    named.write_bytes(b"PK\x03\x04 and then nothing")
    with pytest.raises(FileRefused, match="damaged archive"):
        open_table(named)
    named.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
    with pytest.raises(FileRefused, match="old or password-protected"):
        open_table(named)


def test_a_workbook_that_unpacks_to_a_flood_is_refused_before_it_does(tmp_path: Path) -> None:
    path = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 60_000_000)
    assert path.stat().st_size < 100_000
    with pytest.raises(FileRefused, match="would unpack from"):
        open_table(path)


def test_entities_in_a_workbook_are_not_expanded(tmp_path: Path) -> None:
    path = workbook(tmp_path / "good.xlsx", [["sku"], ["A"]])
    laughs = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><worksheet>&b;</worksheet>'
    evil = tmp_path / "evil.xlsx"
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(evil, "w") as target:
        for name in source.namelist():
            content = laughs.encode() if name.endswith("sheet1.xml") else source.read(name)
            target.writestr(name, content)
    with pytest.raises(FileRefused, match="cannot be read as a workbook"):
        open_table(evil)


def test_a_workbook_beyond_its_rows_columns_or_memory_is_refused(tmp_path: Path) -> None:
    path = workbook(tmp_path / "sales.xlsx", [["sku", "quantity"], *[[f"A{n}", n] for n in range(50)]])
    with pytest.raises(FileRefused, match="more than 10 rows"):
        cells(open_table(path, limits=FileLimits(rows=10)))
    with pytest.raises(FileRefused, match="more than 1 columns"):
        open_table(path, limits=FileLimits(columns=1))
    with pytest.raises(FileRefused, match="cannot be read as a workbook"):
        open_table(path, limits=FileLimits(memory=20 * 2**20))


def test_what_is_no_table_at_all_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileRefused, match="no such file"):
        open_table(tmp_path / "gone.csv")
    path = tmp_path / "x.csv"
    path.write_bytes(b"")
    with pytest.raises(FileRefused, match="is empty"):
        open_table(path)
    path.write_bytes(b"\x00\x01\x02\xff" * 100)
    with pytest.raises(FileRefused, match="text"):
        open_table(path)
    path.write_bytes(b"PAR1 and no more")
    with pytest.raises(FileRefused, match="Parquet"):
        open_table(path)


def test_dates_of_a_workbook_that_are_days_stay_days(tmp_path: Path) -> None:
    path = tmp_path / "d.parquet"
    pq.write_table(pa.table({"on": [date(2011, 1, 1)]}), path)
    assert cells(open_table(path)) == [(date(2011, 1, 1),)]
