"""The demo's page in a browser, with what its tests look for."""

from __future__ import annotations

import re
from typing import Literal

from playwright.async_api import Browser, BrowserContext, Locator, Page, expect

from bot.cli.stage import Set

SECONDS = 20.0  # that anything may take on a busy machine
expect.set_options(timeout=SECONDS * 1000)


class Looker:
    """Opens pages, and writes down what went wrong in them."""

    def __init__(self, browser: Browser, played: Set) -> None:
        self.browser = browser
        self.played = played
        self.faults: list[str] = []
        self._contexts: list[BrowserContext] = []

    async def open(
        self,
        viewer: str,
        width: int = 1280,
        height: int = 860,
        scheme: Literal["light", "dark"] = "light",
    ) -> Page:
        """The page as `viewer` sees it, drawn."""
        context = await self.browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme, reduced_motion="reduce", locale="en-GB"
        )
        self._contexts.append(context)
        page = await context.new_page()
        page.set_default_timeout(SECONDS * 1000)
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("console", lambda told: self.faults.append(told.text) if told.type in ("error", "warning") else None)
        page.on("request", self._asked)
        await page.goto(f"{self.played.sandbox.url}/#{viewer}")
        await ready(page, viewer)
        return page

    async def close(self) -> None:
        """Close every page."""
        for context in self._contexts:
            await context.close()

    def _asked(self, request: object) -> None:
        url = str(getattr(request, "url", ""))
        if not url.startswith((self.played.sandbox.url, "data:")):
            self.faults.append(f"asked {url}")


async def ready(page: Page, viewer: str) -> None:
    """Wait until the page is drawn for `viewer`."""
    await page.wait_for_selector(f'body[data-ready="{viewer}"]')


async def look_as(page: Page, viewer: str) -> None:
    """Switch the viewer."""
    await page.click(f'[data-viewer="{viewer}"]')
    await ready(page, viewer)


async def say(page: Page, side: str, text: str) -> None:
    """Type a message, and send it with the keyboard."""
    await page.fill(f"#{side}-input", text)
    await page.press(f"#{side}-input", "Enter")


def last(page: Page, side: str) -> Locator:
    """The newest message of a side."""
    return page.locator("#slack-messages .message" if side == "slack" else "#telegram-messages .bubble-row").last


async def waiting(page: Page, side: str) -> tuple[str, Locator, Locator]:
    """A request that waits, as `R-12`, with its card in Slack and its bubble in Telegram; `side` is looked at first.

    The first cards with a button to approve it are taken, and stay the same when they have it no more.
    """
    slack, telegram = page.locator("#slack-messages .message"), page.locator("#telegram-messages .bubble-row")
    approve = page.locator("button", has_text="Approve")
    number = re.search(r"R-\d+", await (slack if side == "slack" else telegram).filter(has=approve).first.inner_text())
    assert number
    own = re.compile(rf"{number.group()}\b")
    ts = await slack.filter(has_text=own).filter(has=approve).first.get_attribute("data-ts")
    bubble = await telegram.filter(has_text=own).filter(has=approve).first.get_attribute("data-id")
    return (
        number.group(),
        page.locator(f'#slack-messages [data-ts="{ts}"]'),
        page.locator(f'#telegram-messages [data-id="{bubble}"]'),
    )
