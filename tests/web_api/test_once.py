"""A batch under an Idempotency-Key: taken once, whoever asks again, whenever, however often, and whatever breaks."""

from __future__ import annotations

import asyncio
import sys
from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.errors import BatchAtWork, BatchDiffers
from bot.ports import FactKind, MovableClock, Page, StockFact
from bot.services.batches import LEASE, Batch, Batches, Once
from bot.services.cleanup import ANSWERS, clean
from bot.services.feeds import Taken, Taking
from bot.services.wakes import TOUCHED, Wakes
from bot.storage import apikeys
from bot.storage.database import Database
from bot.storage.tables import StockLevel
from tests.web_api import dying
from tests.web_api.conftest import NOW, Site, count, locations, order
from tests.web_api.dying import POINTS, batches_of

LIMITS: dict[FactKind, int] = {"stock": 72, "orders": 48}
ANSWERED = "SELECT key, body IS NULL FROM api_answers"


def batch(on_hand: int = 5) -> Batch:
    return Batch("stock", 1, [(0, StockFact("MUG", "MUG", "UK", on_hand, NOW))])


class Recorded(Taking):
    """Counts the pages that were taken; each may wait, or break."""

    def __init__(self, site: Site) -> None:
        super().__init__(database=site.app.services.database, clock=site.clock, currency="GBP")
        self.pages = 0
        self.begun = asyncio.Event()
        self.gate: asyncio.Event | None = None
        self.broken: Exception | None = None

    async def take_in(self, connection: AsyncConnection, store: str, page: Page) -> Taken:
        """Take it, or not."""
        self.pages += 1
        self.begun.set()
        if self.gate is not None:
            await self.gate.wait()
        taken = await super().take_in(connection, store, page)
        if self.broken is not None:
            raise self.broken
        return taken


def recorded(site: Site) -> tuple[Recorded, Batches]:
    """A taker that counts, and what takes batches by it."""
    taking = Recorded(site)
    return taking, taking_by(site, taking)


def taking_by(site: Site, taking: Recorded) -> Batches:
    """What takes batches by a taker."""
    database = site.app.services.database
    return Batches(database=database, clock=site.clock, taking=taking, wakes=Wakes(database), limit_hours=LIMITS)


@pytest.fixture
def taking(site: Site) -> Recorded:
    """Takes as the site does, and counts."""
    return Recorded(site)


@pytest.fixture
def batches(site: Site, taking: Recorded) -> Batches:
    """Over what counts."""
    return taking_by(site, taking)


async def test_the_same_key_and_batch_get_the_same_answer_and_nothing_happens(site: Site) -> None:
    first = await site.send("sales", order("7"), order("8", location="XX"), key="k1")
    again = await site.send("sales", order("7"), order("8", location="XX"), key='"k1"')
    assert (again.status_code, again.json()) == (first.status_code, first.json()) != (200, {})
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert first.json()["changed"] == 1
    afresh = await site.send("sales", order("7"), order("8", location="XX"), key="k2")
    assert afresh.json()["changed"] == 0


async def test_the_same_key_with_another_batch_or_at_another_address_is_refused(quick: Site) -> None:
    await quick.send("stock", count(), key="k1")
    for kind, row in (("stock", count(on_hand=6)), ("products", count())):
        answer = await quick.send(kind, row, key="k1")
        assert (answer.status_code, answer.json()["type"]) == (422, "/api/v1#reused")
    assert await quick.rows("SELECT on_hand FROM stock_levels") == [(5,)]


async def test_keys_of_two_sources_are_two_keys(quick: Site) -> None:
    await quick.send("stock", count(), key="k1")
    token = await quick.app.services.api_keys.add("till")
    answer = await quick.send("stock", count(location="DE"), key="k1", Authorization=f"Bearer {token}")
    assert answer.json() == {"received": 1, "changed": 1, "faults": []}


async def test_the_answer_that_nothing_could_be_taken_is_kept_too(quick: Site) -> None:
    answers = [await quick.send("stock", count(location="XX"), key="k1") for _time in range(2)]
    assert [answer.status_code for answer in answers] == [422, 422]
    assert answers[0].content == answers[1].content
    assert answers[1].headers["Idempotency-Replayed"] == "true"


async def test_a_key_that_cannot_be_is_refused(quick: Site) -> None:
    for key in ("", '""', "a b", "x" * 256, "ключ"):
        headers = [(b"Content-Type", b"application/json"), (b"Idempotency-Key", key.encode())]
        answer = await quick.client.post("/api/v1/stock", content=b'{"rows": []}', headers=headers)
        assert (answer.status_code, answer.json()["type"]) == (400, "/api/v1#idempotency-key"), key


async def test_of_two_at_once_one_is_taken_and_the_other_told_to_come_again(postgres_site: Site) -> None:
    taking, batches = recorded(postgres_site)
    taking.gate = asyncio.Event()
    first = asyncio.create_task(batches.take("erp", batch(), Once("k1", "d1")))
    await taking.begun.wait()
    with pytest.raises(BatchAtWork) as told:
        await batches.take("erp", batch(), Once("k1", "d1"))
    assert told.value.retry_after == LEASE.total_seconds()
    taking.gate.set()
    assert (await first).changed == 1
    assert taking.pages == 1
    assert (await batches.take("erp", batch(), Once("k1", "d1"))).again


