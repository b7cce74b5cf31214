"""Whose hands an order went through, and in which order its locks are taken."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from bot.errors import NotAllowed
from bot.ports import MovableClock
from bot.storage import locks, tables
from bot.storage.database import Database
from tests.postgres import until_somebody_waits
from tests.services.work.shop import Shop, open_shop
from tests.services.work.test_watch import plant_shortage


async def planted(database: Database, clock: MovableClock) -> Shop:
    shop = await open_shop(database, clock)
    await shop.add_place("UK")
    await plant_shortage(shop)
    return shop


async def test_who_changed_a_draft_last_is_not_freed_by_who_submits_it(database: Database, clock: MovableClock) -> None:
    shop = await planted(database, clock)
    await shop.purchases.buy(shop.sku("A1"), 120, "", None, shop.asker("Maria"), "slack")
    await shop.editing.edit(1, None, {"a1": "24000"}, shop.asker("Greta"), "slack")
    sent = await shop.purchases.submit(1, None, shop.asker("Jonas"), "slack")
    assert (sent.needs, sent.requested_by, sent.edited_by) == (2, "Maria", "Greta")
    with pytest.raises(NotAllowed):
        await shop.decisions.decide(1, None, "approve", shop.asker("Greta"), "slack")


async def test_buying_more_holds_the_order_before_the_case_it_answers(
    postgres_database: Database, clock: MovableClock
) -> None:
    shop = await planted(postgres_database, clock)
    await shop.scan()
    for request in await shop.all(tables.Request):
        await shop.purchases.cancel(request.id, None, shop.asker("Jonas"), "slack")
    clock.push(timedelta(days=30))
    maria = shop.asker("Maria")
    await shop.purchases.buy(shop.sku("A1"), 120, "", None, maria, "slack")
    (draft,) = [request for request in await shop.all(tables.Request) if request.state == "draft"]
    (line,) = [line for line in await shop.all(tables.RequestLine) if line.request_id == draft.id]
    assert line.case_id is not None
    async with postgres_database.transaction() as connection:
        await locks.request(connection, draft.id)
        more = asyncio.create_task(shop.purchases.buy(shop.sku("A1"), 120, "", None, maria, "slack"))
        await asyncio.to_thread(until_somebody_waits, postgres_database)
        await locks.cases(connection, [line.case_id])
    await more
    (line,) = [line for line in await shop.all(tables.RequestLine) if line.request_id == draft.id]
    assert line.quantity == 240
