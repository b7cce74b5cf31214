"""Lists read to their end: cursors, records that come and go, sessions, channels, errors inside a 200."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.money import Money
from bot.errors import Declined, Unreached
from bot.ports import OrderFact, ProductFact, StockFact
from bot.stores.vendure.client import Terms
from bot.stores.vendure.cursor import OVERLAP, SWEEP_EVERY, SWEPT_BACK, Cursor
from tests.stores.vendure.conftest import NOW, Strict, facts, read, sound
from tests.stores.vendure.shop import CHANNEL, stamp

MOMENTS = st.integers(10**9, 4 * 10**9).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
BEGUN = NOW.replace(microsecond=0)  # the store's clock, as the headers of its answers have it


async def test_an_empty_store_says_until_when_it_speaks(strict: Strict) -> None:
    for kind in strict.feed.kinds:
        (page,) = await read(strict.feed, kind)
        assert (page.facts, page.until) == ((), BEGUN)
        assert Cursor.of(page.cursor) == Cursor(since=BEGUN - OVERLAP, swept=BEGUN)


async def test_a_product_is_told_with_its_price_in_the_channels_currency(strict: Strict) -> None:
    strict.shop.currency = "JPY"
    strict.shop.sell("A", 39800, name="Lamp")
    strict.shop.sell("B", None)
    strict.shop.sell("C", product={"enabled": False})["prices"].insert(0, {"currencyCode": "EUR", "price": 5})
    told = await facts(strict.feed, "products", ProductFact)
    assert [(fact.name, fact.price, fact.active) for fact in told] == [
        ("Lamp", Money(Decimal(398), "JPY"), True), ("B", None, True), ("C", Money(Decimal(3), "JPY"), False),
    ]  # fmt: skip


async def test_counts_are_told_where_the_store_keeps_them(strict: Strict) -> None:
    lamp, unsaid, never = strict.shop.sell("A", trackInventory="TRUE"), strict.shop.sell("B"), strict.shop.sell("C")
    never["trackInventory"] = "FALSE"
    for variant in (lamp, unsaid, never):
        strict.shop.count(variant, 9, 4)
    strict.shop.count(lamp, -3, 2, place="2")  # owed: nothing lies there
    told = await facts(strict.feed, "stock", StockFact)
    assert [(fact.sku, fact.place, fact.on_hand, fact.committed) for fact in told] == [
        ("A", "1", 9, 4), ("A", "2", 0, 5), ("B", "1", 9, 4),
    ]  # fmt: skip
    strict.shop.counted = False
    assert {fact.sku for fact in await facts(strict.feed, "stock", StockFact)} == {"A"}


async def test_a_count_that_is_none_is_set_aside_alone(strict: Strict) -> None:
    lamp = strict.shop.sell("A")
    strict.shop.count(lamp, 9, place="1")
    strict.shop.count(lamp, 8, place="2")
    strict.shop.sell("B")["prices"] = [{"currencyCode": "GBP", "price": 1}]
    (page,) = await read(strict.feed, "stock")
    assert len(page.facts) == 2
    strict.shop.currency = "no currency"
    strict.shop.variants[0]["prices"] = [{"currencyCode": "GBP", "price": 1}]
    with pytest.raises(Unreached):  # the schema knows no such currency, and the strict store says so
        await read(strict.feed, "stock")


@pytest.mark.parametrize("some", [2, 3, 7, 100])
async def test_a_list_is_told_whole_and_once(strict: Strict, monkeypatch: pytest.MonkeyPatch, some: int) -> None:
    monkeypatch.setattr("bot.stores.vendure.reading.MOST", some)
    wanted = [strict.shop.sell(f"S{number}")["id"] for number in range(30)]
    pages = await read(strict.feed, "products")
    assert [fact.code for fact in sound(pages, ProductFact)] == wanted
    assert len({page.cursor for page in pages}) == len(pages)
    assert [page.until for page in pages] == [None] * (len(pages) - 1) + [BEGUN]
    assert [page.anew for page in pages] == [True] + [False] * (len(pages) - 1)
    again = await read(strict.feed, "products", pages[-1].cursor)  # each time all of it
    rest = await read(strict.feed, "products", pages[0].cursor) if len(pages) > 1 else []
    assert (again[0].anew, any(page.anew for page in rest)) == (True, False)
    assert not any(page.anew for page in await read(strict.feed, "orders"))


@pytest.mark.parametrize("gone", [[0], [0, 1, 2], [9], [8, 9], list(range(10)), list(range(30))])
async def test_variants_that_are_deleted_meanwhile_hide_none_of_the_others(
    strict: Strict, monkeypatch: pytest.MonkeyPatch, gone: list[int]
) -> None:
    monkeypatch.setattr("bot.stores.vendure.reading.MOST", 10)
    wanted = [strict.shop.sell(f"S{number}")["id"] for number in range(35)]
    left = [code for at, code in enumerate(wanted) if at not in gone]

    def delete() -> None:
        strict.shop.variants = [each for each in strict.shop.variants if each["id"] in left]

    strict.shop.after_list.append(delete)
    told = {fact.code for fact in await facts(strict.feed, "products", ProductFact)}
    assert told >= {*left}


@pytest.mark.parametrize("pages", [1, 2, 3])
async def test_a_reading_that_broke_off_goes_on_where_it_was(
    strict: Strict, monkeypatch: pytest.MonkeyPatch, pages: int
) -> None:
    monkeypatch.setattr("bot.stores.vendure.reading.MOST", 10)
    orders = [strict.shop.place(strict.shop.line(strict.shop.sell("A"), 1))["id"] for _ in range(35)]
    first = (await read(strict.feed, "orders"))[:pages]
    strict.shop.clock.push(timedelta(hours=5))
    rest = await read(strict.feed, "orders", first[-1].cursor)
    assert [fact.id for fact in sound(first + rest, OrderFact)] == orders
    assert rest[-1].until == BEGUN  # what changed while nothing was read is asked for again
    assert Cursor.of(rest[-1].cursor).since == BEGUN - OVERLAP


async def test_an_order_whose_last_change_precedes_its_placing_is_found_by_either(strict: Strict) -> None:
    (page,) = await read(strict.feed, "orders")
    strict.shop.clock.push(timedelta(hours=2))
    # A basket of yesterday that is paid for now: placing it leaves the date of its last change alone.
    old = strict.shop.place(strict.shop.line(strict.shop.sell("A"), 1), updatedAt=stamp(NOW - timedelta(days=1)))
    found = await facts(strict.feed, "orders", OrderFact, page.cursor)
    assert [fact.id for fact in found] == [old["id"]]
    assert found[0].changed_at == found[0].placed_at == NOW + timedelta(hours=2)


async def test_the_overlap_finds_what_was_dated_a_little_early(strict: Strict) -> None:
    (page,) = await read(strict.feed, "orders")
    early = stamp((NOW - timedelta(seconds=30)).replace(microsecond=0))
    late = strict.shop.place(strict.shop.line(strict.shop.sell("A"), 1), updatedAt=early, orderPlacedAt=early)
    assert [fact.id for fact in await facts(strict.feed, "orders", OrderFact, page.cursor)] == [late["id"]]


async def test_orders_of_the_last_weeks_are_read_again_once_a_day(strict: Strict) -> None:
    line = strict.shop.line(strict.shop.sell("A"), 4)
    order = strict.shop.place(line)
    strict.shop.send(line, 4)
    strict.shop.clock.push(OVERLAP * 2)
    cursor = (await read(strict.feed, "orders"))[-1].cursor
    strict.shop.clock.push(timedelta(hours=1))
    strict.shop.refund(order, line, 1)
    pages = await read(strict.feed, "orders", cursor)
    assert sound(pages, OrderFact) == []
    strict.shop.clock.push(SWEEP_EVERY - timedelta(hours=1))
    pages = await read(strict.feed, "orders", pages[-1].cursor)
    assert [[back.quantity for back in fact.returns] for fact in sound(pages, OrderFact)] == [[1]]
    strict.shop.clock.push(timedelta(hours=1))
    pages = await read(strict.feed, "orders", pages[-1].cursor)
    assert sound(pages, OrderFact) == []
    strict.shop.clock.push(SWEPT_BACK + timedelta(days=1))
    assert await facts(strict.feed, "orders", OrderFact, pages[-1].cursor) == []


async def test_a_token_that_names_another_channel_is_declined(strict: Strict) -> None:
    # While a store has one channel, Vendure answers for it whatever token it is given.
    with pytest.raises(Declined, match=r"options\.channel"):
        await read(strict.another(options={"channel": "of another"}), "products")
    assert await read(strict.another(options={"channel": CHANNEL}), "products")


async def test_a_session_is_begun_once_for_many_calls_and_again_when_it_ended(strict: Strict) -> None:
    feed = strict.another(token="", user=strict.shop.user, secret=strict.shop.password)
    await asyncio.gather(*(feed.places() for _ in range(8)))
    assert strict.shop.begun == 1
    strict.shop.sessions.clear()
    await asyncio.gather(*(feed.places() for _ in range(8)))
    assert strict.shop.begun == 2
    strict.shop.permissions.discard("ReadOrder")
    with pytest.raises(Declined, match="FORBIDDEN"):  # with a new session, too
        await read(feed, "orders")
    assert strict.shop.begun == 3


async def test_wrong_credentials_are_declined_and_not_told(strict: Strict) -> None:
    for wrong in ({"token": "not-the-key"}, {"token": "", "user": "stocktide", "secret": "not-the-password"}):
        feed = strict.another(**wrong)
        with pytest.raises(Declined) as refused:
            await feed.places()
        assert "not-the" not in f"{refused.value!r} {refused.value.detail}"


async def test_a_store_that_gives_no_session_is_named(strict: Strict, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.stores.vendure.client._TOKEN", "another-header")
    with pytest.raises(Declined, match="tokenMethod"):
        await strict.another(token="", user=strict.shop.user, secret=strict.shop.password).places()


async def test_an_error_inside_a_200_is_asked_for_again(strict: Strict) -> None:
    lamp = strict.shop.sell("A")
    lamp["name"] = None  # which may not be null
    strict.shop.after_list.append(lambda: lamp.update(name="A"))
    assert [fact.name for fact in await facts(strict.feed, "products", ProductFact)] == ["A"]
    assert strict.pauses == [1.0]


@pytest.mark.parametrize("broken", [[0], [19], [39], [7, 8], [0, 39]])
async def test_a_record_that_breaks_its_page_inside_the_store_is_set_aside_alone(
    strict: Strict, monkeypatch: pytest.MonkeyPatch, broken: list[int]
) -> None:
    monkeypatch.setattr("bot.stores.vendure.reading.MOST", 20)
    variants = [strict.shop.sell(f"S{number}") for number in range(40)]
    for number in broken:
        variants[number]["name"] = None
    pages = await read(strict.feed, "products")
    told = [fact.code for page in pages for fact in page.facts if isinstance(fact, ProductFact)]
    left = [each["id"] for each in variants if each["name"]]
    assert list(dict.fromkeys(told)) == left
    faults = [fault for page in pages for fault in page.faults]
    assert [fault.where for fault in faults] == [variants[number]["id"] for number in broken]
    assert all("cannot tell" in fault.problem for fault in faults)
    assert pages[-1].until == BEGUN


async def test_a_record_that_was_told_and_breaks_now_does_not_hold_up_the_reading(
    strict: Strict, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.stores.vendure.reading.MOST", 10)
    variants = [strict.shop.sell(f"S{number}") for number in range(25)]
    strict.shop.after_list.append(lambda: variants[9].update(name=None))
    told = await facts(strict.feed, "products", ProductFact)
    assert [fact.code for fact in told] == [each["id"] for each in variants]


async def test_a_store_that_breaks_at_everything_is_not_told_as_empty(
    strict: Strict, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.stores.vendure.reading._MOST_BROKEN", 2)
    for number in range(30):
        strict.shop.sell(f"S{number}")["name"] = None
    with pytest.raises(Unreached):
        await read(strict.feed, "products")
    strict.shop.variants.clear()
    strict.shop.locations[0]["name"] = None
    with pytest.raises(Unreached):
        await strict.feed.places()


async def test_a_busy_store_is_waited_for(strict: Strict) -> None:
    strict.shop.faults.add("variants", "429:7")
    strict.shop.faults.add("variants", "500")
    await read(strict.feed, "products")
    assert strict.pauses[0] == 7.0
    assert len(strict.pauses) == 2


async def test_the_check_names_what_the_role_may_not(strict: Strict) -> None:
    assert [check.verdict for check in await strict.feed.check()] == ["ok"]
    strict.shop.permissions.discard("ReadOrder")
    (check,) = await strict.feed.check()
    assert (check.verdict, check.detail) == ("fail", "its role may not ReadOrder")


@given(
    st.builds(
        Cursor,
        since=st.none() | MOMENTS,
        begun=st.none() | MOMENTS,
        offset=st.integers(0, 10**7),
        last=st.text(max_size=40),
        swept=st.none() | MOMENTS,
    )
)
def test_a_cursor_is_read_as_it_was_written(cursor: Cursor) -> None:
    assert Cursor.of(str(cursor)) == cursor


@given(st.text(max_size=60) | st.sampled_from(['{"since": 1}', "null", "[]", '{"since":"2011-01-01","begun":null}']))
def test_what_is_no_cursor_is_the_beginning(told: str) -> None:
    assert Cursor.of(told) == Cursor()


@given(MOMENTS, st.none() | MOMENTS, st.none() | MOMENTS)
def test_a_reading_begins_once_and_reaches_back_when_it_ends(
    now: datetime, since: datetime | None, swept: datetime | None
) -> None:
    begun = Cursor(since, swept=swept).begin(now)
    assert begun.begin(now + timedelta(days=1)) == begun
    ended = begun.ended()
    assert ended.since == now - OVERLAP
    assert ended.swept == (now if begun.sweeps else swept)
    assert not ended.begin(now + SWEEP_EVERY / 2).sweeps or not begun.sweeps


@given(st.integers(-(10**12), 10**12), st.sampled_from(["GBP", "JPY", "KWD"]), st.integers(2, 4))
def test_an_amount_is_sent_as_it_was_told_where_the_currency_has_so_many_decimals(
    units: int, currency: str, precision: int
) -> None:
    terms = Terms(currency, precision, counted=True)
    money = terms.money(units, currency)
    if currency != "KWD" or precision > 2:
        assert terms.money(terms.units(money), currency) == money
    assert abs(Decimal(units).scaleb(-precision) - money.amount) <= Decimal("0.5")
