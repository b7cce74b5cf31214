"""The room's page as people use it, in real browsers."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright, expect

from bot.ports import SystemClock
from bot.web.rooms import Hub, RoomSite
from tests.web_rooms.browsing import Guests, launched, sees
from tests.web_rooms.conftest import House, serving
from tests.web_rooms.kit import Book, Pauses

pytestmark = [
    pytest.mark.browser,
    pytest.mark.xdist_group("browser"),
    pytest.mark.asyncio(loop_scope="module"),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """One browser for all tests of this file."""
    async with async_playwright() as playwright:
        started = await launched(playwright)
        yield started
        await started.close()


@pytest_asyncio.fixture(loop_scope="module")
async def guests(browser: Browser) -> AsyncIterator[Guests]:
    """An empty house in real time; in the end no page may have had an error, or asked anybody else for anything."""
    book = Book()
    hub = Hub(book, SystemClock())
    async for house in serving(House(book, hub, Pauses()), RoomSite()):
        found = Guests(browser, house)
        yield found
        await found.close()
        assert found.faults == []


async def test_two_people_see_each_other(guests: Guests) -> None:
    anna = await guests.room(1, "host")
    bo = await guests.room(2)
    await sees(anna)
    await sees(bo)
    await expect(anna.locator("#count")).to_have_text("2 in the room")
