"""A channel of a real Vendure that sells in pounds, as the tests of every kind of store need it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

import httpx

from bot.domain.money import Money
from bot.ports import Discounts, StoreConnector
from bot.settings import StorePart
from bot.stores.vendure import VendureDiscounts, VendurePrices
from tests.stores.offers import FAR, Stands
from tests.stores.vendure.real import PASSWORD, RealStore
from tests.stores.vendure.shop import Change
from tests.stores.vendure.strict import method_of
from tests.stores.wire import Passed, Wire

CHANNEL = "pounds-token"
_PRICE = (
    "query ($id: ID!) { productVariant(id: $id) { prices { currencyCode price } customFields { stocktidePrices } } }"
)
_VARIANTS = "{ productVariants(options: {take: 100, sort: {id: ASC}}) { items { id sku } } }"
_PROMOTIONS = """{ promotions(options: {take: 100, sort: {id: ASC}}) {
  items { id enabled couponCode endsAt actions { code args { name value } } }
} }"""


@dataclass
class Market:
    """What lasts from test to test: the store's address, a session, and the goods (ids by SKU)."""

    url: str
    session: str = ""
    goods: dict[str, str] = field(default_factory=dict)

    async def opened(self, prices: Mapping[str, int]) -> MarketShop:
        """The channel with these goods, by their SKUs, and nothing else; minor units."""
        store = RealStore(self.url, self.session)
        if not self.goods:
            self.session = await store.session()
            await _channel(store)
            self.goods = {sku: await store.sell(sku, price, channel=CHANNEL) for sku, price in prices.items()}
        return MarketShop(store, self, dict(prices))


def market_part(url: str, secret: str) -> StorePart:
    """Settings that connect the channel."""
    options = {"channel": CHANNEL}
    return StorePart(kind="vendure", url=url, user="superadmin", secret=secret, private=True, options=options)


async def _channel(store: RealStore) -> None:
    zones = (await store.ask("{ zones { items { id } } }"))["items"]
    sellers = (await store.ask("{ sellers { items { id } } }"))["items"]
    given = {
        "code": "pounds", "token": CHANNEL, "defaultLanguageCode": "en", "defaultCurrencyCode": "GBP",
        "availableCurrencyCodes": ["GBP"], "pricesIncludeTax": False, "sellerId": sellers[0]["id"],
        "defaultShippingZoneId": zones[0]["id"], "defaultTaxZoneId": zones[0]["id"],
    }  # fmt: skip
    make = "mutation ($c: CreateChannelInput!) { createChannel(input: $c) { ... on Channel { id } } }"
    await store.ask(make, c=given)


