from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import insert

from bot.domain.sourcing import SourcingSettings
from bot.errors import BadArgument, NotAllowed, StaleButton, UnknownReference
from bot.services import snapshot
from bot.services.cleanup import clean
from bot.services.orders import Report
from bot.services.receiving import RECEIVED, Delivery
from bot.storage import requests as request_rows
from bot.storage import tables
from tests.services.orders.kit import Yard


async def test_an_order_is_confirmed_shipped_and_received(yard: Yard) -> None:
    number = await yard.ordered({"LAMP": 240})
    confirmed = await yard.report(number, "confirmed", reference="SB-77", arrives=date(2011, 12, 20))
    assert (confirmed.stage, confirmed.reference, confirmed.expected_on) == ("confirmed", "SB-77", date(2011, 12, 20))
    assert [row.expected_on for row in await yard.shop.all(tables.Inbound)] == [date(2011, 12, 20)]
    assert (await yard.report(number, "shipped")).stage == "in_transit"
    yard.pass_days(29)
    received = await yard.receive(number)
    assert (received.request.state, received.request.stage) == ("done", "received")
    assert received.units == {"LAMP": 240}
    assert await yard.on_hand("LAMP") == 340
    assert await yard.position("LAMP") == (0, 0, 340)
    assert await yard.deeds() == ["order.placed", "order.confirmed", "order.shipped", "order.received"]
    assert (await yard.shop.audit.verify()).broken_at is None


async def test_saying_it_again_changes_nothing_and_says_so(yard: Yard) -> None:
    number = await yard.ordered({"LAMP": 240})
    jonas = yard.asker("Jonas")
    for step in ("confirmed", "shipped"):
        said = Report(step, "SB-77")
        assert not (await yard.orders.report(number, said, jonas, "slack")).already
        version = (await yard.view(number)).version
        assert (await yard.orders.report(number, said, jonas, "telegram")).already
        assert (await yard.view(number)).version == version
    assert (await yard.orders.report(number, Report("confirmed"), jonas, "slack")).already
    assert (await yard.view(number)).stage == "in_transit"
    await yard.receive(number)
    for again in ("confirmed", "shipped", "arrives", "close"):
        assert (await yard.orders.report(number, Report(again), jonas, "slack")).already
    assert (await yard.receive(number)).already
    assert await yard.on_hand("LAMP") == 340


async def test_parts_arrive_one_by_one_and_the_past_stays_as_it_was(yard: Yard) -> None:
    number = await yard.ordered({"LAMP": 240, "MUG": 60})
    ordered = yard.clock.now()
    yard.pass_days(10)
    first = await yard.receive(number, {"lamp": 80})
    half = yard.clock.now()
    assert (first.request.state, first.request.stage) == ("executing", "partly_received")
    assert [(line.sku, line.received) for line in first.request.lines] == [("LAMP", 80), ("MUG", 0)]
    yard.pass_days(10)
    await yard.receive(number, {"line1": 100, "line2": 60})
    yard.pass_days(10)
    last = await yard.receive(number)
    assert last.units == {"LAMP": 60}
    assert last.request.state == "done"
    moment = timedelta(seconds=1)
    assert await yard.incoming("LAMP", at=ordered) == 240
    assert await yard.incoming("LAMP", at=half - moment) == 240
    assert await yard.incoming("LAMP", at=half) == 160
    assert await yard.incoming("LAMP", at=half + timedelta(days=10)) == 60
    assert await yard.incoming("LAMP") == 0
    assert await yard.on_hand("LAMP", at=half - moment) == 100
    assert await yard.on_hand("LAMP", at=half) == 180
    assert await yard.on_hand("LAMP") == 340
    assert await yard.on_hand("MUG") == 160


async def test_every_unit_is_on_its_way_or_on_the_shelf(lite: Yard) -> None:
    number = await lite.ordered({"LAMP": 100})
    for units in (1, 30, 5, 44, 20):
        lite.pass_days(1)
        await lite.receive(number, {"LAMP": units})
        assert await lite.incoming("LAMP") + await lite.on_hand("LAMP") == 200


