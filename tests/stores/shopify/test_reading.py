"""How a Shopify shop is read: pages, cursors, costs, tokens, and errors inside of answers."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import Declined, SettingsError, Unreached
from bot.ports import OrderFact, ProductFact, StockFact
from bot.stores.shopify import reading
from bot.stores.shopify.reading import OVERLAP, Mark, instant, stamp, tail
from tests.stores.shopify.conftest import NOW, Running
from tests.stores.shopify.store import EAST, WEST


def asked(running: Running, operation: str) -> list[dict[str, object]]:
    """The variables of the calls of an operation that were carried out or refused by the schema's server."""
    return [variables for name, variables in running.store.asked if name == operation]


async def test_a_reading_goes_on_where_it_broke_off_and_tells_each_order_once(running: Running) -> None:
    mug = running.store.sell("MUG", "Mug", "4.25")
    for _number in range(40):
        running.later(minutes=1)
        running.store.order(running.store.line(mug, 1, "4.25"))
    pages = await running.read("orders")
    assert len(pages) > 2
    assert [page.until for page in pages[:-1]] == [None] * (len(pages) - 1)
    whole = [fact.id for page in pages for fact in page.facts if isinstance(fact, OrderFact)]
    assert len(whole) == len(set(whole)) == 40
    rest = [fact.id for fact in await running.facts("orders", OrderFact, pages[1].cursor)]
    assert whole[len(pages[0].facts) + len(pages[1].facts) :] == rest


async def test_the_next_reading_reaches_back_before_this_one_began(running: Running) -> None:
    mug = running.store.sell("MUG", "Mug", "4.25")
    old = running.store.order(running.store.line(mug, 1, "4.25"))
    running.later(hours=2)
    cursor = (await running.read("orders"))[-1].cursor
    late = running.store.order(running.store.line(mug, 1, "4.25"))
    late["updatedAt"] = "2026-11-20T10:51:00Z"  # found by the search only after the reading
    assert [fact.id for fact in await running.facts("orders", OrderFact, cursor)] == [tail(late["id"])]
    assert asked(running, "Orders")[-1]["query"] == "updated_at:>='2026-11-20T10:50:00Z'"
    running.store.touch(old)
    assert len(await running.facts("orders", OrderFact, cursor)) == 2


async def test_what_changes_while_it_is_read_is_not_missed(running: Running) -> None:
    mug = running.store.sell("MUG", "Mug", "4.25")
    for _number in range(30):
        running.later(minutes=1)
        running.store.order(running.store.line(mug, 1, "4.25"))
    seen: list[str] = []
    async for page in running.feed.read("orders"):
        seen += [fact.id for fact in page.facts if isinstance(fact, OrderFact)]
        if len(seen) < 20:
            running.later(minutes=1)
            running.store.touch(running.store.orders[0])
    assert set(seen) == {tail(order["id"]) for order in running.store.orders}
    assert seen[-1] == tail(running.store.orders[0]["id"])


