"""A larger room on the page as people use it: real browsers, and the real Janus of this machine."""

from __future__ import annotations

import hashlib
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright, expect

from bot.ports import SystemClock
from bot.rooms.janus import JanusServer
from bot.web.rooms import Forwarding, Hub, RoomSite
from bot.web.rooms.room import Farewell
from tests.web_rooms.browsing import Guests, launched, sees, until
from tests.web_rooms.conftest import House, serving
from tests.web_rooms.janus_program import ADMIN_KEY, Janus, needed
from tests.web_rooms.kit import KEY, Book, Caller, Pauses, a_seat

pytestmark = [
    pytest.mark.browser,
    pytest.mark.janus,
    pytest.mark.xdist_group("pages in browsers"),
    pytest.mark.asyncio(loop_scope="module"),
]
LARGE: dict[str, Any] = {"cap": 12}
FRAMES = "document.querySelector('.tile:not(.own) video').getVideoPlaybackQuality().totalVideoFrames"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """One browser for all tests of this file."""
    needed()
    async with async_playwright() as playwright:
        started = await launched(playwright)
        yield started
        await started.close()


@pytest_asyncio.fixture(loop_scope="module")
async def janus(tmp_path: Path) -> AsyncIterator[Janus]:
    """The program, running."""
    found = Janus(tmp_path)
    await found.start()
    yield found
    await found.stop()


@pytest_asyncio.fixture(loop_scope="module")
async def guests(browser: Browser, janus: Janus) -> AsyncIterator[Guests]:
    """An empty house with a Janus; in the end no page may have had an error, or asked anybody else for anything."""
    book = Book()
    hub = Hub(book, SystemClock(), media=Forwarding(JanusServer(janus.url, ADMIN_KEY), 25))
    async for house in serving(House(book, hub, Pauses()), RoomSite()):
        found = Guests(browser, house)
        yield found
        await found.close()
        assert found.faults == []


async def frames(page: Page) -> int:
    """How many frames of the other person were shown."""
    shown: int = await page.evaluate(FRAMES)
    return shown


async def hears(page: Page) -> None:
    """Wait until somebody is heard: the browsers' microphones beep."""
    await until(page, "document.querySelector('.tile.speaks:not(.own)')")


async def test_three_people_see_and_hear_each_other_through_janus_and_a_viewer_sends_nothing(guests: Guests) -> None:
    lobby = await guests.lobby(1, "host", **LARGE)
    await expect(lobby.locator("#lobby .small")).to_contain_text("your team's own media server")
    await lobby.click("#join")
    anna, bo = lobby, await guests.room(2, **LARGE)
    viewer = await guests.room(3, "viewer", **LARGE)
    await sees(anna)
    await sees(bo)
    await sees(viewer, 2)
    await hears(viewer)
    await expect(anna.locator(".tile:not(.own)")).to_have_count(1)
    sent = "window.stocktideRoom.mesh.up"
    assert await viewer.evaluate(sent) is None
    assert await anna.evaluate("window.stocktideRoom.mesh.links.size") == 0, "nobody is linked directly"

    await bo.click("#share")
    await until(viewer, "document.querySelector('.tile.screen video')?.videoWidth > 2")
    await bo.click("#share")
    await expect(viewer.locator(".tile.screen")).to_have_count(0)

    await anna.click("#open-people")
    await expect(anna.locator("#roster")).to_contain_text("Person 3")
    await anna.click("text=Let take part")
    await expect(anna.locator(".tile:not(.own)")).to_have_count(2)
    await sees(anna, 2)
    await sees(bo, 2)

    content = os.urandom(300_000)
    await bo.keyboard.press("c")
    await bo.select_option("#file-to", label="Person 1")
    await bo.set_input_files("#file", {"name": "plan.xlsx", "mimeType": "", "buffer": content})
    await anna.click("#open-chat")
    await anna.click("#files .strong")
    await expect(bo.locator("#files")).to_contain_text("Arrived intact at Person 1")
    digest = hashlib.sha256(content).hexdigest()
    assert guests.house.book.told("file") == [(2, f"plan.xlsx, 300000, {digest}")]
    assert await bo.evaluate("window.stocktideRoom.mesh.wires.all.size") == 1, "nobody else was connected to"

    await anna.click("#open-people")
    await anna.get_by_role("button", name="Remove Person 3").click()
    await expect(viewer.locator("#gate-words")).to_have_text("A host removed you from this room.")
    await expect(bo.locator(".tile:not(.own)")).to_have_count(1)


