"""A server in Slack's place, a platform connected to it, and readers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from bot.chat.incoming import Incoming
from bot.platforms.slack.app import SlackOptions, SlackPlatform
from bot.ports import MovableClock, Reader
from bot.sandbox import Sandbox
from tests.platforms.slack.office import Office
from tests.platforms.slack.payloads import ANNA, SECRET
from tests.platforms.slack.server import Slack


class Inbox:
    """An intake that stores, or fails as told."""

    def __init__(self) -> None:
        self.taken: list[Incoming] = []
        self.failure: Exception | None = None

    async def __call__(self, incoming: Incoming) -> None:
        if self.failure is not None:
            raise self.failure
        self.taken.append(incoming)


@pytest.fixture
def reader() -> Reader:
    return Reader("en", ZoneInfo("Europe/Berlin"), {7: ANNA})


@pytest.fixture
async def slack() -> AsyncIterator[Slack]:
    server = Slack()
    await server.server.start_server()
    yield server
    await server.server.close()


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


@pytest.fixture
async def platform(slack: Slack, inbox: Inbox) -> AsyncIterator[SlackPlatform]:
    """A platform fed by HTTP."""
    options = SlackOptions(
        "xoxb-planted-token",
        SECRET,
        base_url=slack.base_url,
        commands=("stock", "approve"),
        file_waits=(0.01, 0.01),
    )
    made = SlackPlatform(options)
    await made.start(inbox)
    yield made
    await made.stop()


@pytest.fixture
async def office() -> AsyncIterator[Office]:
    """The platform over Socket Mode in a workspace that refuses what Slack refuses."""
    async with Sandbox(MovableClock(datetime(2011, 11, 21, 9, tzinfo=UTC), frozen=True)) as sandbox:
        made = Office(sandbox)
        await made.platform.start(made.taken.put)
        yield made
        await made.platform.stop()
