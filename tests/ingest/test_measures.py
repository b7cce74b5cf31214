"""Volumes, weights, containers and review dates as files write them."""

from __future__ import annotations

import pytest

from bot.services.ingest.measures import VOLUMES, WEIGHTS, measure
from bot.services.ingest.values import Bad
from tests.ingest.conftest import Desk
from tests.ingest.test_records import SUPPLIERS, reasons


@pytest.mark.parametrize(
    ("cell", "header", "found"),
    [
        ("1250", "volume", 1_250),
        ("1250.2", "volume", 1_251),  # never less than it is
        ("0.012", "Volume (m3)", 12_000),
        ("0,012", "体积(m³)", 12_000),
        ("0.012", "CBM per unit", 12_000),
        ("12", "volume_l", 12_000),
        ("12 l", "Volume (m3)", 12_000),  # the cell knows best
        ("1.2e-05", "volumem3", 12),
        ("2立方米", "体积", 2_000_000),
        ("1 ft3", "volume", 28_317),
        ("1,250 cm³", "volume", 1_250),
    ],
)
def test_a_volume_is_read_by_the_unit_of_its_cell_or_of_its_header(cell: str, header: str, found: int) -> None:
    assert measure(cell, header, VOLUMES) == found


@pytest.mark.parametrize(
    ("cell", "header", "found"),
    [("350", "weight", 350), ("0.35", "毛重（公斤）", 350), ("1 lb", "weight", 454), ("21.75t", "payload", 21_750_000)],
)
def test_a_weight_is_read_likewise(cell: str, header: str, found: int) -> None:
    assert measure(cell, header, WEIGHTS) == found


@pytest.mark.parametrize(
    ("cell", "header", "why"),
    [
        ("big", "volume", "not a number, nor one with a unit"),
        ("0", "volume", "not above 0"),
        ("3 kg", "volume", "unknown unit kg"),
        ("3", "Volume (per carton)", "unknown unit per carton"),
        ("9e9", "Volume (m3)", "absurd"),
    ],
)
def test_a_measure_that_cannot_be_says_why(cell: str, header: str, why: str) -> None:
    found = measure(cell, header, VOLUMES)
    assert isinstance(found, Bad)
    assert found.reason.startswith(why)


async def test_goods_have_a_volume_and_a_weight(any_desk: Desk) -> None:
    content = "商品编码,名称,体积(m3),毛重(kg)\nA,灯,0.012,1.5\nB,杯,,\nC,盘,no,\n"
    report = await any_desk.take(content, "products", "p.csv")
    assert (report.added, report.rejected) == (2, 1)
    assert [found[1:] for found in reasons(any_desk, "p.csv")] == [("unit_volume", "not a number, nor one with a unit")]
    assert (await any_desk.take("sku,name\nA,Lamp\n", "products", "again.csv")).updated == 1
    query = "SELECT sku, name, unit_volume_cm3, unit_weight_g FROM products WHERE sku IN ('A', 'B') ORDER BY sku"
    assert await any_desk.rows(query) == [("A", "Lamp", 12_000, 1_500), ("B", "杯", None, None)]


async def test_routes_go_by_containers_of_a_standard_size_or_of_their_own(any_desk: Desk) -> None:
    await any_desk.take(SUPPLIERS, "suppliers", "s.csv")
    head = "supplier,location,mode,lead_time_days,container,container_volume,container_payload (t)\n"
    content = head + (
        "yiwu,UK,sea,35,40' hc,,\nyiwu,UK,rail,20,20GP,25 m3,\nyiwu,UK,road,9,Truck 7.5t,35 m3,3.5\nyiwu,DE,sea,30,,,\n"
        "yiwu,UK,air,5,ULD,,\nyiwu,DE,air,5,,,2\n"
    )
    report = await any_desk.take(content, "routes", "r.csv")
    assert (report.added, report.rejected) == (4, 2)
    assert [found[1:] for found in reasons(any_desk, "r.csv")] == [
        ("container", "none of 20GP, 40GP, 40HQ or LCL; for another one write container_volume too"),
        ("container_volume", "missing; write it beside container_weight, or a container's name"),
    ]
    query = "SELECT container, container_volume_cm3, container_weight_g FROM routes ORDER BY lead_time_days"
    assert await any_desk.rows(query) == [
        ("Truck 7.5t", 35_000_000, 3_500_000),
        ("20GP", 25_000_000, 21_750_000),
        (None, None, None),
        ("40HQ", 68_000_000, 26_280_000),
    ]
    plain = "supplier,location,mode,lead_time_days\nyiwu,UK,sea,36\n"
    assert (await any_desk.take(plain, "routes", "plain.csv")).updated == 1
    assert (await any_desk.rows(query))[-1][0] == "40HQ"  # a file that says nothing of it changes nothing
    loose = "供应商,仓库,运输方式,交期,柜型\nyiwu,UK,海运,36,拼箱\n"
    assert (await any_desk.take(loose, "routes", "loose.csv")).updated == 1
    assert (await any_desk.rows(query))[-1] == (None, None, None)


async def test_suppliers_are_ordered_from_on_certain_days(any_desk: Desk) -> None:
    content = "code,name,订货周期,首次订货日\nA,A,14,2011-01-03\nB,B,,\nC,C,14,\nD,D,,2011-01-03\nE,E,400,2011-01-03\n"
    report = await any_desk.take(content, "suppliers", "s.csv")
    assert (report.added, report.rejected) == (2, 3)
    assert [found[1] for found in reasons(any_desk, "s.csv")] == ["review_from", "review_every", "review_every"]
    query = "SELECT code, review_every, CAST(review_from AS TEXT) FROM suppliers ORDER BY code"
    assert await any_desk.rows(query) == [("A", 14, "2011-01-03"), ("B", None, None)]
    assert (await any_desk.take("code,name,review_every\nA,A,0\n", "suppliers", "off.csv")).updated == 1
    assert (await any_desk.rows(query))[0] == ("A", None, None)
