"""What a real Vendure 3.7.3 tells, and what it makes of our writes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from bot.domain.money import Money
from bot.errors import Declined
from bot.ports import OrderFact, ProductFact, StockFact
from bot.stores.vendure import VendureFeed, VendurePrices
from bot.stores.vendure.cursor import SWEEP_EVERY, Cursor
from bot.stores.vendure.reading import instant
from tests.stores.vendure.conftest import facts, read, superadmin
from tests.stores.vendure.real import RealStore

pytestmark = pytest.mark.real_store


def usd(amount: str) -> Money:
    return Money(Decimal(amount), "USD")


async def told(feed: VendureFeed, order: str) -> OrderFact:
    """An order as the feed tells it."""
    return next(fact for fact in await facts(feed, "orders", OrderFact) if fact.id == order)


async def counted(feed: VendureFeed, variant: str) -> dict[str, tuple[int, int]]:
    """By place, what lies there and what is committed."""
    found = await facts(feed, "stock", StockFact)
    return {fact.place: (fact.on_hand, fact.committed) for fact in found if fact.code == variant}


async def test_the_goods_of_a_store_are_told_with_their_prices(real: RealStore, feed: VendureFeed) -> None:
    number = await real.sell("TEAPOT", 1999, enabled=False)
    found = await facts(feed, "products", ProductFact)
    assert len(found) >= 89
    products = {fact.sku: fact for fact in found}
    assert products["L2201308"] == ProductFact("1", "L2201308", "Laptop 13 inch 8GB", usd("1299.00"))
    assert products["TEAPOT"] == ProductFact(number, "TEAPOT", "TEAPOT", usd("19.99"), active=False)


async def test_pages_of_few_tell_the_same_as_one_of_many(feed: VendureFeed, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = await facts(feed, "products", ProductFact)
    monkeypatch.setattr("bot.stores.vendure.reading.MOST", 7)
    pages = await read(feed, "products")
    assert len(pages) > 12
    assert [fact for page in pages for fact in page.facts] == whole
    assert [page.until for page in pages[:-1]] == [None] * (len(pages) - 1)
    until = pages[-1].until
    assert until is not None
    assert abs(datetime.now(UTC) - until) < timedelta(minutes=1)
    rest = await read(feed, "products", pages[3].cursor)
    assert [fact for page in pages[:4] + rest for fact in page.facts] == whole


async def test_counts_are_told_by_place(real: RealStore, feed: VendureFeed) -> None:
    place = (await real.ask('mutation { createStockLocation(input: {name: "Hamburg"}) { id } }'))["id"]
    assert (place, "Hamburg") in {(each.id, each.name) for each in await feed.places()}
    number = await real.sell("CUP", 500, on_hand=7)
    await real.change(number, stockLevels=[{"stockLocationId": place, "stockOnHand": 30}])
    await real.place((number, 5))
    assert await counted(feed, number) == {"1": (7, 5), place: (30, 0)}
    await real.change(number, trackInventory="FALSE")
    assert await counted(feed, number) == {}


async def test_cancelling_what_was_not_sent_writes_two_movements_and_the_stores_count_is_what_holds(
    real: RealStore, feed: VendureFeed
) -> None:
    number = await real.sell("LAMP", 1000)
    order = await real.place((number, 5))
    line = order["lines"][0]["id"]
    await real.fulfil((line, 3))
    assert (await counted(feed, number))["1"] == (97, 2)
    await real.cancel(order["id"], (line, 2))
    query = (
        "query ($id: ID!) { productVariant(id: $id) {"
        " stockMovements { items { ... on StockMovement { type quantity } } } } }"
    )
    moved = (await real.ask(query, id=number))["stockMovements"]["items"]
    kinds = [(each["type"], each["quantity"]) for each in moved]
    assert kinds[-2:] == [("CANCELLATION", 2), ("RELEASE", 2)]
    # Three have left of a hundred, and Vendure counts 99 of them: what it says holds, or no two would ever agree.
    level = (await real.variant("LAMP"))["stockLevels"][0]
    assert (await counted(feed, number))["1"] == (level["stockOnHand"], level["stockAllocated"]) == (99, 0)
    fact = await told(feed, order["id"])
    assert [(each.quantity, each.amount) for each in fact.lines] == [(3, usd("30.00"))]
    assert fact.returns == ()


async def test_what_was_sent_and_taken_off_came_back(real: RealStore, feed: VendureFeed) -> None:
    number = await real.sell("VASE", 1000)
    order = await real.place((number, 5))
    line = order["lines"][0]["id"]
    await real.fulfil((line, 5))
    await real.cancel(order["id"], (line, 2))
    fact = await told(feed, order["id"])
    assert [each.quantity for each in fact.lines] == [5]
    assert [(each.line, each.quantity) for each in fact.returns] == [(line, 2)]
    assert fact.placed_at <= fact.returns[0].at + timedelta(seconds=1)
    await real.cancel(order["id"], (line, 3))  # all of it, so that the order is cancelled
    fact = await told(feed, order["id"])
    assert [each.quantity for each in fact.lines] == [5]
    assert sorted(each.quantity for each in fact.returns) == [2, 3]


async def test_money_paid_back_for_what_was_sent_is_a_return_though_the_order_does_not_look_changed(
    real: RealStore, feed: VendureFeed
) -> None:
    number = await real.sell("BOWL", 1000)
    order = await real.place((number, 4))
    line = order["lines"][0]["id"]
    await real.fulfil((line, 4))
    before = (await real.order(order["id"]))["updatedAt"]
    await real.settle(await real.refund(order, (line, 1), amount=1000))
    assert (await real.order(order["id"]))["updatedAt"] == before
    now = datetime.now(UTC)
    later = Cursor(since=now + timedelta(hours=1), swept=now)
    assert await facts(feed, "orders", OrderFact, str(later)) == []
    swept = Cursor(since=now + timedelta(hours=1), swept=now - SWEEP_EVERY - timedelta(minutes=1))
    found = {fact.id: fact for fact in await facts(feed, "orders", OrderFact, str(swept))}
    assert [each.quantity for each in found[order["id"]].returns] == [1]
    assert [each.quantity for each in found[order["id"]].lines] == [4]


async def test_an_order_is_changed_before_it_was_placed_and_is_not_missed(real: RealStore, feed: VendureFeed) -> None:
    number = await real.sell("PLATE", 1000)
    order = await real.place((number, 1))
    changed, placed = instant(order["updatedAt"]), instant(order["orderPlacedAt"])
    assert changed < placed  # cut to the second, and not even written when it is placed
    fact = await told(feed, order["id"])
    assert fact.changed_at == placed
    between = Cursor(since=changed + (placed - changed) / 2, swept=datetime.now(UTC))
    assert order["id"] in {fact.id for fact in await facts(feed, "orders", OrderFact, str(between))}
    (*_, last) = await read(feed, "orders")
    assert Cursor.of(last.cursor).since is not None
    again = await real.place((number, 1))
    assert again["id"] in {fact.id for fact in await facts(feed, "orders", OrderFact, last.cursor)}


async def test_a_basket_is_no_order(real: RealStore, feed: VendureFeed) -> None:
    draft = (await real.ask("mutation { createDraftOrder { id } }"))["id"]
    assert draft not in {fact.id for fact in await facts(feed, "orders", OrderFact)}


async def test_an_order_that_was_modified_is_told_as_it_is_now(real: RealStore, feed: VendureFeed) -> None:
    one, other = await real.sell("FORK", 1000), await real.sell("KNIFE", 100)
    order = await real.place((one, 4))
    line = order["lines"][0]["id"]
    await real.modify(
        order,
        adjustOrderLines=[{"orderLineId": line, "quantity": 2}],
        addItems=[{"productVariantId": other, "quantity": 3}],
    )
    fact = await told(feed, order["id"])
    assert [(each.sku, each.quantity, each.amount) for each in fact.lines] == [
        ("FORK", 2, usd("20.00")), ("KNIFE", 3, usd("3.00")),
    ]  # fmt: skip
    assert fact.returns == ()
    assert fact.customer
    assert "Ada" not in repr(fact)


async def test_a_cancelled_order_has_lines_of_nothing(real: RealStore, feed: VendureFeed) -> None:
    number = await real.sell("SPOON", 1000)
    order = await real.place((number, 4))
    await real.cancel(order["id"])
    fact = await told(feed, order["id"])
    assert [(each.quantity, each.amount) for each in fact.lines] == [(0, usd("0.00"))]
    assert fact.returns == ()


async def test_another_channel_sells_in_its_own_currency_with_the_stores_decimals(
    real: RealStore, real_url: str, feed: VendureFeed
) -> None:
    number = await real.sell("KETTLE", 2500)
    zones = (await real.ask("{ zones { items { id } } }"))["items"]
    sellers = (await real.ask("{ sellers { items { id } } }"))["items"]
    given = {
        "code": "tokyo", "token": "tokyo-token", "defaultLanguageCode": "en", "defaultCurrencyCode": "JPY",
        "availableCurrencyCodes": ["JPY"], "pricesIncludeTax": False, "sellerId": sellers[0]["id"],
        "defaultShippingZoneId": zones[0]["id"], "defaultTaxZoneId": zones[0]["id"],
    }  # fmt: skip
    make = "mutation ($c: CreateChannelInput!) { createChannel(input: $c) { ... on Channel { id } } }"
    channel = (await real.ask(make, c=given))["id"]
    assign = (
        "mutation ($v: [ID!]!, $c: ID!) { assignProductVariantsToChannel("
        "input: {productVariantIds: $v, channelId: $c, priceFactor: 1}) { id } }"
    )
    await real.ask(assign, v=[number], c=channel)
    price = "mutation ($v: [UpdateProductVariantInput!]!) { updateProductVariants(input: $v) { id } }"
    await real.ask(price, "tokyo-token", v=[{"id": number, "prices": [{"currencyCode": "JPY", "price": 398000}]}])
    tokyo = VendureFeed("tokyo", superadmin(real_url, options={"channel": "tokyo-token"}))
    (fact,) = await facts(tokyo, "products", ProductFact)
    await tokyo.close()
    assert (fact.code, fact.price) == (number, Money(Decimal(3980), "JPY"))  # 398000: two decimals, which yen have not
    here = {each.code: each.price for each in await facts(feed, "products", ProductFact)}
    assert here[number] == usd("25.00")
    nowhere = VendureFeed("none", superadmin(real_url, options={"channel": "no such token"}))
    with pytest.raises(Declined):
        await read(nowhere, "products")
    await nowhere.close()


async def test_an_order_keeps_the_currency_it_was_placed_in(real: RealStore, feed: VendureFeed) -> None:
    allow = 'mutation { updateChannel(input: {id: "1", availableCurrencyCodes: [USD, EUR]}) { __typename } }'
    await real.ask(allow)
    number = await real.sell("PAN", 1000)
    await real.change(number, prices=[{"currencyCode": "EUR", "price": 900}])
    order = await real.place((number, 2), currency="EUR")
    fact = await told(feed, order["id"])
    assert [each.amount for each in fact.lines] == [Money(Decimal("18.00"), "EUR")]


async def key_of(real: RealStore, name: str, *permissions: str) -> str:
    """An API key of a role of its own."""
    role = {"code": name, "description": name, "permissions": list(permissions), "channelIds": ["1"]}
    made = await real.ask("mutation ($r: CreateRoleInput!) { createRole(input: $r) { id } }", r=role)
    key = {"roleIds": [made["id"]], "translations": [{"languageCode": "en", "name": name}]}
    return str(
        (await real.ask("mutation ($k: CreateApiKeyInput!) { createApiKey(input: $k) { apiKey } }", k=key))["apiKey"]
    )


async def test_an_api_key_that_may_read_is_enough_to_read(real: RealStore, real_url: str) -> None:
    await real.place((await real.sell("JUG", 1000), 1))
    key = await key_of(real, "reader", "ReadCatalog", "ReadOrder")
    reader = VendureFeed("shop", superadmin(real_url, token=key, user="", secret=""))
    (check,) = await reader.check()
    assert (check.verdict, check.detail) == ("ok", f"answers at {real_url}, sells in USD")
    for kind in reader.kinds:
        assert (await read(reader, kind))[-1].until is not None
    await reader.close()
    prices = VendurePrices("shop", superadmin(real_url, token=key))
    (check,) = await prices.check()
    assert (check.verdict, "UpdateCatalog" in check.detail) == ("fail", True)
    with pytest.raises(Declined, match="FORBIDDEN"):
        await prices.set_price("JUG", usd("8.00"), None, "k")
    await prices.close()


async def test_a_wrong_key_and_a_wrong_password_are_declined(real_url: str) -> None:
    for given in ({"token": "aa:bb"}, {"secret": "wrong"}):
        wrong = VendureFeed("shop", superadmin(real_url, **given))
        (check,) = await wrong.check()
        assert (check.verdict, "401" in check.detail, "wrong" in check.detail) == ("fail", True, False)
        await wrong.close()


async def test_a_session_that_ended_is_begun_again(real: RealStore, feed: VendureFeed) -> None:
    await feed.places()
    ended = feed._admin._session
    await real.end(ended)
    assert await feed.places()
    assert feed._admin._session not in {"", ended}


async def test_a_price_is_written_with_its_key_and_what_is_struck_through(real: RealStore, real_url: str) -> None:
    number = await real.sell("CLOCK", 2500)
    await real.ask('mutation { updateChannel(input: {id: "1", availableCurrencyCodes: [USD, EUR]}) { __typename } }')
    await real.change(number, prices=[{"currencyCode": "EUR", "price": 2300}])
    prices = VendurePrices("shop", superadmin(real_url))
    assert [check.verdict for check in await prices.check()] == ["ok"]
    seen = await prices.price("CLOCK")
    assert (seen.price, seen.compare_at) == (usd("25.00"), None)
    assert await prices.written("promotion:1:start") is None
    done = await prices.set_price("CLOCK", usd("20.00"), usd("25.00"), "promotion:1:start", seen.revision)
    assert (done.price, done.compare_at) == (usd("20.00"), usd("25.00"))
    assert await prices.price("CLOCK") == done == await prices.written("promotion:1:start")
    assert (await real.variant("CLOCK"))["prices"] == [
        {"currencyCode": "USD", "price": 2000}, {"currencyCode": "EUR", "price": 2300},
    ]  # fmt: skip
    await real.change(number, price=2200)
    again = await prices.set_price("CLOCK", usd("20.00"), usd("25.00"), "promotion:1:start", seen.revision)
    assert again == done
    with pytest.raises(Declined, match="revision_changed"):
        await prices.set_price("CLOCK", usd("25.00"), None, "promotion:1:end", done.revision)
    assert (await prices.price("CLOCK")).price == usd("22.00")
    with pytest.raises(Declined, match="key_reused"):
        await prices.set_price("CLOCK", usd("19.00"), None, "promotion:1:start")
    shown = await real.shown(number)
    assert shown == {"stocktideCompareAt": 2500}
    await prices.close()
