"""`stocktide import`: every kind of file, and every way a file can be wrong."""

from __future__ import annotations

import csv
import os
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from openpyxl import Workbook

from bot.services.ingest.columns import KINDS
from tests.cli import files
from tests.cli.conftest import IMPORTS
from tests.cli.terminal import program, stocktide


def rows(folder: Path, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(folder / "stocktide.db")) as database:
        return database.execute(query).fetchall()


def counts(report: str) -> dict[str, int]:
    """The figures of a report's first line."""
    found = re.match(
        r"([\d,]+) rows? in [\d.]+ s: ([\d,]+) added, ([\d,]+) updated, ([\d,]+) unchanged, ([\d,]+) rejected\.", report
    )
    assert found, report
    figures = [int(figure.replace(",", "")) for figure in found.groups()]
    return dict(zip(("rows", "added", "updated", "unchanged", "rejected"), figures, strict=True))


def test_the_shop_has_a_file_of_every_kind() -> None:
    told_of_orders = {"orders", "receipts"}  # files about orders that went out: tests/services/orders imports those
    assert {*IMPORTS, *told_of_orders} == set(KINDS)


def test_every_kind_is_imported_whole_and_a_second_time_changes_nothing(empty: Path) -> None:
    for kind in IMPORTS:
        lines = len((empty / f"{kind}.csv").read_text(encoding="utf-8").splitlines()) - 1
        first = stocktide("import", kind, f"{kind}.csv")
        assert first.code == 0, first.err
        assert counts(first.out) == {"rows": lines, "added": lines, "updated": 0, "unchanged": 0, "rejected": 0}, kind
        assert "Next: stocktide" in first.out
    before = rows(empty, "SELECT * FROM daily_demand ORDER BY 1, 2, 3")
    for kind in IMPORTS:
        again = counts(stocktide("import", kind, f"{kind}.csv").out)
        assert again["unchanged"] == again["rows"], kind
    assert rows(empty, "SELECT * FROM daily_demand ORDER BY 1, 2, 3") == before
    assert not list(empty.glob("*.rejects.csv"))


def test_what_is_no_demand_is_told_apart(shop: Path) -> None:
    again = stocktide("import", "sales", "sales.csv")
    assert "No demand: 0 cancellations, 0 returns, 1 write-off," in again.out
    assert "1 line of fees and postage." in again.out
    units = rows(
        shop, "SELECT sum(units) FROM daily_demand JOIN products p ON p.id = product_id WHERE p.sku = '85123A'"
    )
    assert units == [(10 * files.DAYS - 10,)]  # the cancelled order left


def test_a_preview_shows_what_was_understood_and_writes_nothing(empty: Path) -> None:
    ran = stocktide("import", "sales", "sales.csv", "--preview")
    assert (ran.code, ran.out) == (0, "")
    assert ran.lines[0] == "sales.csv: CSV, utf-8"
    shown = [line.split()[:2] for line in ran.lines]
    assert ["StockCode", "sku"] in shown
    assert ["InvoiceDate", "sold_at"] in shown
    assert ["Country", "market"] in shown
    assert rows(empty, "SELECT count(*) FROM sales") == [(0,)]


def test_a_preview_names_the_column_that_is_missing(empty: Path) -> None:
    (empty / "odd.csv").write_text("Thing,How many\n85123A,5\n", encoding="utf-8")
    ran = stocktide("import", "stock", "odd.csv", "--preview")
    assert ran.code == 0
    assert ran.lines[-1] == "Missing: sku, on_hand. Name their headers: --map sku=HEADER"


def test_markup_and_control_characters_in_a_cell_are_shown_as_they_stand(empty: Path) -> None:
    cells = {"sku": ["A1", "A2"], "name": ["[/bold] [red]x", ":smile: \x1b[2Jy"]}
    pq.write_table(pa.table(cells), empty / "odd.parquet")
    ran = stocktide("import", "products", "odd.parquet")
    assert ran.code == 0
    assert "[/bold] [red]x" in ran.err
    assert ":smile: �[2Jy" in ran.err
    assert "\x1b" not in ran.err


