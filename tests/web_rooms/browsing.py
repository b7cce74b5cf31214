"""The room's page in a real browser, as one of several people sees it."""

from __future__ import annotations

import asyncio
import os
import shutil
from typing import Any, Literal

import pytest
from playwright.async_api import Browser, BrowserContext, Page, Playwright, expect

from bot.ports import RoomRole
from tests.demo.conftest import FLAGS
from tests.web_rooms.conftest import House
from tests.web_rooms.kit import KEY, a_seat

SECONDS = 40.0  # that anything may take on a busy machine with several encoders
MEDIA = [
    *FLAGS,
    "--use-fake-ui-for-media-stream",
    "--auto-select-desktop-capture-source=Entire screen",
    "--disable-features=WebRtcHideLocalIpsWithMdns",  # no multicast in a test: addresses are told as they are
    "--disable-background-timer-throttling",
    "--disable-renderer-backgrounding",
    "--disable-backgrounding-occluded-windows",
]
# Encoders without a graphics card cost a machine more than all else here, and no test looks at a picture's size.
SMALL_PICTURES = """{
  const ask = MediaDevices.prototype.getUserMedia;
  const small = { width: { ideal: 160 }, height: { ideal: 90 } };
  MediaDevices.prototype.getUserMedia = function (asked) {
    return ask.call(this, asked.video ? { ...asked, video: { ...asked.video, ...small } } : asked);
  };
}"""
expect.set_options(timeout=SECONDS * 1000)


def chromium_path() -> str:
    """Where the browser is; without one the test is skipped, but not in CI."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        if os.environ.get("CI"):
            pytest.fail("CI has a Chromium; .ci/run installs it")
        pytest.skip("no Chromium on this machine (Debian: apt-get install chromium)")
    return found


async def launched(playwright: Playwright, frames: int = 10) -> Browser:
    """A Chromium with a camera of so many frames a second, and a microphone, that are not real."""
    camera = f"--use-fake-device-for-media-stream=fps={frames}"
    return await playwright.chromium.launch(executable_path=chromium_path(), args=[*MEDIA, camera])


class Guests:
    """Opens the room's page for people, and writes down what went wrong in it."""

    def __init__(self, browser: Browser, house: House) -> None:
        self.browser = browser
        self.house = house
        self.faults: list[str] = []
        self._contexts: list[BrowserContext] = []

    async def lobby(
        self,
        member_id: int,
        role: RoomRole = "member",
        size: tuple[int, int] = (1280, 800),
        scheme: Literal["light", "dark"] = "light",
        init: str = "",
        **seat: Any,
    ) -> Page:
        """The page before joining; `init` runs before any script of it."""
        token = self.house.book.invite(a_seat(member_id, role, **seat))
        context = await self.browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            color_scheme=scheme,
            reduced_motion="reduce",
            locale="en-GB",
            permissions=["camera", "microphone"],
        )
        self._contexts.append(context)
        page = await context.new_page()
        await page.add_init_script(SMALL_PICTURES)
        if init:
            await page.add_init_script(init)
        page.set_default_timeout(SECONDS * 1000)
        page.on("pageerror", lambda error: self.faults.append(f"{error} {error.stack}"))
        page.on("console", lambda told: self.faults.append(told.text) if told.type in ("error", "warning") else None)
        page.on("request", lambda asked: self._asked(asked.url))
        await page.goto(f"{self.house.url}/rooms/{KEY}#{token}")
        await page.wait_for_selector('body[data-at="lobby"]')
        return page

    async def room(self, member_id: int, role: RoomRole = "member", **given: Any) -> Page:
        """The page in the room."""
        page = await self.lobby(member_id, role, **given)
        if role != "viewer":
            await until(page, "document.getElementById('mirror').readyState >= 2")
        await page.click("#join")
        await page.wait_for_selector('body[data-at="room"]')
        return page

    async def close(self) -> None:
        """Close every page."""
        for context in self._contexts:
            await context.close()

    def _asked(self, url: str) -> None:
        if not url.startswith((self.house.url, "data:", "blob:")):
            self.faults.append(f"asked {url}")


async def until(page: Page, condition: str) -> None:
    """Wait until an expression holds; Playwright's own way evaluates text, which the page's policy forbids."""
    async with asyncio.timeout(SECONDS):
        await page.evaluate(
            f"async () => {{ while (!({condition})) await new Promise((go) => setTimeout(go, 50)); }}",
        )


async def sees(page: Page, count: int = 1) -> None:
    """Wait until that many others' pictures move."""
    moving = "(v) => !v.hidden && v.readyState >= 2 && v.getVideoPlaybackQuality().totalVideoFrames > 2"
    videos = "[...document.querySelectorAll('.tile:not(.own):not(.screen) video')]"
    await until(page, f"{videos}.filter({moving}).length >= {count}")
