"""Every copy of what changes is kept up to date: posts, answers, private ones too; a burst of changes leaves as one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from bot.chat.nodes import Message
from bot.ports import MovableClock
from bot.storage.database import Database
from bot.storage.tables import Outbox
from tests.runtime.conftest import says
from tests.runtime.forming import House, housed, on_slack, on_telegram


@pytest.fixture
async def house(database: Database, clock: MovableClock) -> AsyncIterator[House]:
    """The application with the commands of the desk on each kind of database."""
    made = await housed(database, clock)
    await made.take(on_telegram("start"))
    yield made
    await made.app.close()


async def refresh(house: House, *texts: str) -> None:
    """Change what `request:7` shows, once for each text and in a transaction of its own."""
    for text in texts:
        async with house.app.services.database.transaction() as connection:
            message: Message = replace(says(text), subject="request:7")
            await house.app.services.outbox.refresh(connection, "request:7", message)


async def test_an_answer_that_shows_a_request_follows_its_decisions_on_both_platforms(house: House) -> None:
    await house.take(on_slack("show"))
    await house.take(on_telegram("show"))
    await refresh(house, "R-7 approved")
    await house.settle()
    assert house.slack.texts("edit") == ["R-7 approved"]
    assert house.telegram.texts("edit") == ["R-7 approved"]


async def test_a_burst_of_changes_leaves_as_the_last_one_of_each_copy(house: House) -> None:
    for _copy in range(3):
        await house.take(on_slack("show"))
    await refresh(house, *(f"vote {number}" for number in range(30)))
    await house.settle()
    assert house.slack.texts("edit") == ["vote 29"] * 3
    states = [state for state, kind in await house.fetch(Outbox.state, Outbox.kind) if kind == "edit"]
    assert (states.count("merged"), states.count("sent")) == (87, 3)


async def test_an_answer_that_is_decided_on_its_way_arrives_and_is_locked(house: House) -> None:
    await house.app.services.inbox.take(on_slack("show"))
    await house.app.dispatcher.drain()
    await refresh(house, "R-7 approved")
    await house.settle()
    assert house.slack.texts() == ["R-7 approved"]


async def test_an_answer_that_shows_nothing_lasting_is_left_alone(house: House) -> None:
    await house.take(on_slack("menu"))
    await refresh(house, "R-7 approved")
    await house.settle()
    assert house.slack.texts("edit") == []