class MarketShop:
    """The channel during one test, behind a wire that fails as it is told. People in it work past the wire."""

    token = PASSWORD

    def __init__(self, store: RealStore, market: Market, prices: Mapping[str, int]) -> None:
        self.store, self.market = store, market
        self.changes: list[Change] = []
        self.promotions = MarketOffers(store)
        self.wire = Wire(store.url, method_of, self._watch)
        self.faults, self.calls = self.wire.faults, self.wire.calls
        self._prices = prices

    def enter(self, connected: StoreConnector | Discounts) -> None:
        """Spare a login: the password is hashed for half a second."""
        assert isinstance(connected, VendurePrices | VendureDiscounts)
        connected._admin._session = self.market.session

    async def sell(self, sku: str) -> str:
        """Another variant on sale, at 4.25 pounds; its id."""
        return await self.store.sell(sku, 425, channel=CHANNEL)

    async def edit(self, sku: str, price: Money) -> None:
        """Somebody changes a price by hand."""
        number = self.market.goods[sku]
        before, _ = await self._stands(number)
        await self._update({"id": number, "prices": [{"currencyCode": "GBP", "price": int(price.amount * 100)}]})
        await self._note("", number, before)

    async def close(self) -> None:
        """Put everything back, and hang up."""
        await self.wire.close()
        found = (await self.store.ask(_VARIANTS, CHANNEL))["items"]
        for number in sorted({str(each["id"]) for each in found} - set(self.market.goods.values())):
            await self.store.ask("mutation ($id: ID!) { deleteProductVariant(id: $id) { result } }", CHANNEL, id=number)
        bare = {"stocktideCompareAt": None, "stocktidePrices": None}
        await self._update(*(
            {"id": self.market.goods[sku], "prices": [{"currencyCode": "GBP", "price": price}], "customFields": bare}
            for sku, price in self._prices.items()
        ))  # fmt: skip
        left = [each["id"] for each in (await self.store.ask(_PROMOTIONS, CHANNEL))["items"]]
        if left:
            drop = "mutation ($ids: [ID!]!) { deletePromotions(ids: $ids) { result } }"
            await self.store.ask(drop, CHANNEL, ids=left)
        await self.store.close()

    async def _update(self, *changes: Mapping[str, Any]) -> None:
        query = "mutation ($v: [UpdateProductVariantInput!]!) { updateProductVariants(input: $v) { id } }"
        await self.store.ask(query, CHANNEL, v=list(changes))

    async def _watch(self, method: str, body: bytes, passed: Passed) -> httpx.Response:
        """Hand a call on; note which price it changed, by what the store says before and after."""
        if method != "set_price":
            return await passed()
        number = str(json.loads(body)["variables"]["change"]["id"])
        before, _ = await self._stands(number)
        told = await passed()
        if not told.json().get("errors"):
            _, record = await self._stands(number)
            await self._note(str(json.loads(record or "[{}]")[-1].get("key", "")), number, before)
        return told

    async def _note(self, key: str, number: str, before: Money) -> None:
        after, _ = await self._stands(number)
        self.changes.append(Change(key, before, after))

    async def _stands(self, number: str) -> tuple[Money, str | None]:
        """A variant's price, and its record of our writes."""
        told = await self.store.ask(_PRICE, CHANNEL, id=number)
        (units,) = (each["price"] for each in told["prices"] if each["currencyCode"] == "GBP")
        return Money.of_minor(units, "GBP"), told["customFields"]["stocktidePrices"]


class MarketOffers:
    """The promotions of the channel."""

    def __init__(self, store: RealStore) -> None:
        self._store = store

    async def standing(self) -> Sequence[Stands]:
        """Those that buyers get."""
        names = {each["id"]: each["sku"] for each in (await self._store.ask(_VARIANTS, CHANNEL))["items"]}
        found = []
        for node in (await self._store.ask(_PROMOTIONS, CHANNEL))["items"]:
            if node["enabled"]:
                args = {each["name"]: each["value"] for each in node["actions"][0]["args"]}
                skus = tuple(names[number] for number in json.loads(args["productVariantIds"]))
                end = None if node["endsAt"] is None else datetime.fromisoformat(node["endsAt"])
                found.append(Stands(node["couponCode"] or "", Decimal(args["discount"]) / 100, skus, end))
        return found

    async def offer(self, code: str, share: str, sku: str) -> None:
        """Somebody makes a code."""
        variants = (await self._store.ask(_VARIANTS, CHANNEL))["items"]
        number = next(each["id"] for each in variants if each["sku"] == sku)
        await self._store.offer(code, int(Decimal(share) * 100), number, CHANNEL, endsAt=FAR.isoformat())

    async def bend(self, share: str) -> None:
        """Somebody changes the share of the last one that was made."""
        last = (await self._store.ask(_PROMOTIONS, CHANNEL))["items"][-1]
        arguments = [
            {**each, "value": str(int(Decimal(share) * 100))} if each["name"] == "discount" else each
            for each in last["actions"][0]["args"]
        ]
        actions = [{"code": last["actions"][0]["code"], "arguments": arguments}]
        change = "mutation ($p: UpdatePromotionInput!) { updatePromotion(input: $p) { ... on Promotion { id } } }"
        await self._store.ask(change, CHANNEL, p={"id": last["id"], "actions": actions})
