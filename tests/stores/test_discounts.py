"""What every store's discounts promise, against a running store."""

from __future__ import annotations

import dataclasses
import socket
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from bot.domain.discount import Discount
from bot.errors import Declined, OutsideError, Unanswered, Unreached
from bot.stores import DISCOUNTS, STORES
from tests.stores.conftest import LANTERN, MUG, Till
from tests.stores.offers import FAR, Stands

NOW = datetime(2011, 11, 21, 9, tzinfo=UTC)
FRIDAY = datetime(2011, 11, 25, 15, 59, tzinfo=UTC)
MUCH_LATER = datetime(2040, 11, 21, 9, tzinfo=UTC)  # than the real clock of a real store, too
KEY = "promotion:R-1:start"
CODE = Discount((LANTERN,), Decimal("0.2"), "SUMMER-20", NOW, FRIDAY, "Lantern -20% (R-1)")
BASKET = dataclasses.replace(CODE, code="")


def test_every_store_with_discounts_has_prices_too() -> None:
    assert set(DISCOUNTS) < set(STORES)
    assert "amazon" not in DISCOUNTS


async def test_a_code_takes_its_share_off_its_product_until_its_end(till: Till) -> None:
    told = await till.discounts.grant(CODE, KEY)
    assert CODE.differs(told.discount) is None
    assert await till.discounts.granted(CODE, KEY) == told
    (stands,) = await till.standing()
    assert stands == Stands(stands.code, Decimal("0.2"), (LANTERN,), FRIDAY)
    assert stands.code.upper() == "SUMMER-20"


async def test_what_comes_off_in_the_basket_needs_no_code_or_is_declined(till: Till) -> None:
    if "basket" not in till.discounts.ways:
        with pytest.raises(Declined, match="no_basket"):
            await till.discounts.grant(BASKET, KEY)
        assert await till.standing() == []
        return
    told = await till.discounts.grant(BASKET, KEY)
    assert BASKET.differs(told.discount) is None
    assert await till.standing() == [Stands("", Decimal("0.2"), (LANTERN,), FRIDAY)]
    assert await till.discounts.grant(BASKET, KEY) == told
    assert await till.discounts.granted(BASKET, KEY) == told
    await till.discounts.withdraw(BASKET, KEY)
    assert await till.standing() == []
    assert await till.discounts.granted(BASKET, KEY) is None


async def test_a_share_in_hundredths_of_a_per_cent_and_a_quoted_sku_are_kept_exactly(till: Till) -> None:
    wanted = dataclasses.replace(CODE, share=Decimal("0.1234"), skus=(MUG,))
    assert wanted.differs((await till.discounts.grant(wanted, KEY)).discount) is None
    assert [(each.share, each.skus) for each in await till.standing()] == [(Decimal("0.1234"), (MUG,))]


async def test_the_same_key_makes_one_discount(till: Till) -> None:
    first = await till.discounts.grant(CODE, KEY)
    assert await till.discounts.grant(CODE, KEY) == first
    assert len(await till.standing()) == 1


async def test_another_discount_under_a_known_key_is_told_as_it_stands_and_none_is_made(till: Till) -> None:
    assert (await till.discounts.grant(CODE, KEY)).differs == ""
    told = await till.discounts.grant(dataclasses.replace(CODE, share=Decimal("0.3")), KEY)
    assert "it takes off 20" in told.differs
    assert [each.share for each in await till.standing()] == [Decimal("0.2")]


async def test_a_code_of_somebody_else_is_neither_taken_over_nor_withdrawn(till: Till) -> None:
    assert not await till.discounts.taken("SUMMER-20")
    await till.offer("summer-20", "0.05", MUG)
    theirs = await till.standing()
    assert await till.discounts.taken("SUMMER-20")
    with pytest.raises(Declined, match="code_taken"):
        await till.discounts.grant(CODE, KEY)
    assert await till.discounts.granted(CODE, KEY) is None
    assert await till.discounts.withdraw(CODE, KEY) is None
    assert await till.standing() == theirs
    assert theirs[0].ends_at == FAR


