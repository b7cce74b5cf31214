"""Calls of the subscriber in the shop: signed, and followed by reading what they are about."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.errors import Declined, Forged
from bot.ports import Delivery, HookedFeed, OrderFact, Page, StockFact
from bot.sandbox.serving import Serving
from bot.stores.medusa import MedusaFeed
from bot.stores.medusa.hooks import SIGNATURE, opened, sign
from tests.stores.medusa.conftest import HOOK_SECRET, Medusa, facts, faults

SUBSCRIBER = Path(__file__).parents[3] / "deploy" / "medusa" / "stocktide.ts"


def delivered(told: object) -> tuple[dict[str, str], bytes]:
    """What the subscriber calls with."""
    body = json.dumps(told).encode()
    return {SIGNATURE: sign(body, HOOK_SECRET)}, body


def open_(medusa: Medusa, told: object) -> Delivery | None:
    return medusa.feed.open(*delivered(told), medusa.shop.clock.now())


async def followed(medusa: Medusa, order: str) -> list[Page]:
    delivery = open_(medusa, {"id": "d1", "event": "order.placed", "order": order})
    assert delivery is not None
    return [page async for page in medusa.feed.follow([delivery])]


async def test_an_order_is_read_with_what_is_left_of_what_it_holds(medusa: Medusa) -> None:
    leeds = medusa.shop.location("Leeds")
    tee, cap = medusa.shop.item("TEE", {leeds: 30}), medusa.shop.item("CAP", {leeds: 9})
    plain = medusa.shop.vary("TEE-PLAIN", 10, (tee, 1))
    gift = medusa.shop.vary("TEE-GIFT", 12, (tee, 1))
    medusa.shop.vary("CAP", 5, (cap, 1))
    bundle = medusa.shop.vary("SET", 14, (tee, 1), (cap, 2))
    number = medusa.shop.place({"variant": gift, "quantity": 4}, {"variant": bundle})
    orders, stock = await followed(medusa, number)
    assert [order.id for order in facts([orders], OrderFact)] == [number]
    told = {(fact.sku, fact.on_hand, fact.committed) for fact in facts([stock], StockFact)}
    assert told == {("TEE-PLAIN", 30, 5), ("CAP", 9, 2)}  # the first of those that share it, as in every reading
    assert set(faults([stock])) == {f"{plain}@{leeds}"}
    assert {page.cursor for page in (orders, stock)} == {""}
    whole = facts(await medusa.read("stock"), StockFact)
    assert {fact.code for fact in facts([stock], StockFact)} <= {fact.code for fact in whole}


async def test_an_order_that_is_gone_or_a_draft_tells_nothing(medusa: Medusa) -> None:
    assert await followed(medusa, "order_gone") == []
    draft = medusa.shop.place(is_draft_order=True)
    assert [page.facts for page in await followed(medusa, draft)] == [(), ()]


def test_a_call_that_is_not_signed_is_forged(medusa: Medusa) -> None:
    headers, body = delivered({"id": "d1", "event": "order.placed", "order": "order_1"})
    now = medusa.shop.clock.now()
    for wrong in ({}, {SIGNATURE: ""}, {SIGNATURE: headers[SIGNATURE][:-1] + "é"}):
        with pytest.raises(Forged):
            medusa.feed.open(wrong, body, now)
    with pytest.raises(Forged):
        medusa.feed.open(headers, body + b" ", now)
    with pytest.raises(Forged, match="hook_secret"):
        opened(headers, body, "")


def test_what_is_about_no_order_says_nothing(medusa: Medusa) -> None:
    said: list[object] = [
        {"id": "d", "event": "product.updated", "order": "x"},
        {"id": "d", "event": "order.placed"},
        [],
    ]
    for told in said:
        assert open_(medusa, told) is None


@given(st.binary(max_size=60))
def test_whatever_is_signed_is_read_or_says_nothing(body: bytes) -> None:
    assert opened({SIGNATURE: sign(body, HOOK_SECRET)}, body, HOOK_SECRET) is None


async def test_the_subscriber_stands_in_the_shop_and_only_a_secret_is_asked_for(medusa: Medusa) -> None:
    address = "https://bot.example/hooks/shop"
    able: HookedFeed = MedusaFeed("shop", medusa.part(hook_secret=HOOK_SECRET))
    assert await able.subscribe(address) is None  # it cannot be seen from here
    with pytest.raises(Declined, match="set hook_secret"):
        await MedusaFeed("shop", medusa.part()).subscribe(address)
    assert medusa.feed.called == ("orders",)


@dataclass
class Ear:
    """What hears the subscriber."""

    url: str = ""
    status: int = 200
    heard: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    async def hear(self, request: Request) -> Response:
        """Keep a call."""
        self.heard.append((dict(request.headers), await request.body()))
        return Response(status_code=self.status)


@pytest.fixture
async def ear() -> AsyncIterator[Ear]:
    """A server that hears."""
    found = Ear()
    serving = Serving(Starlette(routes=[Route("/hooks/shop", found.hear, methods=["POST"])]))
    found.url = f"{serving.bind()}/hooks/shop"
    await serving.start()
    yield found
    await serving.stop()


@pytest.mark.node
async def test_the_subscriber_that_we_ship_calls_as_the_feed_reads_it(medusa: Medusa, ear: Ear, tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node.js is not installed")
    module = tmp_path / "stocktide.mjs"  # it names no types, so that it is JavaScript as well
    shutil.copy(SUBSCRIBER, module)
    script = (
        f"import tell, {{ config }} from {json.dumps(module.as_uri())};"
        "const events = [{name: 'order.placed', data: {id: 'order_1'}},"
        " {name: 'order.return_received', data: {order_id: 'order_2', return_id: 'return_9'}},"
        " {name: 'order.placed', data: {}}];"
        "for (const event of events) { if (!config.event.includes(event.name)) process.exit(3); await tell({ event }) }"
    )

    async def run() -> int | None:
        environment = {**os.environ, "STOCKTIDE_URL": ear.url, "STOCKTIDE_SECRET": HOOK_SECRET}
        process = await asyncio.create_subprocess_exec(
            node, "--input-type=module", "-e", script, env=environment, stderr=asyncio.subprocess.DEVNULL
        )
        return await process.wait()

    assert await run() == 0
    deliveries = [medusa.feed.open(headers, body, medusa.shop.clock.now()) for headers, body in ear.heard]
    assert [(each.topic, each.said) for each in deliveries if each] == [
        ("order.placed", {"order": "order_1"}),
        ("order.return_received", {"order": "order_2"}),
    ]
    assert len({each.id for each in deliveries if each}) == 2
    ear.status = 503
    assert await run() != 0  # so that an event bus that tries again does
