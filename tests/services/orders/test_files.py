from __future__ import annotations

import csv
from datetime import date
from pathlib import Path

from bot.services.ingest import ImportReport
from bot.storage import tables
from tests.services.orders.kit import Yard


def reasons(report: ImportReport) -> list[tuple[str, str]]:
    if report.rejects_path is None:
        return []
    with Path(report.rejects_path).open(encoding="utf-8-sig") as file:
        return [(row["field"], row["reason"]) for row in csv.DictReader(file)]


async def test_a_file_of_receipts_counts_once(yard: Yard) -> None:
    number = await yard.ordered({"LAMP": 240, "MUG": 60})
    yard.pass_days(20)
    content = (
        "order,sku,quantity,received at,delivery note\n"
        f"R-{number},lamp,80,2011-12-05 10:00,DN-1\n"
        f"{number},LAMP,160,2011-12-06,DN-2\n"
        f"r-{number},MUG,10,2011-12-06,DN-2m\n"
    )
    first = await yard.take("receipts", content)
    assert (first.added, first.rejected, reasons(first)) == (3, 0, [])
    view = await yard.view(number)
    assert [(line.sku, line.received) for line in view.lines] == [("LAMP", 240), ("MUG", 10)]
    assert view.stage == "partly_received"
    assert await yard.on_hand("LAMP") == 340
    again = await yard.take("receipts", content)
    assert (again.added, again.updated, again.unchanged) == (0, 0, 3)
    assert await yard.on_hand("LAMP") == 340
    assert (await yard.view(number)).version == view.version
    assert {row.platform for row in await yard.shop.all(tables.Audit) if row.action == "order.received"} == {
        "file:file"
    }


async def test_receipts_with_chinese_headers(lite: Yard) -> None:
    number = await lite.ordered({"LAMP": 240})
    lite.pass_days(20)
    report = await lite.take("receipts", f"采购单号,商品编码,实收数量,入库时间\nR-{number},LAMP,240,2011-12-05 10:00\n")
    assert report.added == 1
    assert (await lite.view(number)).state == "done"


async def test_receipts_that_cannot_be_are_rejected_with_their_reason(lite: Yard) -> None:
    number = await lite.ordered({"LAMP": 240})
    waiting = await lite.approved({"MUG": 5})
    lite.pass_days(20)
    report = await lite.take(
        "receipts",
        "order,sku,quantity,received_at\n"
        "R-999,LAMP,1,2011-12-05\n"
        f"R-{number},MUG,1,2011-12-05\n"
        f"R-{number},LAMP,0,2011-12-05\n"
        f"R-{number},LAMP,1,2011-11-01\n"
        f"R-{number},LAMP,1,2011-12-30\n"
        f"R-{waiting},MUG,1,2011-12-05\n"
        "what,LAMP,1,2011-12-05\n"
        f"R-{number},LAMP,7,2011-12-05\n",
    )
    assert (report.added, report.rejected) == (1, 7)
    assert reasons(report) == [
        ("order", "unknown order; write a number such as R-12, or its reference"),
        ("sku", f"not on R-{number}, which has LAMP"),
        ("quantity", "below 1"),
        ("received_at", "before it was ordered"),
        ("received_at", "an impossible date: in the future"),
        ("order", f"R-{waiting} was not ordered: it is approved"),
        ("order", "unknown order; write a number such as R-12, or its reference"),
    ]


async def test_a_file_of_orders_brings_status_date_and_reference(yard: Yard) -> None:
    first, second = await yard.ordered({"LAMP": 240}), await yard.ordered({"MUG": 60})
    content = (
        "order,status,eta,tracking number\n"
        f"R-{first},Confirmed,2011-12-28,SB-77\n"
        f"R-{second},In transit,,MSKU-1\n"
        f"R-{second},delayed,2012-01-15,\n"
    )
    report = await yard.take("orders", content)
    assert (report.added, report.updated, report.rejected) == (0, 3, 0)
    one, two = await yard.view(first), await yard.view(second)
    assert (one.stage, one.expected_on, one.reference) == ("confirmed", date(2011, 12, 28), "SB-77")
    assert (two.stage, two.expected_on, two.reference) == ("in_transit", date(2012, 1, 15), "MSKU-1")
    again = await yard.take("orders", content)
    assert (again.updated, again.unchanged) == (0, 3)


async def test_orders_are_found_by_their_reference_and_closed(lite: Yard) -> None:
    number = await lite.ordered({"LAMP": 240})
    await lite.report(number, "confirmed", reference="SB-77")
    assert (await lite.take("orders", "订单号,状态\nsb-77,已关闭\n")).updated == 1
    assert (await lite.view(number)).state == "done"
    assert await lite.incoming("LAMP") == 0


async def test_order_updates_that_cannot_be_are_rejected(lite: Yard) -> None:
    first, second = await lite.ordered({"LAMP": 240}), await lite.ordered({"MUG": 60})
    for number in (first, second):
        await lite.report(number, "confirmed", reference="SAME")
    report = await lite.take(
        "orders",
        f"order,status,eta\nSAME,shipped,\nR-{first},lost,\nR-{first},received,\nR-{first},shipped,2011-11-01\n",
    )
    assert report.rejected == 4
    assert reasons(report) == [
        ("order", f"several orders have that reference: R-{first}, R-{second}"),
        ("status", "not one of confirmed, shipped, closed"),
        ("status", "what arrived comes in with its units: import receipts"),
        ("expected_on", "a day that has passed"),
    ]


async def test_suppliers_have_an_address_and_a_least_order(yard: Yard) -> None:
    content = "code,name,currency,email,minimum order value\nyiwu,Yiwu,CNY,orders@yiwu.example; b@yiwu.example,1500\n"
    report = await yard.take("suppliers", content + "new,New,EUR,not an address,\nlate,Late,EUR,,\n")
    assert (report.added, report.updated, report.rejected) == (1, 1, 1)
    assert reasons(report) == [("email", "not a mail address such as orders@example.com")]
    rows = {row.code: row for row in await yard.shop.all(tables.Supplier)}
    assert rows["YIWU"].email == "orders@yiwu.example, b@yiwu.example"
    assert rows["YIWU"].minimum_total_minor == 150_000
    assert rows["YIWU"].created_at is None
    assert rows["LATE"].created_at == yard.clock.now()  # it came later: new for a while
    assert (await yard.take("suppliers", "code,name,currency\nyiwu,Yiwu,CNY\n")).unchanged == 1
    rows = {row.code: row for row in await yard.shop.all(tables.Supplier)}
    assert rows["YIWU"].minimum_total_minor == 150_000  # a file that says nothing of it changes nothing


async def test_a_file_of_members_that_changes_a_role_is_on_record(yard: Yard) -> None:
    content = "name,role,zone\nJonas,admin,UTC\nPia,buyer,UTC\nMaria,operator,UTC\n"
    await yard.take("members", content)
    told = [row for row in await yard.shop.all(tables.Audit) if row.action.startswith("member.")]
    members = {row.name: row.id for row in await yard.shop.all(tables.Member)}
    assert [(row.action, row.subject) for row in told] == [
        ("member.added", f"member:{members['Pia']}"),
        ("member.role", f"member:{members['Jonas']}"),
    ]
    assert told[1].data == {"before": "buyer", "after": "admin", "from": "file"}
    await yard.take("members", content)
    assert len([row for row in await yard.shop.all(tables.Audit) if row.action.startswith("member.")]) == 2
