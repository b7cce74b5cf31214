"""`python -m deploy.screenshots`: plays the demo on the whole sample, and takes the pictures in docs.

It presses and types what a person would; it needs the development requirements and a Chromium.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import sys
from contextlib import suppress
from pathlib import Path

from playwright.async_api import Browser, Locator, Page, async_playwright
from playwright.async_api import TimeoutError as PatienceLost

from bot import logs
from bot.cli.stage import staged

DOCS = Path(__file__).resolve().parent.parent / "docs"
SIZE = (1280, 860)
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-sync")
PATIENCE = 60_000  # ms
SHORT = 4_000  # ms


async def main() -> None:
    """Take every picture."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    logs.set_up("WARNING", "console", ())
    async with staged(0, tell=_tell) as played, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        await _english(browser, played.sandbox.url)
        await _chinese(browser, played.sandbox.url)
        await _board(browser, played.sandbox.url)
        await browser.close()


def _tell(line: str) -> None:
    sys.stderr.write(line + "\n")


async def _english(browser: Browser, url: str) -> None:
    """Petra and Lin approve in Telegram, and Petra asks for a product in Slack: the locked card stands above it."""
    page = await _opened(browser, url, "petra")
    number = await _approved(page)
    other = await _opened(browser, url, "lin")
    await _card(other, "telegram", number).locator("button", has_text="Approve").click()
    await other.close()
    locked = _card(page, "telegram", number).filter(has_text="approved by")
    await locked.wait_for()
    await _card(page, "slack", number).filter(has_text="approved by").wait_for()
    await _asked(page, "slack", "/stock 85123A", page.locator("#slack-messages .message").last, "85123A")
    await _show(page, "slack", page.locator("#slack-messages .message").last)
    await locked.evaluate("(node) => node.scrollIntoView({ block: 'end' })")
    await _taken(page, DOCS / "demo-en.png")


async def _approved(page: Page) -> str:
    """Approve the first request that is within Petra's limit and takes two; its number."""
    cards = page.locator("#telegram-messages .bubble-row", has_text="0 of 2 approvals")
    await page.locator("#telegram-messages button", has_text=re.compile("See all .* requests")).wait_for()
    for card in await cards.all():
        found = re.search(r"R-\d+", await card.inner_text())
        if found is None:
            continue
        await card.locator("button", has_text="Approve").click()
        with suppress(PatienceLost):
            first = _card(page, "telegram", found.group()).filter(has_text="1 of 2 approvals")
            await first.wait_for(timeout=SHORT)
            return found.group()
    raise SystemExit("No request of the first cards could be approved.")


def _card(page: Page, side: str, number: str) -> Locator:
    """The card of a request, which begins with its number."""
    rows = {"slack": ".message", "telegram": ".bubble-row"}[side]
    return page.locator(f"#{side}-messages {rows}").filter(has_text=re.compile(rf"\b{number} ·")).first


async def _chinese(browser: Browser, url: str) -> None:
    """Lin Wei asks both chats in private, in Chinese."""
    page = await _opened(browser, url, "lin")
    await page.click('#slack-rooms [data-room="direct"]')
    await _asked(page, "slack", "stock 85123A", page.locator("#slack-messages .message").last, "可售天数")
    await page.click('#telegram-rooms [data-room="private"]')
    await _asked(page, "telegram", "/requests", page.locator("#telegram-messages .bubble-row").last, "待审批")
    await page.locator("#telegram-messages .bubble-row").last.locator("button").first.click()
    opened = page.locator("#telegram-messages .bubble-row", has_text="采购单 R-").last
    await opened.locator("button", has_text="批准").first.wait_for()
    await _show(page, "slack", page.locator("#slack-messages .message").last)
    await _show(page, "telegram", opened)
    await _taken(page, DOCS / "demo-zh.png")


async def _board(browser: Browser, url: str) -> None:
    """Petra opens the board of a product by the link that the chat gives her."""
    page = await _opened(browser, url, "petra")
    link = page.locator("#slack-messages a", has_text="Open the board").last
    await page.fill("#slack-input", "/board 85123A")
    await page.press("#slack-input", "Enter")
    async with page.expect_popup() as opened:
        await link.click()
    board = await opened.value
    await board.set_viewport_size({"width": SIZE[0], "height": SIZE[1]})
    await board.locator("h1", has_text="85123A").wait_for()
    await board.screenshot(path=DOCS / "board-en.png")
    await page.close()


async def _opened(browser: Browser, url: str, viewer: str) -> Page:
    page = await browser.new_page(viewport={"width": SIZE[0], "height": SIZE[1]}, reduced_motion="reduce")
    page.set_default_timeout(PATIENCE)
    await page.goto(f"{url}/#{viewer}")
    await page.wait_for_selector(f'body[data-ready="{viewer}"]')
    await page.locator("#slack-messages button", has_text="See all").last.wait_for()
    return page


async def _asked(page: Page, side: str, text: str, answer: Locator, told: str) -> None:
    await page.fill(f"#{side}-input", text)
    await page.press(f"#{side}-input", "Enter")
    await answer.filter(has_text=told).locator("button").first.wait_for()


async def _show(page: Page, side: str, message: Locator) -> None:
    """Scroll a side so that the message begins a little below its top."""
    top = await message.evaluate("(node) => node.offsetTop - node.parentElement.offsetTop")
    await page.evaluate(
        "([id, top]) => { document.getElementById(id).scrollTop = top - 10; }", [f"{side}-messages", top]
    )


async def _taken(page: Page, file: Path) -> None:
    await page.evaluate("document.activeElement.blur()")
    await page.locator("#toast").evaluate("(node) => { node.hidden = true; }")
    await page.screenshot(path=file)
    await page.close()


if __name__ == "__main__":
    asyncio.run(main())