async def test_a_code_of_our_own_under_another_key_is_taken_as_well(till: Till) -> None:
    await till.discounts.grant(CODE, "promotion:R-7:start")
    with pytest.raises(Declined, match="code_taken"):
        await till.discounts.grant(CODE, KEY)
    assert await till.discounts.withdraw(CODE, KEY) is None
    assert len(await till.standing()) == 1


async def test_what_was_withdrawn_is_gone_and_its_code_may_be_used_again(till: Till) -> None:
    await till.discounts.grant(CODE, KEY)
    was = await till.discounts.withdraw(CODE, KEY)
    assert was is not None
    assert was.used in {0, None}  # some do not tell
    assert await till.standing() == []
    assert await till.discounts.granted(CODE, KEY) is None
    assert await till.discounts.withdraw(CODE, KEY) is None
    assert not await till.discounts.taken("SUMMER-20")
    later = dataclasses.replace(CODE, starts_at=NOW + timedelta(days=1))
    await till.discounts.grant(later, "promotion:R-2:start")
    assert len(await till.standing()) == 1


async def test_what_was_granted_is_withdrawn_by_the_number_that_was_told_and_nothing_else_is(till: Till) -> None:
    await till.offer("theirs", "0.05", MUG)
    number = (await till.discounts.grant(CODE, KEY)).id
    assert await till.discounts.granted(CODE, KEY, number) is not None
    was = await till.discounts.withdraw(CODE, KEY, number)
    assert was is not None
    assert was.id == number
    assert [each.code.casefold() for each in await till.standing()] == ["theirs"]
    assert await till.discounts.granted(CODE, KEY, number) is None
    assert await till.discounts.withdraw(CODE, KEY, number) is None


async def test_an_older_one_under_the_same_key_is_another_databases_and_left_alone(till: Till) -> None:
    """A test's database begins its numbers anew: what it made once stands under the keys of ours."""
    if till.kind == "local":
        pytest.skip("the sandbox's store and its database are one")
    await till.discounts.grant(BASKET if "basket" in till.discounts.ways else CODE, KEY)
    later = dataclasses.replace(CODE, code="AUTUMN-40", starts_at=MUCH_LATER, ends_at=MUCH_LATER + timedelta(days=3))
    assert await till.discounts.granted(later, KEY) is None
    assert await till.discounts.withdraw(later, KEY) is None
    assert len(await till.standing()) == 1


async def test_a_discount_that_somebody_changed_is_told_as_it_stands_and_still_withdrawn(till: Till) -> None:
    await till.discounts.grant(CODE, KEY)
    await till.bend("0.9")
    found = await till.discounts.granted(CODE, KEY)
    assert found is not None
    assert "it takes off 90" in found.differs
    await till.discounts.withdraw(CODE, KEY)
    assert await till.standing() == []


async def test_what_the_store_does_not_sell_gets_no_discount(till: Till) -> None:
    with pytest.raises(Declined, match="unknown_sku"):
        await till.discounts.grant(dataclasses.replace(CODE, skus=("NOPE",)), KEY)
    assert await till.standing() == []


@pytest.mark.parametrize("ours", ["MUG-BLUE", "BM-01"])
async def test_a_discount_is_on_the_stores_own_variants_whatever_their_sku_is_here(till: Till, ours: str) -> None:
    """Our SKUs are upper case, and a person may have said that it is a product of ours with another SKU."""
    codes = tuple(filter(None, (await till.sell("Mug-Blue"), await till.sell("Mug-Blue-2"))))
    if not codes and ours == "BM-01":
        pytest.skip("it has no codes: there is nothing that a person could have named")
    wanted = dataclasses.replace(CODE, skus=(ours,), variants=codes)
    told = await till.discounts.grant(wanted, KEY)
    assert told.differs == ""
    assert await till.discounts.granted(wanted, KEY) == told
    (stands,) = await till.standing()
    assert sorted(stands.skus) == (["Mug-Blue", "Mug-Blue-2"] if codes else ["MUG-BLUE"])
    if codes:
        other = dataclasses.replace(wanted, variants=codes[:1])
        found = await till.discounts.granted(other, KEY)
        assert found is not None
        assert "it is on" in found.differs
    await till.discounts.withdraw(wanted, KEY, told.id)
    assert await till.standing() == []


