"""Stopping while a call is lost or in doubt, and a price that cannot be put back for days."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import update

from bot.storage import tables
from tests.services.promotions.kit import LAMP, Yard, pounds
from tests.services.work.kit import add

FRIDAY = datetime(2011, 11, 25, 15, 59, tzinfo=UTC)  # the last minute of it in Shanghai, where the team sits


async def test_one_stopped_before_its_lost_call_was_looked_for_never_lowers_the_price(yard: Yard) -> None:
    yard.store.faults.add("set_price", "drop_before_applying")
    request_id = await yard.approved()
    await yard.works()
    await yard.presses("Lin Wei", "stop", f"R-{request_id}")
    for _ in range(2):
        await yard.passes(minutes=10)
    over = await yard.request(request_id)
    assert (over.state, over.stage) == ("cancelled", "stopped")
    assert not yard.store.changes
    assert "effect.cancelled" in await yard.deeds()
    assert not await yard.posts("was not")


async def test_one_stopped_while_its_call_is_in_doubt_is_not_sent_by_a_late_word(small: Yard) -> None:
    small.store.faults.add("set_price", "drop_before_applying")
    request_id = await small.approved()
    await small.works()
    small.store.faults.add("*", "500", 400)
    for _ in range(10):
        await small.passes(hours=3)
    (doubtful,) = [row for row in await small.all(tables.Effect) if row.state == "halted"]
    small.store.faults._waiting.clear()
    await small.presses("Lin Wei", "stop", f"R-{request_id}")
    greta = small.asker("Greta")
    await small.app.services.inquiries.answer(doubtful.id, None, "again", greta, "slack")
    await small.passes(minutes=10)
    assert (await small.request(request_id)).state == "cancelled"
    assert not small.store.changes


async def test_a_price_is_put_back_in_the_end_though_the_store_was_down_for_days(yard: Yard) -> None:
    request_id = await yard.runs()
    yard.clock.push(FRIDAY - yard.clock.now())
    yard.store.faults.add("*", "500", 4000)
    await yard.ticks()
    for _ in range(60):
        await yard.passes(hours=1)
        await yard.ticks()
    assert (await yard.request(request_id)).detail["life"]["trouble"]["kind"] == "not_restored"
    assert len(await yard.posts("was not put back")) < 4
    yard.store.faults._waiting.clear()
    for _ in range(14):
        await yard.passes(hours=1)
        await yard.ticks()
    await yard.works()
    assert yard.price() == (pounds(250), None)
    assert (await yard.request(request_id)).stage == "stopped"
    assert [change.price for change in yard.store.changes] == [pounds(200), pounds(250)]


async def test_a_restore_that_a_person_wants_left_is_left(small: Yard) -> None:
    request_id = await small.runs()
    small.store.faults.add("set_price", "drop_before_applying")
    await small.presses("Lin Wei", "stop", f"R-{request_id}")
    await small.works()
    small.store.faults.add("*", "500", 400)
    for _ in range(10):
        await small.passes(hours=3)
    (doubtful,) = [row for row in await small.all(tables.Effect) if row.state == "halted"]
    small.store.faults._waiting.clear()
    await small.app.services.inquiries.answer(doubtful.id, None, "drop", small.asker("Greta"), "slack")
    for _ in range(4):
        await small.passes(days=2)
        assert (await small.ticks()).restoring == 0
    assert small.price()[0] == pounds(200)
    assert not (await small.presses("Nok", "stop", f"R-{request_id}")).refused
    await small.works()
    assert small.price() == (pounds(250), None)


@pytest.mark.parametrize("sign", ["\x00", "\ud83d"])
async def test_no_sign_that_a_database_refuses_keeps_a_halt_or_a_rejection_from_its_effect(
    yard: Yard, sign: str
) -> None:
    request_id = await yard.asked()
    assert not (await yard.says("Lin Wei", f"halt all look {sign} here")).refused
    assert not (await yard.says("Greta", f"reject R-{request_id} no{sign}")).refused
    assert {halt.reason for halt in await yard.all(tables.Halt)} == {"look \ufffd here"}
    assert (await yard.request(request_id)).state == "rejected"


async def test_a_transfer_that_was_ordered_needs_the_stock_until_it_has_left(small: Yard) -> None:
    request_id, shop = await small.runs(), small.shop
    await shop.add_place("DE", "Europe/Berlin", "DE")
    there = {"location_id": shop.places["DE"], "currency": "GBP"}
    async with small.database.transaction() as connection:
        await add(
            connection, tables.Case, key="stockout_risk:x", kind="stockout_risk", product_id=shop.skus[LAMP],
            state="acting", severity=2, money_minor=1, evidence={}, opened_at=small.clock.now(),
            updated_at=small.clock.now(), **there,
        )  # fmt: skip
        move = await add(
            connection, tables.Request, kind="transfer", state="executing", stage="in_transit", total_minor=1,
            from_location_id=shop.places["UK"], detail={}, created_at=small.clock.now(), **there,
        )  # fmt: skip
        await add(
            connection, tables.RequestLine, request_id=move, product_id=shop.skus[LAMP], quantity=5,
            unit_cost_minor=100, detail={},
        )  # fmt: skip
    assert (await small.ticks()).stopped == 0
    async with small.database.transaction() as connection:
        await connection.execute(update(tables.Request).where(tables.Request.id == move).values(stage="confirmed"))
    assert (await small.ticks()).stopped == 1
    assert (await small.promotion(request_id)).stop_reason == "needed"
