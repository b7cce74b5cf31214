"""The demo's clock pushed from morning to morning, over a weekend too, in a real browser."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from playwright.async_api import expect

from bot.cli.stage import DEMO_DAY, Set
from bot.ports import MovableClock
from tests.demo.viewing import Looker, look_as

pytestmark = [
    pytest.mark.browser,
    pytest.mark.xdist_group("browser"),
    pytest.mark.asyncio(loop_scope="module"),
]

# 09:05 of each, in UTC, from Monday 2011-11-21 09:00 on: Austin, then Shenzhen (two of them), Bangkok and Berlin.
FIRST_DAY = (
    (datetime(2011, 11, 21, 15, 5, tzinfo=UTC), {"maria"}),
    (datetime(2011, 11, 22, 1, 5, tzinfo=UTC), {"lin", "zhang"}),
    (datetime(2011, 11, 22, 2, 5, tzinfo=UTC), {"nok"}),
    (datetime(2011, 11, 22, 8, 5, tzinfo=UTC), {"jonas", "petra"}),
)


async def test_each_next_morning_brings_its_people_one_digest_and_nobody_two(looker: Looker, played: Set) -> None:
    page = await looker.open("jonas")
    marked: set[str] = set()
    for at, woken in FIRST_DAY:
        await page.click("#push-morning")
        await expect(page.locator("#push-morning")).to_be_enabled()
        assert abs(played.stage.clock.now() - at) < timedelta(minutes=2)
        marked |= woken
        for key in marked:
            await expect(page.locator(f'[data-viewer="{key}"] .badge')).to_have_text("1")
        quiet = {person.key for person in played.cast.people} - marked
        for key in quiet:
            await expect(page.locator(f'[data-viewer="{key}"] .badge')).to_have_count(0)
    for person in played.cast.people:
        await look_as(page, person.key)
        unread = page.locator(".room:has(.badge)")
        await expect(unread).to_have_count(1)
        side = "slack" if await unread.get_attribute("data-room") == "direct" else "telegram"
        await unread.click()
        digest = page.locator("#slack-messages .message" if side == "slack" else "#telegram-messages .bubble").last
        chinese = person.member.language == "zh_CN"
        await expect(digest).to_contain_text("早上好" if chinese else "Good morning")
        await expect(digest).to_contain_text(person.member.name)
        await page.click(f'#{side}-rooms [data-room="{"channel" if side == "slack" else "supergroup"}"]')
    await expect(page.locator(".badge")).to_have_count(0)


async def test_an_hour_more_moves_every_clock_and_brings_no_second_digest(looker: Looker, played: Set) -> None:
    page = await looker.open("jonas")
    before = played.stage.clock.now()
    await page.click("#push-hour")
    await expect(page.locator("#toast")).to_contain_text("Berlin")
    assert played.stage.clock.now() - before >= timedelta(hours=1)
    await expect(page.locator('[data-viewer="jonas"] small')).to_contain_text("10:0")
    await expect(page.locator(".badge")).to_have_count(0)


async def test_next_mornings_skip_weekends_and_holidays(played: Set) -> None:
    stage = replace(played.stage, clock=MovableClock(DEMO_DAY, frozen=True))
    found = []
    for _ in range(30):
        at, whose = stage.next_morning()
        assert at > stage.clock.now()
        found += [(at.date(), person.key) for person in whose]
        stage.clock.push(at - stage.clock.now())
    assert {whose for day, whose in found if day.isoweekday() == 6} == {"zhang"}, "only Zhang Min works on Saturdays"
    assert not [whose for day, whose in found if day.isoweekday() == 7]
    assert (date(2011, 11, 23), "maria") in found
    assert (date(2011, 11, 24), "maria") not in found, "Thanksgiving"