async def test_after_a_restart_of_janus_everybody_is_seen_again_without_doing_anything(
    guests: Guests, janus: Janus
) -> None:
    anna, bo = await guests.room(1, "host", **LARGE), await guests.room(2, **LARGE)
    await sees(anna)
    await sees(bo)
    for page in (anna, bo):  # each side of each connection gets new addresses
        await page.evaluate("window.before = window.stocktideRoom.mesh.up.pc.localDescription.sdp")
        await page.evaluate("window.stocktideRoom.mesh.up.pc.restartIce()")
        await page.evaluate("window.stocktideRoom.mesh.down.mender.again()")
    for page in (anna, bo):
        up = "window.stocktideRoom.mesh.up.pc"
        await until(page, f"{up}.signalingState === 'stable' && {up}.localDescription.sdp !== window.before")
        shown = await frames(page)
        await until(page, f"{FRAMES} > {shown} + 5")

    await anna.click("#open-people")
    await anna.get_by_role("button", name="Ask Person 2 to mute").click()
    await expect(bo.locator("#mute")).to_have_text("Unmute")
    await bo.click("#mute")
    await anna.evaluate("window.then = performance.timeOrigin + performance.now()")
    heard = "window.stocktideRoom.gauges.values().next().value.link.hearing.getSynchronizationSources()"
    await until(anna, f"{heard}.some((source) => source.timestamp > window.then)")

    await bo.evaluate("window.before = document.querySelector('.tile:not(.own) video').srcObject.getTracks()[0]")
    (room,) = guests.house.hub.rooms.values()
    (lost,) = [peer.connection for peer in room.peers.values() if peer.seat.member_id == 2]
    assert lost
    lost.dismiss(Farewell("slow"))
    await expect(anna.locator("#live")).to_have_text("Person 2 is back.")
    assert await bo.evaluate("document.querySelector('.tile:not(.own) video').srcObject.getTracks()[0] === before")

    await bo.reload()
    await bo.wait_for_selector('body[data-at="room"]')
    await sees(anna)
    await sees(bo)

    await janus.stop()
    await expect(bo.locator("#live")).to_have_text("Sound and picture are interrupted. Trying again …")
    await janus.start()
    for page in (anna, bo):
        await until(page, "window.stocktideRoom.mesh.ready")
        await sees(page)
        shown = await frames(page)
        await until(page, f"{FRAMES} > {shown} + 5")


async def test_nine_people_fit_on_the_page_of_a_computer_and_of_a_phone(guests: Guests) -> None:
    page = await guests.room(1, "host", **LARGE)
    for member in range(2, 10):
        guests.house.book.invite(a_seat(member, **LARGE))
        caller = Caller(guests.house.hub, await guests.house.hub.attach(KEY, f"s{member}"))
        await caller.say("join")
    await expect(page.locator("#count")).to_have_text("9 in the room")
    for width, height in ((1280, 800), (360, 640)):
        await page.set_viewport_size({"width": width, "height": height})
        await expect(page.locator("#stage")).to_have_attribute("data-crowd", "many")
        assert await page.evaluate("document.getElementById('stage').scrollWidth") <= width
        for tile in await page.locator(".tile").all():
            box = await tile.bounding_box()
            assert box
            assert box["width"] > 120
            assert box["height"] > 90
