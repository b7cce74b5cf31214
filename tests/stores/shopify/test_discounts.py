"""Discounts of a shop: what is sent, what it keeps otherwise, and what its lists do not show yet."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from bot.domain.discount import Discount
from bot.errors import Declined, Unanswered
from bot.ports import MovableClock
from bot.sandbox.serving import Serving
from bot.settings import StorePart
from bot.stores.shopify import discounts_shopify
from bot.stores.shopify.discounts import ShopifyDiscounts
from tests.stores.shopify.server import shopify_app
from tests.stores.shopify.store import ShopifyStore

NOW = datetime(2011, 11, 21, 9, tzinfo=UTC)
END = datetime(2011, 11, 25, 15, 59, tzinfo=UTC)
BASKET = Discount(("LAMP",), Decimal("0.2"), "", NOW, END, "Lamp -20% (R-1)")
CODE = dataclasses.replace(BASKET, code="SUMMER20")
KEY = "promotion:R-1:start"


@dataclass
class Bench:
    """A running shop that sells a lamp, and its discounts."""

    store: ShopifyStore
    discounts: ShopifyDiscounts


@pytest.fixture
async def bench(clock: MovableClock) -> AsyncIterator[Bench]:
    """One that serves."""
    store = ShopifyStore(clock)
    store.sell("LAMP", "Lamp", "12.00")
    store.sell("LAMP-XL", "Large lamp", "20.00")
    serving = Serving(shopify_app(store))
    url = serving.bind()
    await serving.start()
    discounts = discounts_shopify("shop", StorePart(kind="shopify", url=url, token=store.token, private=True))
    assert isinstance(discounts, ShopifyDiscounts)
    yield Bench(store, discounts)
    await serving.stop()


async def test_what_is_sent_is_for_all_buyers_of_one_variant_and_beside_no_other_discount_on_goods(
    bench: Bench,
) -> None:
    await bench.discounts.grant(CODE, KEY)
    sent = dict(bench.store.asked)["Grant"]["discount"]
    (tag,) = sent.pop("tags")
    assert tag.startswith("stocktide-")
    assert sent == {
        "title": "Lamp -20% (R-1)", "code": "SUMMER20", "startsAt": "2011-11-21T09:00:00Z",
        "endsAt": "2011-11-25T15:59:00Z", "context": {"all": "ALL"},
        "combinesWith": {"orderDiscounts": False, "productDiscounts": False, "shippingDiscounts": True},
        "customerGets": {
            "value": {"percentage": 0.2},
            "items": {"products": {"productVariantsToAdd": [bench.store.variant("LAMP")["id"]]}},
        },
    }  # fmt: skip


@pytest.mark.parametrize(
    ("kept", "words"),
    [
        ({"endsAt": None}, "it never ends"),
        ({"endsAt": "2012-11-25T15:59:00Z"}, "it ends at 2012"),
        ({"combinesWith": {"orderDiscounts": False, "productDiscounts": True}}, "beside other discounts"),
    ],
)
@pytest.mark.parametrize("wanted", [CODE, BASKET], ids=["code", "basket"])
async def test_a_discount_that_the_shop_kept_otherwise_is_deleted_again(
    bench: Bench, wanted: Discount, kept: dict[str, Any], words: str
) -> None:
    bench.store.deals.kept = kept
    with pytest.raises(Declined, match=words):
        await bench.discounts.grant(wanted, KEY)
    assert bench.store.deals.nodes == []


async def test_one_that_cannot_be_deleted_is_a_question_and_found_as_it_stands(bench: Bench) -> None:
    bench.store.deals.kept = {"endsAt": None}
    bench.store.faults.add("withdraw", "500")
    with pytest.raises(Unanswered, match="it never ends"):
        await bench.discounts.grant(CODE, KEY)
    found = await bench.discounts.granted(CODE, KEY)
    assert found is not None
    assert str(CODE.differs(found.discount)) == "it never ends"


async def test_one_that_somebody_lets_be_used_beside_others_is_told_to_differ(bench: Bench) -> None:
    await bench.discounts.grant(CODE, KEY)
    bench.store.deals.nodes[0]["discount"]["combinesWith"]["productDiscounts"] = True
    for found in (await bench.discounts.granted(CODE, KEY), await bench.discounts.grant(CODE, KEY)):
        assert found is not None
        assert "beside other discounts" in found.differs


async def test_an_automatic_one_whose_answer_was_lost_is_found_among_the_newest_by_another_process(
    bench: Bench,
) -> None:
    for number in range(70):  # more than a page, some of them older than ours
        bench.store.deals.offer(f"CODE-{number}", "0.05", "LAMP-XL")
    bench.store.faults.add("grant_basket", "drop_after_reading")
    with pytest.raises(Unanswered):
        await bench.discounts.grant(BASKET, KEY)
    for number in range(70, 130):
        bench.store.deals.offer(f"CODE-{number}", "0.05", "LAMP-XL")
    found = await bench.discounts.granted(BASKET, KEY)
    assert found is not None
    assert BASKET.differs(found.discount) is None
    await bench.discounts.withdraw(BASKET, KEY)
    assert len(bench.store.deals.nodes) == 130


async def test_a_code_of_the_same_key_that_was_made_long_before_is_of_another_database(
    bench: Bench, clock: MovableClock
) -> None:
    await bench.discounts.grant(CODE, KEY)
    clock.push(timedelta(days=1))
    later = dataclasses.replace(CODE, starts_at=clock.now())
    assert await bench.discounts.granted(later, KEY) is None
    assert await bench.discounts.withdraw(later, KEY) is None
    with pytest.raises(Declined, match="code_taken"):
        await bench.discounts.grant(later, KEY)
    assert len(bench.store.deals.nodes) == 1


async def test_discounts_older_than_ours_could_be_are_not_looked_through(bench: Bench, clock: MovableClock) -> None:
    for number in range(120):
        bench.store.deals.offer(f"CODE-{number}", "0.05", "LAMP-XL")
    clock.push(timedelta(days=1))
    later = dataclasses.replace(BASKET, starts_at=clock.now())
    assert await bench.discounts.granted(later, KEY) is None
    assert [name for name, _ in bench.store.asked].count("Newest") == 1


async def test_one_that_the_list_does_not_show_yet_is_not_made_twice_and_stays_a_question(bench: Bench) -> None:
    bench.store.faults.add("grant_basket", "drop_after_reading")
    with pytest.raises(Unanswered):
        await bench.discounts.grant(BASKET, KEY)
    bench.store.deals.unlisted = True
    assert await bench.discounts.granted(BASKET, KEY) is None
    with pytest.raises(Unanswered, match="does not show it yet"):
        await bench.discounts.grant(BASKET, KEY)
    bench.store.deals.unlisted = False
    assert (await bench.discounts.grant(BASKET, KEY)).discount.name == "Lamp -20% (R-1)"
    assert len(bench.store.deals.nodes) == 1


async def test_a_code_that_somebody_made_between_our_look_and_our_write_is_theirs(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = bench.discounts._make

    async def late(*given: Any) -> str:
        bench.store.deals.offer("summer20", "0.05", "LAMP-XL")
        return await make(*given)

    monkeypatch.setattr(bench.discounts, "_make", late)
    with pytest.raises(Declined, match="code_taken"):
        await bench.discounts.grant(CODE, KEY)
    assert len(bench.store.deals.nodes) == 1


async def test_a_discount_that_got_another_code_is_found_by_its_tag_and_withdrawn(bench: Bench) -> None:
    await bench.discounts.grant(CODE, KEY)
    (node,) = bench.store.deals.nodes
    node["discount"]["codes"][0]["code"] = "OTHER"
    node["discount"]["asyncUsageCount"] = 41
    was = await bench.discounts.withdraw(CODE, KEY)
    assert was is not None
    assert (was.discount.code, was.used) == ("OTHER", 41)
    assert bench.store.deals.nodes == []


@pytest.mark.parametrize("wanted", [CODE, BASKET], ids=["code", "basket"])
async def test_a_discount_whose_number_is_known_is_withdrawn_without_looking_through_lists(
    bench: Bench, wanted: Discount
) -> None:
    number = (await bench.discounts.grant(wanted, KEY)).id
    for each in range(120):
        bench.store.deals.offer(f"CODE-{each}", "0.05", "LAMP-XL")
    node = bench.store.deals.nodes[0]["discount"]
    node |= {"tags": [], "asyncUsageCount": 41}  # somebody took our tag off: it is ours all the same
    bench.store.asked.clear()
    was = await bench.discounts.withdraw(wanted, KEY, number)
    assert was is not None
    assert (was.used, len(bench.store.deals.nodes)) == (41, 120)
    assert await bench.discounts.granted(wanted, KEY, number) is None
    assert await bench.discounts.withdraw(wanted, KEY, number) is None
    assert {name for name, _ in bench.store.asked}.isdisjoint({"Newest", "CodeOf"})


async def test_what_the_shop_says_is_wrong_is_told(bench: Bench) -> None:
    with pytest.raises(Declined, match="Ends at needs to be after"):
        await bench.discounts.grant(dataclasses.replace(CODE, ends_at=NOW - timedelta(days=1)), KEY)
    bench.store.sell("LAMP", "Another lamp", "1.00")
    with pytest.raises(Declined, match="several variants"):
        await bench.discounts.grant(CODE, KEY)


async def test_an_app_without_the_scope_is_said_by_the_check_before_a_discount_is_tried(bench: Bench) -> None:
    bench.store.scopes -= {"read_discounts", "write_discounts"}
    (check,) = await bench.discounts.check()
    assert (check.verdict, "write_discounts" in check.detail) == ("warn", True)
    with pytest.raises(Declined, match="Access denied"):
        await bench.discounts.grant(CODE, KEY)
    assert bench.store.deals.nodes == []
