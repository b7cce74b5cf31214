"""Products, counts and transfers of a Shopify shop as facts."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from bot.domain.money import Money
from bot.ports import InboundFact, ProductFact, StockFact, StorePlace
from bot.stores.shopify.reading import tail
from tests.stores.shopify.conftest import NOW, Running
from tests.stores.shopify.store import EAST, WEST, instant


def pounds(amount: str) -> Money:
    return Money(Decimal(amount), "GBP")


async def test_places_are_the_shops_locations(running: Running) -> None:
    assert await running.feed.places() == (StorePlace("1001", "East", "DE"), StorePlace("1002", "West", "CN"))


async def test_a_product_is_told_variant_by_variant(running: Running) -> None:
    mug = running.store.sell("MUG", "Mug", "4.25")
    blue = running.store.sell("MUG-B", "Blue", "4.5", product=mug["product"])
    nameless = running.store.sell("", "Bowl", "3.00")
    nameless["sku"] = None
    nameless["product"]["status"] = "DRAFT"
    gift = running.store.sell("GIFT", "Voucher", "10.00")
    gift["product"]["isGiftCard"] = True
    assert await running.facts("products", ProductFact) == [
        ProductFact(tail(mug["id"]), "MUG", "Mug", pounds("4.25")),
        ProductFact(tail(blue["id"]), "MUG-B", "Mug - Blue", pounds("4.50")),
        ProductFact(tail(nameless["id"]), "", "Bowl", pounds("3.00"), active=False),
    ]


async def test_a_product_is_of_its_type(running: Running) -> None:
    mug = running.store.sell("MUG", "Mug", "4.25")
    mug["product"]["productType"] = "Mugs"
    running.store.sell("BOWL", "Bowl", "3.00")
    told = await running.facts("products", ProductFact)
    assert [(fact.sku, fact.category) for fact in told] == [("MUG", "Mugs"), ("BOWL", "")]


async def test_a_price_that_cannot_be_read_sets_its_variant_aside_alone(running: Running) -> None:
    mug = running.store.sell("MUG", "Mug", "4.25")
    odd = running.store.sell("ODD", "Odd", "n/a", product=mug["product"])
    (page,) = await running.read("products")
    assert [fact.sku for fact in page.facts if isinstance(fact, ProductFact)] == ["MUG"]
    (fault,) = page.faults
    assert (fault.where, fault.problem) == (tail(odd["id"]), "'n/a' is no amount")


async def test_a_count_says_what_is_there_what_is_not_free_and_what_is_on_its_way(running: Running) -> None:
    mug = running.store.sell("MUG", "Mug", "4.25")
    running.store.stock(mug, EAST, available=7, on_hand=12, committed=3, reserved=1, damaged=1, incoming=20)
    running.store.stock(mug, WEST, available=-2, on_hand=3, committed=5)
    code = tail(mug["id"])
    assert await running.facts("stock", StockFact) == [
        StockFact(code, "MUG", "1001", 12, NOW, committed=5, incoming=20),
        StockFact(code, "MUG", "1002", 3, NOW, committed=5),
    ]


async def test_what_the_shop_says_is_available_holds_and_what_is_reserved_is_not_free(running: Running) -> None:
    mug, bowl = running.store.sell("MUG", "Mug", "4.25"), running.store.sell("BOWL", "Bowl", "3.00")
    running.store.stock(mug, EAST, available=7, on_hand=12, committed=3, reserved=2)
    running.store.stock(mug, WEST, available=10, on_hand=12, committed=3, reserved=2)  # it contradicts itself
    running.store.stock(bowl, EAST, available=None, on_hand=12, committed=3, reserved=2)
    running.store.stock(bowl, WEST, available=7, on_hand=12, reserved=None)
    (page,) = await running.read("stock")
    told = {(fact.sku, fact.place): fact.committed for fact in page.facts if isinstance(fact, StockFact)}
    assert told == {("MUG", "1001"): 5, ("MUG", "1002"): 2, ("BOWL", "1001"): 5}
    assert [fault.problem for fault in page.faults] == ["Shopify does not say reserved"]


async def test_what_is_not_tracked_has_no_count_and_what_is_no_longer_kept_there_is_nothing(running: Running) -> None:
    ebook = running.store.sell("EBOOK", "E-book", "4.25")
    running.store.stock(ebook, EAST, available=0, on_hand=0)
    ebook["inventoryItem"]["tracked"] = False
    mug = running.store.sell("MUG", "Mug", "4.25")
    running.store.stock(mug, EAST, available=7, on_hand=7)["isActive"] = False
    assert await running.facts("stock", StockFact) == [StockFact(tail(mug["id"]), "MUG", "1001", 0, NOW)]


async def test_only_counts_that_changed_are_read_again_place_by_place(running: Running) -> None:
    mug, bowl = running.store.sell("MUG", "Mug", "4.25"), running.store.sell("BOWL", "Bowl", "3.00")
    for variant in (mug, bowl):
        for place in (EAST, WEST):
            running.store.stock(variant, place, available=9, on_hand=9)
    running.later(hours=1)
    first = (await running.read("stock"))[-1]
    assert first.until == NOW + timedelta(hours=1)
    running.later(hours=1)
    running.store.stock(bowl, WEST, available=4, on_hand=4)
    pages = await running.read("stock", first.cursor)
    assert [fact for page in pages for fact in page.facts] == [
        StockFact(tail(bowl["id"]), "BOWL", "1002", 4, NOW + timedelta(hours=2))
    ]
    assert [page.until for page in pages] == [None, NOW + timedelta(hours=2)]


async def test_a_reading_of_counts_goes_on_at_the_place_where_it_broke_off(running: Running) -> None:
    mug = running.store.sell("MUG", "Mug", "4.25")
    for place in (EAST, WEST):
        running.store.stock(mug, place, available=9, on_hand=9)
    cursor = (await running.read("stock"))[-1].cursor
    broken = (await running.read("stock", cursor))[0].cursor
    rest = await running.read("stock", broken)
    assert [fact.place for page in rest for fact in page.facts if isinstance(fact, StockFact)] == ["1002"]
    running.store.locations = running.store.locations[:1]  # the place that was to be read next is gone
    (end,) = await running.read("stock", broken)
    assert (end.facts, end.until) == ((), NOW)


async def test_a_transfer_is_expected_when_its_last_shipment_arrives(running: Running) -> None:
    mug = running.store.sell("MUG", "Mug", "4.25")
    transfer = running.store.transfer(mug, 30)
    running.store.consign(transfer, mug, "2026-12-01T10:00:00Z")
    running.store.consign(transfer, mug, "2026-12-05T10:00:00Z")
    where = f"{tail(transfer['id'])}/{tail(transfer['lineItems'][0]['id'])}"
    (fact,) = await running.facts("inbounds", InboundFact)
    assert fact == InboundFact(
        where, tail(mug["id"]), "MUG", "1002", 30, NOW, date(2026, 12, 5), supplier="Mill Ltd"
    )  # fmt: skip


async def test_of_a_transfer_that_came_in_part_the_rest_is_to_come(running: Running) -> None:
    mug = running.store.sell("MUG", "Mug", "4.25")
    transfer = running.store.transfer(mug, 30)
    running.store.consign(transfer, mug, "2026-12-01T10:00:00Z", accepted=12, rejected=3)
    (fact,) = await running.facts("inbounds", InboundFact)
    assert (fact.quantity, fact.received_at) == (15, None)
    transfer["status"] = "TRANSFERRED"
    transfer["shipments"][0]["dateReceived"] = "2026-12-02T08:00:00Z"
    (fact,) = await running.facts("inbounds", InboundFact)
    assert (fact.quantity, fact.received_at and instant(fact.received_at)) == (12, "2026-12-02T08:00:00Z")


async def test_drafts_are_nothing_yet_and_cancelled_transfers_end_without_units(running: Running) -> None:
    mug = running.store.sell("MUG", "Mug", "4.25")
    running.store.transfer(mug, 30, status="DRAFT")
    running.store.transfer(mug, 8, status="CANCELED")
    (fact,) = await running.facts("inbounds", InboundFact)
    assert (fact.quantity, fact.received_at) == (0, fact.ordered_at)


async def test_a_transfer_without_a_day_of_arrival_is_set_aside_or_takes_the_usual_time(running: Running) -> None:
    mug = running.store.sell("MUG", "Mug", "4.25")
    running.store.transfer(mug, 30)
    (page,) = await running.read("inbounds")
    assert "options.transfer_days" in page.faults[0].problem
    usual = running.another(options={"transfer_days": "14"})
    pages = [page async for page in usual.read("inbounds")]
    await usual.close()
    (fact,) = pages[0].facts
    assert isinstance(fact, InboundFact)
    assert fact.expected_on == date(2026, 12, 4)


async def test_an_open_transfer_is_read_again_until_it_ends_and_then_once_more(running: Running) -> None:
    mug = running.store.sell("MUG", "Mug", "4.25")
    long, short = running.store.transfer(mug, 30), running.store.transfer(mug, 5)
    for transfer in (long, short):
        running.store.consign(transfer, mug, "2026-12-05T10:00:00Z", received="2026-12-02T08:00:00Z")
    short["status"] = "TRANSFERRED"
    cursor = (await running.read("inbounds"))[-1].cursor
    running.later(days=20)
    long["status"] = "TRANSFERRED"
    last = await running.read("inbounds", cursor)
    assert [fact.id.split("/")[0] for page in last for fact in page.facts if isinstance(fact, InboundFact)] == [
        tail(long["id"]), tail(short["id"]),
    ]  # fmt: skip
    (empty,) = await running.read("inbounds", last[-1].cursor)
    assert empty.facts == ()
