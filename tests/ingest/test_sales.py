from __future__ import annotations

import csv
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.errors import FileRefused
from tests.ingest.conftest import Desk

HEAD = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"


def line(
    order: str = "536365",
    sku: str = "85123A",
    quantity: object = 6,
    at: str = "2010-12-01 08:26",
    price: object = 2.55,
    customer: str = "17850",
    country: str = "United Kingdom",
    name: str = "WHITE HANGING HEART",
) -> str:
    return f"{order},{sku},{name},{quantity},{at},{price},{customer},{country}\n"


def rejected(path: Path) -> list[tuple[str, str, str]]:
    with (path.parent / f"{path.name}.rejects.csv").open(encoding="utf-8-sig") as file:
        return [(row["line"], row["field"], row["reason"]) for row in csv.DictReader(file)]


@pytest.mark.parametrize(
    ("bad", "field", "reason"),
    [
        (line(sku=""), "sku", "missing"),
        (line(sku="nan"), "sku", "missing"),
        (line(quantity="NaN"), "quantity", "missing"),
        (line(quantity=""), "quantity", "missing"),
        (line(quantity="inf"), "quantity", "not a finite number"),
        (line(quantity="six"), "quantity", "not a number"),
        (line(quantity="1.5"), "quantity", "not a whole number"),
        (line(quantity=0), "quantity", "zero"),
        (line(quantity=2_000_000), "quantity", "absurd: beyond 1000000"),
        (line(quantity=-2, price=0), "quantity", "negative, at no price, for a customer"),
        (line(order="C1", quantity=3), "quantity", "positive in a cancellation"),
        (line(price="-1"), "unit_price", "negative"),
        (line(price="nan"), "unit_price", "missing"),
        (line(price="1e400"), "unit_price", "absurd: beyond 10000000"),
        (line(price="0.1234567"), "unit_price", "more than six decimals"),
        (line(at="2010-02-30 09:00"), "sold_at", "an impossible date"),
        (line(at="yesterday"), "sold_at", "not a date"),
        (line(at="1066-10-14"), "sold_at", "an impossible date: too long ago"),
        (line(at="2031-01-01"), "sold_at", "an impossible date: in the future"),
        (line(at=""), "sold_at", "missing"),
        (line().replace("\n", ",extra\n"), "", "has 9 cells under 8 headers"),
    ],
)
async def test_a_bad_row_is_named_with_line_field_and_reason_and_the_good_ones_stay(
    desk: Desk, bad: str, field: str, reason: str
) -> None:
    path = desk.write(HEAD + line() + bad + line(order="536366"))
    report = await desk.take(path)
    assert (report.rows, report.added, report.rejected) == (3, 2, 1)
    assert report.rejects_path == desk.folder / "sales.csv.rejects.csv"
    assert rejected(path) == [("3", field, reason)]
    assert await desk.rows("SELECT COUNT(*), SUM(units) FROM daily_demand") == [(1, 12)]


async def test_a_rejected_row_is_kept_as_it_was_and_goes_once_it_is_mended(desk: Desk) -> None:
    path = desk.write(HEAD + line(quantity="x6"))
    await desk.take(path)
    with (desk.folder / "sales.csv.rejects.csv").open(encoding="utf-8-sig") as file:
        row = list(csv.reader(file))[1]
    assert row == ["2", "quantity", "not a number", *line(quantity="x6").strip().split(",")]
    report = await desk.take(desk.write(HEAD + line()))
    assert (report.added, report.rejects_path) == (1, None)
    assert not (desk.folder / "sales.csv.rejects.csv").exists()