async def test_a_list_deeper_than_shopify_turns_pages_is_read_to_its_end(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    running.store.deepest = 70
    monkeypatch.setattr(reading, "DEEPEST", 40)
    for number in range(100):
        running.later(minutes=1)
        variant = running.store.sell(f"S{number}", "Thing", "1.00")
        running.store.stock(variant, EAST, available=number, on_hand=number)
    products = await running.facts("products", ProductFact)
    assert {fact.sku for fact in products} == {f"S{number}" for number in range(100)}
    counts = await running.facts("stock", StockFact)
    assert sorted(fact.on_hand for fact in counts) == list(range(100))


async def test_where_very_much_changed_at_a_place_all_counts_are_read(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    running.store.deepest = 250
    monkeypatch.setattr(reading, "DEEPEST", 200)
    cursor = (await running.read("stock"))[-1].cursor
    for number in range(300):
        variant = running.store.sell(f"S{number}", "Thing", "1.00")
        running.store.stock(variant, WEST, available=number, on_hand=number)
    counts = await running.facts("stock", StockFact, cursor)
    assert {fact.on_hand for fact in counts} == set(range(300))
    assert asked(running, "Items")


async def test_lists_inside_of_a_record_are_read_to_their_end(running: Running) -> None:
    mug = running.store.sell("S0", "Mug", "4.25")
    for number in range(1, 120):
        running.store.sell(f"S{number}", f"No. {number}", "4.25", product=mug["product"])
    assert len(await running.facts("products", ProductFact)) == 120
    lines = [running.store.line(mug, 2, "8.50") for _number in range(75)]
    order = running.store.order(*lines)
    for line in lines[:12]:
        running.store.assign(order, WEST, (line, 2))
        running.store.take_back(order, line, 1, processed=1)
    running.store.assign(order, EAST, *[(line, 2) for line in lines[12:]])
    running.store.ship(order, EAST, *[(line, 2) for line in lines])
    running.store.refund(order, *[(line, 1, "RETURN") for line in lines[12:]])
    (fact,) = await running.facts("orders", OrderFact)
    assert len(fact.lines) == 75
    assert len(fact.returns) == 75
    assert {line.place for line in fact.lines} == {"1001"}


async def test_a_page_that_costs_too_much_is_asked_for_in_smaller_ones(running: Running) -> None:
    mug = running.store.sell("MUG", "Mug", "4.25")
    for _number in range(5):
        running.store.order(running.store.line(mug, 1, "4.25"))
    running.store.dearest = 500
    assert len(await running.facts("orders", OrderFact)) == 5
    sizes = [variables["first"] for variables in asked(running, "Orders")]
    assert sizes == sorted(sizes, key=lambda size: -int(str(size)))
    assert sizes[-1] in {1, 3}
    running.store.dearest = 20
    with pytest.raises(Declined, match="MAX_COST_EXCEEDED"):
        await running.read("orders")


async def test_a_call_waits_until_the_bucket_holds_its_cost_rather_than_being_refused(running: Running) -> None:
    mug = running.store.sell("MUG", "Mug", "4.25")
    for _number in range(60):
        running.later(minutes=1)
        running.store.order(running.store.line(mug, 1, "4.25"))
    running.store.rate = 50.0
    assert len(await running.facts("orders", OrderFact)) == 60
    refused = [call for call in running.store.calls if call[2] == "errors"]
    assert running.store.now > 30  # seconds that were waited, by the shop's own second hand
    assert len(refused) <= 3  # while the page's size was found; none for an empty bucket after that


async def test_an_empty_bucket_is_waited_for_by_the_servers_own_figures(running: Running) -> None:
    running.store.points, running.store.rate = 0.0, 2.0
    assert await running.feed.places()
    throttled, answered = running.store.calls
    assert (throttled[2], answered[2]) == ("errors", "ok")
    assert running.store.now == 5.0  # ten points, at two a second


async def test_a_bucket_that_fills_too_slowly_is_come_back_to(running: Running) -> None:
    running.store.points, running.store.rate = 0.0, 0.1
    with pytest.raises(Unreached) as refused:
        await running.feed.places()
    assert refused.value.retry_after > 60
    assert running.store.now == 0.0


async def test_part_of_an_answer_that_is_broken_sets_its_record_aside_alone(running: Running) -> None:
    mug = running.store.sell("MUG", "Mug", "4.25")
    orders = [running.store.order(running.store.line(mug, 1, "4.25")) for _number in range(3)]
    running.store.broken[(orders[1]["id"], "customer")] = "INTERNAL_SERVER_ERROR"
    (page,) = await running.read("orders")
    assert [fact.id for fact in page.facts if isinstance(fact, OrderFact)] == [
        tail(orders[0]["id"]), tail(orders[2]["id"]),
    ]  # fmt: skip
    (fault,) = page.faults
    assert (fault.where, fault.problem) == (
        tail(orders[1]["id"]),
        "the store says: INTERNAL_SERVER_ERROR: customer is broken",
    )


async def test_an_answer_that_is_broken_as_a_whole_is_asked_for_again_and_then_given_up(running: Running) -> None:
    mug = running.store.sell("MUG", "Mug", "4.25")
    order = running.store.order(running.store.line(mug, 1, "4.25"))
    running.store.broken[(order["id"], "name")] = "INTERNAL_SERVER_ERROR"  # it may not be null
    with pytest.raises(Unreached, match="name is broken"):
        await running.read("orders")
    assert len(asked(running, "Orders")) >= 5


async def test_a_scope_that_is_not_granted_is_named(running: Running) -> None:
    running.store.scopes.discard("read_orders")
    with pytest.raises(Declined, match="read_orders"):
        await running.read("orders")


async def test_what_may_not_be_seen_of_an_order_is_not_asked_for(running: Running) -> None:
    mug = running.store.sell("MUG", "Mug", "4.25")
    line = running.store.line(mug, 1, "4.25")
    order = running.store.order(line)
    running.store.assign(order, WEST, (line, 1))
    running.store.scopes -= {"read_customers", "read_returns", "read_merchant_managed_fulfillment_orders"}
    (fact,) = await running.facts("orders", OrderFact)
    assert (fact.customer, fact.lines[0].place, fact.place) == ("", "", "1001")


async def test_a_token_is_exchanged_once_for_many_calls_and_anew_before_it_ends(running: Running) -> None:
    shop = running.shop(token="", client=running.store.client, secret=running.store.secret)
    await asyncio.gather(*(shop.ask("Places", after=None) for _number in range(8)))
    assert [call[0] for call in running.store.calls].count("token") == 1
    running.store.now += 86_399 - 601
    await shop.ask("Places", after=None)
    assert len(running.store.tokens) == 1
    running.store.now += 2
    await asyncio.gather(*(shop.ask("Places", after=None) for _number in range(8)))
    await shop.close()
    assert len(running.store.tokens) == 2
    assert "unauthorised" not in {call[2] for call in running.store.calls}


async def test_a_token_that_was_withdrawn_is_exchanged_by_one_call_for_all(running: Running) -> None:
    shop = running.shop(token="", client=running.store.client, secret=running.store.secret)
    await shop.ask("Places", after=None)
    running.store.tokens = [(token, 0.0) for token, _ends in running.store.tokens]
    await asyncio.gather(*(shop.ask("Places", after=None) for _number in range(8)))
    await shop.close()
    assert len(running.store.tokens) == 2


async def test_wrong_credentials_are_declined_and_not_told(running: Running) -> None:
    shop = running.shop(token="", client=running.store.client, secret="not-the-secret")
    with pytest.raises(Declined) as refused:
        await shop.ask("Places", after=None)
    await shop.close()
    assert "not-the-secret" not in f"{refused.value!r} {refused.value.detail}"


async def test_the_check_names_what_is_missing(running: Running) -> None:
    assert [check.verdict for check in await running.feed.check()] == ["ok"]
    running.store.scopes.discard("read_all_orders")
    (check,) = await running.feed.check()
    assert (check.verdict, "read_all_orders" in check.detail) == ("warn", True)
    running.store.scopes -= {"read_inventory_transfers", "read_inventory_shipments"}
    (check,) = await running.feed.check()
    assert (check.verdict, check.detail) == (
        "fail", "the app may not read_inventory_shipments, read_inventory_transfers",
    )  # fmt: skip
    some = running.another(options={"read": "stock products"})
    assert some.kinds == ("products", "stock")
    assert [check.verdict for check in await some.check()] == ["ok"]
    await some.close()


async def test_the_check_says_when_shopify_answers_by_another_version(running: Running) -> None:
    running.store.version = "2027-01"
    (check,) = await running.feed.check()
    assert (check.verdict, "2027-01" in check.detail) == ("warn", True)


@pytest.mark.parametrize("options", [{"read": "orders sales"}, {"transfer_days": "soon"}, {"transfer_days": "-1"}])
async def test_an_option_that_cannot_be_read_is_named(running: Running, options: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match=f"options.{next(iter(options))}"):
        running.another(options=options)


@given(st.text())
def test_any_cursor_is_a_mark(cursor: str) -> None:
    mark = Mark.of(cursor)
    assert Mark.of(mark.text()) == mark


@given(
    began=st.datetimes(datetime(2015, 1, 1), datetime(2040, 1, 1)),  # noqa: DTZ001  # made aware below
    seconds=st.integers(-50_000, 50_000),
)  # fmt: skip
def test_a_mark_that_ended_reaches_back_before_its_beginning(began: datetime, seconds: int) -> None:
    at = began.replace(tzinfo=NOW.tzinfo)
    ended = Mark(since=at.isoformat(), after="x", seen=7).begun(at + timedelta(seconds=seconds)).ended()
    assert instant(ended.since) == at + timedelta(seconds=seconds) - OVERLAP
    assert (ended.after, ended.seen, ended.until) == ("", 0, "")
    assert instant(stamp(ended.since)) <= instant(ended.since)  # cut, never later
