"""What the pages show: to every role, in both languages, in the reader's zone, and never as markup of a product's."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from html.parser import HTMLParser
from itertools import product
from zoneinfo import ZoneInfo

import httpx
from sqlalchemy import insert, update

from bot.chat.command import Asker
from bot.domain.chart import StockChart
from bot.language import language
from bot.storage import categories, tables
from bot.web.board.reading import readings
from bot.web.board.voice import Voice
from tests.board.conftest import ROLES, House
from tests.charts.kit import HOSTILE, TODAY, a_chart
from tests.handlers.conftest import CLOCK, LANTERN, NAMES

PAGES = (
    "/board", "/board/stock", "/board/slow", f"/board/sku?code={LANTERN}", f"/board/sku?code={CLOCK}&place=DE",
    "/board/suppliers", "/board/stores", "/board/requests", "/board/requests?who=all", "/board/request/1",
    "/board/case/1", "/board/case/2", "/board/case/3",
)  # fmt: skip
OURS = {
    "Stocktide",
    "SKU",
    "CSV",
    "XLSX",
    "UK",
    "DE",
    "United",
    "Kingdom",
    "Yiwu",
    "Greta",
    "Lin",
    "Wei",
    "AX",
    "CZ",
    "De",
}


class Reader(HTMLParser):
    """Texts that people read, outside of scripts and formulas."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self._inside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag in {"code", "title", "script"}:
            self._inside.append(tag)
        self.texts += [value or "" for name, value in attrs if name in {"aria-label", "alt", "title", "data-days"}]

    def handle_endtag(self, tag: str) -> None:
        if self._inside and self._inside[-1] == tag:
            self._inside.pop()

    def handle_data(self, data: str) -> None:
        if not self._inside:
            self.texts.append(data)


def read(answer: httpx.Response) -> Reader:
    found = Reader()
    found.feed(answer.text)
    return found


def text(answer: httpx.Response) -> str:
    return re.sub(r"\s+", " ", " ".join(read(answer).texts))


async def test_every_page_is_there_for_every_role_in_both_languages(house: House) -> None:
    for name, code in product(ROLES, ("en", "zh_CN")):
        client = await house.enter(name, code)
        for page in PAGES:
            answer = await client.get(page)
            assert answer.status_code == 200, (name, page)
            shown = read(answer)
            assert ("html", {"lang": code.replace("_", "-")}) in shown.tags
            ids = [found["id"] for _tag, found in shown.tags if found.get("id")]
            assert len(ids) == len(set(ids)), page
            assert sum(tag == "h1" for tag, _found in shown.tags) == 1


async def test_a_chinese_page_has_no_english_left(house: House) -> None:
    client = await house.enter("Lin Wei", "zh_CN")
    known = OURS | {word for name in NAMES.values() for word in re.findall(r"[A-Za-z]+", name)}
    for page in (*PAGES, "/board/sku?code=nothing", "/board/case/999", "/board/stock?q=nothing"):
        words = set(re.findall(r"[A-Za-z]{2,}", re.sub(r"\{.*?\}|\w+ = ", "", text(await client.get(page)))))
        left = {word for word in words - known if not re.fullmatch(r"v\d+|w\d+|sd|nothing|[CR]", word)}
        assert left - {"left", "width", "top", "bottom", "today", "texts"} == set(), page


async def test_the_overview_tells_what_is_promised(house: House) -> None:
    shown = text(await (await house.enter()).get("/board"))
    for part in (
        "Money at risk today", "Stock-out risk £855.00 1 case", "Slow mover £530.82", "Overstock £119.97",
        "R-1 Purchase · Yiwu £792.00 Greta, Lin Wei",
        "Days of inventory against the target of 45", "Everywhere 3 £2,774.00 0.97 92",
        "Cases by age", "Stock-out risk 1 – – – –", "Arrivals, the next eight weeks", "How fresh the facts are",
    ):  # fmt: skip
        assert part in shown


async def test_a_feed_that_fell_silent_and_goods_that_are_late_are_marked(house: House) -> None:
    now = house.clock.now()
    async with house.database.transaction() as connection:
        for source, age in (("erp", 2), ("shop", 90)):
            values = {"source": source, "kind": "stock", "fresh_until": now - timedelta(hours=age), "limit_hours": 48}
            await connection.execute(insert(tables.Feed).values(values))
        for number, days in enumerate((-3, 9)):
            await connection.execute(
                insert(tables.Inbound).values(
                    product_id=1, location_id=1, quantity=40 + number, ordered_at=now - timedelta(days=30),
                    expected_on=(now + timedelta(days=days)).date(), source="erp", external_id=str(number),
                )
            )  # fmt: skip
    shown = text(await (await house.enter()).get("/board"))
    assert re.search(r"erp stock Nov 21, 2011 \S+\sAM fresh", shown)
    assert re.search(r"shop stock Nov 17, 2011 \S+\sPM too old", shown)
    assert "late 40 units · 1 delivery, the oldest due Nov 18, 2011" in shown
    assert "Nov 30 41 UK" in shown


async def test_times_are_those_of_the_readers_own_zone(house: House) -> None:
    for zone, there in (("Asia/Shanghai", "5:00"), ("America/Los_Angeles", "1:00"), ("Asia/Kolkata", "2:30")):
        await house.change(tables.Member, house.members["Lin Wei"], zone=zone)
        shown = text(await (await house.enter()).get("/board/requests"))
        assert f"Nov 22, 2011 {there}" in shown