def test_a_column_that_was_not_recognised_is_mapped(placed: Path) -> None:
    (placed / "odd.csv").write_text("Thing;How many;Where\n85123A;5;UK\n", encoding="utf-8")
    refused = stocktide("import", "stock", "odd.csv")
    assert refused.code == 2
    assert refused.lines[-1].startswith("Not imported. odd.csv: no column for sku, on_hand among 'Thing'")
    assert "--map sku=HEADER" in refused.lines[-1]
    ran = stocktide("import", "stock", "odd.csv", "--map", "sku=Thing", "--map", "on_hand=How many", "--location", "UK")
    assert ran.code == 0, ran.err
    assert rows(placed, "SELECT sku, on_hand FROM stock_levels JOIN products p ON p.id = product_id") == [("85123A", 5)]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--map", "sku"), "--map takes FIELD=HEADER"),
        (("--map", "shoe=sku"), "shoe is no field of stock"),
        (("--map", "sku=Nothing"), "no such header"),
        (("--zone", "Mars/Base"), "no such time zone"),
        (("--currency", "XXQ"), "no such currency"),
        (("--location", "NOWHERE"), "no such location"),
        (("--date-order", "ymd"), "write dmy or mdy"),
        (("--as-of", "yesterday"), "2011-11-21T09:00Z"),
        (("--as-of", "2011-11-21T09:00"), "needs a zone"),
        (("--encoding", "klingon"), "klingon"),
        (("--delimiter", "||"), "--delimiter"),
        (("--rejects", "nowhere/rejects.csv"), "nowhere/rejects.csv"),
    ],
)
def test_a_wrong_option_is_one_clear_line(placed: Path, options: tuple[str, ...], said: str) -> None:
    (placed / "stock.csv").write_text("sku,location,on hand\n85123A,UK,5\n,UK,6\n", encoding="utf-8")
    ran = stocktide("import", "stock", "stock.csv", *options)
    assert ran.code == 2
    assert said in ran.lines[-1]


def test_a_kind_that_is_none_lists_the_kinds() -> None:
    ran = stocktide("import", "nonsense", "x.csv")
    assert ran.code == 2
    assert all(kind in ran.lines[-1] for kind in KINDS)


@pytest.mark.parametrize(
    ("encoding", "text", "name"),
    [
        ("gb18030", "货号,商品名称,单价\nA1,复古蛋糕架 手工茶具套装,12.75\n", "复古蛋糕架 手工茶具套装"),
        ("utf-8-sig", "货号,商品名称,单价\nA1,蛋糕架,12.75\n", "蛋糕架"),
        ("utf-16", "货号,商品名称,单价\nA1,蛋糕架,12.75\n", "蛋糕架"),
        ("shift_jis", "sku,name,price\nA1,ティーセットの茶碗,12.75\n", "ティーセットの茶碗"),
    ],
)
def test_a_file_of_any_encoding_is_read_when_it_is_named(empty: Path, encoding: str, text: str, name: str) -> None:
    (empty / "named.csv").write_bytes(text.encode(encoding))
    ran = stocktide("import", "products", "named.csv", "--encoding", encoding)
    assert ran.code == 0, ran.err
    assert encoding.split("_", maxsplit=1)[0].split("-", maxsplit=1)[0] in ran.lines[0].lower()
    assert rows(empty, "SELECT sku, name, unit_price_minor FROM products") == [("A1", name, 1275)]


def test_a_guessed_encoding_is_called_a_guess(empty: Path) -> None:
    (empty / "guess.csv").write_bytes("sku,name\nA1,Cake stand\n".encode("utf-16-le"))
    ran = stocktide("import", "products", "guess.csv", "--preview")
    assert "(a guess; --encoding overrides it)" in ran.lines[0]


