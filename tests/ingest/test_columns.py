from __future__ import annotations

import pytest

from bot.errors import FileRefused
from bot.services.ingest import KINDS, ImportOptions
from bot.services.ingest.columns import FIELDS, mapped, plain, require
from tests.ingest.conftest import Desk

LAYOUTS = {
    "Online Retail": (
        "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country",
        "order_ref,sku,name,quantity,sold_at,unit_price,customer,market",
    ),
    "Chinese ERP": (
        "订单编号,商品编码,商品名称,数量,下单时间,单价,仓库,币种,买家账号",
        "order_ref,sku,name,quantity,sold_at,unit_price,market,currency,customer",
    ),
    "Amazon": (
        "amazon-order-id,purchase-date,sku,product-name,quantity,currency,sales-channel,order-item-id,asin",
        "order_ref,sold_at,sku,name,quantity,currency,market,external_id,",
    ),
    "Shopify": (
        "Name,Email,Paid at,Created at,Lineitem quantity,Lineitem name,Lineitem price,Lineitem sku,Shipping Country,Id",
        "order_ref,customer,,sold_at,quantity,name,unit_price,sku,market,",
    ),
    "Plain": ("SKU,Qty. (pcs),Order Date,Unit Price", "sku,quantity,sold_at,unit_price"),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_headers_of_well_known_exports_are_recognised(layout: str) -> None:
    headers, fields = (row.split(",") for row in LAYOUTS[layout])
    found = mapped("sales", headers, {}, "file")
    assert {place: name for name, place in found.items()} == {n: name for n, name in enumerate(fields) if name}


def test_a_person_has_the_last_word() -> None:
    found = mapped("sales", ["sku", "StockCode", "qty", "date"], {"sku": "StockCode"}, "file")
    assert found["sku"] == 1


@pytest.mark.parametrize(
    ("headers", "wishes", "message"),
    [
        (
            ["product", "units", "date"],
            {},
            r"no column for sku among 'product', 'units', 'date' \(write --map sku=HEADER",
        ),
        (["StockCode", "货号", "qty", "date"], {}, r"--map sku='StockCode' or --map sku='货号'"),
        (["sku", "qty", "date"], {"sku": "Artikel"}, r"no such header \(the file has 'sku', 'qty', 'date'"),
        (["sku", "qty", "date"], {"colour": "qty"}, r"colour is no field of sales \(write one of 'sku'"),
    ],
)
def test_what_cannot_be_mapped_is_refused_with_what_to_write(
    headers: list[str], wishes: dict[str, str], message: str
) -> None:
    with pytest.raises(FileRefused, match=message):
        require("sales", mapped("sales", headers, wishes, "file"), headers, "file")


@pytest.mark.parametrize("kind", KINDS)
def test_no_header_of_a_kind_is_the_very_name_of_two_fields(kind: str) -> None:
    names = [field.headers[0] for field in FIELDS[kind]]  # type: ignore[index]
    assert len(set(names)) == len(names)
    assert all(header == plain(header) for field in FIELDS[kind] for header in field.headers)  # type: ignore[index]


async def test_a_preview_shows_what_would_be_read_and_writes_nothing(desk: Desk) -> None:
    path = desk.write("商品编码,数量,备注\nA1,2,好\n".encode("gbk"))
    found = await desk.ingest.preview("sales", path)
    assert (found.format, found.encoding, found.delimiter) == ("CSV", "gb18030", ",")
    assert found.mapping == {"sku": "商品编码", "quantity": "数量"}
    assert (found.unmapped, found.missing) == (("备注",), ("sold_at",))
    assert found.rows == (("A1", "2", "好"),)
    assert await desk.rows("SELECT COUNT(*) FROM imports") == [(0,)]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"zone": "Mars/Base"}, "--zone Mars/Base: no such time zone"),
        ({"currency": "QQQ"}, "--currency QQQ: no such currency"),
        ({"date_order": "ymd"}, "write dmy or mdy"),
        ({"location": "XX"}, "--location XX: no such location"),
    ],
)
async def test_an_option_that_cannot_be_is_refused(desk: Desk, options: dict[str, str], message: str) -> None:
    path = desk.write("sku,quantity,date\nA,1,2011-01-01\n")
    with pytest.raises(FileRefused, match=message):
        await desk.ingest.run("sales", path, ImportOptions(**options))  # type: ignore[arg-type]
