"""Lists read to their end: cursors, the shop's zone and clock, rows that come and go, signatures."""

from __future__ import annotations

import json
import random
import time
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import Declined, Unreached
from bot.ports import FactKind, MovableClock, OrderFact, Page, ProductFact, StockFact
from bot.settings import StorePart
from bot.stores.woocommerce.cursor import OVERLAP, Cursor
from bot.stores.woocommerce.reading import instant
from bot.stores.woocommerce.signing import OAuth1, auth_of, signature
from tests.stores.woocommerce.conftest import Woo, facts

MOMENTS = st.integers(10**9, 4 * 10**9).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))


def ids(pages: list[Page]) -> list[int]:
    return [int(fact.id) for fact in facts(pages, OrderFact)]


def last(pages: list[Page]) -> str:
    return pages[-1].cursor


async def test_an_empty_shop_says_until_when_it_speaks(woo: Woo, clock: MovableClock) -> None:
    pages = await woo.read("products")
    assert [(page.facts, page.until) for page in pages] == [((), None), ((), clock.now())]  # on sale, and in the bin
    assert Cursor.of(last(pages)) == Cursor(clock.now() - OVERLAP)


async def test_a_long_list_is_told_whole_and_once(woo: Woo, clock: MovableClock) -> None:
    numbers = [woo.shop.place() for _ in range(250)]
    pages = await woo.read("orders")
    assert ids(pages) == numbers
    assert [page.until for page in pages] == [None, None, None, clock.now()]  # the last one is of the bin
    assert len({page.cursor for page in pages}) == len(pages)
    assert max(int(asked.get("per_page", 0)) for asked in woo.shop.asked) == 100


async def test_deleting_rows_that_were_read_hides_none_of_the_others(woo: Woo) -> None:
    numbers = [woo.shop.place() for _ in range(250)]
    gone = [*numbers[:60], numbers[99]]

    def delete() -> None:
        for number in gone:
            del woo.shop.orders[number]

    woo.shop.after_list.append(delete)
    assert ids(await woo.read("orders")) == numbers
    assert [asked.get("offset") for asked in woo.shop.asked if asked.get("status") == "any"] == [None, "99", None, "99"]


async def test_deleting_all_that_was_read_and_more_ends_the_reading(woo: Woo) -> None:
    numbers = [woo.shop.place() for _ in range(220)]

    def delete() -> None:
        for number in numbers[:190]:
            del woo.shop.orders[number]

    woo.shop.after_list.append(delete)
    assert ids(await woo.read("orders")) == numbers[:100] + numbers[190:]


async def test_rows_that_are_added_or_change_meanwhile_hide_none(woo: Woo) -> None:
    numbers = [woo.shop.place() for _ in range(250)]
    for number in numbers[:50]:
        woo.shop.orders[number]["status"] = "trash"

    def restore() -> None:
        for number in numbers[:50]:
            woo.shop.touch(woo.shop.orders[number], status="processing")
        woo.shop.place()

    woo.shop.after_list.append(restore)
    assert ids(await woo.read("orders")) == [*numbers[50:], numbers[-1] + 1]  # the others changed since it began


async def test_a_page_with_rows_that_may_not_be_seen_is_not_the_last(woo: Woo) -> None:
    numbers = [woo.shop.place() for _ in range(250)]
    woo.shop.unreadable = {*numbers[40:160]}
    assert ids(await woo.read("orders")) == numbers[:40] + numbers[160:]


@pytest.mark.parametrize("seed", range(12))
async def test_whatever_is_deleted_and_added_every_row_that_stays_is_told_once(
    woo: Woo, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr("bot.stores.woocommerce.api.MOST", 5)
    chance = random.Random(seed)  # noqa: S311  # the same rows go again for the same seed
    numbers = [woo.shop.place() for _ in range(40)]
    woo.shop.unreadable = set(chance.sample(numbers, chance.choice([0, 3, 12])))

    def meddle() -> None:
        for number in chance.sample(sorted(woo.shop.orders), min(len(woo.shop.orders), chance.randrange(8))):
            del woo.shop.orders[number]
        woo.shop.place()

    woo.shop.after_list.extend([meddle] * 6)
    told = ids(await woo.read("orders"))
    assert {*numbers} & {*woo.shop.orders} - woo.shop.unreadable <= {*told}
    assert len({*told}) == len(told)


@pytest.mark.parametrize("pages", [1, 2, 3])
async def test_a_reading_that_broke_off_goes_on_where_it_was(woo: Woo, clock: MovableClock, pages: int) -> None:
    numbers = [woo.shop.place() for _ in range(250)]
    begun = clock.now()
    first = (await woo.read("orders"))[:pages]
    clock.push(timedelta(hours=5))
    rest = await woo.read("orders", last(first))
    assert ids(first) + ids(rest) == numbers
    assert rest[-1].until == begun  # what changed while nothing was read is asked for again
    assert Cursor.of(last(rest)).since == begun - OVERLAP


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "America/Los_Angeles", "UTC"])
async def test_only_what_changed_is_asked_for_whatever_zone_the_shop_has(
    woo: Woo, clock: MovableClock, zone: str
) -> None:
    woo.shop.zone = ZoneInfo(zone)
    old = [woo.shop.place() for _ in range(3)]
    cursor = last(await woo.read("orders"))
    clock.push(OVERLAP * 2)
    changed = woo.shop.orders[old[1]]
    woo.shop.touch(changed, status="completed")
    fresh = woo.shop.place()
    pages = await woo.read("orders", cursor)
    assert ids(pages) == [*old, fresh]  # the overlap reaches back to all of them
    clock.push(OVERLAP)
    assert ids(await woo.read("orders", last(pages))) == [old[1], fresh]
    clock.push(OVERLAP)
    assert ids(await woo.read("orders", last(await woo.read("orders", last(pages))))) == []


