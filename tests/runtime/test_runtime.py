"""The process: it starts what it can, drains on SIGTERM in time, and loses nothing on the way down."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from bot import settings
from bot.bootstrap import App, build
from bot.chat.incoming import Incoming
from bot.errors import TokenRefused, Unreachable
from bot.ports import MovableClock
from bot.storage.database import Database
from tests.runtime.recorder import Recorder, until
from tests.runtime.test_jobs import Endless

ROOT = Path(__file__).parents[2]


@pytest.fixture
async def app(sqlite_database: Database, clock: MovableClock) -> AsyncIterator[App]:
    """An application of two recording platforms, not started."""
    given = settings.given(database={"url": str(sqlite_database.url)}, web={"port": 0})
    app = build(given, clock, [Recorder("slack"), Recorder("telegram")])
    yield app
    await app.runtime.stop()
    await app.close()


def slack_of(app: App) -> Recorder:
    """The recording Slack."""
    platform = app.platforms["slack"]
    assert isinstance(platform, Recorder)
    return platform


async def test_an_event_is_answered_through_the_running_process_within_a_second(app: App) -> None:
    await app.runtime.start()
    slack = slack_of(app)
    await until(lambda: slack.intake is not None)
    began = time.monotonic()
    assert slack.intake is not None
    await slack.intake(Incoming("slack", "e1", "command", "U1", "C1", "group", text="help"))
    await until(lambda: slack.texts("reply"))
    assert time.monotonic() - began < 1


async def test_a_platform_that_cannot_start_is_tried_again_while_the_other_works(app: App) -> None:
    slack = slack_of(app)
    slack.start_faults.extend([Unreachable("down"), Unreachable("down")])
    app.runtime._backoff = app.runtime._backoff.__class__(jitter=lambda: 0.99)
    await app.runtime.start()
    await until(lambda: app.runtime.connected == {"telegram"})
    await until(lambda: app.runtime.connected == {"slack", "telegram"}, 8)
    assert slack.started == 3


async def test_a_refused_token_leaves_the_other_platform_at_work(app: App) -> None:
    slack_of(app).start_faults.append(TokenRefused("invalid_auth"))
    await app.runtime.start()
    await until(lambda: app.runtime.connected == {"telegram"})
    await app.runtime.stop()
    assert app.runtime.connected == set()


async def test_stopping_answers_what_was_taken_in(app: App) -> None:
    await app.runtime.start()
    slack = slack_of(app)
    await until(lambda: slack.intake is not None)
    assert slack.intake is not None
    slack.gates["reply"] = asyncio.Event()
    await slack.intake(Incoming("slack", "e1", "command", "U1", "C1", "group", text="help"))
    await slack.entered.wait()
    stopping = asyncio.create_task(app.runtime.stop())
    await asyncio.sleep(0)
    slack.gates["reply"].set()
    await stopping
    assert len(slack.texts("reply")) == 1
    assert slack.stopped == 1


async def test_a_platform_that_hangs_cannot_hold_up_the_end(app: App) -> None:
    await app.runtime.start()
    slack = slack_of(app)
    await until(lambda: slack.intake is not None)
    assert slack.intake is not None
    slack.gates["reply"] = asyncio.Event()
    await slack.intake(Incoming("slack", "e1", "command", "U1", "C1", "group", text="help"))
    await slack.entered.wait()
    began = time.monotonic()
    await app.runtime.stop()
    assert time.monotonic() - began < 8


async def test_a_reading_under_way_ends_with_the_process(app: App) -> None:
    endless = Endless()
    app.job_runner.jobs["read"] = endless.job()
    await app.runtime.start()
    await endless.begun.wait()
    await app.runtime.stop()
    assert endless.cut.is_set()


async def test_pushing_the_clock_does_the_work_that_became_due(app: App, clock: MovableClock) -> None:
    await app.runtime.start()
    await app.runtime.tick()
    before = {row.job: row.due_at for row in await app.job_runner.overview()}
    clock.push(app.job_runner.jobs["digest"].patience)
    assert "digest" in await app.runtime.tick()
    after = {row.job: row.due_at for row in await app.job_runner.overview()}
    assert after["digest"] > before["digest"]


PROGRAM = """
import asyncio, sys
from bot import logs, settings
from bot.bootstrap import build
from bot.ports import SystemClock
from tests.runtime.recorder import Recorder

logs.set_up("INFO", "json")
given = settings.given(database={"url": sys.argv[1]}, web={"port": int(sys.argv[2])})
asyncio.run(build(given, SystemClock(), [Recorder("slack"), Recorder("telegram")]).runtime.run())
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_drains_the_process_and_it_exits_with_zero(
    sqlite_database: Database, unused_tcp_port: int, number: signal.Signals
) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        PROGRAM,
        str(sqlite_database.url),
        str(unused_tcp_port),
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        await _ready(f"http://127.0.0.1:{unused_tcp_port}/ready")
        began = time.monotonic()
        process.send_signal(number)
        _out, errors = await asyncio.wait_for(process.communicate(), 10)
        assert time.monotonic() - began < 10
        assert process.returncode == 0
        assert b'"stopped"' in errors
        assert b"Traceback" not in errors
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()


async def _ready(url: str) -> None:
    deadline = time.monotonic() + 30
    async with httpx.AsyncClient(trust_env=False) as client:
        while time.monotonic() < deadline:
            with contextlib.suppress(httpx.TransportError):
                if (await client.get(url)).status_code == 200:
                    return
            await asyncio.sleep(0.05)
    raise AssertionError("not ready in time")