async def test_more_than_ordered_is_taken_in_and_said(yard: Yard) -> None:
    number = await yard.ordered({"LAMP": 240})
    received = await yard.receive(number, {"LAMP": 250})
    assert received.over == {"LAMP": 10}
    assert received.request.state == "done"
    assert await yard.on_hand("LAMP") == 350
    late = await yard.receive(number, {"LAMP": 5})
    assert late.over == {"LAMP": 15}
    assert await yard.on_hand("LAMP") == 355
    assert await yard.incoming("LAMP") == 0


async def test_a_rest_that_will_not_come_ends_the_order(yard: Yard) -> None:
    await yard.shop.sells("LAMP", "UK", [10] * 120)
    await yard.shop.scan()
    case = next(row for row in await yard.shop.all_cases() if row.kind == "stockout_risk")
    number = await yard.ordered({"LAMP": 240}, cases={"LAMP": case.id})
    yard.pass_days(5)
    await yard.receive(number, {"LAMP": 80})
    before = yard.clock.now()
    yard.pass_days(5)
    closed = await yard.report(number, "close")
    assert (closed.state, closed.stage, closed.detail["short"]) == ("done", "partly_received", 160)
    assert await yard.incoming("LAMP", at=before) == 160
    assert await yard.incoming("LAMP") == 0
    assert (await yard.receive(number)).already
    assert next(row for row in await yard.shop.all_cases() if row.id == case.id).state == "open"
    assert "order.close" in await yard.deeds()
    after_all = await yard.receive(number, {"LAMP": 160})  # it came after all
    assert (after_all.request.state, after_all.request.stage) == ("done", "received")


async def test_a_transfer_leaves_one_shelf_and_reaches_the_other(yard: Yard) -> None:
    number = await yard.ordered({"LAMP": 50}, kind="transfer", from_location_id=yard.shop.places["DE"])
    assert await yard.on_hand("LAMP", "DE") == 500
    for _twice in range(2):
        await yard.report(number, "shipped")
        assert await yard.on_hand("LAMP", "DE") == 450
    yard.pass_days(3)
    await yard.receive(number, {"LAMP": 20})
    await yard.receive(number)
    assert await yard.on_hand("LAMP", "DE") == 450
    assert await yard.on_hand("LAMP") == 150
    kinds = [(row.kind, row.quantity) for row in await yard.shop.all(tables.StockMovement)]
    assert kinds == [("transfer_out", -50), ("transfer_in", 20), ("transfer_in", 30)]


async def test_a_transfer_that_arrives_without_a_word_has_left_too(lite: Yard) -> None:
    number = await lite.ordered({"LAMP": 50}, kind="transfer", from_location_id=lite.shop.places["DE"])
    await lite.receive(number)
    assert await lite.on_hand("LAMP", "DE") == 450
    assert await lite.on_hand("LAMP") == 150


async def test_a_transfer_that_was_given_up_and_comes_after_all_leaves_its_shelf(yard: Yard) -> None:
    number = await yard.ordered({"LAMP": 50, "MUG": 20}, kind="transfer", from_location_id=yard.shop.places["DE"])
    await yard.report(number, "close")
    assert await yard.on_hand("LAMP", "DE") == 500
    for units in (30, 15):
        yard.pass_days(1)
        await yard.receive(number, {"LAMP": units})
    assert (await yard.on_hand("LAMP", "DE"), await yard.on_hand("LAMP")) == (455, 145)
    assert (await yard.on_hand("MUG", "DE"), await yard.on_hand("MUG")) == (500, 100)


async def test_what_a_transfer_brings_beyond_its_lines_came_from_the_same_shelf(lite: Yard) -> None:
    number = await lite.ordered({"LAMP": 50}, kind="transfer", from_location_id=lite.shop.places["DE"])
    await lite.report(number, "shipped")
    await lite.receive(number, {"LAMP": 45})
    await lite.receive(number, {"LAMP": 8})
    await lite.receive(number, {"LAMP": 2})
    assert (await lite.on_hand("LAMP", "DE"), await lite.on_hand("LAMP")) == (445, 155)


