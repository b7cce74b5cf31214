"""The plugin in a real Vendure: what it calls to say, signed, and again where nobody took it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.errors import Declined, Forged
from bot.ports import Delivery, OrderFact, Page, ProductFact, StockFact
from bot.sandbox.serving import Serving
from bot.stores.vendure import VendureFeed
from bot.stores.vendure.hooks import SUBJECTS
from tests.stores.vendure.conftest import sound, superadmin
from tests.stores.vendure.real import RealStore
from tests.stores.vendure.test_real import key_of

pytestmark = pytest.mark.real_store


@dataclass
class Ear:
    """Where the store calls: what it said, and what it is answered (200 where nothing else waits)."""

    url: str = ""
    said: asyncio.Queue[tuple[Mapping[str, str], bytes]] = field(default_factory=asyncio.Queue)
    answers: list[int] = field(default_factory=list)
    heard: list[Delivery] = field(default_factory=list)

    async def hear(self, request: Request) -> Response:
        await self.said.put((dict(request.headers), await request.body()))
        return Response(status_code=self.answers.pop(0) if self.answers else 200)

    async def about(self, feed: VendureFeed, subject: str, number: str, topic: str = "") -> Delivery:
        """The first delivery about a record, heard before or to come; of a topic, where one is named."""
        async with asyncio.timeout(30):
            while True:
                for found in self.heard:
                    if number in str(found.said.get(subject)).split("'") and topic in found.topic:
                        return found
                opened = feed.open(*await self.said.get(), datetime.now(UTC))
                self.heard += [opened] if opened else []


@pytest.fixture
async def ear(feed: VendureFeed) -> AsyncIterator[Ear]:
    """Somebody who listens, and whom the store calls."""
    found = Ear()
    serving = Serving(Starlette(routes=[Route("/hooks/shop", found.hear, methods=["POST"])]))
    found.url = f"{serving.bind()}/hooks/shop"
    await serving.start()
    assert await feed.subscribe(found.url) == SUBJECTS
    assert await feed.subscribe(found.url) == ()
    yield found
    await serving.stop()


async def followed(feed: VendureFeed, delivery: Delivery) -> list[Page]:
    pages = [page async for page in feed.follow([delivery])]
    assert {page.cursor for page in pages} == {""}
    return pages


async def test_an_order_is_called_about_when_it_is_placed_cancelled_and_paid_back(
    real: RealStore, feed: VendureFeed, ear: Ear
) -> None:
    number = await real.sell("RADIO", 1000)
    order = await real.place((number, 4))
    placed = await ear.about(feed, "orders", order["id"])
    (fact,) = sound(await followed(feed, placed), OrderFact)
    assert [line.quantity for line in fact.lines] == [4]
    moved = await ear.about(feed, "variants", number)
    pages = await followed(feed, moved)
    assert [(each.on_hand, each.committed) for each in sound(pages, StockFact) if each.place == "1"] == [(100, 4)]
    line = order["lines"][0]["id"]
    await real.fulfil((line, 2))
    await real.refund(order, (line, 1), amount=500)  # leaves no trace in the order's dates
    refunded = await ear.about(feed, "orders", order["id"], "RefundEvent")
    (fact,) = sound(await followed(feed, refunded), OrderFact)
    assert [back.quantity for back in fact.returns] == [1]


async def test_a_variant_is_called_about_when_its_price_or_its_product_changes(
    real: RealStore, feed: VendureFeed, ear: Ear
) -> None:
    number = await real.sell("MIRROR", 1000)
    await real.change(number, price=900)
    pages = await followed(feed, await ear.about(feed, "variants", number, "ProductVariantPriceEvent"))
    assert {str(fact.price) for fact in sound(pages, ProductFact)} == {"9.00 USD"}
    product = (await real.variant("MIRROR"))["product"]["id"]
    await real.ask(
        "mutation ($p: UpdateProductInput!) { updateProduct(input: $p) { id } }", p={"id": product, "enabled": False}
    )
    pages = await followed(feed, await ear.about(feed, "products", product))
    assert [(fact.code, fact.active) for fact in sound(pages, ProductFact)] == [(number, False)]


async def test_a_call_that_nobody_took_comes_again_as_the_same(real: RealStore, feed: VendureFeed, ear: Ear) -> None:
    ear.answers = [503]
    number = await real.sell("CANDLE", 1000)
    seen: dict[str, int] = {}
    async with asyncio.timeout(30):
        while 2 not in seen.values():
            found = feed.open(*await ear.said.get(), datetime.now(UTC))
            assert found is not None
            seen[found.id] = seen.get(found.id, 0) + 1
    assert number


async def test_a_role_that_may_read_and_write_settings_is_enough_to_be_called(
    real: RealStore, real_url: str, ear: Ear
) -> None:
    elsewhere = f"{ear.url}/elsewhere"
    for name, more, allowed in (("mute", (), False), ("heard", ("ReadSettings", "UpdateSettings"), True)):
        key = await key_of(real, name, "ReadCatalog", *more)
        reader = VendureFeed("shop", superadmin(real_url, token=key, user="", secret=""))
        if allowed:
            assert await reader.subscribe(elsewhere) == SUBJECTS
        else:
            with pytest.raises(Declined):
                await reader.subscribe(elsewhere)
        await reader.close()


async def test_a_call_names_ids_alone_and_its_signature_is_over_every_byte(
    real: RealStore, feed: VendureFeed, ear: Ear
) -> None:
    await real.place((await real.sell("SOFA", 1000), 1))
    async with asyncio.timeout(30):
        headers, body = await ear.said.get()
    assert b"Ada" not in body
    assert b"example.com" not in body
    with pytest.raises(Forged):
        feed.open(headers, body + b" ", datetime.now(UTC))
    with pytest.raises(Forged):
        feed.open({**headers, "x-stocktide-signature": ""}, body, datetime.now(UTC))
