"""Promotions of a shop: what is sent, what it keeps otherwise, and what somebody does to their campaigns."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from bot.domain.discount import Discount
from bot.errors import Declined, Unanswered
from bot.stores.medusa import MedusaDiscounts
from tests.stores.medusa.conftest import Medusa

NOW = datetime(2011, 11, 21, 9, tzinfo=UTC)
BASKET = Discount(("LAMP",), Decimal("0.2"), "", NOW, datetime(2011, 11, 25, 15, 59, tzinfo=UTC), "Lamp -20% (R-1)")
CODE = dataclasses.replace(BASKET, code="SUMMER20")
KEY = "promotion:R-1:start"


@pytest.fixture
def box(medusa: Medusa) -> MedusaDiscounts:
    """The promotions of a shop with a lamp."""
    medusa.shop.vary("LAMP", 12)
    return MedusaDiscounts("shop", medusa.part())


async def test_a_promotion_is_made_with_its_campaign_and_both_are_deleted(medusa: Medusa, box: MedusaDiscounts) -> None:
    await box.grant(CODE, KEY)
    (row,) = medusa.shop.promotions.rows.values()
    assert (row["code"], row["is_automatic"], row["status"], row["type"]) == ("SUMMER20", False, "active", "standard")
    method = row["application_method"]
    assert (method["type"], method["target_type"], method["value"]) == ("percentage", "items", 20)
    (rule,) = method["target_rules"]
    assert (rule["attribute"], rule["operator"]) == ("items.variant_id", "in")
    (campaign,) = medusa.shop.promotions.campaigns.values()
    assert (campaign["name"], campaign["campaign_identifier"]) == ("Lamp -20% (R-1)", f"stocktide:{KEY}")
    assert (campaign["starts_at"], campaign["ends_at"]) == ("2011-11-21T09:00:00+00:00", "2011-11-25T15:59:00+00:00")
    await box.withdraw(CODE, KEY)
    assert (medusa.shop.promotions.rows, medusa.shop.promotions.campaigns) == ({}, {})


async def test_what_comes_off_by_itself_has_a_code_that_nobody_types(medusa: Medusa, box: MedusaDiscounts) -> None:
    told = await box.grant(BASKET, KEY)
    (row,) = medusa.shop.promotions.rows.values()
    assert row["is_automatic"] is True
    assert row["code"].startswith("AUTO-")
    assert told.discount.code == ""
    other = await box.grant(BASKET, "k2")
    assert other.id != told.id


@pytest.mark.parametrize(
    ("kept", "campaign", "words"),
    [
        ({}, {"ends_at": None}, "it never ends"),
        ({}, {"starts_at": "2011-11-23T09:00:00+00:00"}, "it starts at 2011-11-23"),
        ({"status": "draft"}, {}, "it is draft"),
        ({"is_automatic": True}, {}, "it has no code"),
    ],
)
async def test_a_promotion_that_the_shop_kept_otherwise_is_deleted_again(
    medusa: Medusa, box: MedusaDiscounts, kept: dict[str, Any], campaign: dict[str, Any], words: str
) -> None:
    medusa.shop.promotions.kept, medusa.shop.promotions.kept_campaign = kept, campaign
    with pytest.raises(Declined, match=words):
        await box.grant(CODE, KEY)
    assert (medusa.shop.promotions.rows, medusa.shop.promotions.campaigns) == ({}, {})


async def test_one_that_the_shop_does_not_delete_is_a_question_and_found_as_it_stands(
    medusa: Medusa, box: MedusaDiscounts
) -> None:
    medusa.shop.promotions.kept_campaign = {"ends_at": None}
    medusa.shop.promotions.stuck = True
    with pytest.raises(Unanswered, match="never ends"):
        await box.grant(CODE, KEY)
    found = await box.granted(CODE, KEY)
    assert found is not None
    assert str(CODE.differs(found.discount)) == "it never ends"


async def test_a_promotion_whose_campaign_somebody_deleted_never_ends_and_is_still_found_and_withdrawn(
    medusa: Medusa, box: MedusaDiscounts
) -> None:
    await box.grant(CODE, KEY)
    (row,) = medusa.shop.promotions.rows.values()
    medusa.shop.promotions.campaigns.clear()
    row["campaign"] = None
    found = await box.granted(CODE, KEY)
    assert found is not None
    assert str(CODE.differs(found.discount)) == "it never ends"
    await box.withdraw(CODE, KEY)
    assert medusa.shop.promotions.rows == {}


async def test_a_promotion_without_code_campaign_or_key_is_withdrawn_by_the_number_that_the_grant_was_told(
    medusa: Medusa, box: MedusaDiscounts
) -> None:
    number = (await box.grant(CODE, KEY)).id
    medusa.shop.promotions.offer("THEIRS", "0.05", "LAMP")
    row = medusa.shop.promotions.rows[number]
    medusa.shop.promotions.campaigns.pop(row["campaign"]["id"])
    row |= {"code": "OTHER", "campaign": None}
    row["application_method"]["description"] = ""
    assert await box.withdraw(CODE, KEY) is None
    was = await box.withdraw(CODE, KEY, number)
    assert was is not None
    assert was.discount.code == "OTHER"
    assert [each["code"] for each in medusa.shop.promotions.rows.values()] == ["THEIRS"]
    assert await box.granted(CODE, KEY, number) is None


async def test_a_promotion_that_somebody_put_into_our_campaign_keeps_it_and_so_its_end(
    medusa: Medusa, box: MedusaDiscounts
) -> None:
    await box.grant(CODE, KEY)
    (campaign,) = medusa.shop.promotions.campaigns.values()
    medusa.shop.promotions.offer("THEIRS", "0.05", "LAMP")
    theirs = list(medusa.shop.promotions.rows.values())[-1]
    theirs["campaign"] = campaign
    await box.withdraw(CODE, KEY)
    assert [each["code"] for each in medusa.shop.promotions.rows.values()] == ["THEIRS"]
    assert theirs["campaign"] is campaign
    assert await box.withdraw(CODE, KEY) is None  # nor is what is left there taken for ours
    assert len(medusa.shop.promotions.rows) == 1


async def test_a_promotion_that_somebody_made_a_draft_is_told_to_differ(medusa: Medusa, box: MedusaDiscounts) -> None:
    await box.grant(CODE, KEY)
    next(iter(medusa.shop.promotions.rows.values()))["status"] = "draft"
    for found in (await box.granted(CODE, KEY), await box.grant(CODE, KEY)):
        assert found is not None
        assert found.differs == "it is draft, not active"


async def test_a_promotion_that_got_another_code_is_found_by_its_campaign(medusa: Medusa, box: MedusaDiscounts) -> None:
    await box.grant(CODE, KEY)
    (row,) = medusa.shop.promotions.rows.values()
    row |= {"code": "OTHER", "used": 41}
    was = await box.withdraw(CODE, KEY)
    assert was is not None
    assert (was.discount.code, was.used) == ("OTHER", 41)
    assert medusa.shop.promotions.rows == {}


async def test_a_campaign_that_was_left_behind_is_not_in_the_way(medusa: Medusa, box: MedusaDiscounts) -> None:
    await box.grant(CODE, KEY)
    medusa.shop.promotions.rows.clear()
    assert await box.granted(CODE, KEY) is None
    await box.grant(CODE, KEY)
    assert len(medusa.shop.promotions.campaigns) == 1
    assert len(medusa.shop.promotions.rows) == 1


@pytest.mark.parametrize(
    "theirs",
    [
        {"created_at": "2011-11-19T09:00:00.000Z"},
        {"name": "Lamp -20% (R-2)"},
        {"starts_at": "2011-11-20T09:00:00+00:00"},
        {"ends_at": None},
    ],
)
async def test_a_campaign_that_is_not_of_this_very_promotion_is_left_alone_and_said(
    medusa: Medusa, box: MedusaDiscounts, theirs: dict[str, Any]
) -> None:
    await box.grant(CODE, KEY)
    medusa.shop.promotions.rows.clear()
    (campaign,) = medusa.shop.promotions.campaigns.values()
    campaign |= theirs
    with pytest.raises(Declined, match="campaign_taken"):
        await box.grant(CODE, KEY)
    assert await box.withdraw(CODE, KEY) is None
    assert list(medusa.shop.promotions.campaigns.values()) == [campaign]
    assert medusa.shop.promotions.rows == {}


async def test_a_promotion_of_the_same_key_that_was_made_long_before_is_of_another_database(
    medusa: Medusa, box: MedusaDiscounts
) -> None:
    await box.grant(CODE, KEY)
    (row,) = medusa.shop.promotions.rows.values()
    row["created_at"] = "2011-11-19T09:00:00.000Z"
    assert await box.granted(CODE, KEY) is None
    assert await box.withdraw(CODE, KEY) is None
    with pytest.raises(Declined, match="code_taken"):
        await box.grant(CODE, KEY)
    assert list(medusa.shop.promotions.rows.values()) == [row]


async def test_the_same_code_that_somebody_else_has_is_told_by_the_shop_too(
    medusa: Medusa, box: MedusaDiscounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def free(_code: str) -> bool:
        medusa.shop.promotions.offer("SUMMER20", "0.05", "LAMP")  # between our look and our write
        return False

    monkeypatch.setattr(box, "taken", free)
    with pytest.raises(Declined, match="already exists"):
        await box.grant(CODE, KEY)
    assert len(medusa.shop.promotions.rows) == 1


async def test_a_call_that_was_given_up_and_ends_after_our_look_made_the_promotion_that_is_ours(
    medusa: Medusa, box: MedusaDiscounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = (await box.grant(CODE, KEY)).id
    promotions = medusa.shop.promotions
    rows, campaigns = dict(promotions.rows), dict(promotions.campaigns)
    promotions.rows.clear()
    promotions.campaigns.clear()
    write = box._api.write

    async def late(*given: Any) -> Any:
        promotions.rows |= rows
        promotions.campaigns |= campaigns
        return await write(*given)

    monkeypatch.setattr(box._api, "write", late)
    told = await box.grant(CODE, KEY)
    assert (told.id, told.differs, len(promotions.rows)) == (number, "", 1)


async def test_a_rule_of_somebody_elses_is_for_everything_as_far_as_we_know(
    medusa: Medusa, box: MedusaDiscounts
) -> None:
    await box.grant(CODE, KEY)
    (row,) = medusa.shop.promotions.rows.values()
    row["application_method"]["target_rules"][0]["attribute"] = "items.product.id"
    found = await box.granted(CODE, KEY)
    assert found is not None
    assert str(CODE.differs(found.discount)) == "it is on everything"