async def test_an_event_that_a_crash_lets_come_twice_counts_goods_once(yard: Yard) -> None:
    number = await yard.ordered({"LAMP": 240})
    maria = yard.asker("Maria")
    already = []
    for event in ("E1", "E2", "E2", "E1"):
        yard.clock.push(timedelta(minutes=1))
        said = Delivery({"LAMP": 60}, again=event == "E2")
        already.append((await yard.receiving.receive(number, None, said, maria, "slack", event)).already)
    assert already == [False, False, True, True]
    assert await yard.on_hand("LAMP") == 220
    await clean(yard.shop.database, yard.clock.now() + timedelta(days=8))
    assert not [mark for mark in await yard.shop.all(tables.Mark) if mark.key.startswith(RECEIVED)]


async def promised(yard: Yard) -> int:
    """Lamps that DE has promised to transfers, as the watch takes them."""
    async with yard.shop.database.reading() as connection:
        taken = await snapshot.take(connection, yard.shop.settings, SourcingSettings(), yard.clock.now())
    row = taken.find(yard.shop.skus["LAMP"], yard.shop.places["DE"])
    assert row is not None
    return int(taken.promised[row])


async def test_a_transfer_that_has_not_left_is_promised_by_its_shelf(lite: Yard) -> None:
    number = await lite.ordered({"LAMP": 50}, kind="transfer", from_location_id=lite.shop.places["DE"])
    assert await promised(lite) == 50
    await lite.report(number, "shipped")
    assert await promised(lite) == 0


async def written_into_the_shop(yard: Yard, *, holds: bool) -> None:
    """A transfer of fifty lamps from DE, of which the shop says whether it commits them."""
    number = await yard.ordered({"LAMP": 50}, kind="transfer", from_location_id=yard.shop.places["DE"])
    async with yard.shop.database.transaction() as connection:
        held = await request_rows.row(connection, number)
        assert held is not None
        books = {"shop": {"channel": "shop", "holds": holds}}
        await request_rows.remember(connection, held, {"sent": {"folder": {"books": books}}})


async def test_a_transfer_that_its_store_commits_is_promised_once(yard: Yard) -> None:
    """By us until the store has counted the shelf since, and by the store's own count from then on."""
    await yard.shop.holds("LAMP", "DE", 500, source="store:shop")
    yard.clock.push(timedelta(minutes=1))
    await written_into_the_shop(yard, holds=True)
    assert await promised(yard) == 50
    yard.clock.push(timedelta(minutes=1))
    await yard.shop.holds("LAMP", "DE", 500, 50, source="store:shop")
    assert await promised(yard) == 0
    yard.clock.push(timedelta(minutes=1))
    await yard.shop.holds("LAMP", "DE", 480, source="count")  # people counted, who know nothing of it
    assert await promised(yard) == 50


async def test_a_transfer_that_its_store_keeps_as_a_draft_stays_promised_by_us(lite: Yard) -> None:
    await written_into_the_shop(lite, holds=False)
    lite.clock.push(timedelta(minutes=1))
    await lite.shop.holds("LAMP", "DE", 500, source="store:shop")
    assert await promised(lite) == 50


@pytest.mark.parametrize("name", ["Nok", "nobody"])
async def test_who_may_not_receive_is_refused_on_record(lite: Yard, name: str) -> None:
    number = await lite.ordered({"LAMP": 240})
    with pytest.raises(NotAllowed):
        await lite.receive(number, name=name)
    assert await lite.on_hand("LAMP") == 100
    assert await lite.deeds() == ["order.placed", "order.refused"]


async def test_an_operator_receives_but_does_not_close(lite: Yard) -> None:
    number = await lite.ordered({"LAMP": 240})
    await lite.receive(number, {"LAMP": 1}, name="Maria")
    with pytest.raises(NotAllowed):
        await lite.report(number, "close", name="Maria")
    assert (await lite.view(number)).state == "executing"