async def test_a_variant_that_is_gone_gets_no_discount_though_another_bears_its_sku(till: Till) -> None:
    if till.kind == "local":
        pytest.skip("it has no codes")
    with pytest.raises(Declined, match="unknown_sku"):
        await till.discounts.grant(dataclasses.replace(CODE, variants=("99999999",)), KEY)
    assert await till.standing() == []


async def test_an_answer_that_was_lost_is_unanswered_and_found_again(till: Till) -> None:
    till.store.faults.add("grant", "drop_after_reading")
    with pytest.raises(Unanswered):
        await till.discounts.grant(CODE, KEY)
    found = await till.discounts.granted(CODE, KEY)
    assert found is not None
    assert CODE.differs(found.discount) is None
    assert len(await till.standing()) == 1


@pytest.mark.parametrize("mode", ["drop_before_applying", "500"])
async def test_a_discount_that_may_have_been_made_is_unanswered(till: Till, mode: str) -> None:
    till.store.faults.add("grant", mode)
    with pytest.raises(Unanswered):
        await till.discounts.grant(CODE, KEY)
    assert await till.discounts.granted(CODE, KEY) is None
    assert await till.standing() == []


async def test_a_withdrawal_whose_answer_was_lost_is_found_to_have_happened(till: Till) -> None:
    await till.discounts.grant(CODE, KEY)
    till.store.faults.add("withdraw", "drop_after_reading")
    with pytest.raises(Unanswered):
        await till.discounts.withdraw(CODE, KEY)
    assert await till.discounts.granted(CODE, KEY) is None
    till.store.faults.add("withdraw", "drop_before_applying")
    await till.discounts.grant(CODE, "k2")
    with pytest.raises(Unanswered):
        await till.discounts.withdraw(CODE, "k2")
    assert await till.discounts.granted(CODE, "k2") is not None


async def test_a_store_that_asks_to_come_again_was_not_reached(till: Till) -> None:
    till.store.faults.add("*", "429:1", 4)
    for call in (till.discounts.grant, till.discounts.granted, till.discounts.withdraw):
        with pytest.raises(Unreached):
            await call(CODE, KEY)
    with pytest.raises(Unreached):
        await till.discounts.taken("SUMMER-20")
    assert await till.standing() == []


@pytest.mark.parametrize("mode", ["drop_after_reading", "500"])
async def test_reading_again_is_always_safe(till: Till, mode: str) -> None:
    till.store.faults.add("*", mode, 2)
    with pytest.raises(Unreached):
        await till.discounts.granted(CODE, KEY)
    with pytest.raises(Unreached):
        await till.discounts.taken("SUMMER-20")


async def test_no_discount_is_ever_sent_twice(till: Till) -> None:
    for mode in ("drop_after_reading", "drop_before_applying", "500", "429:1"):
        till.store.faults.add("grant", mode)
        with pytest.raises(OutsideError):
            await till.discounts.grant(dataclasses.replace(CODE, code=f"CODE-{len(mode)}"), f"k:{mode}")
    assert len([call for call in till.store.calls if call[0] == "grant"]) == 4


async def test_a_store_that_is_not_there_was_not_reached(till: Till) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    away = till.connect(f"http://127.0.0.1:{port}", "x")
    with pytest.raises(Unreached):
        await away.grant(CODE, KEY)
    assert {check.verdict for check in await away.check()} <= {"fail", "warn"}


async def test_a_wrong_token_is_declined_and_the_check_says_so_without_telling_it(till: Till) -> None:
    assert {check.verdict for check in await till.discounts.check()} == {"ok"}
    wrong = till.connect(till.url, "wrong-token")
    with pytest.raises(Declined, match="401"):
        await wrong.taken("SUMMER-20")
    (check,) = await wrong.check()
    assert check.verdict in {"fail", "warn"}
    assert "401" in check.detail
    assert "wrong-token" not in str(check)
