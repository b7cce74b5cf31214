"""The demo on stage with a small part of the sample, shared by a module, and a real headless browser for all."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright

from bot.cli import stage
from bot.cli.stage import DEMO_DAY, Loader, Set, staged
from bot.ports import Clock, MovableClock
from bot.sandbox.sample import SampleReport, load_small
from tests.demo.viewing import Looker
from tests.unpaced import hurried, unpaced

# Chromium asks nobody outside this machine for anything.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def small_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The small sample is loaded as the demo loads it, but once: each stage gets a copy of the file."""
    plain, file = stage._load, tmp_path_factory.mktemp("demo") / "small.db"
    report = asyncio.run(plain(file, MovableClock(DEMO_DAY, frozen=True), load_small))

    async def copied(to: Path, clock: Clock, load: Loader) -> SampleReport:
        if load is not load_small:
            return await plain(to, clock, load)
        await asyncio.to_thread(shutil.copy, file, to)
        return report

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stage, "_load", copied)
        yield


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def played(small_once: None) -> AsyncIterator[Set]:  # noqa: ARG001  # for what it does
    """The demo, its first alerts under way."""
    async with staged(0, load_small) as found:
        unpaced(found.sandbox)
        hurried(found.application)
        while any(depth.state == "pending" for depth in await found.application.services.outbox.depths()):
            await found.sandbox.pulse.after(found.sandbox.pulse.beats, 0.2)
        yield found


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """A Chromium without a window: its tests share a group, and so a process."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        if os.environ.get("CI"):
            pytest.fail("CI has a Chromium; .ci/run installs it")
        pytest.skip("no Chromium on this machine (Debian: apt-get install chromium)")
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield started
        await started.close()


@pytest_asyncio.fixture(loop_scope="session")
async def looker(browser: Browser, played: Set) -> AsyncIterator[Looker]:
    """Opens the page as somebody; in the end no page may have had an error, or asked anybody else for anything."""
    found = Looker(browser, played)
    yield found
    await found.close()
    assert found.faults == []
