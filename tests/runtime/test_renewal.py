"""A store that an administrator adds on the board: the process drains, takes it up, and goes on."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import weakref
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import pytest

from bot import settings
from bot.bootstrap import App, build
from bot.cli.run import _anew, _with_stores, _work
from bot.ports import MovableClock, SystemClock
from bot.settings.resealing import SettingsFile
from bot.storage.database import Database
from bot.storage.migrations import migrate
from tests.cli.terminal import COMMAND, clean
from tests.runtime.recorder import Recorder, until

FORM = {
    "kind": "shopify", "name": "shop", "url": "https://harbour-gifts.myshopify.com", "user": "0123",
    "secret-secret": "canary-typed", "untried": "on",
}  # fmt: skip


@pytest.fixture
async def app(sqlite_database: Database, clock: MovableClock) -> AsyncIterator[App]:
    """An application of one recording platform, not started."""
    given = settings.given(database={"url": str(sqlite_database.url)}, web={"port": 0})
    app = build(given, clock, [Recorder("slack")], SettingsFile(Path("none.toml"), {}))
    yield app
    await app.runtime.stop()
    await app.close()


async def test_a_change_of_the_settings_drains_the_process_and_asks_for_another(app: App) -> None:
    running = asyncio.create_task(app.runtime.run())
    await until(lambda: app.runtime.connected, 20)
    app.services.connecting._renew()
    assert await asyncio.wait_for(running, 10) is True
    assert not app.runtime.connected


async def test_a_signal_during_such_a_drain_is_the_end(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    async def stop() -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        for _turn in range(20):  # until the loop has looked at its signals
            await asyncio.sleep(0)
        await stopped()

    running = asyncio.create_task(app.runtime.run())
    await until(lambda: app.runtime.connected, 20)
    stopped = app.runtime.stop
    monkeypatch.setattr(app.runtime, "stop", stop)
    app.services.connecting._renew()
    assert await asyncio.wait_for(running, 20) is False


def test_other_settings_of_the_file_wait_for_the_next_start(tmp_path: Path) -> None:
    file = tmp_path / "stocktide.toml"
    file.write_text('[organisation]\nname = "Other"\n[stores.connected.shop]\nkind = "local"\n')
    running = settings.given(organisation={"name": "Ours"})
    chosen = _with_stores(running, file)
    assert (chosen.organisation.name, set(chosen.stores.connected)) == ("Ours", {"shop"})
    file.write_text("[stores.connected.shop\n")
    assert _with_stores(chosen, file) == chosen


async def test_a_store_that_was_spoilt_by_hand_meanwhile_does_not_end_the_process(tmp_path: Path) -> None:
    file = tmp_path / "stocktide.toml"
    running = settings.given(database={"url": f"sqlite+aiosqlite:///{tmp_path}/shop.db"})
    for spoilt in ('kind = "files"\nurl = "file:///tmp"\noptions = { no = "x" }', 'url = "http://a.example"'):
        kind = "" if "kind" in spoilt else 'kind = "shopify"\n'
        file.write_text(f"[stores.connected.shop]\n{kind}{spoilt}\n")
        app = _anew(running, SettingsFile(file, {}))
        assert not app.settings.stores.connected
        await app.close()


class _Ended:
    """What runs once; it holds itself, so that only the collector of garbage ends it."""

    settings = settings.given()

    def __init__(self, look: Callable[[], None], *, again: bool) -> None:
        self.runtime, self._again, self._look = self, again, look

    async def run(self) -> bool:
        self._look()
        return self._again


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # other tests' garbage goes too
async def test_what_has_ended_is_let_go_before_the_next_begins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[bool] = []
    first = _Ended(lambda: None, again=True)
    known = weakref.ref(first)
    monkeypatch.setattr(
        "bot.bootstrap.build", lambda *_, **__: _Ended(lambda: kept.append(known() is not None), again=False)
    )
    book = SettingsFile(tmp_path / "stocktide.toml", {})
    book.path.touch()
    given = [first]
    del first
    gc.disable()
    try:
        await _work(given.pop(), book)  # type: ignore[arg-type]  # all of an application that is used
    finally:
        gc.enable()
        gc.unfreeze()
    assert kept == [False]


async def test_a_running_process_takes_up_a_store_and_goes_on(unused_tcp_port: int, tmp_path: Path) -> None:
    file, url = tmp_path / "stocktide.toml", f"http://127.0.0.1:{unused_tcp_port}"
    file.write_text(
        f'[database]\nurl = "sqlite+aiosqlite:///{tmp_path}/shop.db"\n[web]\nport = {unused_tcp_port}\n'
        '[telegram]\ntoken = "123456:nobody"\nbase_url = "http://127.0.0.1:1/bot"\n[log]\nformat = "json"\n'
    )
    mine = build(settings.load(file, {}), SystemClock(), [])
    await migrate(mine.services.database)
    await mine.services.policies.ensure()
    ada = (await mine.services.members.add("Ada", role="admin", identities={"telegram": "1"})).id
    process = await asyncio.create_subprocess_exec(
        COMMAND, "run", cwd=tmp_path, env=clean(os.environ), stderr=asyncio.subprocess.PIPE
    )
    try:
        async with httpx.AsyncClient(base_url=url, headers={"Origin": url}, trust_env=False, timeout=20) as client:
            await _alive(client)
            token = await mine.services.sessions.token(ada, "/board/stores")
            assert (await client.post("/board/enter", json={"token": token})).status_code == 200
            assert "No store is connected" in (await client.get("/board/stores")).text
            answer = await client.post("/board/stores/add", data=FORM)
            assert answer.status_code == 200, answer.text
            assert "canary" not in answer.text
            await _until_shown(client, "harbour-gifts.myshopify.com")
        process.send_signal(signal.SIGTERM)
        _out, told = await asyncio.wait_for(process.communicate(), 15)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await mine.close()
    assert process.returncode == 0
    assert told.count(b'"started"') == told.count(b'"stopped"') == 2
    assert b"canary" not in told
    assert b"Traceback" not in told
    assert settings.load(file, {}).stores.connected["shop"].secret.get_secret_value() == "canary-typed"


async def _alive(client: httpx.AsyncClient) -> None:
    await _until_shown(client, "alive", "/health")


async def _until_shown(client: httpx.AsyncClient, words: str, page: str = "/board/stores") -> None:
    async with asyncio.timeout(60):
        while True:
            with contextlib.suppress(httpx.TransportError):
                if words in (await client.get(page)).text:
                    return
            await asyncio.sleep(0.05)
