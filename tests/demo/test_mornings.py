"""The demo's clock pushed from morning to morning, over a weekend too, in a real browser."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial

import pytest
from playwright.async_api import Page, expect
from rich.console import Console

from bot.cli.stage import DEMO_DAY, Set
from bot.cli.walking import Walk
from bot.language import language
from bot.ports import MovableClock
from bot.words import _
from tests.demo.viewing import Looker, look_as

pytestmark = [
    pytest.mark.browser,
    pytest.mark.xdist_group("browser"),
    pytest.mark.asyncio(loop_scope="session"),
]

# 09:05 of each, in UTC, from Monday 2011-11-21 09:00 on: Austin, then Shenzhen (two of them), Bangkok and Berlin.
FIRST_DAY = (
    (datetime(2011, 11, 21, 15, 5, tzinfo=UTC), {"maria"}),
    (datetime(2011, 11, 22, 1, 5, tzinfo=UTC), {"lin", "zhang"}),
    (datetime(2011, 11, 22, 2, 5, tzinfo=UTC), {"nok"}),
    (datetime(2011, 11, 22, 8, 5, tzinfo=UTC), {"jonas", "petra"}),
)


def told(played: Set) -> dict[str, int]:
    """How many digests each person has, of those who have any."""
    walk = Walk(played, Console(quiet=True))
    counts = {person.key: len(walk._digests_of(person)) for person in played.cast.people}
    return {key: count for key, count in counts.items() if count}


def _all_told(played: Set, people: frozenset[str]) -> bool:
    return people <= told(played).keys()


async def test_each_next_morning_brings_its_people_one_digest_and_nobody_two(looker: Looker, played: Set) -> None:
    page = await looker.open("jonas")
    marked: dict[str, int] = {}
    for at, woken in FIRST_DAY:
        await page.click("#push-morning")
        await expect(page.locator("#push-morning")).to_be_enabled()
        assert abs(played.stage.clock.now() - at) < timedelta(minutes=2)
        marked |= dict.fromkeys(woken, 1)
        await played.sandbox.pulse.until(partial(_all_told, played, frozenset(marked)), 20)
        assert told(played) == marked
        for key in marked:
            await expect(page.locator(f'[data-viewer="{key}"] .badge')).to_have_count(1)
    for person in played.cast.people:
        await look_as(page, person.key)
        greeting = language(person.member.language).say(_("Good morning, {name}", name=person.member.name))
        assert (await _read(page)).count(greeting) == 1
    await expect(page.locator(".badge")).to_have_count(0)


async def _read(page: Page) -> str:
    """What stands in the rooms with something unread, which are read by that."""
    texts = []
    unread = page.locator(".room:has(.badge)")
    while await unread.count():
        room = str(await unread.first.get_attribute("data-room"))
        slack = room in {"direct", "channel"}
        side = "slack" if slack else "telegram"
        await unread.first.click()
        await expect(page.locator(f'#{side}-rooms [data-room="{room}"] .badge')).to_have_count(0)
        texts += await page.locator(
            "#slack-messages .message" if slack else "#telegram-messages .bubble"
        ).all_inner_texts()
        await page.click(f'#{side}-rooms [data-room="{"channel" if slack else "supergroup"}"]')
    return "\n".join(texts)


async def test_an_hour_more_moves_every_clock_and_brings_no_second_digest(looker: Looker, played: Set) -> None:
    page = await looker.open("jonas")
    before, had = played.stage.clock.now(), told(played)
    await page.click("#push-hour")
    await expect(page.locator("#toast")).to_contain_text("Berlin")
    assert played.stage.clock.now() - before >= timedelta(hours=1)
    await expect(page.locator('[data-viewer="jonas"] small')).to_contain_text("10:0")
    assert told(played) == had


async def test_next_mornings_skip_weekends_and_holidays(played: Set) -> None:
    stage = replace(played.stage, clock=MovableClock(DEMO_DAY, frozen=True))
    found = []
    for _turn in range(30):
        at, whose = stage.next_morning()
        assert at > stage.clock.now()
        found += [(at.date(), person.key) for person in whose]
        stage.clock.push(at - stage.clock.now())
    assert {whose for day, whose in found if day.isoweekday() == 6} == {"zhang"}, "only Zhang Min works on Saturdays"
    assert not [whose for day, whose in found if day.isoweekday() == 7]
    assert (date(2011, 11, 23), "maria") in found
    assert (date(2011, 11, 24), "maria") not in found, "Thanksgiving"