async def test_an_unknown_currency_and_an_unknown_place_are_rejected(desk: Desk) -> None:
    path = desk.write(
        "sku,quantity,date,price,currency,warehouse\nA,1,2011-01-01,1,GBP,UK\nA,1,2011-01-01,1,XQX,UK\n"
        "A,1,2011-01-01,1,人民币,UK\n"
    )
    await desk.take(path)
    assert rejected(path) == [("3", "currency", "unknown currency")]
    assert await desk.rows("SELECT currency FROM sales ORDER BY 1") == [("CNY",), ("GBP",)]
    async with desk.database.transaction() as connection:
        await connection.exec_driver_sql("UPDATE locations SET markets = '[]'")
    path = desk.write("sku,quantity,date,country\nA,1,2011-01-01,Atlantis\n")
    await desk.take(path)
    assert rejected(path) == [("2", "market", "unknown location; known are UK, DE")]


async def test_the_same_file_twice_changes_nothing(any_desk: Desk) -> None:
    lines = [line(), line(), line(sku="71053"), line(order="536366"), line(order="C536367", quantity=-6)]
    tables = [f"SELECT * FROM {name} ORDER BY 1, 2, 3" for name in ("sales", "daily_demand", "products", "feeds")]  # noqa: S608  # our own names
    first = await any_desk.take(HEAD + "".join(lines))
    before = [await any_desk.rows(query) for query in tables]
    second = await any_desk.take(HEAD + "".join(lines))
    assert (first.added, first.unchanged, first.cancellations) == (5, 0, 1)
    assert (second.added, second.unchanged, second.rejected) == (0, 5, 0)
    assert [await any_desk.rows(query) for query in tables] == before


async def test_an_appended_file_adds_only_its_new_lines_even_repeats_of_old_ones(any_desk: Desk) -> None:
    await any_desk.take(HEAD + line() + line())
    report = await any_desk.take(HEAD + line() + line() + line(sku="71053") * 4 + line())
    assert (report.added, report.unchanged) == (5, 2)
    assert await any_desk.rows("SELECT SUM(units), SUM(lines) FROM daily_demand") == [(42, 7)]


async def test_a_file_with_line_ids_is_taken_by_them_and_a_repeated_id_is_a_fault(desk: Desk) -> None:
    head = "sku,quantity,date,line-id\n"
    await desk.take(head + "A,1,2011-01-01,x1\nA,1,2011-01-01,x2\n")
    path = desk.write(head + "A,1,2011-01-01,x2\nA,5,2011-01-02,x3\nA,9,2011-01-02,x3\n")
    report = await desk.take(path)
    assert (report.added, report.unchanged, report.rejected) == (1, 1, 1)
    assert rejected(path) == [("4", "external_id", "used by an earlier line of this file")]


async def test_two_sources_do_not_mix(desk: Desk) -> None:
    await desk.take(HEAD + line(), source="shop")
    assert (await desk.take(HEAD + line(), source="market")).added == 1


async def test_a_cancellation_takes_its_sale_out_of_demand_on_the_sales_own_day(any_desk: Desk) -> None:
    report = await any_desk.take(
        HEAD
        + line(order="1", at="2011-01-03 09:00")
        + line(order="2", at="2011-01-04 09:00")
        + line(order="C3", quantity=-6, at="2011-01-05 09:00")
    )
    assert (report.cancellations, report.returns) == (1, 0)
    days = await any_desk.rows("SELECT CAST(day AS TEXT), units, returned, shipped FROM daily_demand ORDER BY 1")
    assert days == [("2011-01-03", 6, 0, 6), ("2011-01-04", 0, 0, 6), ("2011-01-05", 0, 6, -6)]
    found = await any_desk.rows("SELECT order_ref FROM sales WHERE cancelled_by IS NOT NULL")
    assert found == [("2",)]  # the latest one before it


@pytest.mark.parametrize(
    "other",
    [
        {"customer": "99999"},
        {"price": 2.95},
        {"quantity": -5},
        {"sku": "71053"},
        {"at": "2011-03-01 09:00"},
        {"country": "Germany"},
    ],
)
async def test_what_agrees_with_no_sale_is_a_return_and_demand_stays(desk: Desk, other: dict[str, object]) -> None:
    back = {"order": "C3", "quantity": -6, "at": "2011-01-05 09:00"} | other
    report = await desk.take(HEAD + line(at="2011-01-03 09:00") + line(**back))  # type: ignore[arg-type]
    assert (report.cancellations, report.returns) == (0, 1)
    assert await desk.rows("SELECT SUM(units) FROM daily_demand") == [(6,)]
    assert await desk.rows("SELECT SUM(returned) FROM daily_demand") == [(-int(str(back["quantity"])),)]


