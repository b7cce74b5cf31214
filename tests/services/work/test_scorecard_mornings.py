"""The scorecard's card: posted in each channel once, on its own Monday morning, with the picture of its weeks."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from datetime import time, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import cast

import pytest
from sqlalchemy import update

from bot.chat.codec import decode_message
from bot.chat.nodes import Chart
from bot.domain.chart import ScoreChart
from bot.services import Services
from bot.services.jobs import JobRunner
from bot.storage import tables
from jobs.scorecard import JOB
from tests.services.work.kit import add_channel
from tests.services.work.scored import (
    DAY,
    MONDAY,
    MORNING,
    SUNDAY,
    counted,
    of_week,
    scorecards,
    stocked,
    to,
)
from tests.services.work.scored import clock as clock  # noqa: PLC0414  # a fixture
from tests.services.work.scored import shop as shop  # noqa: PLC0414  # a fixture
from tests.services.work.shop import Shop


async def channel(shop: Shop, name: str, zone: str) -> int:
    """A channel in a zone that wants the scorecard."""
    async with shop.database.transaction() as connection:
        place = await add_channel(connection, name, "scorecard", now=shop.clock.now())
        await connection.execute(update(tables.Conversation).where(tables.Conversation.id == place).values(zone=zone))
    return place


async def posted(shop: Shop) -> list[int]:
    """The conversations that the card was posted in, in that order."""
    return [row.conversation_id for row in await shop.all(tables.Outbox) if row.subject.startswith("scorecard:")]


async def test_each_channel_gets_the_card_once_on_its_own_monday_morning(shop: Shop) -> None:
    await stocked(shop, "A", [10] * 120, 500)
    cards = scorecards(shop)
    shanghai, london, austin = [
        await channel(shop, name, zone)
        for name, zone in (("C-S", "Asia/Shanghai"), ("C-L", "Europe/London"), ("C-A", "America/Chicago"))
    ]
    seen = []
    for hour in (18, 29, 30, 31, 32, 33, 37, 38, 39, 56):  # from Sunday midnight, around what is to happen
        at = to(shop, SUNDAY + timedelta(hours=hour - 12))
        done = await cards.tick(at)
        seen += [(at.isoformat(timespec="hours")[5:13], done.posted)] if done.posted else []
    assert seen == [("11-21T06", 1), ("11-21T08", 1), ("11-21T14", 1)]  # the week ends at 06:00 for the organisation
    assert await posted(shop) == [shanghai, london, austin]
    to(shop, MORNING + 7 * DAY)
    assert (await cards.tick(MORNING + 7 * DAY)).posted == 2  # in Austin it is still night
    assert (await posted(shop))[3:] == [shanghai, london]


@pytest.mark.databases("sqlite")
async def test_the_card_of_monday_carries_the_picture_of_its_weeks(shop: Shop) -> None:
    await stocked(shop, "A", [10] * 120, 500)
    await counted(shop, "A", SUNDAY - 60 * DAY, 2_000)
    await channel(shop, "C-L", "Europe/London")
    to(shop, MORNING)
    assert (await scorecards(shop).tick(MORNING)).posted == 1
    (row,) = [row for row in await shop.all(tables.Outbox) if row.subject.startswith("scorecard:")]
    (picture,) = [block for block in decode_message(row.message).blocks if isinstance(block, Chart)]
    assert isinstance(picture.of, ScoreChart)
    assert len(picture.of.weeks) == 4
    assert all(week.held.count(Decimal(1)) == 3 for week in picture.of.weeks)  # ten a day, as ever


async def test_who_subscribes_later_waits_for_the_next_monday_and_old_cards_are_not_sent_after(shop: Shop) -> None:
    cards = scorecards(shop, scorecard_at=time(7))
    early = await channel(shop, "C-1", "Europe/London")
    to(shop, MORNING)
    await channel(shop, "C-2", "Europe/London")
    assert (await cards.tick(MORNING)).posted == 1
    assert await posted(shop) == [early]
    at = to(shop, MORNING + 10 * DAY)  # nothing ran from Monday to Thursday
    assert asdict(await cards.tick(at)) == {"kept": 0, "posted": 0}


async def test_replicas_and_ticks_at_once_post_one_card(shop: Shop) -> None:
    await stocked(shop, "A", [10] * 120, 500)
    place = await channel(shop, "C-1", "Europe/London")
    to(shop, MORNING)
    done = await asyncio.gather(*(scorecards(shop).tick(MORNING) for _replica in range(3)))
    assert await posted(shop) == [place]
    assert max(each.kept for each in done) == 1
    assert len((await of_week(shop, MONDAY)).figures) == 1


async def test_the_job_keeps_and_posts_and_runs_each_quarter_of_an_hour_once(shop: Shop) -> None:
    await stocked(shop, "A", [10] * 120, 500)
    await channel(shop, "C-1", "Europe/London")
    to(shop, MORNING)
    services = SimpleNamespace(database=shop.database, clock=shop.clock, scorecards=scorecards(shop))
    runner = JobRunner(services=cast("Services", services), jobs=[JOB])
    assert await runner.tick() == ["scorecard"]
    assert await runner.tick() == []
    [state] = await runner.overview()
    assert (state.state, state.result) == ("done", {"kept": 1, "posted": 1})
