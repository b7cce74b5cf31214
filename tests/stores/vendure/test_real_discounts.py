"""What a real Vendure 3.7.3 makes of our discounts: what its buyers pay, and what it does not hinder."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from bot.domain.discount import NEVER, Discount
from bot.errors import Declined
from bot.stores.vendure import VendureDiscounts
from tests.stores.vendure.conftest import superadmin
from tests.stores.vendure.real import RealStore
from tests.stores.vendure.test_real import key_of

pytestmark = pytest.mark.real_store

NOW = datetime.now(UTC).replace(microsecond=0)


def given(sku: str, code: str = "", share: str = "0.2") -> Discount:
    """A discount that runs now and ends in an hour."""
    return Discount((sku,), Decimal(share), code, NOW, NOW + timedelta(hours=1), f"{sku} (R-1)")


async def test_a_code_takes_its_share_off_its_variant_alone_until_it_is_withdrawn(
    real: RealStore, real_url: str
) -> None:
    kettle, pan = await real.sell("D-KETTLE", 2500), await real.sell("D-PAN", 1000)
    discounts = VendureDiscounts("shop", superadmin(real_url))
    assert [check.verdict for check in await discounts.check()] == ["ok"]
    wanted = given("D-KETTLE", "KETTLE-20")
    assert not await discounts.taken("KETTLE-20")
    told = await discounts.grant(wanted, "kettle")
    assert wanted.differs(told.discount) is None
    assert await discounts.granted(wanted, "kettle") == told == await discounts.grant(wanted, "kettle")
    assert await real.basket(kettle) == 2500
    assert await real.basket(kettle, "kettle-20") == 2000
    assert await real.basket(pan, "KETTLE-20") == 1000
    assert await discounts.taken("kettle-20")
    assert await discounts.withdraw(wanted, "kettle") == told
    assert await discounts.granted(wanted, "kettle") is None
    assert await discounts.withdraw(wanted, "kettle") is None
    with pytest.raises(AssertionError, match="COUPON_CODE_INVALID_ERROR"):
        await real.basket(kettle, "KETTLE-20")
    await discounts.grant(wanted, "kettle again")  # its code is free again
    assert await real.basket(kettle, "KETTLE-20") == 2000
    await discounts.close()


async def test_what_comes_off_in_the_basket_needs_no_code(real: RealStore, real_url: str) -> None:
    tray, fork = await real.sell("D-TRAY", 1000), await real.sell("D-FORK", 300)
    discounts = VendureDiscounts("shop", superadmin(real_url))
    wanted = given("D-TRAY", share="0.1234")
    assert wanted.differs((await discounts.grant(wanted, "tray")).discount) is None
    assert (await real.basket(tray), await real.basket(fork)) == (877, 300)  # 876.6
    await discounts.withdraw(wanted, "tray")
    assert await real.basket(tray) == 1000
    await discounts.close()


async def test_it_ends_by_itself_and_begins_not_before_its_start(real: RealStore, real_url: str) -> None:
    number = await real.sell("D-VASE", 1000)
    discounts = VendureDiscounts("shop", superadmin(real_url))
    over = dataclasses.replace(given("D-VASE"), starts_at=NOW - timedelta(hours=2), ends_at=NOW - timedelta(hours=1))
    await discounts.grant(over, "over")
    assert await real.basket(number) == 1000
    early = dataclasses.replace(given("D-VASE"), starts_at=NOW + timedelta(minutes=30))
    await discounts.grant(early, "early")
    assert await real.basket(number) == 1000
    await discounts.close()


async def test_a_code_that_vendure_would_let_two_promotions_have_is_refused(real: RealStore, real_url: str) -> None:
    number = await real.sell("D-LADLE", 1000)
    theirs = await real.offer("Ladle_5", 5, number)
    await real.offer("LADLEX5", 5, number)  # an underscore stands for any sign in some databases
    discounts = VendureDiscounts("shop", superadmin(real_url))
    wanted = given("D-LADLE", "LADLE_5")
    assert await discounts.taken("LADLE_5")
    assert not await discounts.taken("LADLE")
    with pytest.raises(Declined, match="code_taken"):
        await discounts.grant(wanted, "ladle")
    assert await discounts.granted(wanted, "ladle") is None
    assert await discounts.withdraw(wanted, "ladle") is None
    assert (await real.ask("query ($id: ID!) { promotion(id: $id) { couponCode } }", id=theirs)) == {
        "couponCode": "Ladle_5"
    }
    await discounts.close()


async def test_what_somebody_changed_is_told_as_it_stands(real: RealStore, real_url: str) -> None:
    await real.sell("D-WOK", 1000)
    discounts = VendureDiscounts("shop", superadmin(real_url))
    wanted = given("D-WOK", "WOK-20")
    told = await discounts.grant(wanted, "wok")
    change = "mutation ($p: UpdatePromotionInput!) { updatePromotion(input: $p) { ... on Promotion { id } } }"
    await real.ask(change, p={"id": told.id, "endsAt": None, "couponCode": "WOK-30"})
    found = await discounts.granted(wanted, "wok")
    assert found is not None
    assert (found.discount.ends_at, found.discount.code) == (NEVER, "WOK-30")
    await real.ask(change, p={"id": told.id, "actions": []})
    bare = await discounts.granted(wanted, "wok")
    assert bare is not None
    assert bare.discount.share == 0
    await discounts.withdraw(wanted, "wok")
    assert await discounts.granted(wanted, "wok") is None
    await discounts.close()


async def test_what_its_staff_copy_bears_our_key_and_is_let_alone(real: RealStore, real_url: str) -> None:
    number = await real.sell("D-BELL", 1000)
    discounts = VendureDiscounts("shop", superadmin(real_url))
    wanted = given("D-BELL")
    told = await discounts.grant(wanted, "bell")
    copy = (
        'mutation ($id: ID!) { duplicateEntity(input: {entityName: "Promotion", entityId: $id, duplicatorInput:'
        ' {code: "promotion-duplicator", arguments: []}}) { ... on DuplicateEntitySuccess { newEntityId } } }'
    )
    copied = (await real.ask(copy, id=told.id))["newEntityId"]
    kept = await real.ask("query ($id: ID!) { promotion(id: $id) { name customFields { stocktideKey } } }", id=copied)
    assert (kept["name"], kept["customFields"]["stocktideKey"] != "") == (f"{wanted.name} (copy)", True)
    change = "mutation ($p: UpdatePromotionInput!) { updatePromotion(input: $p) { ... on Promotion { id } } }"
    theirs = {"id": copied, "enabled": True, "translations": [{"languageCode": "en", "name": "Bells for spring"}]}
    await real.ask(change, p=theirs)
    assert await discounts.granted(wanted, "bell", told.id) == told == await discounts.grant(wanted, "bell")
    await discounts.withdraw(wanted, "bell", told.id)
    assert await discounts.granted(wanted, "bell", told.id) is None
    assert await real.basket(number) == 800  # theirs goes on
    await discounts.close()


async def test_what_was_made_to_come_off_more_seldom_is_told(real: RealStore, real_url: str) -> None:
    await real.sell("D-GONG", 1000)
    discounts = VendureDiscounts("shop", superadmin(real_url))
    wanted = given("D-GONG", "GONG-20")
    told = await discounts.grant(wanted, "gong")
    change = "mutation ($p: UpdatePromotionInput!) { updatePromotion(input: $p) { ... on Promotion { id } } }"
    least = {"name": "amount", "value": "9000"}, {"name": "taxInclusive", "value": "false"}
    for changed, words in (
        ({"usageLimit": 3}, "its uses are limited to 3"),
        (
            {"usageLimit": None, "conditions": [{"code": "minimum_order_amount", "arguments": list(least)}]},
            "it comes off on other conditions",
        ),
    ):
        await real.ask(change, p={"id": told.id, **changed})
        found = await discounts.granted(wanted, "gong", told.id)
        assert found is not None
        assert found.differs == words
    await discounts.close()


async def test_a_role_that_may_not_make_promotions_is_said_by_the_check(real: RealStore, real_url: str) -> None:
    await real.sell("D-SPOON", 1000)
    key = await key_of(real, "shopkeeper", "ReadCatalog", "ReadPromotion")
    poor = VendureDiscounts("shop", superadmin(real_url, token=key, user="", secret=""))
    (check,) = await poor.check()
    assert (check.verdict, "CreatePromotion" in check.detail) == ("warn", True)
    with pytest.raises(Declined, match="FORBIDDEN"):
        await poor.grant(given("D-SPOON", "SPOON"), "spoon")
    await poor.close()
    key = await key_of(real, "maker", "ReadCatalog", "ReadPromotion", "CreatePromotion", "DeletePromotion")
    maker = VendureDiscounts("shop", superadmin(real_url, token=key, user="", secret=""))
    assert [check.verdict for check in await maker.check()] == ["ok"]
    await maker.grant(given("D-SPOON", "SPOON"), "spoon")
    await maker.withdraw(given("D-SPOON", "SPOON"), "spoon")
    await maker.close()
