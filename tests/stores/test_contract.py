"""What every store connector promises, against a running store."""

from __future__ import annotations

import socket

import pytest

from bot.errors import Declined, OutsideError, Unanswered, Unreached
from bot.ports import StorePrice
from tests.stores.conftest import LANTERN, MUG, Counter, pounds


async def nothing_was_written(counter: Counter, key: str) -> None:
    """A store says so where it keeps our keys; another cannot tell, and must not say that it can."""
    if counter.keeps_keys:
        assert await counter.connector.written(key) is None
        return
    with pytest.raises((Unreached, Unanswered)):
        await counter.connector.written(key)


async def test_a_price_is_read_as_the_store_has_it(counter: Counter) -> None:
    told = await counter.connector.price(LANTERN)
    assert told == StorePrice(LANTERN, pounds("2.95"), None, told.revision)
    assert told == await counter.connector.price(LANTERN)
    assert (await counter.connector.price(MUG)).price == pounds("4.25")  # its code is no plain word of an address


async def test_a_price_is_set_with_what_is_struck_through(counter: Counter) -> None:
    before = await counter.connector.price(LANTERN)
    told = await counter.connector.set_price(LANTERN, pounds("2.36"), pounds("2.95"), "promotion:1:start")
    assert told == StorePrice(LANTERN, pounds("2.36"), pounds("2.95"), told.revision)
    assert told.revision != before.revision
    assert await counter.connector.price(LANTERN) == told
    key = "promotion:1:start" if counter.keeps_keys else ""
    assert [(change.key, change.before, change.price) for change in counter.store.changes] == [
        (key, pounds("2.95"), pounds("2.36"))
    ]


async def test_the_same_key_changes_a_price_once_and_gives_the_answer_of_then(counter: Counter) -> None:
    seen = await counter.connector.price(LANTERN)
    first = await counter.connector.set_price(LANTERN, pounds("2.36"), pounds("2.95"), "k1", seen.revision)
    await counter.edit(LANTERN, pounds("3.10"))
    again = await counter.connector.set_price(LANTERN, pounds("2.36"), pounds("2.95"), "k1", seen.revision)
    assert again == first
    assert (await counter.connector.price(LANTERN)).price == pounds("3.10")
    assert len(counter.store.changes) == 2


async def test_another_call_under_a_known_key_is_declined(counter: Counter) -> None:
    await counter.connector.set_price(LANTERN, pounds("2.36"), None, "k1")
    with pytest.raises(Declined, match="key_reused"):
        await counter.connector.set_price(LANTERN, pounds("2.00"), None, "k1")
    assert len(counter.store.changes) == 1


async def test_a_price_that_somebody_changed_meanwhile_is_left_alone(counter: Counter) -> None:
    seen = await counter.connector.price(LANTERN)
    await counter.edit(LANTERN, pounds("3.10"))
    with pytest.raises(Declined, match="revision_changed"):
        await counter.connector.set_price(LANTERN, pounds("2.36"), None, "k1", revision=seen.revision)
    assert (await counter.connector.price(LANTERN)).price == pounds("3.10")
    await nothing_was_written(counter, "k1")


async def test_what_was_written_is_found_by_its_key(counter: Counter) -> None:
    await nothing_was_written(counter, "k1")
    told = await counter.connector.set_price(LANTERN, pounds("2.36"), None, "k1")
    assert await counter.connector.written("k1") == told


async def test_what_a_store_does_not_sell_is_declined(counter: Counter) -> None:
    with pytest.raises(Declined, match="unknown_sku"):
        await counter.connector.price("NOPE")
    with pytest.raises(Declined):
        await counter.connector.set_price(LANTERN, pounds("2.36"), pounds("2.00"), "k1")


@pytest.mark.parametrize("ours", ["MUG-BLUE", "BM-01"])
async def test_a_variant_is_priced_by_the_stores_own_code_whatever_its_sku_is_here(counter: Counter, ours: str) -> None:
    """Our SKUs are upper case, and a person may have said that it is a product of ours with another SKU."""
    code = await counter.sell("Mug-Blue")
    if not code and ours == "BM-01":
        pytest.skip("it has no codes: there is nothing that a person could have named")
    seen = await counter.connector.price(ours, code)
    assert (seen.sku, seen.price) == ("Mug-Blue", pounds("4.25"))
    told = await counter.connector.set_price(ours, pounds("3.40"), pounds("4.25"), "k1", seen.revision, code)
    assert told == await counter.connector.price(ours, code)
    assert await counter.connector.written("k1") == told
    assert await counter.connector.set_price(ours, pounds("3.40"), pounds("4.25"), "k1", seen.revision, code) == told
    assert [(change.before, change.price) for change in counter.store.changes] == [(pounds("4.25"), pounds("3.40"))]
    back = await counter.connector.set_price(ours, pounds("4.25"), None, "k2", told.revision, code)
    assert (back.price, back.compare_at) == (pounds("4.25"), None)


