"""Forms on the demo's page: Slack's as a dialog, Telegram's question by question, on a desk and on a phone."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Locator, Page, expect

from bot.cli.stage import Set
from tests.demo.viewing import Looker, look_as, say
from tests.runtime.forming import Desk, routed

pytestmark = [
    pytest.mark.browser,
    pytest.mark.xdist_group("browser"),
    pytest.mark.asyncio(loop_scope="session"),
]


@pytest_asyncio.fixture(loop_scope="session")
async def desk(played: Set) -> AsyncIterator[Desk]:
    """The commands with forms, in the place of the real ones for one test."""
    answers = played.application.dispatcher._answers
    before, made = answers._router, Desk()
    routed(played.application, made)
    yield made
    answers._router = before


def said(page: Page, side: str, text: str) -> Locator:
    """The newest message of a side that says so, while alerts go on arriving."""
    return (
        page.locator("#slack-messages .message" if side == "slack" else "#telegram-messages .bubble-row")
        .filter(has_text=text)
        .last
    )


async def window(page: Page) -> None:
    """Open the form in Slack, and see it."""
    await say(page, "slack", "/stocktide edit R-12@3")
    await expect(page.locator("#modal[open] h2")).to_have_text("Edit")


async def test_a_modal_is_filled_in_with_the_keyboard_and_handed_in(looker: Looker, desk: Desk) -> None:
    page = await looker.open("petra")
    await window(page)
    assert await page.evaluate("document.activeElement.name") == "quantity", "the first field has the cursor"
    await page.keyboard.press("Control+A")
    await page.keyboard.type("300")
    await page.keyboard.press("Tab")
    await page.keyboard.type("for <b>Christmas</b>")
    await page.keyboard.press("Tab")
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(page.locator("#modal[open]")).to_have_count(0)
    await expect(said(page, "slack", "Saved")).to_be_visible()
    assert desk.calls[-1][2] == {"quantity": "300", "note": "for <b>Christmas</b>", "mode": "air"}


async def test_what_is_wrong_is_said_below_its_field_and_nothing_is_handed_in(looker: Looker, desk: Desk) -> None:
    page = await looker.open("petra")
    await window(page)
    await page.fill("#field-quantity", "")
    await page.click("#modal [type=submit]")
    await expect(page.locator("#fault-quantity")).to_have_text("Please complete this required field.")
    assert await page.evaluate("document.activeElement.name") == "quantity"
    await page.fill("#field-quantity", "-1")
    await page.click("#modal [type=submit]")
    await expect(page.locator("#fault-quantity")).to_have_text("0 is the least.")
    assert desk.calls == []
    await page.keyboard.press("Escape")
    await expect(page.locator("#modal[open]")).to_have_count(0)


async def test_what_the_bot_finds_wrong_is_said_below_its_field(looker: Looker, desk: Desk) -> None:
    page = await looker.open("petra")
    await say(page, "slack", "/stocktide confirm R-12@3")
    await page.fill("#field-total", "plenty")
    await page.fill("#field-code", "777000")
    await page.click("#modal [type=submit]")
    await expect(page.locator("#fault-total")).to_contain_text("1234.50")
    await page.fill("#field-total", "12.50")
    await page.click("#modal [type=submit]")
    await expect(page.locator("#slack-messages .message.private", has_text="Saved")).to_be_visible()
    assert desk.calls[-1][2] == {"total": "12.50", "code": "777000"}


async def test_a_window_belongs_to_one_viewer(looker: Looker, desk: Desk) -> None:
    page = await looker.open("petra")
    await window(page)
    other = await looker.open("jonas")
    await other.locator("#slack-messages .message").first.wait_for()
    await expect(other.locator("#modal[open]")).to_have_count(0)
    await page.click("#modal .close")
    await expect(page.locator("#modal[open]")).to_have_count(0)
    assert desk.calls == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_a_modal_fits_a_phone(looker: Looker, desk: Desk, scheme: str) -> None:
    page = await looker.open("petra", 390, 740, "dark" if scheme == "dark" else "light")
    await window(page)
    await expect(page.locator("#modal [type=submit]")).to_be_in_viewport()
    assert await page.evaluate("document.documentElement.scrollWidth") <= 390
    box = await page.locator("#modal").bounding_box()
    assert box is not None
    assert box["width"] <= 390
    await page.click("#modal footer button:not([type=submit])")
    await expect(page.locator("#modal[open]")).to_have_count(0)
    assert desk.calls == []


async def test_on_telegram_the_field_opens_for_the_answer(looker: Looker, desk: Desk) -> None:
    page = await looker.open("petra")
    await say(page, "telegram", "/edit R-12@3")
    menu = said(page, "telegram", "Press what you want to change")
    await expect(menu.locator("button", has_text="Quantity: 240")).to_be_visible()
    await menu.locator("button", has_text="Quantity").click()
    bar = page.locator("#telegram-asks")
    await expect(bar).to_contain_text("Quantity?")
    assert await page.evaluate("document.activeElement.id") == "telegram-input"
    await look_as(page, "jonas")
    await expect(bar).to_be_hidden()
    await look_as(page, "petra")
    await expect(bar).to_be_visible()
    await say(page, "telegram", "1,300")
    await expect(bar).to_be_hidden()
    await said(page, "telegram", "when all is right").locator("button", has_text="Save").click()
    await expect(said(page, "telegram", "Saved")).to_be_visible()
    assert desk.calls[-1][2] == {"quantity": "1300", "mode": "sea"}