def test_bad_rows_go_to_the_rejects_file_and_good_ones_stay(placed: Path) -> None:
    bad = [
        "700001,,NO CODE,1,2011-11-01 10:00,2.95,1,Germany",
        "700002,85123A,NOT A NUMBER,many,2011-11-01 10:00,2.95,1,Germany",
        "700003,85123A,ABSURD,99999999,2011-11-01 10:00,2.95,1,Germany",
        "700004,85123A,IMPOSSIBLE,1,2011-02-30 10:00,2.95,1,Germany",
        "700005,85123A,NEGATIVE PRICE,1,2011-11-01 10:00,-2.95,1,Germany",
        "700006,85123A,NAN,1,2011-11-01 10:00,NaN?,1,Germany",
    ]
    good = "700007,85123A,GOOD,1,2011-11-01 10:00,2.95,1,Germany"
    (placed / "mixed.csv").write_text("\n".join([files.SALES_HEADER, *bad, good]), encoding="utf-8")
    ran = stocktide("import", "sales", "mixed.csv")
    assert ran.code == 0
    assert counts(ran.out) == {"rows": 7, "added": 1, "updated": 0, "unchanged": 0, "rejected": 6}
    assert "The rejected rows, each with its line, field and reason: mixed.csv.rejects.csv" in ran.out
    with (placed / "mixed.csv.rejects.csv").open(encoding="utf-8-sig", newline="") as file:
        found = [(int(row["line"]), row["field"], row["Description"]) for row in csv.DictReader(file)]
    assert found == [
        (2, "sku", "NO CODE"),
        (3, "quantity", "NOT A NUMBER"),
        (4, "quantity", "ABSURD"),
        (5, "sold_at", "IMPOSSIBLE"),
        (6, "unit_price", "NEGATIVE PRICE"),
        (7, "unit_price", "NAN"),
    ]


def test_the_rejects_go_where_one_says(empty: Path) -> None:
    (empty / "bad.csv").write_text("sku,price\n,1\nA1,2\n", encoding="utf-8")
    ran = stocktide("import", "products", "bad.csv", "--rejects", "elsewhere.csv")
    assert ran.code == 0
    assert (empty / "elsewhere.csv").exists()
    assert not (empty / "bad.csv.rejects.csv").exists()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("orders.xlsx", b"hello, I am no workbook"),
        ("orders.xlsx", b"PK\x03\x04 and then nothing of an archive"),
        ("orders.parquet", b"PAR1 but not really"),
        ("orders.csv", b""),
        ("orders.csv", bytes(range(256)) * 40),
    ],
    ids=["no archive", "half an archive", "no parquet", "empty", "noise"],
)
@pytest.mark.parametrize("preview", [(), ("--preview",)], ids=["import", "preview"])
def test_a_file_that_is_not_what_it_says_is_one_clear_line(
    placed: Path, name: str, content: bytes, preview: tuple[str, ...]
) -> None:
    (placed / name).write_bytes(content)
    ran = stocktide("import", "sales", name, *preview)
    assert (ran.code, ran.out) == (2, "")
    assert len(ran.lines) == 1, ran.err
    assert ran.lines[0].startswith(f"Not imported. {name}: ")


@pytest.mark.usefixtures("empty")
def test_a_file_that_is_not_there_is_one_clear_line() -> None:
    ran = stocktide("import", "sales", "none.csv")
    assert (ran.code, ran.err) == (2, "Not imported. none.csv: there is no such file (check the path)\n")


def test_a_folder_is_no_file(empty: Path) -> None:
    (empty / "folder.csv").mkdir()
    ran = stocktide("import", "sales", "folder.csv")
    assert ran.code == 2
    assert len(ran.lines) == 1


@pytest.mark.usefixtures("empty")
def test_sales_before_any_location_say_what_to_import_first() -> None:
    ran = stocktide("import", "sales", "sales.csv")
    assert ran.code == 2
    assert "stocktide import locations FILE" in ran.lines[-1]


def test_a_workbook_and_a_parquet_file_are_read_like_the_same_csv(empty: Path) -> None:
    header, *lines = [line.split(",") for line in files.PRODUCTS.strip().splitlines()]
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (header, *lines):
        sheet.append(row)
    book.save(empty / "products.xlsx")
    pq.write_table(pa.table(dict(zip(header, zip(*lines, strict=True), strict=True))), empty / "products.parquet")
    (empty / "products.tsv").write_text(files.PRODUCTS.replace(",", "\t"), encoding="utf-8")
    assert counts(stocktide("import", "products", "products.csv").out)["added"] == len(lines)
    for name in ("products.xlsx", "products.parquet", "products.tsv"):
        ran = stocktide("import", "products", name)
        assert ran.code == 0, ran.err
        assert counts(ran.out)["unchanged"] == len(lines), name


def test_the_installed_program_refuses_a_false_workbook_without_a_traceback(empty: Path) -> None:
    (empty / "orders.xlsx").write_bytes(os.urandom(4000))
    ran = program("import", "sales", "orders.xlsx", folder=empty)
    assert (ran.code, ran.out) == (2, "")
    assert len(ran.lines) == 1
