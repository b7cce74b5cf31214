"""The room's page as people use it, in real browsers."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
from collections.abc import AsyncIterator
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright, expect

from bot.ports import RoomRole, SystemClock
from bot.web.rooms import Hub, RoomSite
from bot.web.rooms.room import Farewell
from tests.web_rooms.browsing import Guests, launched, sees, until
from tests.web_rooms.conftest import House, serving
from tests.web_rooms.kit import KEY, Book, Pauses, a_seat

pytestmark = [
    pytest.mark.browser,
    pytest.mark.xdist_group("pages in browsers"),
    pytest.mark.asyncio(loop_scope="module"),
]
VIDEO = "document.querySelector('.tile:not(.own) video')"  # of the one other person
FRAMES = f"{VIDEO}.getVideoPlaybackQuality().totalVideoFrames"
LINK = "window.stocktideRoom.mesh.links.values().next().value"


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


async def test_two_people_see_each_other_talk_send_a_file_and_a_reload_reconnects(guests: Guests) -> None:
    anna = await guests.room(1, "host")
    assert await anna.evaluate("location.hash") == "", "the token is gone from the address bar"
    bo = await guests.room(2)
    await sees(anna)
    await sees(bo)
    await expect(anna.locator("#count")).to_have_text("2 in the room")

    await bo.keyboard.press("c")
    await bo.fill("#say-text", "<b>12 days</b> of cover 剩余12天")
    await bo.press("#say-text", "Enter")
    await expect(anna.locator("#lines")).to_contain_text("<b>12 days</b> of cover 剩余12天")
    await expect(anna.locator("#unread")).to_have_text("1")
    assert guests.house.book.told("chat") == [(2, "<b>12 days</b> of cover 剩余12天")]

    content = os.urandom(300_000)
    await bo.set_input_files("#file", {"name": "plan, v2.xlsx", "mimeType": "text/html", "buffer": content})
    await anna.click("#open-chat")
    await anna.click("#files .strong")
    await expect(bo.locator("#files")).to_contain_text("Arrived intact at Person 1")
    async with anna.expect_download() as downloading:
        await anna.click("#files a.save")
    assert (await (await downloading.value).path()).read_bytes() == content
    digest = hashlib.sha256(content).hexdigest()
    assert guests.house.book.told("file") == [(2, f"plan, v2.xlsx, 300000, {digest}")]

    await bo.set_input_files("#file", {"name": "unwanted.zip", "mimeType": "", "buffer": content})
    await anna.get_by_role("button", name="Decline").click()
    await expect(bo.locator("#files")).to_contain_text("Person 1 declined.")
    await bo.set_input_files("#file", {"name": "mistaken.zip", "mimeType": "", "buffer": content})
    await expect(anna.locator("#files")).to_contain_text("mistaken.zip")
    await bo.get_by_role("button", name="Cancel", exact=True).click()
    await expect(anna.locator("#files")).to_contain_text("Cancelled.")
    assert len(guests.house.book.told("file")) == 1

    await bo.reload()
    await bo.wait_for_selector('body[data-at="room"]')
    await sees(anna)
    await sees(bo)
    await expect(bo.locator("#lines")).to_contain_text("12 days")
    assert [member for member, _visit in guests.house.book.told("joined")] == [1, 2, 2]


async def test_a_lost_line_comes_back_without_a_break_in_the_picture(guests: Guests) -> None:
    anna, bo = await guests.room(1), await guests.room(2)
    await sees(bo)
    await bo.evaluate(f"window.before = {VIDEO}.srcObject.getTracks()[0]")
    (room,) = guests.house.hub.rooms.values()
    for peer in list(room.peers.values()):
        if peer.seat.member_id == 2 and peer.connection:
            peer.connection.dismiss(Farewell("slow"))
    await expect(anna.locator("#live")).to_have_text("Person 2 is back.")
    await until(bo, "document.getElementById('line').hidden")
    assert await bo.evaluate(f"{VIDEO}.srcObject.getTracks()[0] === window.before")
    assert [member for member, _visit in guests.house.book.told("joined")] == [1, 2]
    await bo.keyboard.press("m")
    await expect(anna.locator(".tile:not(.own)")).to_have_attribute("aria-label", "Person 2, muted")


async def test_a_viewer_sees_and_is_raised_to_take_part(guests: Guests) -> None:
    anna = await guests.room(1, "host")
    viewer = await guests.room(2, "viewer", size=(360, 740))
    await sees(viewer)
    await expect(viewer.locator("#mute")).to_be_disabled()
    await expect(anna.locator(".tile:not(.own)")).to_have_count(0)
    await viewer.click("#open-chat")
    await expect(viewer.locator("#say")).to_be_hidden()
    await anna.click("#open-people")
    await anna.click("text=Let take part")
    await expect(viewer.locator("#say")).to_be_visible()
    await sees(anna)
    await expect(anna.locator(".tile:not(.own)")).to_have_count(1)


async def test_both_sides_restarting_at_once_end_up_connected(guests: Guests) -> None:
    anna, bo = await guests.room(1), await guests.room(2)
    await sees(anna)
    restart = f"{LINK}.pc.restartIce()"
    for _turn in range(3):
        await asyncio.gather(anna.evaluate(restart), bo.evaluate(restart))
    for page in (anna, bo):
        await until(
            page, f"(({{pc}}) => pc.signalingState === 'stable' && pc.iceConnectionState === 'connected')({LINK})"
        )
    shown = await anna.evaluate(FRAMES)
    await until(anna, f"{FRAMES} > {shown}")


async def test_a_host_mutes_removes_and_ends(guests: Guests) -> None:
    host, bo, cy = await guests.room(1, "host"), await guests.room(2), await guests.room(3)
    await expect(bo.locator("#end")).to_be_hidden()
    await host.click("#open-people")
    await host.get_by_role("button", name="Ask Person 2 to mute").click()
    await expect(bo.locator("#toast")).to_contain_text("Person 1 asked you to mute")
    await expect(bo.locator("#mute")).to_have_text("Unmute")
    await host.get_by_role("button", name="Remove Person 3").click()
    await expect(cy.locator("#gate-words")).to_have_text("A host removed you from this room.")
    await host.click("#end")
    await host.click("#sure-end")
    for page in (host, bo):
        await expect(page.locator("#gate-words")).to_have_text("The room was ended for everyone.")
    assert guests.house.book.told("ended") == [(1,)]


async def test_keys_work_and_not_while_typing(guests: Guests) -> None:
    page = await guests.room(1)
    await page.locator("body").focus()
    await page.keyboard.press("m")
    await expect(page.locator("#mute")).to_have_text("Unmute")
    await page.keyboard.down("Space")
    await expect(page.locator("#mute")).to_have_text("Mute")
    await page.keyboard.up("Space")
    await expect(page.locator("#mute")).to_have_text("Unmute")
    await page.keyboard.press("v")
    await expect(page.locator("#camera")).to_have_text("Start camera")
    await page.keyboard.press("?")
    await expect(page.locator("#help")).to_be_visible()
    await page.keyboard.press("Escape")
    await page.keyboard.press("c")
    await page.keyboard.type("mvs?")
    await expect(page.locator("#say-text")).to_have_value("mvs?")
    await expect(page.locator("#camera")).to_have_text("Start camera")


async def test_whoever_has_no_camera_joins_as_a_listener_and_is_told_why(guests: Guests) -> None:
    anna = await guests.room(1)
    bare = "navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('', 'NotFoundError'); }"
    bo = await guests.lobby(2, init=bare)
    await expect(bo.locator("#lobby-trouble")).to_have_text("You listen only: no camera or microphone was found.")
    await bo.click("#join")
    await sees(bo)
    await expect(anna.locator(".tile:not(.own)")).to_have_attribute("aria-label", "Person 2, muted")


async def test_a_screen_is_shared_and_taken_back(guests: Guests) -> None:
    anna, bo = await guests.room(1), await guests.room(2)
    await sees(anna)
    await bo.click("#share")
    screen = anna.locator(".tile.screen video")
    await expect(screen).to_be_visible()
    await until(anna, "document.querySelector('.tile.screen video').videoWidth > 2")
    await bo.click("#share")
    await expect(screen).to_have_count(0)


@pytest.mark.parametrize(("role", "scheme"), [("host", "light"), ("viewer", "dark")])
async def test_nothing_keeps_anybody_from_using_the_page(
    guests: Guests, role: RoomRole, scheme: Literal["light", "dark"]
) -> None:
    await guests.room(9, side_url="/board")
    page = await guests.lobby(1, role, scheme=scheme, recording=True)
    await until(page, "document.getElementById('join').textContent")
    assert await violations(page) == []
    await page.click("#join")
    await page.wait_for_selector('body[data-at="room"]')
    for panel in ("people", "chat", "minutes"):
        await page.click(f"#open-{panel}")
        assert await violations(page) == [], panel
    await page.click("#open-settings")
    assert await violations(page) == []


@pytest.mark.parametrize("language", ["en", "zh_CN"])
async def test_nothing_sticks_out_of_a_phone(guests: Guests, language: str) -> None:
    page = await guests.lobby(1, "host", size=(360, 640), language=language, recording=True, side_url="/board")
    wide = "document.documentElement.scrollWidth"
    assert await page.evaluate(wide) <= 360
    await page.click("#join")
    await page.wait_for_selector('body[data-at="room"]')
    for tool in await page.locator(".tool:visible").all():
        box = await tool.bounding_box()
        assert box
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 360
    await page.click("#open-chat")
    assert await page.evaluate(wide) <= 360
    await expect(page.locator("#recording")).to_be_visible()
    if language == "zh_CN":
        words = re.sub(r"Stock-out of 85123A|Person 1|Stocktide|SHA-256", "", await page.locator("body").inner_text())
        assert not re.search(r"[A-Za-z]{4,}", words), words
        assert await page.get_attribute("html", "lang") == "zh-CN"


async def test_the_board_stands_beside_and_comes_from_us(guests: Guests) -> None:
    page = await guests.room(1, side_url="/board")
    await page.click("#open-board")
    frame = page.locator("#panel-board iframe")
    await expect(frame).to_have_attribute("src", "/board")
    await expect(page.frame_locator("#panel-board iframe").locator("body")).to_have_text("The board")
    other = await guests.room(2, side_url="//evil.example/board")
    await expect(other.locator("#open-board")).to_be_hidden()


async def test_a_recording_that_begins_is_shown_at_once_and_never_without(guests: Guests) -> None:
    page = await guests.room(1)
    await expect(page.locator("#recording")).to_be_hidden()
    guests.house.book.seats["s1"] = a_seat(1, recording=True)
    await guests.house.hub.refresh(KEY)
    await expect(page.locator("#recording")).to_have_text("This room is being recorded.")
    await expect(page.locator("#recording")).to_be_in_viewport()


async def test_a_wrong_link_says_so(guests: Guests) -> None:
    page = await guests.lobby(1)
    await page.context.clear_cookies()
    await page.reload()
    await expect(page.locator("#gate-words")).to_have_text("Please open the room by the link that you were given.")
    guests.faults.clear()  # the browser itself tells of the 401


async def violations(page: Page) -> list[str]:
    """What axe-core finds against WCAG 2.2 A and AA."""
    found = find_spec("axe_playwright_python")
    assert found
    assert found.submodule_search_locations
    await page.evaluate((Path(found.submodule_search_locations[0]) / "axe.min.js").read_text())
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    seen = await page.evaluate("(tags) => axe.run({runOnly: tags})", tags)
    return [f"{one['id']}: {[node['html'][:120] for node in one['nodes']]}" for one in seen["violations"]]