async def test_the_outcome_does_not_depend_on_the_order_of_imports(any_desk: Desk) -> None:
    early = line(order="1", at="2011-01-03 09:00")
    late = line(order="2", at="2011-01-04 09:00")
    undo = line(order="C3", quantity=-6, at="2011-01-05 09:00") + line(order="C4", quantity=-6, at="2011-01-06 09:00")
    await any_desk.take(HEAD + undo)
    await any_desk.take(HEAD + early)
    assert await any_desk.rows("SELECT order_ref FROM sales WHERE cancels IS NOT NULL") == [("C3",)]
    await any_desk.take(HEAD + late)
    pairs = await any_desk.rows(
        "SELECT s.order_ref, c.order_ref FROM sales s JOIN sales c ON c.external_id = s.cancelled_by ORDER BY 1"
    )
    assert pairs == [("1", "C4"), ("2", "C3")]
    assert await any_desk.rows("SELECT SUM(units) FROM daily_demand") == [(0,)]


async def test_stock_notes_fees_and_bad_debts_are_no_demand(any_desk: Desk) -> None:
    report = await any_desk.take(
        HEAD
        + line()
        + line(order="1", quantity=-10, price=0, customer="", name="damaged")
        + line(order="2", quantity=4, price=0, customer="", name="found")
        + line(order="3", quantity=2, price=0, name="")
        + line(order="4", sku="POST", price=18)
        + line(order="5", sku="gift_0001_30", price=25)
        + line(order="A6", sku="B", quantity=1, price=-11062.06, customer="")
    )
    tallies = (report.write_offs, report.adjustments, report.samples, report.fees, report.rejected)
    assert tallies == (1, 1, 1, 3, 0)
    moved = await any_desk.rows("SELECT kind, quantity FROM stock_movements ORDER BY 1")
    assert moved == [("adjustment", 4), ("sample", -2), ("write_off", -10)]
    assert await any_desk.rows("SELECT SUM(units) FROM daily_demand") == [(6,)]
    assert await any_desk.rows("SELECT sku, name FROM products") == [("85123A", "WHITE HANGING HEART")]


async def test_a_code_is_one_product_whatever_its_case_and_spaces(desk: Desk) -> None:
    await desk.take(HEAD + line(sku=" 85123a ") + line(order="2"))
    assert await desk.rows("SELECT sku FROM products") == [("85123A",)]


async def test_a_product_is_called_what_its_sales_call_it_most(desk: Desk) -> None:
    content = line(name="HEART") + line(order="2", name="BIG HEART") * 2 + line(order="3", name="damaged?") * 5
    await desk.take(HEAD + content + line(order="4", price=0, customer="", name="NOTE") * 9)
    assert await desk.rows("SELECT name, unit_price_minor FROM products") == [("BIG HEART", 255)]


@pytest.mark.parametrize(
    ("at", "country", "instant", "day"),
    [
        ("2011-06-01 23:30", "United Kingdom", "2011-06-01T22:30", "2011-06-01"),
        ("2011-06-01 00:30", "Germany", "2011-05-31T22:30", "2011-06-01"),
        ("2011-06-01T23:30Z", "Germany", "2011-06-01T23:30", "2011-06-02"),
        ("2011-03-27 01:30", "United Kingdom", "2011-03-27T01:30", "2011-03-27"),  # skipped: as if not yet moved
        ("2011-10-30 01:30", "United Kingdom", "2011-10-30T00:30", "2011-10-30"),  # twice: the first
    ],
)
async def test_a_time_is_local_at_its_place_and_the_day_is_the_places_own(
    desk: Desk, at: str, country: str, instant: str, day: str
) -> None:
    await desk.take(HEAD + line(at=at, country=country))
    expected = datetime.fromisoformat(instant).replace(tzinfo=UTC)
    assert await desk.rows("SELECT sold_at / 1000000, day FROM sales") == [(int(expected.timestamp()), day)]


