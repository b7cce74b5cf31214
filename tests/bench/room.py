"""The video room in two real browsers on one machine: how soon one sees the other, how late, and files."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from statistics import median
from tempfile import NamedTemporaryFile
from typing import Any

from playwright.async_api import Browser, Page, async_playwright

from bot.ports import SystemClock
from bot.web.rooms import Hub, RoomSite
from tests.bench.report import Benchmark, Report, Timing
from tests.web_rooms.browsing import Guests, launched, sees, until
from tests.web_rooms.conftest import House, serving
from tests.web_rooms.kit import Book, Pauses

RUNS = 20
FILE_BYTES = 50_000_000
REFERENCE_JOIN, REFERENCE_GLASS = 0.446, 0.055  # seconds, of the room that this one is compared with
# A camera whose every frame tells when it was drawn: 24 black or white blocks, the low bits of performance.timeOrigin's
# clock in milliseconds, which is one and the same in all tabs of a machine.
CAMERA = """
(() => {
  const [COLUMNS, ROWS, SIDE] = [6, 4, 80];
  const canvas = new OffscreenCanvas(1, 1) && document.createElement("canvas");
  canvas.width = COLUMNS * SIDE; canvas.height = ROWS * SIDE;
  const pen = canvas.getContext("2d", { alpha: false });
  const now = () => Math.floor(performance.timeOrigin + performance.now());
  function draw() {
    const stamp = now() % 2 ** 24;
    for (let bit = 0; bit < 24; bit += 1) {
      pen.fillStyle = (stamp >> bit) & 1 ? "#fff" : "#000";
      pen.fillRect((bit % COLUMNS) * SIDE, Math.floor(bit / COLUMNS) * SIDE, SIDE, SIDE);
    }
  }
  const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = async (wanted) => {
    const stream = wanted.audio ? await real({ audio: wanted.audio }) : new MediaStream();
    if (wanted.video) {
      const drawn = canvas.captureStream(0).getVideoTracks()[0];
      setInterval(() => { draw(); drawn.requestFrame(); }, 33);
      stream.addTrack(drawn);
    }
    return stream;
  };
  window.watchGlass = (count) => new Promise((done) => {
    const video = document.querySelector(".tile:not(.own) video");
    const look = new OffscreenCanvas(COLUMNS, ROWS).getContext("2d", { willReadFrequently: true });
    const found = [];
    const seen = () => {
      const shown = now();
      look.drawImage(video, 0, 0, COLUMNS, ROWS);
      const pixels = look.getImageData(0, 0, COLUMNS, ROWS).data;
      let stamp = 0;
      for (let bit = 0; bit < 24; bit += 1) if (pixels[bit * 4 + 1] > 127) stamp += 2 ** bit;
      const late = ((shown % 2 ** 24) - stamp + 2 ** 24) % 2 ** 24;
      if (late < 5000) found.push(late);
      if (found.length >= count) done(found); else video.requestVideoFrameCallback(seen);
    };
    video.requestVideoFrameCallback(seen);
  });
})();
"""


def run() -> tuple[Report, ...]:
    """Joining, delay and files."""
    return asyncio.run(_measured())


async def _measured() -> tuple[Report, ...]:
    async with async_playwright() as playwright:
        browser = await launched(playwright, 30)
        joins = [await _join(browser) for _turn in range(RUNS + 1)][1:]
        glass = await _glass(browser)
        files = [await _file(browser) for _turn in range(3)]
        await browser.close()
    return (_joining(joins), _delay(glass), _files(files))


@asynccontextmanager
async def _guests(browser: Browser) -> AsyncIterator[Guests]:
    book = Book()
    async for house in serving(House(book, Hub(book, SystemClock()), Pauses()), RoomSite()):
        found = Guests(browser, house)
        yield found
        await found.close()


async def _join(browser: Browser) -> dict[str, float]:
    """One person waits; seconds from another's click to each step, as that page marked them."""
    async with _guests(browser) as guests:
        await guests.room(1)
        page = await guests.lobby(2)
        await until(page, "document.getElementById('mirror').readyState >= 2")
        await page.click("#join")
        await until(page, "performance.getEntriesByName('room:frame').length")
        marks: list[tuple[str, float]] = await page.evaluate(
            "performance.getEntriesByType('mark').map((mark) => [mark.name, mark.startTime])"
        )
    first: dict[str, float] = {}
    for name, at in marks:
        first.setdefault(name, at / 1000)
    return {name: at - first["room:join"] for name, at in first.items()}


