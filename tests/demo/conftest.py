"""The demo on stage with a small part of the sample, and a real headless browser; both are shared by a module."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright

from bot.cli.stage import Set, staged
from bot.sandbox.sample import load_small
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


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def played() -> AsyncIterator[Set]:
    """The demo, its first alerts under way."""
    async with staged(0, load_small) as found:
        unpaced(found.sandbox)
        hurried(found.application)
        while any(depth.state == "pending" for depth in await found.application.services.outbox.depths()):
            await found.sandbox.pulse.after(found.sandbox.pulse.beats, 0.2)
        yield found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """A Chromium without a window."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        if os.environ.get("CI"):
            pytest.fail("CI has a Chromium; .ci/run installs it")
        pytest.skip("no Chromium on this machine (Debian: apt-get install chromium)")
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield started
        await started.close()


@pytest_asyncio.fixture(loop_scope="module")
async def looker(browser: Browser, played: Set) -> AsyncIterator[Looker]:
    """Opens the page as somebody; in the end no page may have had an error, or asked anybody else for anything."""
    found = Looker(browser, played)
    yield found
    await found.close()
    assert found.faults == []
