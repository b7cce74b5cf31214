"""The board in a real browser: by link, by keyboard, on a phone, in the dark, for a screen reader, and live."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe  # type: ignore[import-untyped]  # ships no types
from playwright.async_api import Browser, BrowserContext, Page, expect

from bot.storage.tables import Member, Route
from tests.board.conftest import House, opened, shut
from tests.demo.conftest import browser as browser  # noqa: PLC0414  # a fixture
from tests.handlers.conftest import CLOCK, LANTERN, Seeded

pytestmark = [
    pytest.mark.browser,
    pytest.mark.xdist_group("pages in browsers"),
    pytest.mark.asyncio(loop_scope="session"),
]

PAGES = (
    "/board", "/board/stock", "/board/slow", f"/board/sku?code={LANTERN}", "/board/suppliers", "/board/stores",
    "/board/requests?who=all", "/board/request/1", "/board/case/1", "/board/sku?code=nothing",
)  # fmt: skip
FORMS = ("/board/stores/add", "/board/stores/add?kind=amazon", "/board/stores/add?kind=files")  # an administrator's
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
SECONDS = 20_000.0  # milliseconds that anything may take on a busy machine


class Visitor:
    """Opens pages as a member, and writes down what went wrong in them."""

    def __init__(self, browser: Browser, house: House) -> None:
        self.browser = browser
        self.house = house
        self.faults: list[str] = []
        self.contexts: list[BrowserContext] = []

    async def blank(self, width: int = 1280, scheme: Literal["light", "dark"] = "light") -> Page:
        """An empty page."""
        context = await self.browser.new_context(
            viewport={"width": width, "height": 860}, color_scheme=scheme, locale="en-GB"
        )
        self.contexts.append(context)
        page = await context.new_page()
        page.set_default_timeout(SECONDS)
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("console", lambda told: self.faults.append(told.text) if "Content Security" in told.text else None)
        page.on("request", lambda asked: self._asked(str(asked.url)))
        return page

    async def enter(self, target: str = "/board", name: str = "Lin Wei", **options: Any) -> Page:
        """A page that a member came to by a link."""
        page = await self.blank(**options)
        await page.goto(await self.house.app.services.sessions.link(self.house.members[name], target))
        await page.wait_for_url(f"{self.house.url}{target}")
        return page

    async def close(self) -> None:
        for context in self.contexts:
            await context.close()

    def _asked(self, url: str) -> None:
        if not url.startswith((self.house.url, "data:")):
            self.faults.append(f"asked {url}")


@pytest_asyncio.fixture(loop_scope="session")
async def visitor(browser: Browser, seeded: Seeded, tmp_path: Path) -> AsyncIterator[Visitor]:
    """A shop, and a browser; in the end no page may have had an error, or asked anybody else for anything."""
    path = tmp_path / "shop.db"
    path.write_bytes(seeded.content)
    house = await opened(f"sqlite+aiosqlite:///{path}", tmp_path, dict(seeded.ids["members"]))
    found = Visitor(browser, house)
    yield found
    await found.close()
    await shut(house)
    assert found.faults == []


async def test_a_link_opens_its_page_once_and_is_refused_politely_after_that(visitor: Visitor) -> None:
    link = await visitor.house.app.services.sessions.link(visitor.house.members["Lin Wei"], "/board/slow")
    page = await visitor.blank()
    await page.goto(link)
    await expect(page.locator("h1")).to_have_text("Slow stock")
    assert "#" not in page.url
    other = await visitor.blank()
    await other.goto(link)
    await expect(other.locator("#say")).to_contain_text("This link has been used or is too old.")
    await expect(other.locator("#say")).to_contain_text("链接")
    assert "#" not in other.url  # not even a used token stays in the address
    await page.click("button:has-text('Leave')")
    await expect(page.locator("main")).to_contain_text("You have left")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_no_page_stands_in_the_way_of_anybody(visitor: Visitor, scheme: Literal["light", "dark"]) -> None:
    page, other = await visitor.enter(scheme=scheme), await visitor.enter(name="Ada", scheme=scheme)
    found = []
    for page, address in (*((page, one) for one in PAGES), *((other, one) for one in FORMS)):
        await page.goto(visitor.house.url + address)
        for fold in await page.locator("summary").all():
            await fold.click()
        results = await Axe().run(page, options=RULES)
        found += [
            f"{address}: {fault['id']}: {node['html'][:160]} {node.get('failureSummary', '')[:300]}"
            for fault in results.response["violations"]
            for node in fault["nodes"][:2]
        ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("width", [360, 768])
async def test_no_page_is_wider_than_its_screen(visitor: Visitor, width: int) -> None:
    page, other = await visitor.enter(width=width), await visitor.enter(name="Ada", width=width)
    for page, address in (*((page, one) for one in PAGES), *((other, one) for one in FORMS)):
        await page.goto(visitor.house.url + address)
        for fold in await page.locator("summary").all():
            await fold.click()
        assert await page.evaluate("document.documentElement.scrollWidth") <= width, address


async def test_the_chart_is_read_day_by_day_with_the_keyboard_and_with_the_pointer(visitor: Visitor) -> None:
    page = await visitor.enter(f"/board/sku?code={LANTERN}")
    figure, readout = page.locator("figure.drawn"), page.locator(".readout")
    await figure.focus()
    await page.keyboard.press("ArrowLeft")
    await expect(readout).to_have_text("Nov 20, 2011: 37 in stock, 21 sold")
    await page.keyboard.press("ArrowRight")
    await expect(readout).to_contain_text("Nov 21, 2011:")
    await page.keyboard.press("ArrowRight")
    await expect(readout).to_contain_text("out of stock Nov 22, 2011")
    await page.keyboard.press("Home")
    await expect(readout).to_contain_text("Aug 23, 2011")
    await page.keyboard.press("PageUp")
    await expect(readout).to_contain_text("Aug 23, 2011")
    await page.keyboard.press("End")
    await expect(readout).to_contain_text("expected")
    await expect(page.locator("line.cursor")).to_have_attribute("data-on", "")
    box = await page.locator("svg.chart").bounding_box()
    assert box is not None
    await page.mouse.move(box["x"] + box["width"] * 59 / 800, box["y"] + box["height"] / 2)
    await expect(readout).to_contain_text("Aug 23, 2011")


async def test_the_whole_board_is_walked_with_the_keyboard(visitor: Visitor) -> None:
    page = await visitor.enter()
    await page.keyboard.press("Tab")
    await expect(page.locator("a.skip")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator("#main")).to_be_focused()
    await page.goto(f"{visitor.house.url}/board/request/1")
    await page.locator("button", has_text="Approve").focus()
    await page.keyboard.press("Enter")
    await expect(page.locator("main")).to_contain_text("approved by Lin Wei")


async def test_short_tables_are_sorted_in_the_page_and_stay_so_after_a_change(visitor: Visitor) -> None:
    page = await visitor.enter("/board/suppliers")
    places = page.locator("tbody tr td:nth-child(2)")
    await expect(places).to_have_text(["DE", "UK"])
    await page.click("th button:has-text('Place')")
    await page.click("th button:has-text('Place')")
    await expect(places).to_have_text(["UK", "DE"])
    await expect(page.locator("th[aria-sort]")).to_have_attribute("aria-sort", "descending")
    await page.click("th button:has-text('Stated')")
    await expect(page.locator("th[aria-sort]")).to_have_text("Stated")
    (route,) = [route.id for route in await visitor.house.all(Route) if route.location_id == 2]
    await visitor.house.change(Route, route, lead_time_days=Decimal(12))
    await expect(places).to_have_text(["UK", "DE"])
    await visitor.house.chat("snooze C-2 1d")  # anything that is told to open pages
    await expect(places).to_have_text(["DE", "UK"])  # 12 before 30: sorted as before
    await expect(page.locator("th[aria-sort]")).to_have_text("Stated")
    await expect(page.locator("th[aria-sort] button")).to_be_focused()


async def test_an_approval_in_the_chat_changes_the_open_page(visitor: Visitor) -> None:
    page = await visitor.enter()
    await expect(page.locator("[data-live=waiting]")).to_contain_text("R-1")
    await page.evaluate("window.mark = 1")
    await visitor.house.chat("approve R-1")
    await expect(page.locator("[data-live=waiting]")).to_contain_text("Nothing waits for a decision.")
    await expect(page.locator("#live")).to_have_text("Updated just now")
    assert await page.evaluate("window.mark") == 1  # the page was not loaded anew
    await visitor.house.change(Member, visitor.house.members["Lin Wei"], active=False)
    await visitor.house.chat("snooze C-2 1d", "Maria")
    await expect(page.locator("main")).to_contain_text("Ask me for the board")


async def test_a_form_that_somebody_is_at_is_left_alone_until_they_turn_away(visitor: Visitor) -> None:
    page = await visitor.enter("/board/request/1")
    reject = page.locator("button", has_text="Reject")
    await reject.focus()
    told = page.wait_for_event("response", lambda answer: answer.url.endswith("/board/request/1"))
    await visitor.house.chat("approve R-1")
    await told
    await expect(reject).to_be_focused()  # another button would stand there now
    await page.locator("a.brand").focus()
    await expect(reject).to_have_count(0)


async def test_the_form_of_a_store_is_filled_in_without_scripts(visitor: Visitor) -> None:
    cookies = await (await visitor.enter(name="Ada")).context.cookies()
    context = await visitor.browser.new_context(java_script_enabled=False)
    visitor.contexts.append(context)
    await context.add_cookies([{**cookie} for cookie in cookies])  # type: ignore[typeddict-item]  # as they came
    page = await context.new_page()
    await page.goto(f"{visitor.house.url}/board/stores/add")
    await page.get_by_role("link", name="woocommerce").click()
    await page.get_by_label("Name, of your choice").fill("shop")
    await page.get_by_label("Address").fill("https://shop.example.com")
    await page.get_by_label("Consumer secret (cs_...)").fill("canary")
    assert await page.get_by_label("Consumer secret (cs_...)").get_attribute("type") == "password"
    await page.get_by_role("button", name="Try it and connect it").click()
    await expect(page.locator("main")).to_contain_text("started without a settings file")
    assert "canary" not in await page.content()


async def test_a_server_that_goes_away_is_told_of(visitor: Visitor) -> None:
    page = await visitor.enter(f"/board/sku?code={CLOCK}&place=DE")
    await expect(page.locator("#live")).to_have_text("")
    await visitor.house.app.runtime.web.stop()
    await expect(page.locator("#live")).to_have_text("The connection is lost; figures may be old")