async def test_of_many_at_once_by_http_one_is_taken(site: Site) -> None:
    answers = await asyncio.gather(*(site.send("sales", order("7"), key="k1") for _one in range(12)))
    assert {answer.status_code for answer in answers} <= {200, 409}
    taken = [answer for answer in answers if answer.status_code == 200 and "Idempotency-Replayed" not in answer.headers]
    assert len(taken) == 1
    assert all(answer.headers["Retry-After"] for answer in answers if answer.status_code == 409)
    assert await site.rows("SELECT count(*) FROM sales") == [(1,)]


async def test_without_the_claim_each_of_them_would_be_taken(quick: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    async def granted(*_given: object) -> bool:
        return True

    monkeypatch.setattr(apikeys, "claim", granted)
    monkeypatch.setattr(apikeys, "settle", granted)
    answers = await asyncio.gather(*(quick.send("sales", order("7"), key="k1") for _one in range(3)))
    assert [answer.status_code for answer in answers] == [200] * 3
    assert not any("Idempotency-Replayed" in answer.headers for answer in answers)


async def test_a_batch_that_fails_leaves_nothing_and_its_key_is_free_again(
    batches: Batches, taking: Recorded, site: Site
) -> None:
    taking.broken = OperationalError("", {}, Exception("the disk is full"))
    with pytest.raises(OperationalError):
        await batches.take("erp", batch(), Once("k1", "d1"))
    assert await site.rows(ANSWERED) == []
    assert await site.rows("SELECT on_hand FROM stock_levels") == []
    taking.broken = None
    assert (await batches.take("erp", batch(), Once("k1", "d1"))).changed == 1


async def test_after_a_crash_before_the_commit_the_batch_is_taken_once_the_claim_lapses(
    batches: Batches, taking: Recorded, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    taking.broken = OperationalError("", {}, Exception("killed"))

    async def died(*_given: object) -> None:
        raise OperationalError("", {}, Exception("killed"))

    with monkeypatch.context() as patch:
        patch.setattr(apikeys, "release", died)  # a process that is killed gives nothing back
        with pytest.raises(OperationalError):
            await batches.take("erp", batch(), Once("k1", "d1"))
    taking.broken = None
    assert [bool(row[1]) for row in await site.rows(ANSWERED)] == [True]
    with pytest.raises(BatchAtWork):
        await batches.take("erp", batch(), Once("k1", "d1"))
    with pytest.raises(BatchDiffers):
        await batches.take("erp", batch(6), Once("k1", "d2"))
    site.clock.push(LEASE)
    outcome = await batches.take("erp", batch(), Once("k1", "d1"))
    assert (outcome.changed, outcome.again) == (1, False)


async def retold(database: Database, number: int) -> list[str]:
    """A batch of the process that died, sent again until it is taken; what was answered."""
    clock = MovableClock(NOW, frozen=True)
    batches, once = batches_of(database, clock), Once(f"k{number}", "d")
    try:
        outcome = await batches.take("erp", dying.batch(f"S{number}"), once)
    except BatchAtWork as wait:
        clock.push(timedelta(seconds=wait.retry_after))
        outcome = await batches.take("erp", dying.batch(f"S{number}"), once)
        return ["at work", "answered alike" if outcome.again else "taken"]
    return ["answered alike" if outcome.again else "taken"]


async def test_a_process_killed_at_any_point_neither_loses_nor_doubles_a_batch(sqlite_database: Database) -> None:
    await locations(sqlite_database, "UK")
    url = sqlite_database.url.render_as_string(hide_password=False)
    died = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.web_api.dying",
        url,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    assert (await died.communicate())[1].split() == [b"-9"] * len(POINTS)
    again = [await retold(sqlite_database, number) for number in range(len(POINTS))]
    assert again == [["taken"], ["at work", "taken"], ["at work", "taken"], ["answered alike"]]
    async with sqlite_database.reading() as connection:
        counted = await connection.scalar(select(func.count()).select_from(StockLevel))
    assert counted == len(POINTS)


async def test_one_so_slow_that_another_took_its_batch_over_writes_nothing(postgres_site: Site) -> None:
    taking, batches = recorded(postgres_site)
    taking.gate = asyncio.Event()
    late = asyncio.create_task(batches.take("erp", batch(), Once("k1", "d1")))
    await taking.begun.wait()
    postgres_site.clock.push(LEASE)
    assert isinstance(await batches._claim("erp", Once("k1", "d1")), str)
    taking.gate.set()
    with pytest.raises(BatchAtWork):
        await late
    assert await postgres_site.rows("SELECT count(*) FROM stock_levels") == [(0,)]


async def test_answers_are_kept_for_a_day_and_then_forgotten(quick: Site) -> None:
    await quick.send("stock", count(), key="k1")
    assert timedelta(days=1) < ANSWERS
    assert (await clean(quick.app.services.database, NOW + timedelta(days=1, hours=1)))["answers"] == 0
    assert (await clean(quick.app.services.database, NOW + ANSWERS + timedelta(seconds=1)))["answers"] == 1
    assert await quick.rows(ANSWERED) == []


async def test_a_batch_that_changes_something_wakes_what_judges_products(site: Site) -> None:
    wakes = Wakes(site.app.services.database)
    bell = wakes.bell(TOUCHED)
    batches = Batches(
        database=site.app.services.database, clock=site.clock, taking=Recorded(site), wakes=wakes, limit_hours=LIMITS
    )
    await batches.take("erp", batch())
    assert bell.is_set()
    bell.clear()
    await batches.take("erp", batch())
    assert not bell.is_set()
