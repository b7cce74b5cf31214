"""An open page learns of a change within a second, and a server that stops is held up by no page."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx

from bot.services.standings import LEAST_PAUSE, Standings
from bot.web.board import live
from bot.web.board.live import Live
from tests.board.conftest import House
from tests.board.test_pages import text
from tests.handlers.conftest import LANTERN
from tests.runtime.recorder import until


@asynccontextmanager
async def listening(client: httpx.AsyncClient) -> AsyncIterator[AsyncIterator[str]]:
    """The words of the stream, the first of them read."""
    async with client.stream("GET", "/board/events") as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        words = _words(answer)
        assert await anext(words) == "open"
        yield words


async def _words(answer: httpx.Response) -> AsyncIterator[str]:
    async for line in answer.aiter_lines():
        if line.startswith("data:"):
            yield line.removeprefix("data:").strip()


async def test_an_approval_in_the_chat_changes_the_open_page_within_a_second(house: House) -> None:
    client = await house.enter()
    assert "R-1" in text(await client.get("/board"))
    async with listening(client) as words:
        began = time.monotonic()
        await house.chat("approve R-1")
        assert await asyncio.wait_for(anext(words), 5) == "changed"
        shown = text(await client.get("/board"))
        assert time.monotonic() - began < 1
        assert "Nothing waits for a decision." in shown
    assert "approved" in text(await client.get(f"/board/sku?code={LANTERN}"))


async def test_a_sale_that_comes_in_changes_it_too_and_nothing_else_does(house: House) -> None:
    client = await house.enter()
    async with listening(client) as words:
        waiting = asyncio.ensure_future(anext(words))
        await asyncio.wait({waiting}, timeout=3 * live.EVERY)
        assert not waiting.done()
        await house.chat("snooze C-2 1d")
        assert await asyncio.wait_for(waiting, 5) == "changed"


async def test_a_note_in_a_room_changes_the_panel_beside_it(house: House) -> None:
    await house.chat("huddle prices")
    before = await house.app.services.boards.standings.seen()
    await house.chat("huddle note V-1 keep them")
    assert await house.app.services.boards.standings.seen() != before


async def test_a_table_that_was_outdated_is_told_of_once_it_is_read_anew(house: House) -> None:
    client = await house.enter()
    before = text(await client.get("/board/stock"))
    assert "792" in before
    await house.chat("reject R-1")
    assert text(await client.get("/board/stock")) == before  # read a moment ago
    async with listening(client) as words:
        house.clock.push(LEAST_PAUSE)
        assert await asyncio.wait_for(anext(words), 10) == "changed"
        assert "792" not in text(await client.get("/board/stock"))


async def test_a_date_that_changes_anywhere_outdates_the_figures(house: House) -> None:
    standings = house.app.services.boards.standings
    first = await standings.current()
    house.clock.push(timedelta(minutes=14))
    await standings.current()
    assert reading(standings) is None
    house.clock.push(timedelta(minutes=1))  # a quarter past: somewhere it may be midnight
    assert await standings.current() is first
    renewed = reading(standings)
    assert renewed is not None
    await renewed
    assert (await standings.current()).at > first.at


def reading(standings: Standings) -> asyncio.Task[None] | None:
    return standings._reading


async def test_pages_that_listen_do_not_hold_a_stopping_server(house: House) -> None:
    client = await house.enter()
    async with listening(client) as one, listening(client) as other:
        began = time.monotonic()
        await house.app.runtime.web.stop()
        assert time.monotonic() - began < 5
        assert [word async for word in one] == [word async for word in other] == []


async def test_nobody_watches_the_database_when_no_page_is_open(house: House) -> None:
    client = await house.enter()
    watched = house.app.runtime.web._held[0]
    assert isinstance(watched, Live)
    async with listening(client):
        assert len(watched._watchers) == 1
    await until(lambda: not watched._watchers, 5)
    await until(lambda: watched._watching is not None and watched._watching.done(), 5)


async def test_a_full_house_is_told_to_come_back(house: House, monkeypatch: Any) -> None:
    monkeypatch.setattr(live, "MAX_WATCHERS", 1)
    client = await house.enter()
    async with listening(client):
        answer = await client.get("/board/events")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")


async def test_what_changes_between_a_page_and_its_stream_is_not_missed() -> None:
    stamps = iter(range(100))
    gate = asyncio.Event()

    async def look() -> object:
        await gate.wait()
        return next(stamps)

    watched = Live(look, every=0.0)
    words = watched.changes()
    first = asyncio.ensure_future(anext(words))
    await asyncio.wait({first}, timeout=0.05)
    assert not first.done()  # "open" comes after the first look: what follows is compared with it
    gate.set()
    assert await asyncio.wait_for(first, 5) == "open"
    assert await asyncio.wait_for(anext(words), 5) == "changed"
    await watched.close()


async def test_a_database_that_is_away_for_a_look_breaks_no_stream() -> None:
    looks: list[object] = [1, OSError("away"), 1, 2]

    async def look() -> object:
        found = looks.pop(0) if looks else 2
        if isinstance(found, OSError):
            raise found
        return found

    watched = Live(look, every=0.0)
    words = watched.changes()
    assert await asyncio.wait_for(anext(words), 5) == "open"
    assert await asyncio.wait_for(anext(words), 5) == "changed"
    await watched.close()
