"""The local store: strict calls, its record, its faults by seed, its page, and the process of its own."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import httpx
import pytest

from bot import settings
from bot.bootstrap import outlets_of
from bot.domain.money import Money
from bot.ports import MovableClock
from bot.sandbox import Sandbox
from bot.sandbox.store import Deal, Listing, LocalStore, StoreRefusal, Weather, store_app


def pounds(amount: str) -> Money:
    return Money(Decimal(amount), "GBP")


@pytest.fixture
def store(clock: MovableClock) -> LocalStore:
    return LocalStore(
        clock, [Listing("85123A", "<Lantern> & co", pounds("2.95")), Listing("47566", "Bunting", pounds("4.95"))]
    )


@pytest.fixture
async def client(store: LocalStore, clock: MovableClock) -> AsyncIterator[httpx.AsyncClient]:
    async with Sandbox(clock) as sandbox:
        sandbox.mount("/shop", store_app(store))
        headers = {"Authorization": f"Bearer {store.token}"}
        async with httpx.AsyncClient(base_url=f"{sandbox.url}/shop", headers=headers, trust_env=False) as client:
            yield client


GOOD = {"price": "2.36", "compare_at": "2.95", "currency": "GBP"}


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"{", "not_json"),
        (b"[]", "wrong_fields"),
        (json.dumps({**GOOD, "note": "x"}).encode(), "wrong_fields"),
        (json.dumps({**GOOD, "price": 2.36}).encode(), "no_price"),
        (json.dumps({**GOOD, "price": "2.365"}).encode(), "no_price"),
        (json.dumps({**GOOD, "price": "0"}).encode(), "no_price"),
        (json.dumps({**GOOD, "price": "1..2"}).encode(), "no_price"),
        (json.dumps({**GOOD, "currency": "EUR"}).encode(), "wrong_currency"),
        (json.dumps({**GOOD, "compare_at": "2.00"}).encode(), "compare_at_too_low"),
    ],
)
async def test_malformed_changes_are_refused(
    client: httpx.AsyncClient, store: LocalStore, body: bytes, error: str
) -> None:
    answer = await client.put("/products/85123A/price", content=body, headers={"Idempotency-Key": "k1"})
    assert (answer.status_code // 100, answer.json()["error"]) == (4, error)
    assert not store.changes


async def test_a_change_needs_its_key_and_the_token(client: httpx.AsyncClient, store: LocalStore) -> None:
    assert (await client.put("/products/85123A/price", json=GOOD)).json()["error"] == "no_key"
    no_token = await client.get("/products", headers={"Authorization": "Bearer wrong"})
    assert no_token.status_code == 401
    assert not store.changes


async def test_the_page_shows_what_is_reduced_in_two_languages(client: httpx.AsyncClient, store: LocalStore) -> None:
    empty = (await client.get("/", headers={"Accept-Language": "en-GB,en"})).text
    assert "Nothing is reduced" in empty
    store.set_price("85123A", pounds("2.36"), pounds("2.95"), "k1")
    page = (await client.get("/", headers={"Accept-Language": "en-GB,en"})).text
    assert "1 product at a lower price" in page
    assert "£2.36" in page
    assert "<s>£2.95</s>" in page
    assert "−20%" in page
    assert "&lt;Lantern&gt; &amp; co" in page
    assert "<Lantern>" not in page
    assert '<html lang="zh-Hans">' in (await client.get("/?lang=zh_CN")).text


async def test_a_store_goes_on_where_its_record_ended(clock: MovableClock, tmp_path: Path) -> None:
    record = tmp_path / "changes.jsonl"
    shelf = [Listing("85123A", "Lantern", pounds("2.95"))]
    first = LocalStore(clock, shelf, record=record)
    first.set_price("85123A", pounds("2.36"), pounds("2.95"), "k1")
    first.edit("85123A", pounds("3.10"))
    again = LocalStore(clock, shelf, record=record)
    assert again.item("85123A").told() == first.item("85123A").told()
    assert again.set_price("85123A", pounds("2.36"), pounds("2.95"), "k1")["revision"] == "2"
    with pytest.raises(StoreRefusal, match="another call"):
        again.set_price("85123A", pounds("2.00"), None, "k1")
    assert [json.loads(line)["key"] for line in record.read_text().splitlines()] == ["k1", ""]


DEAL = {
    "skus": ["85123A"], "share": "0.2", "code": "SUMMER20", "starts_at": "2011-11-21T09:00:00+00:00",
    "ends_at": "2011-11-25T15:59:00+00:00", "name": "<b>Lantern</b> -20%",
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"share": 0.2}, "no_discount"),
        ({"share": "1"}, "no_discount"),
        ({"share": "a fifth"}, "no_discount"),
        ({"skus": []}, "no_discount"),
        ({"ends_at": "2011-11-25T15:59:00"}, "no_discount"),
        ({"ends_at": "2011-11-20T15:59:00+00:00"}, "no_time"),
        ({"skus": ["NOPE"]}, "unknown_sku"),
        ({"note": "x"}, "wrong_fields"),
    ],
)
async def test_malformed_discounts_are_refused(
    client: httpx.AsyncClient, store: LocalStore, change: dict[str, object], error: str
) -> None:
    answer = await client.put("/discounts/k1", json=DEAL | change)
    assert (answer.status_code // 100, answer.json()["error"]) == (4, error)
    assert not store.deals.standing


async def test_the_page_shows_codes_and_what_comes_off_in_the_basket(client: httpx.AsyncClient) -> None:
    assert "Discount codes" not in (await client.get("/?lang=en")).text
    await client.put("/discounts/k1", json=DEAL)
    await client.put("/discounts/k2", json=DEAL | {"code": "", "share": "0.125"})
    page = (await client.get("/?lang=en")).text
    for part in ("<code>SUMMER20</code>", "−20%", "−12.5%", "in the basket, by itself", "2011-11-25 15:59 UTC"):
        assert part in page, part
    assert "<b>Lantern</b>" not in page
    assert "优惠码" in (await client.get("/?lang=zh_CN")).text


async def test_discounts_are_in_the_record_too(clock: MovableClock, tmp_path: Path) -> None:
    record = tmp_path / "changes.jsonl"
    shelf = [Listing("85123A", "Lantern", pounds("2.95"))]
    first = LocalStore(clock, shelf, record=record)
    for number in (1, 2):
        first.deals.grant(Deal.of(f"k{number}", DEAL | {"code": f"CODE-{number}"}))
    first.set_price("85123A", pounds("2.36"), pounds("2.95"), "k3")
    first.deals.withdraw("k1")
    again = LocalStore(clock, shelf, record=record)
    assert again.deals.standing == first.deals.standing
    assert [deal.code for deal in again.deals.standing] == ["CODE-2"]
    assert again.item("85123A").price == pounds("2.36")
    assert len(record.read_text().splitlines()) == 4


def test_the_same_seed_brings_the_same_trouble() -> None:
    def met(seed: int) -> list[str]:
        weather = Weather(seed, 0.4)
        return [fault.kind if (fault := weather.strikes()) else "" for _ in range(200)]

    assert met(1) == met(1) != met(2)
    struck = [kind for kind in met(1) if kind]
    assert 50 < len(struck) < 110
    assert set(struck) == {"drop_after", "drop_before", "delay", "rate", "broken"}


async def test_it_runs_as_a_process_that_records_to_a_file(tmp_path: Path) -> None:
    record = tmp_path / "changes.jsonl"
    line = [sys.executable, "-m", "bot.sandbox.store", "--record", str(record), "--token", "t"]
    process = await asyncio.create_subprocess_exec(*line, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    try:
        url = (await asyncio.wait_for(process.stdout.readline(), 30)).decode().strip()
        async with httpx.AsyncClient(headers={"Authorization": "Bearer t"}, trust_env=False) as client:
            answer = await client.put(f"{url}/products/85123A/price", json=GOOD, headers={"Idempotency-Key": "k1"})
            assert answer.json()["price"] == "2.36"
            assert json.loads(record.read_text())["key"] == "k1"
    finally:
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 10) == 0


async def test_the_check_of_an_installation_tries_every_store(clock: MovableClock, store: LocalStore) -> None:
    async with Sandbox(clock) as sandbox:
        sandbox.mount("/shop", store_app(store))
        part = {"url": f"{sandbox.url}/shop", "token": store.token}
        connected = {"shop": part, "wrong": {**part, "token": "no"}}
        outlets = outlets_of(settings.given(stores={"connected": connected}))
        found = {name: await connector.check() for name, connector in outlets.connectors.items()}
    assert {name: check.verdict for name, (check,) in found.items()} == {"shop": "ok", "wrong": "fail"}
