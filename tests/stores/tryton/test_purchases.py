"""Purchases of a real Tryton as goods on their way: whatever happens to one, no unit is lost and none told twice."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.ports import InboundFact
from bot.stores.tryton.purchases import Told, Yard, _tell
from tests.stores.tryton.conftest import Erp, facts
from tests.stores.tryton.running import Served

pytestmark = pytest.mark.xdist_group("tryton")
ORDERED = datetime(2024, 2, 19, 16, tzinfo=UTC)  # the beginning of the 20th in Shanghai, where the company is


def _sums(told: dict[str, InboundFact], since: set[str]) -> tuple[int, int]:
    """Units that came, and units on their way, of facts that were not there at first."""
    new = [fact for name, fact in told.items() if name not in since]
    came = sum(fact.quantity for fact in new if fact.received_at is not None)
    return came, sum(fact.quantity for fact in new) - came


def test_of_a_half_received_line_what_came_and_what_is_missing_are_told_apart(served: Served) -> None:
    told = {fact.id: fact for fact in facts(served.readings["inbounds"], InboundFact)}
    expected = date(2024, 3, 21)  # the supplier's lead time is thirty days
    assert told["move-9"] == InboundFact(
        "move-9", "1", "85123A", "5", 40, ORDERED, expected, ORDERED, "Shenzhen Lights"
    )  # fmt: skip
    assert told["move-12"] == InboundFact("move-12", "1", "85123A", "5", 60, ORDERED, expected, None, "Shenzhen Lights")


def test_what_was_given_up_after_a_part_came_is_on_its_way_no_more(served: Served) -> None:
    told = {fact.id: fact for fact in facts(served.readings["inbounds"], InboundFact)}
    assert (told["move-13"].quantity, told["move-13"].received_at) == (30, ORDERED)
    assert (told["move-15"].quantity, told["move-15"].received_at) == (0, ORDERED)


def test_goods_go_to_the_warehouse_of_their_zone_and_drafts_and_enquiries_are_not_told(served: Served) -> None:
    told = {fact.id: fact for fact in facts(served.readings["inbounds"], InboundFact)}
    assert (told["move-16"].place, told["move-16"].quantity) == ("12", 500)
    assert set(told) == {"move-9", "move-10", "move-12", "move-13", "move-15", "move-16", "move-18"}


def test_where_nobody_says_when_goods_come_the_days_of_the_settings_count(served: Served) -> None:
    told = {fact.id: fact for fact in facts(served.readings["inbounds"], InboundFact)}
    assert told["move-10"].expected_on == date(2024, 2, 20) + timedelta(days=35)  # this supplier offers no mugs


@given(
    st.integers(0, 500),
    st.lists(st.tuples(st.integers(0, 99), st.sampled_from(["done", "draft", "assigned", "cancelled"]), st.booleans())),
)
def test_however_a_line_is_split_each_unit_came_or_comes_or_was_given_up(
    more: int, parts: list[tuple[int, str, bool]]
) -> None:
    moves = [
        {
            "id": number, "state": state, "internal_quantity": Decimal(units), "to_location": 1,
            "planned_date": None, "origin_planned_date": None, "effective_date": date(2024, 3, 1),
        }
        for number, (units, state, _) in enumerate(parts, 1)
    ]  # fmt: skip
    again = [number for number, (_, state, anew) in enumerate(parts, 1) if state == "cancelled" and anew]
    given_up = sum(units for units, state, anew in parts if state == "cancelled" and not anew)
    ordered = more + sum(units for number, (units, _, _) in enumerate(parts, 1) if number not in again)
    line = {
        "id": 1, "product": 2, "quantity": Decimal(ordered), "moves_recreated": again,
        "product.": {"code": "X", "default_uom.": {"id": 1}}, "unit.": {"id": 1},
    }  # fmt: skip
    purchase = {"state": "processing", "purchase_date": date(2024, 2, 20), "warehouse": 5}
    told = Told()
    _tell(told, purchase, line, moves, Yard({1: "5", 5: "5"}, ZoneInfo("UTC"), 35))
    came = sum(fact.quantity for fact in told.facts if fact.received_at is not None)
    comes = sum(fact.quantity for fact in told.facts if fact.received_at is None)
    assert came == sum(units for units, state, _ in parts if state == "done")
    assert came + comes == ordered - given_up
    assert len({fact.id for fact in told.facts}) == len(told.facts)
    assert not told.faults


async def test_a_purchase_that_comes_in_parts_keeps_every_unit(erp: Erp) -> None:
    before = {fact.id for fact in facts(erp.served.readings["inbounds"], InboundFact)}
    cursor = erp.served.readings["inbounds"][-1].cursor
    purchase = await erp.buy(1, 100)
    told = await erp.inbounds(cursor)
    assert _sums(told, before) == (0, 100)
    (first,) = told.values()
    assert first.expected_on - first.ordered_at.astimezone(UTC).date() >= timedelta(days=30)

    shipment = await erp.ship(purchase, 40)  # the other 60 stand nowhere in Tryton until these have come
    told |= await erp.inbounds(cursor)
    assert _sums(told, before) == (0, 100)

    await erp.receive(shipment)
    told |= await erp.inbounds(cursor)
    assert _sums(told, before) == (40, 60)
    assert told[first.id].quantity == 40  # what was on its way is what came, under its own id

    await erp.receive(await erp.ship(purchase, 60))
    told |= await erp.inbounds(cursor)
    assert _sums(told, before) == (100, 0)
    assert len(told) == 2


async def test_a_later_part_is_told_though_the_purchase_did_not_change_and_what_is_given_up_is_not(erp: Erp) -> None:
    cursor = erp.served.readings["inbounds"][-1].cursor
    purchase = await erp.buy(1, 100)
    await erp.receive(await erp.ship(purchase, 30))
    for table in ("purchase_purchase", "purchase_line"):
        erp.sql(f"UPDATE {table} SET write_date = '2024-03-01 00:00:00', create_date = '2024-03-01 00:00:00'")  # noqa: S608  # our own words
    told = await erp.inbounds(cursor)
    assert _sums(told, set()) == (30, 70)
    await erp.click("stock.move", "cancel", *await erp.moves(purchase, "draft"))
    told |= await erp.inbounds(cursor)
    assert _sums(told, set()) == (30, 0)


def _unprocessed(erp: Erp) -> None:
    """The purchase of 500 mugs is as one that is confirmed, and that no worker has processed yet."""
    erp.sql("DELETE FROM stock_move WHERE id = 16")
    changed = datetime.now(UTC).isoformat(" ")[:26]
    erp.sql("UPDATE purchase_purchase SET state = 'confirmed', write_date = ? WHERE id = 3", changed)


async def test_units_that_no_move_stands_for_wait_under_the_line_until_one_does(erp: Erp) -> None:
    _unprocessed(erp)
    pages = await erp.read("inbounds", erp.served.readings["inbounds"][-1].cursor)
    (waits,) = facts(pages, InboundFact)
    expected = date(2024, 3, 21)
    assert waits == InboundFact("line-4", "2", "MUG/1 blue", "12", 500, ORDERED, expected, None, "Yiwu Mugs")
    pages = await erp.read("inbounds", pages[-1].cursor)
    assert facts(pages, InboundFact) == [waits]

    await erp.click("purchase.purchase", "process", 3)
    pages = await erp.read("inbounds", pages[-1].cursor)
    told = {fact.id: fact for fact in facts(pages, InboundFact)}
    assert (told["line-4"].quantity, told["line-4"].received_at is None) == (0, False)
    assert _sums(told, {"line-4"}) == (0, 500)
    assert "line-4" not in await erp.inbounds(pages[-1].cursor)


async def test_a_line_that_waited_and_was_deleted_is_taken_back(erp: Erp) -> None:
    _unprocessed(erp)
    pages = await erp.read("inbounds", erp.served.readings["inbounds"][-1].cursor)
    for button in ("draft", "cancel", "delete"):
        await erp.click("purchase.purchase", button, 3)
    (gone,) = facts(await erp.read("inbounds", pages[-1].cursor), InboundFact)
    assert (gone.id, gone.code, gone.place, gone.quantity) == ("line-4", "2", "12", 0)


async def test_units_are_the_product_s_own_whatever_it_is_bought_in(erp: Erp) -> None:
    (gram,) = await erp.rows("product.uom", [["symbol", "=", "g"]], "symbol")
    purchase = await erp.buy(3, 5000, gram["id"])
    (fact,) = (await erp.inbounds(erp.served.readings["inbounds"][-1].cursor)).values()
    assert fact.quantity == 5
    await erp.ship(purchase, 2000)
    (fact,) = (await erp.inbounds(erp.served.readings["inbounds"][-1].cursor)).values()
    assert fact.quantity == 5


async def test_a_date_that_somebody_named_is_when_goods_come(erp: Erp) -> None:
    await erp.write("stock.move", 16, planned_date=date(2031, 5, 6))
    (fact,) = (await erp.inbounds(erp.served.readings["inbounds"][-1].cursor)).values()
    assert (fact.id, fact.expected_on) == ("move-16", date(2031, 5, 6))


async def test_a_state_that_nobody_knows_is_a_fault_and_the_rest_is_told(erp: Erp) -> None:
    erp.sql("UPDATE stock_move SET state = 'beamed' WHERE id = 16")
    erp.sql("UPDATE stock_move SET effective_date = NULL WHERE id = 9")
    pages = await erp.read("inbounds")
    problems = {fault.where: fault.problem for page in pages for fault in page.faults}
    assert problems["move-16"] == "its state 'beamed' is not known"
    assert problems["move-9"] == "it is done, and has no date"
    assert len(facts(pages, InboundFact)) == 5
