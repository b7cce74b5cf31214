"""Products whose facts changed are judged by themselves, as a scan of the whole would, and a flood is told as one."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from bot.ports import MovableClock
from bot.services.feeds.rescans import BACKLOG, DIGEST, Rescans, Restraint
from bot.services.telling import News, most_heard
from bot.services.wakes import Wakes
from bot.storage import deliveries, locks, marks, tables, touched
from bot.storage.database import Database
from tests.services.feeds.calling import delivered, no_rush
from tests.services.feeds.kit import NOW
from tests.services.work.shop import Shop, open_shop, steady
from tests.services.work.test_watch import plant_shortage

SERIES = 8


@pytest.fixture
async def shop(database: Database, clock: MovableClock) -> Shop:
    """Eight products that run out, three that do not sell, and a feed."""
    shop = await open_shop(database, clock)
    await shop.add_place("UK")
    for number in range(SERIES):
        await plant_shortage(shop, f"A{number}")
    for number in range(3):
        await shop.add_product(f"S{number}")
        await shop.sells(f"S{number}", "UK", [*steady(60), *[0] * 150])
        await shop.holds(f"S{number}", "UK", 500)
    return shop


def rescans_of(shop: Shop, feeds: Any = None) -> Rescans:
    """What judges touched products; `feeds` are the stores that call."""
    return Rescans(
        database=shop.database, clock=shop.clock, wakes=Wakes(shop.database), watch=shop.watch, feeds=feeds or {},
        lull=no_rush, individual=shop.settings.alerts_individual,
    )  # fmt: skip


async def touch(shop: Shop, *skus: str) -> None:
    async with shop.database.transaction() as connection:
        await touched.touch(connection, [shop.skus[sku] for sku in skus], shop.clock.now())


async def left(shop: Shop) -> set[int]:
    """The products that are still to be judged."""
    return {row.product_id for row in await shop.all(tables.TouchedProduct)}


async def cases(shop: Shop) -> dict[tuple[str, str], tuple[int, int, dict[str, Any]]]:
    """What stands of each unresolved case: its severity, the money, and the figures without their instant."""
    found = {}
    for key, row in (await shop.unresolved()).items():
        evidence = json.loads(row.evidence) if isinstance(row.evidence, str) else row.evidence
        found[key] = (row.severity, row.money_minor, {name: value for name, value in evidence.items() if name != "at"})
    return found


@pytest.mark.databases("sqlite")
async def test_judging_touched_products_one_by_one_finds_what_a_scan_of_the_whole_finds(
    shop: Shop, clock: MovableClock
) -> None:
    rescans = rescans_of(shop)
    for sku in (*shop.skus, *shop.skus):  # once more with what was drafted for it
        clock.push(timedelta(seconds=40))
        await touch(shop, sku)
        report = await rescans.round()
        assert report is not None
        assert report.series == 1
    alone = await cases(shop)
    assert len(alone) >= SERIES + 3
    assert await left(shop) == set()
    report = await shop.scan()
    assert (report.opened, report.resolved, report.worsened) == (0, 0, 0)
    assert await cases(shop) == alone


@pytest.mark.databases("sqlite")
async def test_what_is_not_touched_is_left_alone(shop: Shop) -> None:
    await touch(shop, "A1")
    await rescans_of(shop).round()
    assert {sku for _kind, sku in await shop.unresolved()} == {"A1"}
    assert await rescans_of(shop).round() is None


@pytest.mark.databases("sqlite")
async def test_a_few_products_are_judged_on_the_spot_and_many_in_a_thread(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[str] = []
    travel = asyncio.to_thread

    async def counted(work: Any, *told: Any) -> Any:
        threads.append(work.__name__)
        return await travel(work, *told)

    monkeypatch.setattr(asyncio, "to_thread", counted)
    rescans = rescans_of(shop)
    await touch(shop, "A1", "A2")
    await rescans.round()
    assert threads == []
    monkeypatch.setattr("bot.services.scanning.FEW", 1)
    await touch(shop, "A1", "A2")
    await rescans.round()
    assert threads == ["_judge", "_seen"]


@pytest.mark.databases("sqlite")
async def test_a_case_resolves_as_soon_as_the_count_says_so(shop: Shop, clock: MovableClock) -> None:
    await shop.scan()
    clock.push(timedelta(minutes=5))
    await shop.holds("A1", "UK", 5_000)
    await touch(shop, "A1")
    report = await rescans_of(shop).round()
    assert report is not None
    assert report.resolved == 1
    assert ("stockout_risk", "A1") not in await shop.unresolved()
    assert ("stockout_risk", "A2") in await shop.unresolved()


async def test_facts_that_change_while_they_are_judged_are_judged_again(shop: Shop) -> None:
    await touch(shop, "A1", "A2")
    async with shop.database.reading() as connection:
        seen = await touched.due(connection, shop.clock.now())
    await touch(shop, "A1")
    async with shop.database.transaction() as connection:
        await touched.done(connection, seen)
    assert await left(shop) == {shop.skus["A1"]}


async def test_a_scan_of_the_whole_judges_what_was_touched(shop: Shop) -> None:
    await touch(shop, "A1")
    await shop.scan()
    assert await left(shop) == set()


async def test_a_rescan_stands_back_while_the_whole_is_scanned_and_goes_on_should_that_have_died(
    shop: Shop, clock: MovableClock
) -> None:
    await touch(shop, "A1")
    async with shop.database.transaction() as connection:
        await marks.put(connection, "watch:whole", (clock.now() + timedelta(minutes=2)).isoformat())
    assert await rescans_of(shop).round() is None
    assert await left(shop) == {shop.skus["A1"]}
    clock.push(timedelta(minutes=11))
    assert await rescans_of(shop).round() is not None


async def test_a_rescan_writes_nothing_where_another_scan_wrote_since_its_facts_were_read(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    await touch(shop, "A1")
    rescans, judge = rescans_of(shop), shop.watch._judge  # between reading and writing

    def beaten(*given: Any) -> Any:
        monkeypatch.setattr(shop.watch, "_judge", judge)
        return judge(*given)

    monkeypatch.setattr(shop.watch, "_judge", beaten)
    real = locks.scans

    async def one_behind(connection: Any) -> int:
        return await real(connection) - 1

    monkeypatch.setattr(locks, "scans", one_behind)
    assert await rescans.round() is None
    assert await shop.unresolved() == {}
    assert await left(shop) == {shop.skus["A1"]}
    monkeypatch.undo()
    assert await rescans.round() is not None


async def test_a_flood_is_held_until_it_is_worked_off_and_told_as_one(shop: Shop, clock: MovableClock) -> None:
    rescans = rescans_of(shop, {"shop": object()})
    async with shop.database.transaction() as connection:
        await deliveries.add(connection, [("shop", delivered(number)) for number in range(BACKLOG + 1)], clock.now())
    await touch(shop, *(f"A{number}" for number in range(SERIES)))
    report = await rescans.round()
    assert report is not None
    assert (report.opened, report.announced) == (SERIES, 0)
    assert await rescans.round() is None  # they wait
    async with shop.database.transaction() as connection:
        held = await deliveries.claim(connection, ["shop"], clock.now(), clock.now() + DIGEST, 1_000)
        await deliveries.settle(connection, held, clock.now())
    clock.push(timedelta(seconds=1))
    report = await rescans.round()
    assert report is not None
    assert report.opened == 0
    said = await shop.said()
    assert report.announced == len(said) <= shop.settings.alerts_individual + 2  # the rest shares a card, as orders do
    assert await left(shop) == set()
    await shop.scan()
    assert not [text for text in (await shop.said())[len(said) :] if "'A0'" in text or "'A7'" in text]


async def test_what_has_no_news_does_not_wait_with_what_has(shop: Shop, clock: MovableClock) -> None:
    await shop.scan()
    await touch(shop, "A0", "A1", "A2")
    async with shop.database.transaction() as connection:
        await connection.execute(
            text("UPDATE cases SET notified_severity = 0 WHERE product_id = :p"), {"p": shop.skus["A1"]}
        )
    report = await shop.watch.rescan([shop.skus[f"A{n}"] for n in range(3)], clock.now(), lambda _news: DIGEST)
    assert report is not None
    assert await left(shop) == {shop.skus["A1"]}


async def test_news_that_nobody_hears_of_keep_no_other_news_waiting(shop: Shop) -> None:
    news = [News(number, "stockout_risk", 1, 1, "opened") for number in range(3)]
    news += [
        News(9, "slow_mover", 1, 1, "opened"),
        News(10, "overstock", 1, 1, "opened"),
        News(11, "data_stale", 1, 1, "opened"),
    ]
    async with shop.database.transaction() as connection:
        await connection.execute(text("DELETE FROM subscriptions WHERE topic <> 'slow'"))
        assert await most_heard(connection, news) == 2
        await connection.execute(text("UPDATE subscriptions SET topic = 'restock:BER'"))
        assert await most_heard(connection, news) == 3
        await connection.execute(text("DELETE FROM subscriptions"))
        assert await most_heard(connection, news) == 0


async def test_that_a_feed_stopped_is_told_at_once_however_many_calls_wait(shop: Shop, clock: MovableClock) -> None:
    await shop.feed("store:shop", "sales", clock.now() - timedelta(days=3))
    report = await shop.watch.rescan((), clock.now(), lambda _news: timedelta(seconds=1))
    assert report is not None
    assert (report.series, report.opened, report.announced) == (0, 1, 1)
    await shop.feed("store:shop", "sales", clock.now())
    report = await shop.watch.rescan((), clock.now(), lambda news: news)
    assert report is not None
    assert report.resolved == 1


def test_news_have_cards_of_their_own_at_the_pace_that_a_channel_takes(clock: MovableClock) -> None:
    restraint = Restraint(5)
    assert [restraint.decide(1, 0, clock.now()) for _ in range(5)] == [5, 4, 3, 2, 1]
    assert restraint.decide(1, 0, clock.now()) == 0  # summed up: the first card of that kind
    assert restraint.decide(3, 0, clock.now()) == timedelta(seconds=6)  # sooner than the next card that sums up
    assert restraint.decide(60, 0, clock.now()) == DIGEST
    clock.push(timedelta(seconds=2))
    assert restraint.decide(1, 0, clock.now()) == 1
    clock.push(DIGEST)
    assert restraint.decide(40, 0, clock.now()) == 5
    assert restraint.decide(0, 10_000, clock.now()) == 5  # nothing to hold back


def test_a_flood_that_never_ends_is_told_each_half_minute(clock: MovableClock) -> None:
    restraint, told = Restraint(5), 0
    for _second in range(180):
        told += isinstance(restraint.decide(10, BACKLOG + 1, clock.now()), int)
        clock.push(timedelta(seconds=1))
    assert told == 180 // 31


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 300), st.integers(0, 5_000)), max_size=60))
def test_no_minute_has_more_cards_than_a_channel_takes_and_no_news_waits_longer_than_one(
    steps: list[tuple[int, int, int]],
) -> None:
    clock = MovableClock(NOW, frozen=True)
    restraint = Restraint(5)
    cards: list[tuple[float, int]] = []
    waiting: float | None = None
    began = clock.now()
    for news, backlog, milliseconds in steps:
        clock.push(timedelta(milliseconds=milliseconds))
        at = (clock.now() - began).total_seconds()
        verdict = restraint.decide(news, backlog, clock.now())
        if not news:
            continue
        if isinstance(verdict, timedelta):
            waiting = at if waiting is None else waiting
            continue
        assert waiting is None or at - waiting <= 2 * DIGEST.total_seconds() + 5  # looked at again within five seconds
        waiting = None
        cards.append((at, min(news, verdict) + (news > verdict)))
    for since, _ in cards:
        assert sum(count for at, count in cards if since <= at < since + 60) <= 5 + 30 + 3