async def test_the_hour_that_a_clock_change_skips_loses_nothing(woo: Woo, clock: MovableClock) -> None:
    woo.shop.zone = ZoneInfo("Europe/London")
    skipped = datetime(2012, 3, 25, 1, 30, tzinfo=UTC)  # there was no 01:30 in London that day: it is read as 02:30
    clock.push(skipped + OVERLAP - clock.now())
    cursor = last(await woo.read("orders"))
    number = woo.shop.place()
    assert ids(await woo.read("orders", cursor)) == [number]


async def test_an_order_in_the_bin_takes_its_sale_back(woo: Woo, clock: MovableClock) -> None:
    number = woo.shop.place({"product": woo.shop.put(sku="A"), "quantity": 2})
    cursor = last(await woo.read("orders"))
    clock.push(OVERLAP * 2)
    woo.shop.touch(woo.shop.orders[number], status="trash")
    (order,) = facts(await woo.read("orders", cursor), OrderFact)
    assert [line.quantity for line in order.lines] == [0]


async def test_what_was_put_in_the_bin_is_sold_no_more_and_none_of_it_is_left(woo: Woo, clock: MovableClock) -> None:
    lamp = woo.shop.put(sku="LAMP", manage_stock=True, stock_quantity=50)
    shirt = woo.shop.put(type="variable")
    large = woo.shop.vary(shirt, sku="L", manage_stock=True, stock_quantity=4)
    mug = woo.shop.put(sku="MUG", manage_stock=True, stock_quantity=7)
    clock.push(timedelta(days=1))
    kinds: tuple[FactKind, ...] = ("products", "stock")
    cursors = {kind: (await woo.read(kind))[-1].cursor for kind in kinds}
    clock.push(timedelta(days=1))
    woo.shop.bin(lamp)
    woo.shop.bin(shirt)
    sold = facts(await woo.read("products", cursors["products"]), ProductFact)
    assert {(fact.code, fact.active) for fact in sold} == {(str(lamp), False), (str(large), False)}
    left = facts(await woo.read("stock", cursors["stock"]), StockFact)
    assert {(fact.code, fact.on_hand, fact.committed) for fact in left} == {(str(lamp), 0, 0), (str(large), 0, 0)}
    before = json.dumps({**json.loads(cursors["stock"]), "binned": False})  # of a time that did not look there
    left = facts(await woo.read("stock", before), StockFact)
    assert {(fact.code, fact.on_hand) for fact in left} == {(str(lamp), 0), (str(large), 0), (str(mug), 7)}
    woo.shop.touch(woo.shop.products[lamp], status="publish")
    clock.push(timedelta(days=1))
    left = facts(await woo.read("stock", cursors["stock"]), StockFact)
    assert {(fact.code, fact.on_hand) for fact in left} == {(str(lamp), 50), (str(large), 0)}


async def test_the_shops_clock_counts_not_ours(woo: Woo, clock: MovableClock) -> None:
    woo.shop.put(sku="A", manage_stock=True, stock_quantity=1)
    page = (await woo.read("stock"))[-1]
    assert page.until == clock.now()  # in 2011
    assert Cursor.of(page.cursor).since == clock.now() - OVERLAP


async def test_variations_are_read_with_the_product_that_changed(woo: Woo, clock: MovableClock) -> None:
    shirt, other = woo.shop.put(type="variable"), woo.shop.put(type="variable")
    wanted = {str(woo.shop.vary(shirt, sku=f"SHIRT-{size}")) for size in range(130)}
    woo.shop.vary(other, sku="OTHER")
    clock.push(OVERLAP * 2)
    cursor = last(await woo.read("products"))
    woo.shop.touch(woo.shop.products[shirt])
    assert {fact.code for fact in facts(await woo.read("products", cursor), ProductFact)} == wanted