async def test_without_a_code_a_sku_is_found_in_any_case_where_the_store_can_look(counter: Counter) -> None:
    await counter.sell("Mug-Blue")
    if counter.kind in {"amazon", "woocommerce"}:  # they compare themselves, the latter as its database does
        with pytest.raises(Declined, match="unknown_sku"):
            await counter.connector.price("MUG-BLUE")
        return
    assert (await counter.connector.price("MUG-BLUE")).sku == "Mug-Blue"
    await counter.sell("MUG-BLUE")  # of several that are written the same but for the case it is the very one
    if counter.kind in {"shopify", "vendure"}:
        assert (await counter.connector.price("MUG-BLUE")).sku == "MUG-BLUE"


async def test_a_variant_that_is_gone_is_declined_though_another_bears_its_sku(counter: Counter) -> None:
    if counter.kind == "local":
        pytest.skip("it has no codes")
    with pytest.raises(Declined, match="unknown_sku"):
        await counter.connector.price(LANTERN, "99999999")


async def test_an_answer_that_was_lost_is_unanswered_and_found_again(counter: Counter) -> None:
    counter.store.faults.add("set_price", "drop_after_reading")
    with pytest.raises(Unanswered):
        await counter.connector.set_price(LANTERN, pounds("2.36"), None, "k1")
    found = await counter.connector.written("k1")
    assert found is not None
    assert found.price == pounds("2.36")


@pytest.mark.parametrize("mode", ["drop_before_applying", "500"])
async def test_a_change_that_may_have_happened_is_unanswered(counter: Counter, mode: str) -> None:
    counter.store.faults.add("set_price", mode)
    with pytest.raises(Unanswered):
        await counter.connector.set_price(LANTERN, pounds("2.36"), None, "k1")
    await nothing_was_written(counter, "k1")


async def test_a_store_that_asks_to_come_again_was_not_reached(counter: Counter) -> None:
    counter.store.faults.add("*", "429:1", 3)
    with pytest.raises(Unreached):
        await counter.connector.set_price(LANTERN, pounds("2.36"), None, "k1")
    with pytest.raises(Unreached):
        await counter.connector.price(LANTERN)
    with pytest.raises(Unreached if counter.keeps_keys else Unanswered):
        await counter.connector.written("k1")
    assert not counter.store.changes


@pytest.mark.parametrize("mode", ["drop_after_reading", "drop_before_applying", "500"])
async def test_reading_again_is_always_safe(counter: Counter, mode: str) -> None:
    counter.store.faults.add("*", mode, 2)
    with pytest.raises(Unreached):
        await counter.connector.price(LANTERN)
    with pytest.raises(Unreached if counter.keeps_keys else Unanswered):
        await counter.connector.written("k1")


async def test_a_late_answer_is_the_answer(counter: Counter) -> None:
    counter.store.faults.add("set_price", "delay:0.05")
    assert (await counter.connector.set_price(LANTERN, pounds("2.36"), None, "k1")).price == pounds("2.36")


async def test_nothing_is_ever_sent_twice_by_the_connector(counter: Counter) -> None:
    for mode in ("drop_after_reading", "drop_before_applying", "500", "429:1"):
        counter.store.faults.add("set_price", mode)
        with pytest.raises(OutsideError):
            await counter.connector.set_price(LANTERN, pounds("2.36"), None, f"k:{mode}")
    assert len([call for call in counter.store.calls if call[0] == "set_price"]) == 4


async def test_a_store_that_is_not_there_was_not_reached(counter: Counter) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    away = counter.connect(f"http://127.0.0.1:{port}", "x")
    with pytest.raises(Unreached):
        await away.price(LANTERN)
    with pytest.raises(Unreached):
        await away.set_price(LANTERN, pounds("2.36"), None, "k1")
    assert (await away.check())[0].verdict == "fail"


async def test_a_wrong_token_is_declined_and_the_check_says_so_without_telling_it(counter: Counter) -> None:
    assert [check.verdict for check in await counter.connector.check()] == ["ok"]
    wrong = counter.connect(counter.url, "wrong-token")
    with pytest.raises(Declined, match="401"):
        await wrong.price(LANTERN)
    (check,) = await wrong.check()
    assert check.verdict == "fail"
    assert "401" in check.detail
    assert "wrong-token" not in str(check)