async def test_a_scope_ends_at_its_places_and_suppliers(yard: Yard) -> None:
    number = await yard.ordered({"LAMP": 240})
    jonas = yard.shop.members["Jonas"]
    async with yard.shop.database.transaction() as connection:
        await connection.execute(insert(tables.MemberScope).values(member_id=jonas, kind="location", code="DE"))
    with pytest.raises(NotAllowed):
        await yard.report(number, "confirmed")
    async with yard.shop.database.transaction() as connection:
        await connection.execute(insert(tables.MemberScope).values(member_id=jonas, kind="location", code="UK"))
    assert (await yard.report(number, "confirmed")).stage == "confirmed"


async def test_only_an_order_that_was_sent_can_be_followed(lite: Yard) -> None:
    approved = await lite.approved({"LAMP": 240})
    with pytest.raises(StaleButton):
        await lite.report(approved, "confirmed")
    with pytest.raises(StaleButton):
        await lite.receive(approved)
    with pytest.raises(UnknownReference):
        await lite.receive(999)


async def test_a_date_that_has_passed_or_never_comes_is_refused(lite: Yard) -> None:
    number = await lite.ordered({"LAMP": 240})
    for day in (date(2011, 11, 20), date(2014, 1, 1)):
        with pytest.raises(BadArgument):
            await lite.report(number, "arrives", arrives=day)
    assert (await lite.report(number, "arrives", arrives=date(2011, 11, 21))).expected_on == date(2011, 11, 21)


async def test_goods_arrive_between_the_order_and_today(lite: Yard) -> None:
    number = await lite.ordered({"LAMP": 240})
    lite.pass_days(10)
    for day in (date(2011, 11, 20), date(2011, 12, 2)):
        with pytest.raises(BadArgument):
            await lite.receive(number, {"LAMP": 1}, on=day)
    await lite.receive(number, {"LAMP": 40}, on=date(2011, 11, 28))
    [receipt] = await lite.shop.all(tables.Receipt)
    assert receipt.received_at.date() == date(2011, 11, 28)
    await lite.receive(number, {"LAMP": 41}, on=date(2011, 11, 21))
    assert (await lite.shop.all(tables.Receipt))[-1].received_at >= (await lite.view(number)).ordered_at


@pytest.mark.parametrize("units", [{"SPOON": 1}, {"LAMP": 0}, {"LAMP": 2_000_000}, {"LAMP": 1, "line1": 2}])
async def test_what_cannot_have_arrived_is_refused(lite: Yard, units: dict[str, int]) -> None:
    number = await lite.ordered({"LAMP": 240})
    with pytest.raises(BadArgument):
        await lite.receive(number, units)
    assert await lite.shop.all(tables.Receipt) == []


async def test_the_same_words_twice_count_once_unless_said_so(yard: Yard) -> None:
    number = await yard.ordered({"LAMP": 240, "MUG": 60})
    assert not (await yard.receive(number, {"LAMP": 80})).already
    repeated = await yard.receive(number, {"LAMP": 80})
    assert repeated.already
    assert repeated.repeated
    assert await yard.on_hand("LAMP") == 180
    assert not (await yard.receive(number, {"LAMP": 80, "MUG": 5})).already
    assert not (await yard.receive(number, {"LAMP": 80}, again=True)).already
    assert await yard.on_hand("LAMP") == 340


async def test_the_same_units_another_day_are_another_delivery(lite: Yard) -> None:
    number = await lite.ordered({"LAMP": 240})
    await lite.receive(number, {"LAMP": 80})
    lite.pass_days(1)
    assert not (await lite.receive(number, {"LAMP": 80})).already
    assert await lite.on_hand("LAMP") == 260


async def test_a_button_shown_before_a_change_receives_nothing(lite: Yard) -> None:
    number = await lite.ordered({"LAMP": 240})
    version = (await lite.view(number)).version
    await lite.receive(number, {"LAMP": 80})
    with pytest.raises(StaleButton):
        await lite.receive(number, version=version)
    assert await lite.on_hand("LAMP") == 180
