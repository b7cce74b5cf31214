"""Containers and review dates from files to a card, from a terminal."""

from __future__ import annotations

from pathlib import Path

from tests.cli import files
from tests.cli.terminal import stocktide


def ready(
    shop: Path, container: str, supplier: str = "code,name,订货周期,首次订货日\nYIWU,Yiwu Bright Gifts,,\n"
) -> None:
    """The shop with measured goods, its route by container, and its supplier as given."""
    (shop / "measures.csv").write_text("sku,volume (l),weight (g)\n85123A,1.5,300\n22423,9,1500\n", encoding="utf-8")
    head = "supplier,sku,location,mode,lead time,moq,pack size,unit cost,currency,container,usable volume\n"
    row = f"YIWU,85123A,UK,sea,30,100,50,1.20,GBP,{container}\n"
    (shop / "boxes.csv").write_text(head + row, encoding="utf-8")
    (shop / "dates.csv").write_text(supplier, encoding="utf-8")
    for kind, name in (("products", "measures"), ("suppliers", "dates"), ("routes", "boxes")):
        ran = stocktide("import", kind, f"{name}.csv")
        assert ran.code == 0, ran.err


def card(command: str = "/requests all") -> str:
    return " ".join(stocktide("ask", command, "--at", files.AT).out.split())


def test_an_order_says_on_its_card_how_full_its_container_is(shop: Path) -> None:
    ready(shop, "Box,900 l")
    assert stocktide("scan", "--at", files.AT).code == 0
    told = card("/requests R-1") + card("/requests R-2")
    assert "1 × Box" in told
    assert "full by volume" in told
    assert "brought forward to fill the container" in told


def test_an_order_before_the_date_of_its_supplier_says_why_or_gathers(shop: Path) -> None:
    dates = "code,name,订货周期,首次订货日\nYIWU,Yiwu Bright Gifts,14,2011-11-25\n"
    ready(shop, "40HQ,", dates)
    assert stocktide("scan", "--at", files.AT).code == 0
    told = card("/requests R-1") + card("/requests R-2")
    assert "Orders to Yiwu Bright Gifts go out together on Nov 25, 2011. This one does not wait" in told
    assert "1 × 40HQ" in told


def test_an_order_that_waits_for_its_container_is_named_by_the_scan(shop: Path) -> None:
    text = "sku,location,on hand,committed,as of\n85123A,UK,420,0,2011-11-20\n"
    (shop / "more.csv").write_text(text, encoding="utf-8")
    assert stocktide("import", "stock", "more.csv").code == 0
    ready(shop, "40HQ,")
    spread = "supplier,sku,location,mode,lead time,lead time sd,container\nYIWU,85123A,UK,sea,30,9,40HQ\n"
    (shop / "spread.csv").write_text(spread, encoding="utf-8")
    assert stocktide("import", "routes", "spread.csv").code == 0
    ran = stocktide("scan", "--at", files.AT)
    said = " ".join(ran.out.split())
    assert "Held until more is due" in said
    assert "a container from Yiwu Bright Gifts would go nearly empty, and its stock lasts." in said
