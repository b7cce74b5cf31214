"""A file in long form becomes a panel: what is read, what is set aside, how days become weeks and months."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from openpyxl import Workbook

from bot.domain.backtesting.setting import setting
from bot.errors import FileRefused
from bot.services.evaluating.backtests import Packing, backtest
from tests.evaluating.kit import read_path, read_text, units_of
from tests.ingest.conftest import Desk, desk, open_desk

__all__ = ["desk", "open_desk"]

PLAIN = """sku,location,day,units
A,UK,2024-01-01,3
A,UK,2024-01-04,2
B,DE,2024-01-02,1
a,UK,2024-01-04 18:30,5
"""


def test_rows_of_one_day_add_up_and_days_between_are_days_without_a_sale(tmp_path: Path) -> None:
    form = read_text(tmp_path, PLAIN)
    assert form.panel.first == date(2024, 1, 1)
    assert units_of(form, "A", "UK") == [3, 0, 0, 7]
    assert units_of(form, "B", "DE") == [0, 1, 0, 0]
    assert form.panel.listed.tolist() == [0, 1]
    assert form.since.tolist() == [0, 1]
    assert len(set(form.panel.region.tolist())) == 2
    assert form.panel.in_stock is None


def test_the_same_rows_are_the_same_panel_in_every_format(tmp_path: Path) -> None:
    rows = [line.split(",") for line in PLAIN.splitlines()]
    book = Workbook()
    for row in rows:
        book.worksheets[0].append(row)
    book.save(tmp_path / "long.xlsx")
    columns = {name: [row[at] for row in rows[1:]] for at, name in enumerate(rows[0])}
    days = [np.datetime64(day.replace(" ", "T"), "us") for day in columns["day"]]
    typed = {**columns, "units": [int(one) for one in columns["units"]], "day": days}
    pq.write_table(pa.table(typed), tmp_path / "long.parquet")
    chinese = PLAIN.replace("sku,location,day,units", "商品编码,仓库,日期,销量")
    expected = read_text(tmp_path, PLAIN)
    for form in (
        read_path(tmp_path / "long.xlsx"),
        read_path(tmp_path / "long.parquet"),
        read_text(tmp_path, chinese.encode("gb18030"), encoding="gb18030"),
        read_text(tmp_path, chinese.encode("utf-16")),
        read_text(tmp_path, PLAIN.replace(",", ";").replace("\n", "\r\n")),
    ):
        assert (form.skus, form.locations) == (expected.skus, expected.locations)
        assert np.array_equal(form.panel.units, expected.panel.units)


def test_columns_are_named_by_the_person_where_the_file_calls_them_otherwise(tmp_path: Path) -> None:
    text = "thing,when,how many\nA,2024-01-01,2\nA,2024-01-02,1\n"
    with pytest.raises(FileRefused, match="no column for sku, day, units"):
        read_text(tmp_path, text)
    form = read_text(tmp_path, text, mapping={"sku": "thing", "day": "when", "units": "how many"})
    assert units_of(form, "A") == [2, 1]


def test_bad_rows_are_set_aside_and_listed_and_the_good_ones_kept(tmp_path: Path) -> None:
    text = PLAIN + (
        ",UK,2024-01-02,1\nC,UK,yesterday,1\nC,UK,2024-01-02,many\nC,UK,2024-01-02,1e12\nC,UK,2024-13,1\n"
        "C,UK,2024-01-02,1,extra\n\nC,UK,2024-02-30,1\nD,UK,2024-01-03,4\n"
    )
    form = read_text(tmp_path, text)
    assert form.skus == ("A", "B", "D")
    assert units_of(form, "D", "UK") == [0, 0, 4, 0]
    assert form.reading.aside == 7
    assert form.reading.first == (
        (6, "sku", "missing"),
        (7, "day", "not a date"),
        (8, "units", "not a number"),
        (9, "units", "not between -1e+09 and 1e+09"),
        (10, "day", "an impossible date"),
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sku,day,units\n", "has no rows"),
        ("sku,day,units\nA,never,1\n", r"no row that can be read; row 2, day: not a date"),
        ("sku,day,units\nPOST,2024-01-01,1\n", "holds no sale"),
        ("sku,day,units\nA,2024-01-01,0\n", "sells nothing"),
        ("sku,day,units\nA,3/4/2024,1\n", "could be of March or of April"),
    ],
)
def test_a_file_without_a_good_row_is_refused_in_words(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(FileRefused, match=said):
        read_text(tmp_path, text)


def test_stock_is_a_share_of_the_day_and_a_row_without_units_tells_of_none(tmp_path: Path) -> None:
    text = (
        "sku,day,units,in_stock\nA,2024-01-01,0,1\nA,2024-01-02,2,0.5\nA,2024-01-02,1,1\nA,2024-01-03,,\n"
        "A,2024-01-05,1,\nA,2024-01-06,1,1.5\n"
    )
    form = read_text(tmp_path, text)
    assert form.panel.in_stock is not None
    assert form.panel.in_stock.tolist() == [[1.0, 0.75, 0.0, 1.0, 1.0]]
    assert units_of(form, "A") == [0, 3, 0, 0, 1]
    assert form.panel.listed.tolist() == [0]  # there was stock before the first sale
    assert form.reading.first == ((7, "in_stock", "not between 0 and 1"),)


def test_a_share_in_stock_may_be_written_in_per_cent(tmp_path: Path) -> None:
    text = (
        "sku,day,units,in_stock\nA,2024-01-01,3,80%\nA,2024-01-02,1,100 %\nA,2024-01-03,2,12.5％\nA,2024-01-04,2,180%\n"
    )
    form = read_text(tmp_path, text)
    assert form.panel.in_stock is not None
    assert form.panel.in_stock.tolist() == [[pytest.approx(0.8), 1.0, 0.125]]
    assert form.reading.first == ((5, "in_stock", "not between 0 and 1"),)


def test_hours_without_stock_are_taken_of_the_opening_hours(tmp_path: Path) -> None:
    text = "sku,day,units,out\nA,2024-01-01,3,0\nA,2024-01-02,1,4\nA,2024-01-03,0,16\nA,2024-01-04,1,17\n"
    form = read_text(tmp_path, text, mapping={"stockout_hours": "out"}, open_hours=16.0)
    assert form.panel.in_stock is not None
    assert form.panel.in_stock.tolist() == [[1.0, 0.75, 0.0]]
    assert form.reading.aside == 1


def test_weeks_begin_on_mondays_and_only_whole_ones_count(tmp_path: Path) -> None:
    # 2024-01-06 is a Saturday, 2024-01-08 a Monday, 2024-01-23 a Tuesday.
    days = [f"A,2024-01-{day:02},1,{0 if day == 9 else 1}" for day in range(6, 24)]
    form = read_text(tmp_path, "\n".join(["sku,day,units,in_stock", *days]) + "\n", freq="week")
    assert form.panel.first == date(2024, 1, 8)
    assert units_of(form, "A") == [7, 7]
    assert form.panel.in_stock is not None
    assert form.panel.in_stock.tolist() == [[pytest.approx(6 / 7), 1.0]]


def test_months_are_calendar_months_and_a_file_of_months_keeps_its_last(tmp_path: Path) -> None:
    daily = "sku,day,units\n" + "".join(f"A,{day},1\n" for day in np.arange("2024-01-15", "2024-04-10", dtype="M8[D]"))
    form = read_text(tmp_path, daily, freq="month")
    assert (form.panel.first, units_of(form, "A")) == (date(2024, 2, 1), [29, 31])
    monthly = "sku,month,demand\nA,2024-01-01,4\nA,2024-02-01,\nA,2024-03-01,2\n"
    form = read_text(tmp_path, monthly, freq="month")
    assert (form.panel.first, units_of(form, "A")) == (date(2024, 1, 1), [4, 0, 2])
    assert form.panel.in_stock is not None
    assert form.panel.in_stock.tolist() == [[1.0, 0.0, 1.0]]
    with pytest.raises(FileRefused, match="holds no whole week"):
        read_text(tmp_path, PLAIN, freq="week")


@pytest.mark.parametrize(
    "months",
    [
        ("2019-01", "2019-02", "2019-03"),
        ("2019/1", "2019/2", "2019/3"),
        ("201901", "201902", "201903"),
        ("Jan 2019", "February 2019", "Mar-2019"),
        ("01/2019", "02/2019", "03/2019"),
        ("2019年1月", "2019年2月", "2019年3月"),
    ],
)
def test_a_month_without_a_day_is_its_first_day(tmp_path: Path, months: tuple[str, ...]) -> None:
    rows = "".join(f"A,{month},{units}\n" for month, units in zip(months, (4, 0, 2), strict=True))
    form = read_text(tmp_path, "sku,month,units\n" + rows, freq="month")
    assert (form.panel.first, units_of(form, "A"), form.reading.aside) == (date(2019, 1, 1), [4, 0, 2], 0)


def test_an_iso_week_is_its_monday_and_a_year_may_have_53(tmp_path: Path) -> None:
    text = "sku,week,units\nA,2020-W52,4\nA,2020W53,1\nA,2021-W01,2\nA,2021-W02-1,5\nA,2021-W53,9\nA,2019.1,1\n"
    form = read_text(tmp_path, text, freq="week")
    assert (form.panel.first, units_of(form, "A")) == (date(2020, 12, 21), [4, 1, 2, 5])
    assert form.reading.first == ((6, "day", "an impossible date"), (7, "day", "not a date"))


def test_a_file_may_lie_in_any_years(tmp_path: Path) -> None:
    for year in (1066, 1985, 2399):
        form = read_text(tmp_path, f"sku,day,units\nA,{year}-01-01,3\nA,{year}-01-02,1\n")
        assert (form.panel.first, units_of(form, "A")) == (date(year, 1, 1), [3, 1])


@pytest.mark.parametrize(
    "header", ["地区", "区域", "city", "loc", "warehouse", "仓库", "City", "store_nbr", "区域 (大区)"]
)
def test_a_place_is_known_by_its_usual_names(tmp_path: Path, header: str) -> None:
    form = read_text(tmp_path, PLAIN.replace("location", header))
    assert set(form.locations) == {"UK", "DE"}


def test_two_columns_that_could_be_the_place_are_refused_unless_one_is_named(tmp_path: Path) -> None:
    text = "sku,city,day,warehouse,units\nA,Rome,2024-01-01,X,3\nA,Bonn,2024-01-01,X,2\n"
    with pytest.raises(FileRefused, match=r"several columns could be location.*location='city' or .*='warehouse'"):
        read_text(tmp_path, text)
    form = read_text(tmp_path, text, mapping={"location": "city"})
    assert (form.locations, form.reading.unread) == (("Rome", "Bonn"), ("warehouse",))
    assert read_text(tmp_path, text.replace("city", "location")).locations == ("Rome", "Bonn")


def test_two_columns_for_the_day_or_the_product_are_refused_too(tmp_path: Path) -> None:
    with pytest.raises(FileRefused, match="several columns could be day"):
        read_text(tmp_path, "sku,date,month,units\nA,2024-01-01,2024-01,1\n")
    with pytest.raises(FileRefused, match="several columns could be sku"):
        read_text(tmp_path, "StockCode,item,day,units\nA,B,2024-01-01,1\n")


def test_a_price_of_zero_is_unknown_but_among_invoice_lines(tmp_path: Path) -> None:
    text = "sku,day,units,price\nA,2024-01-01,3,0\nA,2024-01-02,1,\nA,2024-01-03,1,0\n"
    form = read_text(tmp_path, text)
    assert units_of(form, "A") == [3, 1, 1]
    assert np.isnan(form.panel.price).all()
    lines = "sku,day,units,price,invoice\nA,2024-01-01,3,0,1\nA,2024-01-02,1,2.5,2\nA,2024-01-03,0,0,3\n"
    assert units_of(read_text(tmp_path, lines), "A") == [1, 0]
    with pytest.raises(FileRefused, match="sells nothing in its whole periods: 1 invoice line without a price"):
        read_text(tmp_path, lines.replace("2.5", "0").replace("2024-01-02,1", "2024-01-02,0"))
    with pytest.raises(FileRefused, match="holds no sale: 2 invoice lines without a price"):
        read_text(tmp_path, "\n".join(lines.replace("2.5", "0").splitlines()[:3]) + "\n")


def test_price_and_cost_are_those_of_the_first_day_that_names_them(tmp_path: Path) -> None:
    text = (
        "sku,day,units,price,cost,category,pack size\nA,2024-01-01,3,2.00,,toys,6\nA,2024-01-01,1,4.00,1.5,toys,6\n"
        "A,2024-01-02,9,9.99,7,toys,6\nB,2024-01-02,1,1,,food,\n"
    )
    form = read_text(tmp_path, text)
    assert form.panel.price.tolist() == [2.5, 1.0]
    assert form.panel.cost[0] == 1.5
    assert np.isnan(form.panel.cost[1])
    assert form.panel.pool.tolist() == [0, 1]
    assert form.pack_size.value[0] == 6.0
    assert np.isnan(form.pack_size.value[1])


def test_a_later_row_moves_nothing_that_was_known_before_it(tmp_path: Path) -> None:
    head = "sku,location,day,units,price,cost,category,pack size,moq\n"
    text = (
        "A,UK,2024-01-01,3,2,1,toys,6,2\nB,DE,2024-01-02,1,4,2,food,,\nC,DE,2024-01-01,1,4,2,toys,4,\n"
        "A,UK,2024-01-09,1,2,1,toys,6,2\n"
    )
    later = "A,UK,2024-01-08,90000.5,777,555,food,60,99\nB,DE,2024-01-08,1,4,2,food,50,70\n"
    calm = read_text(tmp_path, head + text)
    for after in (read_text(tmp_path, head + text + later), read_text(tmp_path, head + later + text)):
        rows = [after.skus.index(sku) for sku in calm.skus]
        for name in ("units", "listed", "price", "cost"):
            before = (getattr(form.panel.before(7), name) for form in (calm, after))
            assert np.array_equal(next(before), next(before)[rows]), name
        for name in ("pool", "region"):  # any numbers, equal where the names are
            told = (getattr(form.panel, name) for form in (calm, after))
            same = next(told), next(told)[rows]
            assert np.array_equal(*(each[:, None] == each[None, :] for each in same)), name
        for name in ("pack_size", "minimum_order"):
            packs = (getattr(form, name).before(7) for form in (calm, after))
            assert np.array_equal(next(packs), next(packs)[rows], equal_nan=True), name
        assert after.pack_size.value[rows].tolist() == [6.0, 50.0, 4.0]


def test_half_a_unit_sold_on_the_last_day_changes_no_order(tmp_path: Path) -> None:
    chance = np.random.default_rng(4)
    days = np.arange("2024-01-01", 120, dtype="M8[D]")
    rows = [f"P{product},{day},{chance.poisson(2)}" for product in range(12) for day in days]
    text = "sku,day,units\n" + "\n".join(rows) + "\n"
    orders = []
    for later in ("", f"P0,{days[-1]},0.5\n", f"P0,{days[-1]},700.5\n", f"P0,{days[30]},0.5\n"):
        form = read_text(tmp_path, text + later)
        given = setting("day", form.panel.periods, 7, 2, 7)
        tried = backtest(form, given, ("stocktide", "sba"), (0.9,), Packing(), 1, lambda: None)
        orders.append([(one.policy, one.knob, one.orders) for one in tried.runs])
    assert orders[0] == orders[1] == orders[2] != orders[3]


async def test_invoice_lines_are_the_demand_that_an_import_finds(desk: Desk, tmp_path: Path) -> None:
    chance = np.random.default_rng(7)
    lines = ["InvoiceNo,StockCode,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"]
    for number in range(400):
        sku = ("22423", "85123a", "85123A", "POST", "21212")[chance.integers(5)]
        units = int(chance.integers(1, 4))
        price = (2.5, 2.5, 2.5, 0.0)[chance.integers(4)]
        back = chance.random() < 0.3
        named = chance.integers(100, 103) if price or not back else ""
        day = f"2010-12-{chance.integers(1, 29):02} {chance.integers(8, 18):02}:15"
        invoice = f"{'C' if back and price else ''}{500_000 + number}"
        place = ("United Kingdom", "Germany")[chance.integers(2)]
        lines.append(f"{invoice},{sku},{-units if back else units},{day},{price},{named},{place}")
    text = "\n".join(lines) + "\n"
    report = await desk.take(text)
    form = read_text(tmp_path, text)
    told = form.reading.no_demand
    assert (told.cancellations, told.returns, told.fees) == (report.cancellations, report.returns, report.fees)
    assert told.cancellations > 10
    query = """SELECT p.sku, l.name, d.day, d.units FROM daily_demand d JOIN products p ON p.id = d.product_id
               JOIN locations l ON l.id = d.location_id WHERE d.units > 0"""
    expected = {(sku, place, str(day)): units for sku, place, day, units in await desk.rows(query)}
    rows, columns = np.nonzero(form.panel.units)
    found = {
        (form.skus[row], form.locations[row], str(form.panel.starts(column))): float(form.panel.units[row, column])
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True)
    }
    assert found == expected