async def test_the_product_page_tells_the_figures_of_the_report_and_why(house: House) -> None:
    client = await house.enter()
    answer = await client.get(f"/board/sku?code={LANTERN}")
    shown = text(answer)
    report = await house.app.services.catalogue.stock_report(await house.app.services.lookup.sku(LANTERN))
    (line,) = report.lines
    assert f"Reorder point {line.reorder_point}" in shown
    assert "Nov 22, 2011" in shown
    for part in ("Safety stock: 79.87", "Order up to: 820.21", "C-1", "R-1", "waiting for approval", "Lead time, days"):
        assert part in shown
    chart = next(found for tag, found in read(answer).tags if tag == "svg")
    assert "out of stock Nov 22, 2011" in (chart["aria-label"] or "")


async def test_the_product_page_says_what_it_is_sold_as(house: House) -> None:
    client = await house.enter()
    async with house.database.transaction() as connection:
        kept = await categories.intern(connection, ["Lights <b>"])
        of = update(tables.Product).where(tables.Product.sku == LANTERN)
        await connection.execute(of.values(category_id=kept["Lights <b>"]))
    assert "Category: Lights <b>" in text(await client.get(f"/board/sku?code={LANTERN}"))
    assert "Category:" not in text(await client.get(f"/board/sku?code={CLOCK}"))


async def test_a_product_is_drawn_at_the_place_that_was_chosen(house: House) -> None:
    client = await house.enter()
    answer = await client.get(f"/board/sku?code={CLOCK}&place=DE")
    assert "22423 at De, last 90 days" in text(answer)
    assert (await client.get(f"/board/sku?code={CLOCK}&place=nowhere")).status_code == 404


async def test_what_is_not_there_is_a_404_that_says_so(house: House) -> None:
    client = await house.enter()
    for page in (
        "/board/sku?code=nothing", "/board/sku", "/board/case/999", "/board/request/999", "/board/case/0",
        "/board/request/x", "/board/case/99999999999999999999", "/board/nothing", "/board/export/stock.exe",
        "/board/export/routes.csv", f"/board/sku?code={'x' * 5000}", "/board/sku?code=%00",
    ):  # fmt: skip
        assert (await client.get(page)).status_code == 404, page
    assert "No page has this address." in text(await client.get("/board/nothing/at/all"))
    assert "No product matches nothing." in text(await client.get("/board/sku?code=nothing"))


async def test_an_organisation_without_anything_has_pages_all_the_same(bare: House) -> None:
    client = await bare.enter()
    for page in ("/board", "/board/stock", "/board/slow", "/board/suppliers", "/board/requests"):
        assert (await client.get(page)).status_code == 200, page
    assert "No case is open." in text(await client.get("/board"))
    for kind in ("csv", "xlsx"):
        assert (await client.get(f"/board/export/stock.{kind}")).status_code == 200


async def test_no_name_becomes_markup_on_any_page(house: House) -> None:
    markup = "".join(name for name in HOSTILE if "\x00" not in name) + "{{ 7 * 7 }}"
    await house.change(tables.Product, 1, name=markup, sku="<b>&\"'/")
    await house.change(tables.Location, 1, name=markup)
    await house.change(tables.Supplier, 1, name=markup)
    await house.change(tables.Member, house.members["Lin Wei"], name=markup)
    client = await house.enter()
    code = "%3Cb%3E%26%22%27%2F"
    for page in (*PAGES[:3], *PAGES[4:], f"/board/sku?code={code}", f"/board/stock?q={code}&place={code}"):
        answer = await client.get(page)
        assert answer.status_code == 200, page
        tags = {tag for tag, _found in read(answer).tags}
        assert not tags & {"img", "b"}, page
        assert "alert(1)" not in "".join(re.findall(r"<script[^>]*>(.*?)</script>", answer.text, re.DOTALL))
        assert not any(name.startswith("on") for _tag, found in read(answer).tags for name in found)
    shown = await client.get(f"/board/sku?code={code}")
    assert "<script>alert(1)</script>" in text(shown)  # as text, to be read
    assert "{{ 7 * 7 }}" in text(shown)


def spoken(chart: StockChart) -> list[str]:
    voice = Voice(Asker(1, "Lin", "viewer", "en", ZoneInfo("UTC")))
    found: list[str] = json.loads(readings(chart, voice))["texts"]
    return found


def test_the_arrow_keys_read_every_day_with_all_that_is_drawn_there() -> None:
    chart = a_chart()
    texts = spoken(chart)
    assert len(texts) == 90 + 28
    assert texts[21] == "Sep 13, 2011: 0 in stock, 9 sold; No stock"
    assert texts[60] == "Oct 22, 2011: – in stock, 0 sold; promotion R-5"
    assert texts[90].startswith("Nov 21, 2011: 10 to 60 expected; arrival: 24 units on Nov 18, 2011 late")
    assert "out of stock Nov 30, 2011" in texts[99]
    assert "arrival: 240 units" in texts[102]
    assert TODAY + timedelta(days=12) == chart.arrivals[1].on
    assert language("en").day(chart.last_day) in texts[-1]