async def _glass(browser: Browser) -> list[float]:
    """Seconds from drawing a frame on one page to its being shown on the other, once things have settled."""
    async with _guests(browser) as guests:
        await guests.room(1, init=CAMERA)
        page = await guests.room(2, init=CAMERA)
        await sees(page)
        await page.evaluate("watchGlass(90)")  # the first seconds warm up
        medians = []
        for _turn in range(RUNS):
            late: list[float] = await page.evaluate("watchGlass(30)")
            medians.append(median(late) / 1000)
    return medians


async def _file(browser: Browser) -> tuple[float, bool]:
    """Seconds that a file takes from the receiver's click to its checked end, and whether it is the same."""
    content = os.urandom(FILE_BYTES)
    async with _guests(browser) as guests:
        anna, bo = await guests.room(1), await guests.room(2)
        for page in (anna, bo):
            await sees(page)
        for page in (anna, bo):
            await page.keyboard.press("v")  # the cameras' encoders would measure the machine
        with NamedTemporaryFile() as file:
            file.write(content)
            file.flush()
            await bo.set_input_files("#file", file.name)
            await anna.click("#open-chat")
            seconds: float = await anna.evaluate(RECEIVE) / 1000
        digest = await _digest(anna)
        (noted,) = guests.house.book.told("file")
    return seconds, digest == hashlib.sha256(content).hexdigest() and digest in str(noted)


RECEIVE = """async () => {
  while (!document.querySelector("#files .strong")) await new Promise((go) => setTimeout(go, 20));
  const began = performance.now();
  document.querySelector("#files .strong").click();
  while (!document.querySelector("#files a.save")) await new Promise((go) => setTimeout(go, 5));
  return performance.now() - began;
}"""


async def _digest(page: Page) -> str:
    """The digest of what the receiver would save, computed anew."""
    said: Any = await page.evaluate(
        """async () => {
          const blob = [...window.stocktideRoom.transfers.all.values()][0].blob;
          const hashed = await crypto.subtle.digest("SHA-256", await blob.arrayBuffer());
          return JSON.stringify([...new Uint8Array(hashed)]);
        }"""
    )
    return bytes(json.loads(said)).hex()


def _joining(joins: list[dict[str, float]]) -> Report:
    def all_of(mark: str) -> tuple[float, ...]:
        return tuple(join[mark] for join in joins)

    whole = "click to the first picture"
    return Report(
        "Joining a room of two",
        (
            Timing("reference: click to the first picture", (REFERENCE_JOIN,)),
            Timing("click to connected", all_of("room:connected")),
            Timing(whole, all_of("room:frame")),
        ),
        "reference: click to the first picture",
        (f"{RUNS} joins, each in a room and a page of its own, after one to warm up; the lobby was open before.",),
    )


def _delay(glass: list[float]) -> Report:
    return Report(
        "Glass to glass",
        (Timing("reference", (REFERENCE_GLASS,)), Timing("drawn to shown", tuple(glass))),
        "reference",
        (f"Each of {RUNS} runs is the median of 30 frames at 30 a second; both pages encode and decode.",),
    )


def _files(files: list[tuple[float, bool]]) -> Report:
    seconds = tuple(taken for taken, _intact in files)
    pace = FILE_BYTES / 1e6 / median(seconds)
    intact = sum(intact for _taken, intact in files)
    label = f"{FILE_BYTES / 1e6:,.0f} MB"
    return Report(
        "A file from browser to browser",
        (Timing(label, seconds),),
        label,
        (f"{pace:,.0f} MB/s with the check at the end; {intact} of {len(files)} arrived with the same SHA-256.",),
    )


BENCHMARK = Benchmark("room", run)
