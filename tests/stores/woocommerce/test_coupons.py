"""Coupons of a shop: what it drops with a 201 is found, and nothing that is not ours is touched."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from bot.domain.discount import Discount
from bot.errors import Declined, Unanswered
from bot.stores.woocommerce import WooCoupons, coupons
from tests.stores.woocommerce.conftest import Woo

NOW = datetime(2011, 11, 21, 9, tzinfo=UTC)
GIVEN = Discount(("LAMP",), Decimal("0.2"), "SUMMER20", NOW, datetime(2011, 11, 25, 15, 59, tzinfo=UTC), "Lamp -20%")
KEY = "promotion:R-1:start"


@pytest.fixture
def box(woo: Woo) -> WooCoupons:
    """The coupons of a shop with a lamp and a shirt of two sizes."""
    woo.shop.put(sku="LAMP", regular_price="12.00")
    shirt = woo.shop.put(type="variable", sku="SHIRT")
    woo.shop.vary(shirt, sku="SHIRT-M")
    woo.shop.vary(shirt, sku="SHIRT-L")
    return WooCoupons("shop", woo.part())


async def test_an_end_as_the_field_that_the_shop_ignores_is_found_and_the_coupon_deleted(
    woo: Woo, box: WooCoupons, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = coupons._body

    def naive(*given: Any) -> dict[str, Any]:
        sent = body(*given)
        end = sent.pop("date_expires")
        return {**sent, "date_expires_gmt": end.removesuffix("Z")}

    monkeypatch.setattr(coupons, "_body", naive)
    with pytest.raises(Declined, match="it never ends; it is deleted again"):
        await box.grant(GIVEN, KEY)
    assert woo.shop.coupons.rows == {}


async def test_an_end_without_a_zone_would_be_the_shops_own_time_and_is_found(
    woo: Woo, box: WooCoupons, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = coupons._body
    monkeypatch.setattr(
        coupons, "_body", lambda *given: (sent := body(*given)) | {"date_expires": sent["date_expires"].rstrip("Z")}
    )
    with pytest.raises(Declined, match="it ends at 2011-11-25T07:59"):  # the shop stands in Shanghai
        await box.grant(GIVEN, KEY)
    assert woo.shop.coupons.rows == {}


@pytest.mark.parametrize(
    ("stuck", "words"),
    [
        ({"date_expires": None}, "never ends"),
        ({"product_ids": []}, "it is on everything"),
        ({"amount": "50"}, r"takes off 50"),
        ({"discount_type": "fixed_cart"}, r"takes off 0"),
        ({"individual_use": False}, "beside other coupons"),
        ({"status": "draft"}, "not published"),
    ],
)
async def test_what_a_plugin_makes_of_a_coupon_is_found_and_the_coupon_deleted(
    woo: Woo, box: WooCoupons, stuck: dict[str, Any], words: str
) -> None:
    woo.shop.coupons.stuck = stuck
    with pytest.raises(Declined, match=words):
        await box.grant(GIVEN, KEY)
    assert woo.shop.coupons.rows == {}


async def test_a_wrong_coupon_that_cannot_be_deleted_is_a_question_and_told_as_it_stands(
    woo: Woo, box: WooCoupons
) -> None:
    woo.shop.coupons.stuck = {"amount": "50"}
    woo.shop.faults.add("withdraw", "500")
    with pytest.raises(Unanswered, match="takes off 50"):
        await box.grant(GIVEN, KEY)
    found = await box.granted(GIVEN, KEY)
    assert found is not None
    assert found.discount.share == Decimal("0.5")


async def test_a_variation_alone_gets_the_discount_and_a_product_of_variations_none(woo: Woo, box: WooCoupons) -> None:
    told = await box.grant(dataclasses.replace(GIVEN, skus=("SHIRT-L",)), KEY)
    (row,) = woo.shop.coupons.rows.values()
    assert [woo.shop.variations[number]["sku"] for number in row["product_ids"]] == ["SHIRT-L"]
    assert told.discount.skus == ("SHIRT-L",)
    with pytest.raises(Declined, match="variations"):
        await box.grant(dataclasses.replace(GIVEN, skus=("SHIRT",)), "k2")


async def test_a_coupon_that_somebody_gave_another_code_is_found_by_its_record_and_withdrawn(
    woo: Woo, box: WooCoupons
) -> None:
    await box.grant(GIVEN, KEY)
    for number in range(120):  # more than a page
        woo.shop.coupons.offer(f"THEIRS-{number}", "0.05", "LAMP")
    next(iter(woo.shop.coupons.rows.values()))["code"] = "renamed"
    found = await box.granted(GIVEN, KEY)
    assert found is not None
    assert str(GIVEN.differs(found.discount)) == "its code is RENAMED"
    await box.withdraw(GIVEN, KEY)
    assert len(woo.shop.coupons.rows) == 120


async def test_a_coupon_whose_number_is_known_is_withdrawn_without_looking_through_lists(
    woo: Woo, box: WooCoupons
) -> None:
    number = (await box.grant(GIVEN, KEY)).id
    (row,) = woo.shop.coupons.rows.values()
    row |= {"code": "renamed", "meta_data": [], "usage_count": 41}  # an export and import drops our record
    woo.shop.calls.clear()
    was = await box.withdraw(GIVEN, KEY, number)
    assert was is not None
    assert (was.discount.code, was.used) == ("RENAMED", 41)
    assert woo.shop.coupons.rows == {}
    assert await box.withdraw(GIVEN, KEY, number) is None
    assert not [call for call in woo.shop.calls if call[1].endswith("/coupons")]


async def test_a_coupon_of_the_same_key_and_another_start_is_of_another_database(woo: Woo, box: WooCoupons) -> None:
    await box.grant(GIVEN, KEY)
    later = dataclasses.replace(GIVEN, starts_at=GIVEN.starts_at + timedelta(hours=1))
    assert await box.granted(later, KEY) is None
    assert await box.withdraw(later, KEY) is None
    with pytest.raises(Declined, match="code_taken"):
        await box.grant(later, KEY)
    assert len(woo.shop.coupons.rows) == 1


async def test_a_coupon_in_the_bin_is_gone(woo: Woo, box: WooCoupons) -> None:
    number = (await box.grant(GIVEN, KEY)).id
    woo.shop.coupons.rows[int(number)]["status"] = "trash"
    assert await box.granted(GIVEN, KEY, number) is None


async def test_a_coupon_that_somebody_lets_be_used_beside_others_is_told_to_differ(woo: Woo, box: WooCoupons) -> None:
    await box.grant(GIVEN, KEY)
    next(iter(woo.shop.coupons.rows.values()))["individual_use"] = False
    for found in (await box.granted(GIVEN, KEY), await box.grant(GIVEN, KEY)):
        assert found is not None
        assert found.differs == "it can be used beside other coupons"


async def test_coupons_older_than_ours_could_be_are_not_looked_through(woo: Woo, box: WooCoupons) -> None:
    for number in range(250):
        woo.shop.coupons.offer(f"THEIRS-{number}", "0.05", "LAMP")
    for row in woo.shop.coupons.rows.values():
        row["date_created_gmt"] = "2011-11-20T08:59:59"
    before = len(woo.shop.calls)
    assert await box.granted(GIVEN, KEY) is None
    assert len(woo.shop.calls) == before + 2  # by its code, and what was made since


async def test_uses_are_told_when_it_is_withdrawn(woo: Woo, box: WooCoupons) -> None:
    await box.grant(GIVEN, KEY)
    next(iter(woo.shop.coupons.rows.values()))["usage_count"] = 41
    was = await box.withdraw(GIVEN, KEY)
    assert was is not None
    assert was.used == 41


async def test_a_code_that_somebody_made_between_our_look_and_our_write_is_theirs(woo: Woo, box: WooCoupons) -> None:
    looks = 0
    bearing = woo.shop.coupons.bearing

    def seen(code: str) -> list[dict[str, Any]]:
        nonlocal looks
        looks += 1
        if looks == 3:  # we have looked twice: for our key, and whether it is free
            woo.shop.coupons.offer(code, "0.05", "LAMP")
        return bearing(code)

    woo.shop.coupons.bearing = seen  # type: ignore[method-assign]  # the moment between is what is tested
    with pytest.raises(Declined, match="code_taken"):
        await box.grant(GIVEN, KEY)
    assert [row["amount"] for row in woo.shop.coupons.rows.values()] == ["5.00"]


async def test_a_call_that_was_given_up_and_ends_after_our_look_made_the_coupon_that_is_ours(
    woo: Woo, box: WooCoupons, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = (await box.grant(GIVEN, KEY)).id
    made = dict(woo.shop.coupons.rows)
    woo.shop.coupons.rows.clear()
    write = box._api.write

    async def late(*given: Any) -> Any:
        woo.shop.coupons.rows |= made
        return await write(*given)

    monkeypatch.setattr(box._api, "write", late)
    told = await box.grant(GIVEN, KEY)
    assert (told.id, told.differs, len(woo.shop.coupons.rows)) == (number, "", 1)


async def test_the_check_tells_a_key_that_may_only_read_and_a_shop_that_takes_no_coupons(
    woo: Woo, box: WooCoupons
) -> None:
    (check,) = await box.check()
    assert check.verdict == "ok"
    woo.shop.coupons.enabled = "no"
    (check,) = await box.check()
    assert (check.verdict, check.detail) == ("warn", "the shop takes no coupons")
    woo.shop.may_write = False
    (check,) = await box.check()
    assert (check.verdict, "cannot be made" in check.detail) == ("warn", True)