async def test_a_product_that_is_deleted_while_it_is_read_is_left_out(woo: Woo) -> None:
    shirt, lamp = woo.shop.put(type="variable"), woo.shop.put(sku="LAMP")
    woo.shop.after_list.append(lambda: woo.shop.products.pop(shirt))
    assert [fact.code for fact in facts(await woo.read("products"), ProductFact)] == [str(lamp)]


async def test_links_to_the_next_page_repeat_a_signature_and_are_not_followed(woo: Woo) -> None:
    for _ in range(150):
        woo.shop.place()
    answers: list[httpx.Response] = []
    async with httpx.AsyncClient(auth=OAuth1("ck_1f2e3d", woo.shop.token), trust_env=False) as client:
        answers.append(await client.get(f"{woo.url}/wp-json/wc/v3/orders", params={"per_page": 100}))
        answers.append(await client.get(answers[0].links["next"]["url"], auth=httpx.Auth()))
    assert [answer.status_code for answer in answers] == [200, 401]
    assert len(ids(await woo.read("orders"))) == 150


async def test_a_list_without_its_length_is_not_taken_for_whole(woo: Woo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.stores.woocommerce.api._number", lambda *_: -1)
    with pytest.raises(Declined, match="X-WP-Total"):
        await woo.read("orders")


async def test_a_shop_without_a_currency_is_not_guessed_at(woo: Woo) -> None:
    woo.shop.currency = "pieces"
    with pytest.raises(Declined, match="currency"):
        await woo.read("orders")


async def test_a_busy_shop_is_waited_for_and_then_left(woo: Woo) -> None:
    woo.shop.faults.add("orders", "429:7")
    woo.shop.faults.add("orders", "error:504")
    await woo.read("orders")
    assert woo.pauses[0] == 7.0
    assert len(woo.pauses) == 2
    woo.shop.faults.add("orders", "500", 9)
    with pytest.raises(Unreached):
        await woo.read("orders")


@given(
    st.builds(
        Cursor,
        since=st.none() | MOMENTS,
        begun=st.none() | MOMENTS,
        part=st.integers(0, 3),
        offset=st.integers(0, 10**7),
        last=st.integers(0, 10**12),
    )
)
def test_a_cursor_is_read_as_it_was_written(cursor: Cursor) -> None:
    assert Cursor.of(str(cursor)) == cursor


@given(st.text(max_size=60) | st.sampled_from(['{"since": 1}', "null", "[]", '{"since":"2011-01-01","begun":null}']))
def test_what_is_no_cursor_is_the_beginning(told: str) -> None:
    assert Cursor.of(told) == Cursor()


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo"])
def test_a_time_without_a_zone_is_gmt_wherever_we_run(zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", zone)
        time.tzset()
        told = [instant({"at": at}, "at") for at in ("2026-03-01T09:00:00", "2026-03-01T17:00:00+08:00")]
    time.tzset()
    assert told == [datetime(2026, 3, 1, 9, tzinfo=UTC)] * 2


@given(MOMENTS, st.none() | MOMENTS)
def test_a_reading_begins_once_and_reaches_back_when_it_ends(now: datetime, since: datetime | None) -> None:
    begun = Cursor(since).begin(now)
    assert begun.begin(now + timedelta(days=1)) == begun
    assert begun.ended() == Cursor(now - OVERLAP)


def test_over_https_the_key_is_a_password_and_elsewhere_it_never_leaves() -> None:
    part = StorePart(kind="woocommerce", url="https://shop.example", user="ck", secret="cs")
    flow = auth_of(part).sync_auth_flow(httpx.Request("GET", "https://shop.example/a"))
    assert next(flow).headers["authorization"].startswith("Basic ")
    local = StorePart(kind="woocommerce", url="http://shop.local", user="ck", secret="cs_hush", private=True)
    sent = next(auth_of(local).sync_auth_flow(httpx.Request("GET", "http://shop.local/a?sku=M%2F1%20b")))
    assert "cs_hush" not in f"{sent.url} {dict(sent.headers)}"
    assert sent.url.params["sku"] == "M/1 b"


def test_a_signature_is_that_of_the_specification() -> None:
    # RFC 5849, 3.4.1.1: names and values encoded, sorted, joined, and encoded again.
    pairs = [("b", "2 3"), ("a", "%~/"), ("a", "1")]
    told = signature("get", "http://shop.local:8080/wp-json/wc/v3/orders", pairs, "s")
    assert told == signature("GET", "http://shop.local:8080/wp-json/wc/v3/orders", sorted(pairs), "s")
    assert told != signature("GET", "http://shop.local:8080/wp-json/wc/v3/orders", pairs[:2], "s")
