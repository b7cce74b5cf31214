"""The demo's page as a person uses it, in a real browser, with the real bot behind it."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Browser, Page, expect

from bot.cli.stage import Set

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


async def opened(browser: Browser, played: Set, viewer: str, width: int = 1280) -> Page:
    page = await browser.new_page(viewport={"width": width, "height": 860})
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    await page.goto(played.sandbox.url + "/")
    await page.click(f'[data-viewer="{viewer}"]')
    await page.wait_for_selector(f'body[data-ready="{viewer}"]')
    assert faults == []
    return page


async def test_a_command_typed_in_slack_is_answered_on_the_page(browser: Browser, played: Set, sku: str) -> None:
    page = await opened(browser, played, "jonas")
    await page.fill("#slack-input", f"/stock {sku}")
    await page.press("#slack-input", "Enter")
    await expect(page.locator("#slack-messages .message", has_text=sku).last).to_contain_text("On hand")


async def test_approving_in_telegram_locks_the_slack_card_and_names_who(browser: Browser, played: Set) -> None:
    page = await opened(browser, played, "petra")
    button = page.locator("#telegram-messages .keyboard button", has_text="Approve").first
    await button.wait_for()
    bubble = page.locator("#telegram-messages .bubble-row", has=button).first
    number = re.search(r"R-\d+", await bubble.inner_text())
    assert number
    card = page.locator("#slack-messages .message", has_text=number.group()).first
    await expect(card.locator("button", has_text="Approve")).to_have_count(1)
    await button.click()
    await expect(card.locator("button", has_text="Approve")).to_have_count(0)
    await expect(card).to_contain_text("Petra Vogel")


async def test_switching_the_viewer_changes_every_time_and_the_language(browser: Browser, played: Set) -> None:
    page = await opened(browser, played, "jonas")
    times = page.locator("#slack-messages time")
    await times.first.wait_for()
    in_berlin = await times.all_inner_texts()
    await page.click('[data-viewer="lin"]')
    await page.wait_for_selector('body[data-ready="lin"]')
    in_shenzhen = await times.all_inner_texts()
    assert len(in_berlin) == len(in_shenzhen)
    assert not set(in_berlin) & set(in_shenzhen)
    assert await page.inner_text("#push-morning") == "到次日早晨"
    assert await page.get_attribute("html", "lang") == "zh-CN"


async def test_the_next_morning_brings_a_digest_to_whoever_wakes_first(browser: Browser, played: Set) -> None:
    page = await opened(browser, played, "maria")
    await page.click("#push-morning")
    await page.click('#slack-rooms [data-room^="D"], #telegram-rooms .room:nth-of-type(2)')
    await expect(page.locator("#slack-messages .message, #telegram-messages .bubble").first).to_be_visible()
    assert "21 November 2011" in await page.inner_text("#day")


@pytest.mark.parametrize("width", [360, 768, 1280])
async def test_nothing_sticks_out_of_a_screen_of_any_width(browser: Browser, played: Set, width: int) -> None:
    page = await opened(browser, played, "jonas", width)
    await page.locator("#slack-messages .message").first.wait_for()
    assert await page.evaluate("document.documentElement.scrollWidth") <= width


async def test_nonsense_to_the_page_is_answered_and_breaks_nothing(browser: Browser, played: Set) -> None:
    page = await opened(browser, played, "jonas")
    answer = await page.request.post(played.sandbox.url + "/page/act", data={"viewer": "jonas", "do": "dance"})
    assert answer.status == 400
    assert "notice" in await answer.json()
    await expect(page.locator("#slack-messages")).to_be_visible()
