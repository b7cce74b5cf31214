from __future__ import annotations

import csv
import os
from datetime import UTC, datetime

import pytest
from sqlalchemy import select, update

from bot.errors import FileRefused
from bot.storage.tables import Member
from tests.ingest.conftest import Desk

SUPPLIERS = "code,name,country,currency,language\nyiwu,Yiwu Hengxin,CN,CNY,zh\n"


def reasons(desk: Desk, name: str) -> list[tuple[str, str, str]]:
    with (desk.folder / f"{name}.rejects.csv").open(encoding="utf-8-sig") as file:
        return [(row["line"], row["field"], row["reason"]) for row in csv.DictReader(file)]


def micros(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000_000


async def test_stock_is_a_count_at_an_instant_and_twice_changes_nothing(any_desk: Desk) -> None:
    content = "SKU,仓库,库存数量,占用,盘点时间\nA,UK,10,2,2011-11-20 08:00\nB,Germany,5,,2011-11-20 08:00\n"
    first = await any_desk.take(content, "stock", "stock.csv")
    second = await any_desk.take(content, "stock", "stock.csv")
    assert (first.added, second.added, second.updated, second.unchanged) == (2, 0, 0, 2)
    third = await any_desk.take(content.replace(",10,", ",11,"), "stock", "stock.csv")
    assert (third.added, third.updated, third.unchanged) == (0, 1, 1)
    query = "SELECT p.sku, s.on_hand, s.committed FROM stock_levels s JOIN products p ON p.id = s.product_id ORDER BY 1"
    assert await any_desk.rows(query) == [("A", 11, 2), ("B", 5, 0)]
    assert len(await any_desk.rows("SELECT id FROM feeds WHERE kind = 'stock'")) == 1


async def test_stock_without_a_date_was_true_when_the_file_was_written(desk: Desk) -> None:
    path = desk.write("sku,location,on_hand\nA,UK,10\n", "stock.csv")
    os.utime(path, (micros("2011-11-19T10:00") // 10**6,) * 2)
    await desk.take(path, "stock")
    assert await desk.rows("SELECT as_of FROM stock_levels") == [(micros("2011-11-19T10:00"),)]
    await desk.take(path, "stock", as_of=datetime(2011, 11, 20, tzinfo=UTC))
    assert await desk.rows("SELECT COUNT(*) FROM stock_levels") == [(2,)]


@pytest.mark.parametrize(
    ("row", "field", "reason"),
    [
        ("A,XX,1,0,2011-11-20", "location", "unknown location; known are UK, DE"),
        ("A,UK,-1,0,2011-11-20", "on_hand", "below 0"),
        ("A,UK,,0,2011-11-20", "on_hand", "missing"),
        (",UK,1,0,2011-11-20", "sku", "missing"),
        ("A,UK,1,0,2031-11-20", "as_of", "an impossible date: in the future"),
    ],
)
async def test_a_bad_count_is_rejected(desk: Desk, row: str, field: str, reason: str) -> None:
    content = f"sku,location,on_hand,committed,as_of\n{row}\nB,UK,1,0,2011-11-20\n"
    report = await desk.take(content, "stock", "stock.csv")
    assert (report.added, report.rejected) == (1, 1)
    assert reasons(desk, "stock.csv") == [("2", field, reason)]


async def test_products_keep_what_a_file_does_not_say(any_desk: Desk) -> None:
    await any_desk.take("sku,name,unit_cost,unit_price,currency\na,Mug,1.20,2.955,GBP\n", "products", "p.csv")
    report = await any_desk.take("货号,采购价\nA,1.30\nB,5\n", "products", "p2.csv")
    assert (report.added, report.updated) == (1, 1)
    found = await any_desk.rows(
        "SELECT sku, name, unit_cost_minor, unit_price_minor, currency FROM products ORDER BY 1"
    )
    assert found == [("A", "Mug", 130, 296, "GBP"), ("B", "B", 500, None, "GBP")]


async def test_another_currency_without_the_figures_in_it_is_rejected_and_the_rest_taken(any_desk: Desk) -> None:
    """Or what was 2.96 pounds would be 2.96 euros."""
    first = "sku,unit_cost,unit_price,currency\nA,1.20,2.96,GBP\nB,1,,GBP\nC,,,GBP\nD,1,2,GBP\n"
    await any_desk.take(first, "products", "p.csv")
    second = (
        "sku,unit_cost,unit_price,currency\nA,,,EUR\nA,1.40,,EUR\nA,,,GBP\nB,1.15,,EUR\nC,,3,EUR\nC,2,,USD\nD,3,4,EUR\n"
    )
    report = await any_desk.take(second, "products", "q.csv")
    assert report.rejected == 3
    told = [
        ("2", "unit_cost and unit_price", "EUR", "GBP"),
        ("3", "unit_price", "EUR", "GBP"),
        ("7", "unit_price", "USD", "EUR"),
    ]
    assert reasons(any_desk, "q.csv") == [
        (
            line,
            "currency",
            (
                f"is {before} so far, with {left} in it; write {left} in {now} beside it, "
                f"or leave the row's currency {before}"
            ),
        )
        for line, left, now, before in told
    ]
    found = await any_desk.rows("SELECT sku, unit_cost_minor, unit_price_minor, currency FROM products ORDER BY 1")
    assert found == [
        ("A", 120, 296, "GBP"), ("B", 115, None, "EUR"), ("C", None, 300, "EUR"), ("D", 300, 400, "EUR"),
    ]  # fmt: skip


async def test_a_suppliers_least_order_does_not_change_its_currency_alone(desk: Desk) -> None:
    await desk.take("code,name,currency,minimum_total\nY,Yiwu,CNY,3000\nZ,Zed,CNY,\n", "suppliers", "s.csv")
    report = await desk.take("code,name,currency\nY,Yiwu,USD\nZ,Zed,USD\n", "suppliers", "t.csv")
    assert (report.updated, report.rejected) == (1, 1)
    ((line, field, reason),) = reasons(desk, "t.csv")
    assert (line, field) == ("2", "currency")
    assert "is CNY so far, with minimum_total in it; write minimum_total in USD" in reason
    await desk.take("code,name,minimum_total\nY,Yiwu Hengxin,4000\n", "suppliers", "u.csv")  # says no currency
    found = await desk.rows("SELECT code, name, currency, minimum_total_minor FROM suppliers ORDER BY 1")
    assert found == [("Y", "Yiwu Hengxin", "CNY", 400_000), ("Z", "Zed", "USD", None)]


async def test_sales_of_before_keep_their_money_where_a_file_says_another_currency_of_their_product(
    any_desk: Desk,
) -> None:
    sales = "sku,quantity,date,price,currency\nA,2,2011-01-01,1.50,GBP\nA,1,2011-01-02,4,EUR\nMUG,1,2011-01-01,7,GBP\n"
    await any_desk.take("sku,currency\nA,GBP\nMUG,GBP\n", "products", "first.csv")
    await any_desk.take(sales, location="UK")
    await any_desk.take("sku,unit_price,currency\nA,2,EUR\nMUG,,GBP\n", "products", "p.csv")
    demand, foreign = [
        await any_desk.rows(
            f"SELECT p.sku, {money}, d.revenue_minor FROM {table} d JOIN products p ON p.id = d.product_id "  # noqa: S608  # our own
            "WHERE d.revenue_minor > 0 ORDER BY 1, 2"
        )
        for table, money in (("daily_demand", "p.currency"), ("foreign_revenue", "d.currency"))
    ]
    assert (demand, foreign) == ([("A", "EUR", 400), ("MUG", "GBP", 700)], [("A", "GBP", 300)])


async def test_a_products_file_outranks_what_sales_say(desk: Desk) -> None:
    await desk.take("sku,name,unit_price\nA,Real Name,9.99\n", "products", "p.csv")
    await desk.take("sku,quantity,date,price,name\nA,1,2011-01-01,1,SALE NAME\n", location="UK")
    assert await desk.rows("SELECT name, unit_price_minor FROM products") == [("Real Name", 999)]


async def test_suppliers_and_their_routes(any_desk: Desk) -> None:
    await any_desk.take(SUPPLIERS, "suppliers", "s.csv")
    await any_desk.take("sku\nA\n", "products", "p.csv")
    head = "supplier,sku,location,mode,lead time,moq,pack,unit cost\n"
    content = head + "YIWU,A,UK,海运,35,100,10,7.5\nYiwu Hengxin,,Germany,air,9.5,,,\n"
    first = await any_desk.take(content, "routes", "r.csv")
    again = await any_desk.take(content, "routes", "r.csv")
    assert (first.added, again.added, again.updated, again.unchanged) == (2, 0, 0, 2)
    found = await any_desk.rows(
        "SELECT mode, lead_time_days, minimum_order, pack_size, unit_cost_minor, currency FROM routes ORDER BY mode"
    )
    assert found == [
        ("air", 9_500_000, 1, 1, None, "CNY"),
        ("sea", 35_000_000, 100, 10, 750, "CNY"),
    ]
    bad = (
        head
        + "NOBODY,A,UK,sea,35,,,\nYIWU,Z,UK,sea,35,,,\nYIWU,A,UK,teleport,1,,,\n"
        + "YIWU,A,UK,sea,0,,,\nYIWU,A,UK,sea,9,0,,\n"
    )
    await any_desk.take(bad, "routes", "bad.csv")
    assert [(field, reason.split(";")[0]) for _, field, reason in reasons(any_desk, "bad.csv")] == [
        ("supplier", "unknown supplier"),
        ("sku", "unknown product"),
        ("mode", "not one of sea, air, rail, road, courier"),
        ("lead_time_days", "not between 0 and 1000 days"),
        ("minimum_order", "below 1"),
    ]


async def test_members_come_with_their_identities_and_hours(any_desk: Desk) -> None:
    head = "name,role,zone,language,country,work from,work to,workdays,slack,telegram\n"
    content = head + "Lin Wei,approver,Asia/Shanghai,zh-CN,CN,9:00,18:30,12345,U1,1001\n"
    await any_desk.take(content, "members", "m.csv")
    report = await any_desk.take(content.replace("approver", "buyer"), "members", "m.csv")
    assert (report.added, report.updated) == (0, 1)
    (found,) = await any_desk.rows("SELECT name, role, zone, language, country, workdays FROM members")
    assert found == ("Lin Wei", "buyer", "Asia/Shanghai", "zh_CN", "CN", "12345")
    hours = await any_desk.rows("SELECT CAST(working_from AS TEXT), CAST(working_to AS TEXT) FROM members")
    assert [(start[:5], end[:5]) for start, end in hours] == [("09:00", "18:30")]
    identities = await any_desk.rows("SELECT platform, external_id FROM identities ORDER BY 1")
    assert identities == [("slack", "U1"), ("telegram", "1001")]
    bad = head + (
        "Eve,approver,Asia/Shanghai,en,CN,,,,U1,\nBob,king,Asia/Shanghai,en,CN,,,,,\n"
        "Bob,buyer,Mars/Base,en,CN,,,,,\nBob,buyer,UTC,en,China,,,,,\nBob,buyer,UTC,en,CN,25:00,,,,\nBob,buyer,UTC,en,CN,,,89,,\n"
    )
    await any_desk.take(bad, "members", "bad.csv")
    assert [(field, reason.split(";")[0]) for _, field, reason in reasons(any_desk, "bad.csv")] == [
        ("slack", "belongs to Lin Wei"),
        ("role", "not one of viewer, operator, buyer, approver, promo_manager, auditor, admin"),
        ("zone", "unknown time zone"),
        ("country", "not a two-letter country code"),
        ("working_from", "not a time such as 09:00"),
        ("workdays", "not digits from 1 (Monday) to 7, such as 12345"),
    ]


async def test_a_member_whose_calendar_changed_in_the_file_has_the_next_digest_planned_anew(any_desk: Desk) -> None:
    content = "name,zone,slack\nGreta,Europe/Berlin,U1\nNok,Asia/Bangkok,U2\n"
    await any_desk.take(content, "members", "m.csv")
    planned = datetime(2011, 11, 22, 8, tzinfo=UTC)
    async with any_desk.database.transaction() as connection:
        await connection.execute(update(Member).values(next_digest_at=planned))
    again = await any_desk.take(content, "members", "m.csv")
    assert (again.added, again.updated) == (0, 0)
    await any_desk.take(content.replace("Europe/Berlin", "America/Chicago"), "members", "m.csv")
    async with any_desk.database.reading() as connection:
        found = await connection.execute(select(Member.name, Member.next_digest_at).order_by(Member.name))
        assert [tuple(row) for row in found] == [("Greta", None), ("Nok", planned)]


async def test_goods_on_their_way_become_stock_once_when_they_arrive(any_desk: Desk) -> None:
    head = "sku,location,quantity,ordered_at,eta,received,po number\n"
    await any_desk.take(head + "A,UK,100,2011-10-01,2011-11-05,,PO1\n", "inbounds", "i.csv")
    assert await any_desk.rows("SELECT COUNT(*) FROM stock_movements") == [(0,)]
    arrived = head + "A,UK,100,2011-10-01,2011-11-05,2011-11-07 10:00,PO1\n"
    for _ in range(2):
        await any_desk.take(arrived, "inbounds", "i.csv")
    found = await any_desk.rows("SELECT quantity, kind, CAST(day AS TEXT) FROM stock_movements")
    assert found == [(100, "receipt", "2011-11-07")]
    assert await any_desk.rows("SELECT COUNT(*) FROM inbounds WHERE received_at IS NOT NULL") == [(1,)]
    await any_desk.take(head + "A,UK,5,2011-10-01,2011-11-05,2011-09-01,PO2\n", "inbounds", "bad.csv")
    assert reasons(any_desk, "bad.csv") == [("2", "received_at", "before it was ordered")]


async def test_locations_can_be_imported_and_changed(desk: Desk) -> None:
    await desk.take("code,name,zone,country,markets\nUK,Britain,Europe/London,GB,UK;GB\n", "locations", "l.csv")
    assert await desk.rows("SELECT name, markets, currency FROM locations WHERE code = 'UK'") == [
        ("Britain", '["UK", "GB"]', "GBP")
    ]


async def test_without_a_location_nothing_can_be_imported(desk: Desk) -> None:
    async with desk.database.transaction() as connection:
        await connection.exec_driver_sql("DELETE FROM locations")
    with pytest.raises(FileRefused, match="stocktide import locations FILE"):
        await desk.take("sku,quantity,date\nA,1,2011-01-01\n")
