"""Discounts of a channel: what is sent, what the store keeps otherwise, and a store without our plugin."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from bot.domain.discount import Discount
from bot.errors import Declined, Unanswered
from bot.ports import MovableClock
from bot.sandbox.serving import Serving
from bot.settings import StorePart
from bot.stores.vendure import VendureDiscounts
from tests.stores.vendure.shop import VendureShop
from tests.stores.vendure.strict import vendure_app

NOW = datetime(2011, 11, 21, 9, tzinfo=UTC)
END = datetime(2011, 11, 25, 15, 59, tzinfo=UTC)
BASKET = Discount(("LAMP",), Decimal("0.2"), "", NOW, END, "Lamp -20% (R-1)")
CODE = dataclasses.replace(BASKET, code="SUMMER20")
KEY = "promotion:R-1:start"


@dataclass
class Bench:
    """A running store that sells a lamp, and its discounts."""

    shop: VendureShop
    url: str
    discounts: VendureDiscounts


@pytest.fixture
async def bench(clock: MovableClock) -> AsyncIterator[Bench]:
    """One that serves."""
    shop = VendureShop(clock)
    shop.sell("LAMP", 1200)
    serving = Serving(vendure_app(shop))
    url = serving.bind()
    await serving.start()
    part = StorePart(kind="vendure", url=url, token=shop.token, private=True)
    yield Bench(shop, url, VendureDiscounts("shop", part))
    await serving.stop()


async def test_a_code_has_no_condition_and_the_basket_has_the_variant_as_one(bench: Bench) -> None:
    await bench.discounts.grant(CODE, KEY)
    await bench.discounts.grant(BASKET, "k2")
    code, basket = (sent["promotion"] for name, sent in bench.shop.asked if name == "Grant")
    variants = {"name": "productVariantIds", "value": '["1"]'}
    assert (code["couponCode"], code["conditions"]) == ("SUMMER20", [])
    assert basket["couponCode"] is None
    assert basket["conditions"] == [
        {"code": "contains_products", "arguments": [{"name": "minimum", "value": "1"}, variants]}
    ]
    for sent in (code, basket):
        assert sent["actions"] == [
            {"code": "products_percentage_discount", "arguments": [{"name": "discount", "value": "20"}, variants]}
        ]
        assert (sent["startsAt"], sent["endsAt"]) == ("2011-11-21T09:00:00+00:00", "2011-11-25T15:59:00+00:00")
        assert (sent["enabled"], sent["translations"][0]["languageCode"]) == (True, "en")


@pytest.mark.parametrize(
    ("kept", "words"),
    [
        ({"endsAt": None}, "it never ends"),
        ({"enabled": False}, "switched off"),
        ({"actions": [{"code": "order_percentage_discount", "args": []}]}, "on everything"),
        ({"couponCode": "OTHER"}, "its code is OTHER"),
    ],
)
async def test_a_promotion_that_the_store_kept_otherwise_is_deleted_again(
    bench: Bench, kept: dict[str, Any], words: str
) -> None:
    bench.shop.promotions.kept = kept
    with pytest.raises(Declined, match=words):
        await bench.discounts.grant(CODE, KEY)
    assert bench.shop.promotions.nodes == []


async def test_one_that_cannot_be_deleted_is_a_question_and_found_as_it_stands(bench: Bench) -> None:
    bench.shop.promotions.kept = {"endsAt": None}
    bench.shop.stuck_promotions = True
    with pytest.raises(Unanswered, match=r"never ends.*a plugin keeps it"):
        await bench.discounts.grant(CODE, KEY)
    found = await bench.discounts.granted(CODE, KEY)
    assert found is not None
    assert str(CODE.differs(found.discount)) == "it never ends"
    with pytest.raises(Declined, match="a plugin keeps it"):
        await bench.discounts.withdraw(CODE, KEY)
    bench.shop.stuck_promotions = False
    await bench.discounts.withdraw(CODE, KEY)
    assert bench.shop.promotions.nodes == []


async def test_one_that_somebody_switched_off_is_told_to_differ(bench: Bench) -> None:
    await bench.discounts.grant(CODE, KEY)
    bench.shop.promotions.nodes[0]["enabled"] = False
    for found in (await bench.discounts.granted(CODE, KEY), await bench.discounts.grant(CODE, KEY)):
        assert found is not None
        assert found.differs == "it is switched off"


async def _twice(bench: Bench) -> None:
    """As where a call that was given up comes to its end after the next one made its own."""
    (node,) = bench.shop.promotions.nodes
    bench.shop.promotions.nodes.append({**node, "id": bench.shop.new()})


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"usageLimit": 5, "perCustomerUsageLimit": 1}, "its uses are limited to 1"),
        ({"conditions": [{"code": "customer_group", "args": []}]}, "other conditions"),
        ({"conditions": []}, "other conditions"),
        (
            {
                "conditions": [
                    {
                        "code": "contains_products",
                        "args": [
                            {"name": "minimum", "value": "5"}, {"name": "productVariantIds", "value": '["1"]'},
                        ],
                    }
                ]
            },
            "other conditions",
        ),
    ],
)  # fmt: skip
async def test_one_that_comes_off_more_seldom_is_told_to_differ(
    bench: Bench, changed: dict[str, Any], words: str
) -> None:
    await bench.discounts.grant(BASKET, KEY)
    bench.shop.promotions.nodes[0] |= changed
    found = await bench.discounts.granted(BASKET, KEY)
    assert found is not None
    assert words in found.differs


async def test_a_code_that_somebody_tied_to_a_condition_is_told_to_differ(bench: Bench) -> None:
    assert (await bench.discounts.grant(CODE, KEY)).differs == ""
    bench.shop.promotions.nodes[0]["conditions"] = [{"code": "customer_group", "args": []}]
    assert (await bench.discounts.grant(CODE, KEY)).differs == "it comes off on other conditions"


@pytest.mark.parametrize("known", [True, False])
async def test_a_copy_that_somebody_made_bears_our_key_and_is_let_alone(bench: Bench, known: bool) -> None:  # noqa: FBT001  # a parameter of the test
    number = (await bench.discounts.grant(BASKET, KEY)).id
    copied = bench.shop.promotions.copy()
    copied |= {"name": "Ours, for spring", "enabled": True}
    assert (await bench.discounts.grant(BASKET, KEY)).id == number
    found = await bench.discounts.granted(BASKET, KEY, number if known else "")
    assert found is not None
    assert (found.id, found.differs) == (number, "")
    await bench.discounts.withdraw(BASKET, KEY, number if known else "")
    assert bench.shop.promotions.nodes == [copied]
    assert await bench.discounts.granted(BASKET, KEY, number) is None


async def test_one_that_somebody_renamed_is_found_all_the_same(bench: Bench) -> None:
    number = (await bench.discounts.grant(BASKET, KEY)).id
    bench.shop.promotions.nodes[0]["name"] = "Lamps for less"
    for given in ("", number):
        found = await bench.discounts.granted(BASKET, KEY, given)
        assert found is not None
        assert found.id == number
    assert (await bench.discounts.grant(BASKET, KEY)).id == number
    await bench.discounts.withdraw(BASKET, KEY)
    assert bench.shop.promotions.nodes == []


async def test_one_that_stands_twice_is_told_to_differ_and_both_are_withdrawn(bench: Bench) -> None:
    await bench.discounts.grant(BASKET, KEY)
    await _twice(bench)
    found = await bench.discounts.granted(BASKET, KEY)
    assert found is not None
    assert found.differs == "it stands 2 times"
    await bench.discounts.withdraw(BASKET, KEY)
    assert bench.shop.promotions.nodes == []


async def test_one_that_stands_twice_when_it_is_read_back_stands_once_afterwards(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading = bench.discounts._numbered

    async def late(*given: Any) -> Any:
        await _twice(bench)
        return await reading(*given)

    monkeypatch.setattr(bench.discounts, "_numbered", late)
    told = await bench.discounts.grant(BASKET, KEY)
    assert [node["id"] for node in bench.shop.promotions.nodes] == [told.id]


async def test_a_code_that_more_promotions_hold_than_a_page_shows_is_not_said_to_be_free(bench: Bench) -> None:
    for number in range(101):
        bench.shop.promotions.offer(f"ABC{number}", "0.05", "LAMP")
    with pytest.raises(Declined, match="more than 100"):
        await bench.discounts.taken("ABC")


async def test_a_store_without_the_plugin_or_with_an_older_one_says_so(bench: Bench) -> None:
    bench.shop.plugged = False
    with pytest.raises(Declined, match=r"no plugin of ours, or an older one"):
        await bench.discounts.grant(CODE, KEY)
    (check,) = await bench.discounts.check()
    assert (check.verdict, "older" in check.detail, "stocktide.js" in check.remedy) == ("warn", True, True)
    assert bench.shop.promotions.nodes == []


async def test_the_check_makes_nothing_and_misses_each_right(bench: Bench) -> None:
    (check,) = await bench.discounts.check()
    assert check.verdict == "ok"
    for right in ("ReadPromotion", "CreatePromotion", "DeletePromotion"):
        bench.shop.permissions.discard(right)
        (check,) = await bench.discounts.check()
        assert (check.verdict, right in check.detail) == ("warn", True)
        bench.shop.permissions.add(right)
    assert bench.shop.promotions.nodes == []
