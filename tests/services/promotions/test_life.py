"""The whole life of a promotion, and every way it may end, over a real store that fails as it is told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.errors import Refusal
from bot.storage import requests as request_rows
from bot.storage import tables
from bot.storage.requests import Draft, DraftLine
from tests.services.promotions.kit import LAMP, Yard, pounds
from tests.services.work.kit import add

FRIDAY = datetime(2011, 11, 25, 15, 59, tzinfo=UTC)  # the last minute of it in Shanghai, where the team sits


@pytest.mark.databases("sqlite")
async def test_a_promotion_lives_from_the_question_to_the_report(yard: Yard) -> None:
    request_id = await yard.asked()
    asked = await yard.request(request_id)
    assert (asked.state, asked.stage, asked.kind) == ("pending", "", "promotion")
    assert asked.expires_at == yard.clock.now() + timedelta(hours=4)
    assert yard.price() == (pounds(250), None)

    await yard.approves(request_id)
    begun = await yard.request(request_id)
    assert (begun.state, begun.stage) == ("approved", "starting")
    assert yard.price() == (pounds(250), None)  # nothing is called in the deciding transaction

    await yard.works()
    running = await yard.request(request_id)
    assert (running.state, running.stage) == ("executing", "running")
    assert yard.price() == (pounds(200), pounds(250))
    stored = await yard.promotion(request_id)
    assert (stored.prior_minor, stored.price_minor, stored.ends_at) == (250, 200, FRIDAY)
    assert stored.started_at == yard.clock.now()

    assert (await yard.ticks()).stopped == 0
    yard.clock.push(FRIDAY - yard.clock.now())
    assert (await yard.ticks()).stopped == 1
    assert (await yard.request(request_id)).stage == "stopping"
    await yard.works()
    done = await yard.request(request_id)
    assert (done.state, done.stage) == ("done", "stopped")
    assert yard.price() == (pounds(250), None)
    stored = await yard.promotion(request_id)
    assert (stored.restored, stored.stop_reason, stored.stopped_at) == (True, "end", yard.clock.now())

    assert (await yard.ticks()).reported == 0
    yard.clock.push(timedelta(hours=17, minutes=2))  # past nine in London
    assert (await yard.ticks()).reported == 1
    assert (await yard.ticks()).reported == 0
    assert len(await yard.posts("What {request} brought")) == 1
    assert [(change.key, change.price) for change in yard.store.changes] == [
        (f"promotion:R-{request_id}:start", pounds(200)),
        (f"promotion:R-{request_id}:stop", pounds(250)),
    ]
    deeds = [deed for deed in await yard.deeds() if deed.startswith("promotion.")]
    assert deeds == [
        "promotion.submitted", "promotion.price_read", "promotion.started", "promotion.stopping", "promotion.stopped",
        "promotion.reported",
    ]  # fmt: skip


async def test_the_prior_price_is_kept_before_anything_is_changed(small: Yard) -> None:
    request_id = await small.approved()
    small.store.faults.add("set_price", "500", 99)
    await small.works()
    kept = await small.promotion(request_id)
    assert kept.prior_minor == 250
    assert kept.prior is not None
    assert kept.prior["revision"] == "1"
    assert not small.store.changes
    assert (await small.request(request_id)).stage == "starting"


async def test_a_change_whose_answer_was_lost_is_found_and_made_once(yard: Yard) -> None:
    yard.store.faults.add("set_price", "drop_after_reading")
    request_id = await yard.approved()
    await yard.works()
    assert (await yard.request(request_id)).stage == "starting"  # nobody knows yet
    await yard.passes(seconds=10)
    assert (await yard.request(request_id)).stage == "running"
    assert len(yard.store.changes) == 1


async def test_a_change_that_never_arrived_is_made_under_the_same_key(small: Yard) -> None:
    small.store.faults.add("set_price", "drop_before_applying")
    request_id = await small.approved()
    await small.works()
    await small.passes(seconds=10)
    await small.passes(seconds=10)
    assert (await small.request(request_id)).stage == "running"
    assert [change.key for change in small.store.changes] == [f"promotion:R-{request_id}:start"]


async def test_a_price_that_is_not_the_approved_one_is_left_alone(small: Yard) -> None:
    request_id = await small.approved()
    small.store.edit(LAMP, pounds(310))
    await small.works()
    failed = await small.request(request_id)
    assert (failed.state, failed.stage) == ("failed", "stopped")
    assert failed.detail["life"]["trouble"] == {"kind": "differs", "found_minor": 310}
    assert small.price() == (pounds(310), None)
    assert len(await small.posts("not the approved")) == 1


async def test_a_price_changed_between_reading_and_setting_is_left_alone(small: Yard) -> None:
    request_id = await small.approved()
    small.store.faults.add("set_price", "429:1")
    await small.works()
    small.store.edit(LAMP, pounds(310))
    for _ in range(5):
        await small.passes(minutes=5)
    failed = await small.request(request_id)
    assert (failed.state, failed.stage) == ("failed", "stopped")
    assert failed.detail["life"]["trouble"]["kind"] == "not_started"
    assert small.price() == (pounds(310), None)


async def test_what_somebody_else_changed_meanwhile_is_not_overwritten_and_told(yard: Yard) -> None:
    request_id = await yard.runs()
    yard.store.edit(LAMP, pounds(180), pounds(250))
    answer = await yard.says("Jonas", f"stop R-{request_id}")
    assert not answer.refused
    await yard.works()
    assert yard.price() == (pounds(180), pounds(250))
    over = await yard.request(request_id)
    assert (over.state, over.stage) == ("done", "stopped")
    assert over.detail["life"]["trouble"] == {"kind": "changed", "found_minor": 180}
    assert (await yard.promotion(request_id)).restored is False
    assert len(await yard.posts("it was left so")) == 1


async def test_a_price_changed_while_it_is_put_back_is_not_overwritten(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    request_id = await yard.runs()
    told = yard.store.called

    def called(method: str, about: str, verdict: str) -> None:
        told(method, about, verdict)
        if method == "price" and len(yard.store.changes) == 1:  # right after we looked whether it is still ours
            yard.store.edit(LAMP, pounds(180), pounds(250))

    monkeypatch.setattr(yard.store, "called", called)
    await yard.presses("Lin Wei", "stop", f"R-{request_id}")
    await yard.works()
    assert ("set_price", LAMP, "revision_changed") in yard.store.calls
    assert yard.price() == (pounds(180), pounds(250))
    assert (await yard.promotion(request_id)).restored is False


async def test_a_price_that_somebody_put_back_already_counts_as_restored(small: Yard) -> None:
    request_id = await small.runs()
    small.store.edit(LAMP, pounds(250))
    await small.says("Lin Wei", f"stop R-{request_id}")
    await small.works()
    assert (await small.promotion(request_id)).restored is True
    assert len(small.store.changes) == 2


async def test_a_store_that_is_down_at_the_end_is_tried_until_it_answers_and_told_of_once(yard: Yard) -> None:
    request_id = await yard.runs()
    yard.clock.push(FRIDAY - yard.clock.now())
    yard.store.faults.add("*", "500", 400)
    await yard.ticks()
    for _ in range(4):
        await yard.passes(minutes=6)
        await yard.ticks()
    assert yard.price() == (pounds(200), pounds(250))
    assert (await yard.request(request_id)).stage == "stopping"
    assert len(await yard.posts("is not back yet")) == 1
    yard.store.faults._waiting.clear()
    for _ in range(3):
        await yard.passes(minutes=30)
    assert yard.price() == (pounds(250), None)
    assert (await yard.request(request_id)).stage == "stopped"
    assert len(yard.store.changes) == 2


async def test_a_restore_that_is_declined_asks_a_person_who_may_have_it_tried_again(small: Yard) -> None:
    request_id = await small.runs()
    small.store.token = "another"
    await small.says("Lin Wei", f"stop R-{request_id}")
    await small.works()
    stuck = await small.request(request_id)
    assert (stuck.state, stuck.stage) == ("executing", "stopping")
    assert stuck.detail["life"]["trouble"]["kind"] == "not_restored"
    assert len(await small.posts("was not put back")) == 1
    small.store.token = "local-store-token"
    answer = await small.presses("Nok", "stop", f"R-{request_id}")
    assert not answer.refused
    await small.works()
    assert (await small.request(request_id)).stage == "stopped"
    assert small.price() == (pounds(250), None)


async def test_a_second_press_on_stop_stops_nothing_twice(yard: Yard) -> None:
    request_id = await yard.runs()
    first = await yard.presses("Lin Wei", "stop", f"R-{request_id}")
    second = await yard.presses("Greta", "stop", f"R-{request_id}")
    assert "already" not in str(first.message)
    assert "already" in str(second.message)
    await yard.works()
    third = await yard.presses("Greta", "stop", f"R-{request_id}")
    assert "is over" in str(third.message)
    assert (await yard.request(request_id)).detail["life"]["stopped_by"] == "Lin Wei"
    assert len(yard.store.changes) == 2


async def test_one_stopped_before_its_first_call_never_touches_the_store(small: Yard) -> None:
    request_id = await small.approved()
    await small.presses("Lin Wei", "stop", f"R-{request_id}")
    await small.works()
    over = await small.request(request_id)
    assert (over.state, over.stage) == ("cancelled", "stopped")
    assert not small.store.changes
    assert not [call for call in small.store.calls if call[0] == "set_price"]


async def test_one_stopped_while_nobody_knows_whether_it_started_is_put_back_once_known(yard: Yard) -> None:
    yard.store.faults.add("set_price", "drop_after_reading")
    request_id = await yard.approved()
    await yard.works()
    await yard.presses("Lin Wei", "stop", f"R-{request_id}")
    assert (await yard.request(request_id)).stage == "stopping"
    await yard.passes(seconds=10)
    assert (await yard.request(request_id)).stage == "stopped"
    assert yard.price() == (pounds(250), None)
    assert [change.price for change in yard.store.changes] == [pounds(200), pounds(250)]


@pytest.mark.databases("sqlite")
async def test_it_stops_when_enough_is_sold(yard: Yard) -> None:
    request_id = await yard.runs()
    target = (await yard.promotion(request_id)).stop_after
    assert target is not None
    yard.clock.push(timedelta(hours=1))
    await yard.sells(target - 1)
    assert (await yard.ticks()).stopped == 0
    yard.clock.push(timedelta(minutes=1))
    await yard.sells(1)
    assert (await yard.ticks()).stopped == 1
    assert (await yard.promotion(request_id)).stop_reason == "sold"
    await yard.works()
    assert yard.price() == (pounds(250), None)


async def test_sales_before_the_start_do_not_count(small: Yard) -> None:
    await small.sells(10_000)
    small.clock.push(timedelta(minutes=1))
    await small.runs()
    assert (await small.ticks()).stopped == 0


async def test_it_stops_when_another_location_needs_the_stock(yard: Yard) -> None:
    request_id = await yard.runs()
    shop = yard.shop
    await shop.add_place("DE", "Europe/Berlin", "DE")
    assert (await yard.ticks()).stopped == 0
    async with yard.database.transaction() as connection:
        shared = {"location_id": shop.places["DE"], "currency": "GBP", "created_at": yard.clock.now()}
        move = await add(
            connection, tables.Request, kind="transfer", state="pending", from_location_id=shop.places["UK"],
            total_minor=1, detail={}, **shared,
        )  # fmt: skip
        await add(
            connection, tables.RequestLine, request_id=move, product_id=shop.skus[LAMP], quantity=5,
            unit_cost_minor=100, detail={},
        )  # fmt: skip
    assert (await yard.ticks()).stopped == 0  # a transfer alone is no need
    async with yard.database.transaction() as connection:
        await add(
            connection, tables.Case, key="stockout_risk:x", kind="stockout_risk", product_id=shop.skus[LAMP],
            location_id=shop.places["DE"], state="open", severity=2, money_minor=1, currency="GBP", evidence={},
            opened_at=yard.clock.now(), updated_at=yard.clock.now(),
        )  # fmt: skip
    assert (await yard.ticks()).stopped == 1
    assert (await yard.promotion(request_id)).stop_reason == "needed"


@pytest.mark.databases("sqlite")
async def test_a_halt_lets_what_runs_go_on_until_all_are_stopped(yard: Yard) -> None:
    running = await yard.runs()
    await yard.app.services.halts.halt(("promotions",), yard.asker("Lin Wei"), "slack")
    assert yard.price() == (pounds(200), pounds(250))
    answer = await yard.presses("Nok", "stop", "all")
    assert not answer.refused
    await yard.works()
    assert yard.price() == (pounds(250), None)
    assert (await yard.promotion(running)).stop_reason == "halt"


async def test_one_approved_during_a_halt_waits_and_is_called_off_at_its_end(small: Yard) -> None:
    request_id = await small.asked()
    await small.app.services.halts.halt(("promotions",), small.asker("Lin Wei"), "slack")
    await small.approves(request_id)
    await small.works()
    assert (await small.request(request_id)).stage == "starting"
    small.clock.push(FRIDAY - small.clock.now())
    assert (await small.ticks()).stopped == 1
    over = await small.request(request_id)
    assert (over.state, over.stage) == ("cancelled", "stopped")
    await small.app.services.halts.resume(("promotions",), small.asker("Greta"), "slack")
    await small.works()
    assert not small.store.changes


async def test_the_end_that_came_before_the_start_starts_nothing(small: Yard) -> None:
    request_id = await small.approved("promo LAMP 20% until 2h")
    small.clock.push(timedelta(hours=3))
    await small.works()
    over = await small.request(request_id)
    assert over.state == "failed"
    assert over.detail["life"]["trouble"]["kind"] == "ended"
    assert not small.store.changes


async def test_two_of_one_product_in_one_store_never_run_at_once(yard: Yard) -> None:
    first = await yard.asked()
    second = await yard.says("Nok", "promo LAMP 30% until Friday")
    assert second.refused
    assert f"R-{first}" in str(second.message)
    await yard.approves(first)
    await yard.works()
    assert (await yard.says("Nok", "promo LAMP 30% until Friday")).refused
    await yard.presses("Nok", "stop", f"R-{first}")
    await yard.works()
    assert not (await yard.says("Nok", "promo LAMP 30% until Friday")).refused


@pytest.mark.databases("sqlite")
async def test_one_that_was_asked_for_beside_another_is_refused_at_its_approval(yard: Yard) -> None:
    first = await yard.runs()
    second = await _beside(yard, first)
    with pytest.raises(Refusal, match="lowers the price"):
        await yard.approves(second)
    assert (await yard.request(second)).state == "pending"


async def _beside(yard: Yard, first: int) -> int:
    """A second pending request for the same, as two people at once might make it."""
    requests = yard.app.services.requests
    async with yard.database.transaction() as connection:
        held = await request_rows.row(connection, first)
        assert held is not None
        line = DraftLine(yard.shop.skus[LAMP], 10, 100)
        detail = {key: value for key, value in held.detail.items() if key != "life"}
        draft = Draft("promotion", held.location_id, "GBP", 500, (line,), detail=detail)
        (second,) = await requests.draft(connection, [draft])
        await requests.submit(connection, [second])
    return second


async def test_a_cancelled_request_leaves_no_promotion_behind(yard: Yard) -> None:
    request_id = await yard.approved()
    async with yard.database.transaction() as connection:
        held = await yard.app.services.requests.held(connection, request_id)
        await yard.app.services.effects.cancel(connection, request_id)
        await request_rows.settle(connection, request_id, held.version, "approved", {"state": "cancelled"})
    assert (await yard.ticks()).stopped == 1
    assert (await yard.promotion(request_id)).stopped_at is not None
    assert not (await yard.says("Nok", "promo LAMP 30% until Friday")).refused
