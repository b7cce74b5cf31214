"""The audit log's head is posted once per local day, and remembered."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, text, update

from bot.chat.codec import decode_message
from bot.domain.watch import WatchSettings
from bot.platforms.telegram import entities as telegram
from bot.ports import MovableClock, Reader
from bot.services.audit import Audit
from bot.services.buttons import Buttons
from bot.services.conversations import Conversations
from bot.services.heads import Heads
from bot.services.outbox import Outbox
from bot.services.settings import ServiceSettings
from bot.services.wakes import Wakes
from bot.storage import tables
from bot.storage.database import Database

SETTINGS = ServiceSettings(watch=WatchSettings(), default_zone="Asia/Shanghai", audit_post_to="telegram:-100123")


def heads_of(database: Database, clock: MovableClock, settings: ServiceSettings = SETTINGS) -> Heads:
    shared: dict[str, Any] = {"database": database, "clock": clock}
    return Heads(
        database=database, audit=Audit(**shared), conversations=Conversations(platforms={}, **shared),
        outbox=Outbox(buttons=Buttons(clock=clock), wakes=Wakes(database), **shared), settings=settings,
    )  # fmt: skip


@pytest.fixture
async def audit(database: Database, clock: MovableClock) -> Audit:
    made = Audit(database=database, clock=clock)
    await write(database, made, 3)
    return made


async def write(database: Database, audit: Audit, count: int) -> None:
    for number in range(count):
        async with database.transaction() as connection:
            await audit.append(connection, "case.snoozed", f"case:{number}", {})


async def posts(database: Database) -> list[Any]:
    async with database.reading() as connection:
        table = tables.Outbox
        columns = (table.message, table.dedupe_key, tables.Conversation.platform, tables.Conversation.external_id)
        joined = select(*columns).join(tables.Conversation, tables.Conversation.id == table.conversation_id)
        return list(await connection.execute(joined.order_by(table.id)))


def said(row: Any) -> str:
    return telegram.render(decode_message(row.message), Reader("en", ZoneInfo("UTC"), {})).text.replace("\u2060", "")


async def test_the_head_is_posted_once_a_local_day_and_must_stay_in_the_chain(
    database: Database, clock: MovableClock, audit: Audit
) -> None:
    heads = heads_of(database, clock)
    count, head = await audit.head()
    done = await heads.post(clock.now())
    assert (done.outcome, done.on, done.entries) == ("posted", date(2011, 11, 21), count)
    [row] = await posts(database)
    assert (row.platform, row.external_id) == ("telegram", "-100123")
    assert head in said(row)
    assert "3 entries" in said(row)
    await write(database, audit, 1)
    assert (await heads.post(clock.now() + timedelta(hours=6, minutes=59))).outcome == "already"
    clock.push(timedelta(hours=7))  # midnight in Shanghai
    assert (await heads.post(clock.now())).outcome == "posted"
    assert len(await posts(database)) == 2
    assert await audit.posted() == (date(2011, 11, 22), 4)
    assert (await audit.verify(head)).found == 3


async def test_replicas_post_it_once(database: Database, clock: MovableClock, audit: Audit) -> None:
    del audit
    await asyncio.gather(*(heads_of(database, clock).post(clock.now()) for _replica in range(4)))
    assert len(await posts(database)) == 1


async def test_a_broken_chain_is_told_and_its_head_is_not_remembered(
    database: Database, clock: MovableClock, audit: Audit
) -> None:
    async with database.transaction() as connection:
        lift = "DROP TRIGGER audit_refuses_" + ("update" if database.is_sqlite else "change ON audit")
        await connection.execute(text(lift))
        await connection.execute(update(tables.Audit).where(tables.Audit.id == 2).values(action="other"))
    done = await heads_of(database, clock).post(clock.now())
    assert (done.outcome, done.fault) == ("posted", "edited")
    [row] = await posts(database)
    assert "broken at entry 2" in said(row)
    assert await audit.posted() is None
    await heads_of(database, clock).post(clock.now())
    assert len(await posts(database)) == 1


async def test_without_a_conversation_nothing_is_posted(database: Database, clock: MovableClock, audit: Audit) -> None:
    silent = heads_of(database, clock, replace(SETTINGS, audit_post_to=""))
    assert (await silent.post(clock.now())).outcome == "off"
    assert await posts(database) == []
    assert await audit.posted() is None


async def test_a_conversation_that_was_closed_is_no_place_to_post(
    database: Database, clock: MovableClock, audit: Audit
) -> None:
    await heads_of(database, clock).post(clock.now())
    async with database.transaction() as connection:
        await connection.execute(update(tables.Conversation).values(closed_at=clock.now()))
    clock.push(timedelta(days=1))
    assert (await heads_of(database, clock).post(clock.now())).outcome == "closed"
    assert await audit.posted() == (date(2011, 11, 21), 3)


@pytest.mark.parametrize(
    ("place", "kind"),
    [("slack:C012", "group"), ("slack:D012", "direct"), ("telegram:-100123", "group"), ("telegram:4711", "direct")],
)
async def test_the_kind_of_conversation_is_told_by_its_id(
    database: Database, clock: MovableClock, audit: Audit, place: str, kind: str
) -> None:
    del audit
    await heads_of(database, clock, replace(SETTINGS, audit_post_to=place)).post(clock.now())
    async with database.reading() as connection:
        found = (await connection.execute(select(tables.Conversation.platform, tables.Conversation.kind))).all()
    assert [tuple(row) for row in found] == [(place.partition(":")[0], kind)]
