"""The tables sort, filter and turn their pages, whatever the address says; exports hold the same, and no formula."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook
from sqlalchemy import insert, update

from bot.language import language
from bot.storage import categories, tables
from bot.web.board.columns import CATEGORY, SLOW, STOCK
from bot.web.board.export import as_csv, as_xlsx, safe
from tests.board.conftest import House
from tests.handlers.conftest import CANDLE, CLOCK, LANTERN

FORMULAS = ("=1+1", "+1", "-1+2", "@SUM(A1)", "\t=1+1", "\r=1", "\n=1", "  =1+1", "＝1+1", "=cmd|' /C calc'!A0", "#N/A")


@dataclass
class Catalogue:
    """A browser, and the codes that a table shows, in order."""

    client: httpx.AsyncClient

    async def codes(self, address: str) -> list[str]:
        answer = await self.client.get(address)
        assert answer.status_code == 200, address
        return re.findall(r"<code>([^<]*)</code>", answer.text)


@pytest.fixture
async def shelf(house: House) -> Catalogue:
    """More products than a page holds: 120 that nobody has ever seen sell."""
    now = house.clock.now()
    async with house.database.transaction() as connection:
        await connection.execute(
            insert(tables.Product),
            [
                {
                    "id": 100 + number, "sku": f"X{number:03}", "name": f"Extra {number}", "currency": "GBP",
                    "unit_cost_minor": 100 + number, "unit_price_minor": 250, "created_at": now,
                }
                for number in range(120)
            ],
        )  # fmt: skip
        await connection.execute(
            insert(tables.StockLevel),
            [
                {"product_id": 100 + n, "location_id": 2, "as_of": now, "on_hand": 1 + n * 37 % 120, "source": "count"}
                for n in range(120)
            ],
        )
    return Catalogue(await house.enter())


async def test_pages_hold_every_row_once_and_in_order(shelf: Catalogue) -> None:
    seen: list[str] = []
    for page in (1, 2, 3):
        seen += await shelf.codes(f"/board/stock?sort=sku&page={page}")
    assert seen == sorted(seen)
    assert len(seen) == len(set(seen)) == 123
    down = await shelf.codes("/board/stock?sort=-sku")
    assert down == sorted(seen, reverse=True)[:50]


async def test_rubbish_in_the_address_is_left_out(shelf: Catalogue) -> None:
    usual = await shelf.codes("/board/stock")
    for rubbish in (
        "page=0", "page=-1", "page=x", "page=%00", "sort=nothing", "sort=--sku", "sort=found", "sort=flags",
        "flag=nothing", "abc=Z", "utm=1", "sort=aged", "sort=step_", "page=٣",
    ):  # fmt: skip
        assert await shelf.codes(f"/board/stock?{rubbish}") == usual, rubbish
    for page in ("999999999", "99999999999999999999"):
        assert (await shelf.client.get(f"/board/stock?page={page}")).status_code == 200
    assert len(await shelf.codes("/board/stock?page=999")) == 23  # the last one
    for nothing in ("q=%00", "place=nowhere", "q=nothing", "place=%22%3E%3Cscript%3E"):
        assert await shelf.codes(f"/board/stock?{nothing}") == [], nothing


async def test_every_column_that_offers_to_sort_does(shelf: Catalogue) -> None:
    for table, columns in (("stock", STOCK), ("slow", SLOW)):
        for column in (column for column in columns if column.sort):
            up = (await shelf.client.get(f"/board/{table}?q=heart&sort={column.key}")).text
            down = (await shelf.client.get(f"/board/{table}?q=heart&sort=-{column.key}")).text
            assert 'aria-sort="ascending"' in up, column.key
            assert 'aria-sort="descending"' in down, column.key
    assert {column.key for column in (*STOCK, *SLOW) if not column.sort} == {"flags"}


async def test_figures_sort_by_their_value_and_the_unknown_comes_last_either_way(shelf: Catalogue) -> None:
    up = await shelf.codes("/board/stock?sort=stockout&page=1")
    assert up[:2] == [LANTERN, CANDLE]
    assert (await shelf.codes("/board/stock?sort=-stockout"))[:2] == [CANDLE, LANTERN]
    value = await shelf.client.get("/board/export/stock.csv?sort=-value")
    amounts = [Decimal(row["value"]) for row in records(value.content)]
    assert amounts == sorted(amounts, reverse=True)


async def test_filters_join(shelf: Catalogue) -> None:
    assert await shelf.codes("/board/stock?q=hanging+HEART") == [LANTERN, CANDLE]
    assert await shelf.codes("/board/stock?q=heart+red") == [CANDLE]
    assert await shelf.codes("/board/stock?place=DE&q=22423") == [CLOCK]
    assert await shelf.codes("/board/stock?flag=stockout_risk") == [LANTERN]
    assert await shelf.codes("/board/stock?flag=overstock&place=UK") == [CANDLE]
    assert await shelf.codes("/board/slow?q=22423&flag=stockout_risk") == [CLOCK]  # the ladder has its own two
    assert await shelf.codes("/board/slow?q=22423&flag=overstock") == []
    assert LANTERN not in await shelf.codes("/board/stock?abc=C")


async def test_links_of_a_table_keep_its_filters(shelf: Catalogue) -> None:
    page = (await shelf.client.get("/board/stock?q=Extra&sort=-value&page=2&utm=x")).text
    assert "/board/export/stock.csv?q=Extra&amp;sort=-value" in page
    assert "?q=Extra&amp;sort=-value&amp;page=3" in page
    assert "utm" not in page
    assert 'value="Extra"' in page


def records(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


async def test_an_export_holds_what_the_filters_leave_on_all_pages(shelf: Catalogue) -> None:
    plain = await shelf.client.get("/board/export/stock.csv?q=Extra&sort=sku")
    assert plain.headers["content-type"].startswith("text/csv")
    assert 'filename="stocktide-stock-20111121-0900.csv"' in plain.headers["content-disposition"]
    assert plain.content.startswith(b"\xef\xbb\xbf")
    rows = records(plain.content)
    assert [row["sku"] for row in rows] == [f"X{number:03}" for number in range(120)]
    assert set(rows[0]) == {column.key for column in (*STOCK, CATEGORY)}
    book = load_workbook(io.BytesIO((await shelf.client.get("/board/export/stock.xlsx?q=Extra&sort=sku")).content))
    sheet = [[cell.value for cell in row] for row in book.active.iter_rows()]  # type: ignore[union-attr]
    assert [str(row[0]) for row in sheet[1:]] == [row["sku"] for row in rows]
    assert sheet[0][:4] == [column.title.msgid for column in STOCK][:4]


async def test_a_workbook_has_its_headings_in_the_readers_language(house: House) -> None:
    client = await house.enter(language="zh_CN")
    book = load_workbook(io.BytesIO((await client.get("/board/export/stock.xlsx")).content))
    head = [cell.value for cell in next(book.active.iter_rows())]  # type: ignore[union-attr]
    assert head == [language("zh_CN").say(column.title) for column in (*STOCK, CATEGORY)]
    assert {"仓库", "品类"} <= set(head)


async def test_an_export_says_what_products_are_sold_as(house: House) -> None:
    async with house.database.transaction() as connection:
        kept = await categories.intern(connection, ["=Lights"])
        of = update(tables.Product).where(tables.Product.sku == LANTERN)
        await connection.execute(of.values(category_id=kept["=Lights"]))
    client = await house.enter()
    told = {row["sku"]: row["category"] for row in records((await client.get("/board/export/slow.csv")).content)}
    told |= {row["sku"]: row["category"] for row in records((await client.get("/board/export/stock.csv")).content)}
    assert (told[LANTERN], told[CANDLE]) == ("'=Lights", "")


async def test_the_ladder_counts_down_to_the_next_fee_of_its_place(house: House) -> None:
    at = house.clock.now() - timedelta(days=80)
    values = {"product_id": 3, "location_id": 2, "at": at, "day": at.date(), "quantity": 400, "kind": "receipt"}
    async with house.database.transaction() as connection:
        await connection.execute(insert(tables.StockMovement).values(source="t", external_id="1", **values))
    client = await house.enter()
    (row,) = records((await client.get("/board/export/slow.csv")).content)
    assert (row["sku"], row["on_hand"], row["flags"]) == (CLOCK, "500", "slow_mover")
    assert (row["step_units"], row["step_age"]) == ("400", "91")
    assert int(row["step_days"]) == 91 - 79  # the last whole day is age 0
    assert set(row) == {column.key for column in (*SLOW, CATEGORY)}
    assert "91" in (await client.get("/board/slow?sort=step_days")).text


async def test_no_cell_of_an_export_is_a_formula(house: House) -> None:
    for number, formula in enumerate(FORMULAS[:4]):
        await house.change(tables.Product, number + 1, sku=formula, name=FORMULAS[number + 5])
    client = await house.enter()
    for row in records((await client.get("/board/export/stock.csv")).content):
        assert row["sku"].startswith("'")
        assert not row["name"].startswith(("=", "+", "-", "@", "\t", "\r", "\n", "＝"))
    book = load_workbook(io.BytesIO((await client.get("/board/export/stock.xlsx")).content))
    cells = [cell for row in book.active.iter_rows(min_row=2) for cell in row]  # type: ignore[union-attr]
    assert not [cell for cell in cells if cell.data_type == "f"]
    assert {cell.value for cell in cells} >= {"=1+1", "+1"}  # as they are: a text in XLSX is one


@given(st.text(max_size=30))
def test_a_text_in_csv_begins_with_nothing_that_calculates(text: str) -> None:
    shown = safe(text)
    assert shown in (text, f"'{text}")
    assert not shown.lstrip().startswith(("=", "+", "-", "@", "＝", "＋", "－", "＠"))


@pytest.mark.parametrize("formula", FORMULAS)
def test_both_files_give_a_formula_back_as_the_text_it_was(formula: str) -> None:
    row: list[Any] = [formula, -5, Decimal("-1.50"), None, date(2011, 11, 21)]
    (plain,) = csv.reader(io.StringIO(as_csv([row], "t").decode("utf-8-sig"), newline=""))
    assert plain[0].removeprefix("'") == formula
    assert plain[1:] == ["-5", "-1.50", "", "2011-11-21"]  # a figure below zero stays a figure
    sheet = load_workbook(io.BytesIO(as_xlsx([row], "t" * 40))).active
    (shown,) = list(sheet.iter_rows())  # type: ignore[union-attr]
    assert str(shown[0].value).strip() == formula.strip()
    assert shown[0].data_type == "s"
    assert (shown[1].value, shown[3].value) == (-5, None)


def test_a_control_character_in_a_name_does_not_break_the_workbook() -> None:
    sheet = load_workbook(io.BytesIO(as_xlsx([["a\x00b\x0bc"]], "t"))).active
    assert sheet is not None
    assert sheet["A1"].value == "abc"
