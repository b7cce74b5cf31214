"""The HTTP side: alive, ready, figures, and calls handed on as they came."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from bot import settings
from bot.bootstrap import App, build
from bot.ports import MovableClock
from bot.storage.database import Database
from bot.web.app import MAX_BODY, Sample, exposition
from tests.runtime.recorder import Recorder


@pytest.fixture
async def app(sqlite_database: Database, clock: MovableClock) -> AsyncIterator[App]:
    """An application whose web server listens on a free port."""
    given = settings.given(database={"url": str(sqlite_database.url)}, web={"port": 0})
    app = build(given, clock, [Recorder("slack"), Recorder("telegram")])
    await app.runtime.web.start()
    yield app
    await app.runtime.web.stop()
    await app.close()


@pytest.fixture
async def client(app: App) -> AsyncIterator[httpx.AsyncClient]:
    """A client of that server."""
    async with httpx.AsyncClient(base_url=app.runtime.web.url, trust_env=False) as client:
        yield client


async def test_the_process_says_that_it_is_alive(client: httpx.AsyncClient) -> None:
    answer = await client.get("/health")
    assert (answer.status_code, answer.json()) == (200, {"status": "alive"})


async def test_it_is_ready_once_the_database_and_every_platform_are(app: App, client: httpx.AsyncClient) -> None:
    answer = await client.get("/ready")
    assert answer.status_code == 503
    assert answer.json()["parts"] == {"database": True, "slack": False, "telegram": False}
    app.runtime.connected.update({"slack", "telegram"})
    assert (await client.get("/ready")).status_code == 200


async def test_a_platforms_call_is_handed_on_raw(client: httpx.AsyncClient) -> None:
    answer = await client.post("/slack/events", content=b"x" * 1000)
    assert (answer.status_code, answer.text) == (200, "POST 1000")
    assert answer.headers["x-seen"] == "/slack/events"
    assert (await client.post("/telegram/webhook", content=b"y")).text == "POST 1"


async def test_a_body_beyond_the_cap_is_refused_before_it_is_read(client: httpx.AsyncClient) -> None:
    assert (await client.post("/slack/events", content=b"x" * (MAX_BODY + 1))).status_code == 413

    async def endless() -> AsyncIterator[bytes]:
        for _part in range(20):
            yield b"x" * 100_000

    assert (await client.post("/slack/events", content=endless())).status_code == 413


async def test_figures_tell_how_much_waits_and_how_old_it_is(app: App, client: httpx.AsyncClient) -> None:
    from bot.chat.cards import notice_card  # noqa: PLC0415  # one message for one test
    from bot.words import _  # noqa: PLC0415  # as above

    async with app.services.database.transaction() as connection:
        place, _new = await app.services.conversations.of(connection, "slack", "C1", "group")
        await app.services.outbox.put(connection, place.id, notice_card(_("x")))
    await app.job_runner.run_now("cleanup")
    text = (await client.get("/metrics")).text
    assert 'stocktide_outbox_letters{platform="slack",state="pending"} 1' in text
    assert 'stocktide_job_seconds{job="cleanup",state="done"}' in text


def test_a_label_cannot_break_out_of_its_quotes() -> None:
    text = exposition([Sample("x_total", 1, {"name": 'a"b\\c\nd'})])
    assert text == '# TYPE x_total gauge\nx_total{name="a\\"b\\\\c\\nd"} 1\n'