async def test_a_named_zone_reads_every_time_and_the_day_stays_the_places_own(desk: Desk) -> None:
    await desk.take(HEAD + line(at="2011-06-01 23:30", country="Germany"), zone="Europe/London")
    assert await desk.rows("SELECT day FROM sales") == [("2011-06-02",)]
    await desk.take(HEAD + line(order="2", at="2011-06-03", country="Germany"), zone="Europe/London")
    assert await desk.rows("SELECT day FROM sales WHERE order_ref = '2'") == [("2011-06-03",)]


async def test_dates_that_could_be_two_are_asked_about_unless_one_of_them_tells(desk: Desk) -> None:
    with pytest.raises(FileRefused, match="--date-order dmy"):
        await desk.take(HEAD + line(at="3/4/2011 10:00"))
    assert await desk.rows("SELECT COUNT(*) FROM sales") == [(0,)]
    await desk.take(HEAD + line(at="3/4/2011 10:00") + line(order="2", at="4/13/2011 10:00"))
    assert await desk.rows("SELECT day FROM sales ORDER BY 1") == [("2011-03-04",), ("2011-04-13",)]
    await desk.take(HEAD + line(order="3", at="3/4/2011 10:00"), date_order="dmy")
    assert await desk.rows("SELECT day FROM sales WHERE order_ref = '3'") == [("2011-04-03",)]


async def test_an_import_that_dies_half_way_is_completed_by_doing_it_again(any_desk: Desk) -> None:
    content = HEAD + "".join(line(order=str(number)) for number in range(7)) + line(order="C9", quantity=-6)
    path = any_desk.write(content)

    def die(done: int, _of: int | None) -> None:
        if done >= 6:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await any_desk.ingest.run("sales", path, progress=die)
    assert await any_desk.rows("SELECT COUNT(*) FROM sales") == [(6,)]
    assert await any_desk.rows("SELECT COUNT(*) FROM daily_demand") == [(0,)]
    report = await any_desk.take(path)
    assert (report.added, report.unchanged, report.cancellations) == (2, 6, 1)
    assert await any_desk.rows("SELECT units, lines, shipped FROM daily_demand") == [(36, 6, 36)]
    assert not await any_desk.rows("SELECT key FROM marks WHERE key LIKE 'derive:%'")


async def test_a_file_damaged_further_down_keeps_and_counts_what_came_before(desk: Desk) -> None:
    desk.ingest._settings = type(desk.ingest._settings)(currency="GBP", batch=2)
    content = HEAD + line() + line(order="2") + line(order="3") + '4,"' + "x\n" * 200_000
    with pytest.raises(FileRefused, match="quotation mark"):
        await desk.take(content)
    assert await desk.rows("SELECT SUM(units) FROM daily_demand") == [(12,)]


async def test_an_import_is_entered_in_the_books(desk: Desk) -> None:
    await desk.take(HEAD + line() + line(quantity="x"))
    found = await desk.rows("SELECT kind, file_name, added, unchanged, rejected, LENGTH(sha256) FROM imports")
    assert found == [("sales", "sales.csv", 1, 0, 1, 64)]
    (fresh,) = await desk.rows("SELECT source, kind, fresh_until / 1000000, limit_hours FROM feeds")
    assert fresh == ("file", "sales", int(datetime(2010, 12, 1, 8, 26, tzinfo=UTC).timestamp()), 48)


async def test_money_is_exact(desk: Desk) -> None:
    await desk.take(HEAD + line(quantity=3, price=0.125) + line(order="2", quantity=1, price="0.125"))
    assert await desk.rows("SELECT unit_price, amount_minor FROM sales ORDER BY id") == [(125_000, 38), (125_000, 12)]
