"""Prices: accepted is not applied, what Amazon keeps instead is said, and a sale of the seller's own comes back."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.money import Money
from bot.errors import Declined, Unanswered, Unreached
from bot.ports import Call, StorePrice
from bot.services.pricecalls import PriceSetter
from bot.stores.amazon import AmazonPrices
from bot.stores.amazon.markets import MARKETS
from bot.stores.amazon.offers import Offer
from tests.stores.amazon.account import Listing
from tests.stores.amazon.conftest import Amazon


def euros(amount: str) -> Money:
    return Money(Decimal(amount), "EUR")


@pytest.fixture
def lamp(amazon: Amazon) -> Listing:
    """A listing at twelve euros."""
    return amazon.account.sell("LAMP", "Lamp", "12.00")


def submitted(listing: Listing) -> tuple[Any, Any]:
    """The price, and the reduced one with its days."""
    offer = listing.submitted
    reduced = offer["discounted_price"][0]["schedule"][0] if "discounted_price" in offer else None
    return offer["our_price"][0]["schedule"][0]["value_with_tax"], reduced


async def test_a_lower_price_is_a_discount_and_the_price_stays(amazon: Amazon, lamp: Listing) -> None:
    lamp.submitted["minimum_seller_allowed_price"] = [{"schedule": [{"value_with_tax": 7.5}]}]
    lamp.others = [business] = [{**lamp.submitted, "audience": "B2B"}]
    prices = amazon.prices()
    seen = await prices.price("LAMP")
    told = await prices.set_price("LAMP", euros("9.60"), euros("12.00"), "k1", seen.revision)
    assert lamp.others == [business]
    days = {"start_at": "2011-11-21T00:00:00Z", "end_at": "2012-01-20T00:00:00Z"}
    assert submitted(lamp) == (12, {**days, "value_with_tax": 9.6})
    assert lamp.submitted["minimum_seller_allowed_price"]  # what else stands in the offer stays
    assert await prices.price("LAMP") == told
    await prices.set_price("LAMP", euros("12.00"), None, "k2", told.revision)
    assert submitted(lamp) == (12, None)


@pytest.mark.usefixtures("lamp")
async def test_accepted_is_not_applied_until_it_shows(amazon: Amazon) -> None:
    amazon.account.shows_after = 3
    prices = amazon.prices()
    assert (await prices.set_price("LAMP", euros("9.60"), None, "k1")).price == euros("9.60")
    assert amazon.pauses == [1.0, 2.0, 4.0]
    amazon.account.shows_after = 6
    with pytest.raises(Unanswered, match="does not show it yet"):
        await prices.set_price("LAMP", euros("8.00"), None, "k2")
    with pytest.raises(Unreached, match="does not show yet") as caught:
        await prices.written("k2")
    assert caught.value.retry_after == 60
    found = await prices.written("k2")
    assert found is not None
    assert found.price == euros("8.00")
    assert len(amazon.account.patches) == 2


async def test_what_does_not_show_for_an_hour_is_for_a_person(amazon: Amazon, lamp: Listing) -> None:
    amazon.account.shows_after = 99
    prices = amazon.prices()
    with pytest.raises(Unanswered):
        await prices.set_price("LAMP", euros("9.60"), None, "k1")
    amazon.passed += 3600
    with pytest.raises(Unanswered, match="look at the listing"):
        await prices.written("k1")
    assert lamp.shown == "12.00"


async def test_a_restart_tells_by_the_listing_whether_a_call_came_to_its_end(amazon: Amazon, lamp: Listing) -> None:
    """The keys are gone with the process; what the call wants stands in its own row."""
    wanted = {"currency": "EUR", "price_minor": 960, "compare_at_minor": 1200}
    call = Call("k1", "price.set", {"store": "amz", "sku": "LAMP", "wanted": wanted, "revision": ""})
    await PriceSetter({"amz": amazon.prices()}).perform(call)
    again = PriceSetter({"amz": amazon.prices()})
    found = await again.look(call)
    assert found is not None
    assert (found["price_minor"], found["compare_at_minor"], found["verified"]) == (960, 1200, True)
    amazon.account.edit("LAMP", euros("11.00"))
    with pytest.raises(Unanswered, match="no record"):
        await again.look(call)
    assert lamp.shown == "11.0"
    assert len(amazon.account.patches) == 1


async def test_another_process_cannot_tell_and_says_so(amazon: Amazon, lamp: Listing) -> None:
    await amazon.prices().set_price("LAMP", euros("9.60"), None, "k1")
    assert lamp.shown == "9.6"
    with pytest.raises(Unanswered, match="no record"):
        await amazon.prices().written("k1")


async def test_what_amazon_refuses_at_once_is_declined_with_its_reason(amazon: Amazon, lamp: Listing) -> None:
    prices = amazon.prices()
    with pytest.raises(Declined, match="90220: The price is not allowed"):
        await prices.set_price("LAMP", euros("10000.00"), None, "k1")
    assert lamp.shown == "12.00"
    await prices.set_price("LAMP", euros("10.00"), None, "k1")  # the key was not used up


async def test_what_amazon_refuses_later_is_declined_with_its_reason(amazon: Amazon, lamp: Listing) -> None:
    old = {
        "code": "1", "message": "An old one", "severity": "ERROR", "attributeNames": ["purchasable_offer"],
        "categories": [],
    }  # fmt: skip
    lamp.issues = [old]
    amazon.account.shows_after = 50
    prices = amazon.prices()
    with pytest.raises(Unanswered):  # what was wrong before says nothing of our change
        await prices.set_price("LAMP", euros("9.60"), None, "k1")
    lamp.issues = [old, {**old, "code": "8541", "message": "The price is too low"}]
    assert await prices.written("k1") is None
    with pytest.raises(Declined, match=r"kept 12\.00 EUR: 8541: The price is too low"):
        await prices.set_price("LAMP", euros("9.60"), None, "k1")
    assert len(amazon.account.patches) == 1


async def test_a_write_that_cannot_be_read_back_is_unanswered_and_found_later(amazon: Amazon, lamp: Listing) -> None:
    prices = amazon.prices()
    for fault in ("delay:0", "500"):  # the look before the write, and the one after it
        amazon.account.faults.add("getListingsItem", fault)
    with pytest.raises(Unanswered, match="read back"):
        await prices.set_price("LAMP", euros("9.60"), None, "k1")
    for fault in ("delay:0", "error:403"):
        amazon.account.faults.add("getListingsItem", fault)
    with pytest.raises(Unanswered, match="read back"):
        await prices.set_price("LAMP", euros("9.00"), None, "k2")
    found = await prices.written("k2")
    assert found is not None
    assert (found.price, lamp.shown) == (euros("9.00"), "9.0")


async def test_a_sale_of_the_sellers_own_comes_back_with_its_days(amazon: Amazon, lamp: Listing) -> None:
    own = {"start_at": "2011-11-01", "end_at": "2011-12-24", "value_with_tax": 10}
    lamp.submitted["discounted_price"] = [{"schedule": [own]}]
    lamp.shown = "10.00"
    prices = amazon.prices()
    before = await prices.price("LAMP")
    assert (before.price, before.compare_at) == (euros("10.00"), euros("12.00"))
    ours = await prices.set_price("LAMP", euros("8.00"), euros("12.00"), "start", before.revision)
    await prices.set_price("LAMP", euros("7.00"), euros("12.00"), "lower", ours.revision)
    await prices.set_price("LAMP", before.price, before.compare_at, "restore")
    assert submitted(lamp) == (12, own)
    amazon.account.edit("LAMP", euros("14.00"))
    await prices.set_price("LAMP", euros("11.00"), euros("14.00"), "again")
    await prices.set_price("LAMP", euros("14.00"), None, "restore again")
    assert submitted(lamp) == (14, None)


async def test_a_listing_without_an_offer_that_shows_is_asked_as_submitted(amazon: Amazon, lamp: Listing) -> None:
    lamp.shown = None  # out of stock
    prices = amazon.prices()
    assert (await prices.price("LAMP")).price == euros("12.00")
    lamp.submitted = {"marketplace_id": "another", "currency": "EUR", "our_price": []}
    with pytest.raises(Declined, match="no price"):
        await prices.price("LAMP")


async def test_what_is_no_price_is_not_sent(amazon: Amazon, lamp: Listing) -> None:
    prices = amazon.prices()
    for price, compare_at in (("9.60", "9.60"), ("0.00", None)):
        with pytest.raises(Declined, match=r"no_price|too_low"):
            await prices.set_price("LAMP", euros(price), euros(compare_at) if compare_at else None, "k1")
    with pytest.raises(Declined, match="wrong_currency"):
        await prices.set_price("LAMP", Money(Decimal(9), "GBP"), None, "k1")
    assert (amazon.account.patches, lamp.shown) == ([], "12.00")


async def test_the_check_says_what_is_missing(amazon: Amazon) -> None:
    assert (await amazon.prices().check())[0].verdict == "ok"
    nobody = AmazonPrices("amz", amazon.part(seller=""))
    (check,) = await nobody.check()
    assert (check.verdict, "seller" in check.detail) == ("warn", True)
    with pytest.raises(Declined, match="seller"):
        await nobody.price("LAMP")
    (check,) = await AmazonPrices("amz", amazon.part("DE,FR")).check()
    assert (check.verdict, check.detail) == ("fail", "the account does not sell in FR")
    (check,) = await amazon.feed().check()
    assert check.verdict == "ok"


@given(
    st.integers(2, 10**9), st.integers(1, 10**9), st.booleans(), st.sampled_from(["DE", "JP", "SE", "US"]),
)  # fmt: skip
def test_what_is_sent_asks_what_was_wanted(high: int, low: int, reduced: bool, code: str) -> None:  # noqa: FBT001  # drawn
    market = MARKETS[code]
    low = min(low, high - 1)
    price, compare_at = Money.of_minor(low, market.currency), Money.of_minor(high, market.currency)
    at = datetime(2011, 11, 21, 9, tzinfo=UTC)
    listing = {"summaries": [{"marketplaceId": market.id, "productType": "LAMP"}]}
    wanted = Offer.of(listing, "A", market, at).asking(price, compare_at if reduced else None)
    told = Offer.of({**listing, "attributes": {"purchasable_offer": [wanted]}}, "A", market, at).price()
    assert told == StorePrice("A", price, compare_at if reduced else None, told.revision)
