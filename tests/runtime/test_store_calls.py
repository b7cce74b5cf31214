"""A store's call over HTTP: answered from the inbox, followed in the store, judged, and told in the chat."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import select

from bot import settings
from bot.bootstrap import App, build
from bot.chat.command import Origin
from bot.ports import MovableClock
from bot.sandbox.serving import Serving
from bot.services.feeds.reception import Reception
from bot.storage import tables
from bot.storage.database import Database
from bot.web import hooks
from bot.web.app import MAX_BODY
from jobs.stores import stores
from tests.runtime.recorder import Recorder
from tests.services.work.kit import add
from tests.stores.woocommerce.conftest import HOOK_SECRET
from tests.stores.woocommerce.server import shop_app
from tests.stores.woocommerce.shop import KEY, WooShop
from tests.stores.woocommerce.test_hooks import delivered

HOOK = "/stores/shop/hook"


@pytest.fixture
async def woo(clock: MovableClock) -> AsyncIterator[tuple[WooShop, str]]:
    """A WooCommerce shop, and its address."""
    shop = WooShop(clock)
    serving = Serving(shop_app(shop))
    url = serving.bind()
    await serving.start()
    yield shop, url
    await serving.stop()


@asynccontextmanager
async def running(database: Database, clock: MovableClock, shop: WooShop, url: str) -> AsyncIterator[App]:
    """The application beside the shop, with a Slack that records."""
    part = {
        "kind": "woocommerce", "url": url, "user": KEY, "secret": shop.token, "hook_secret": HOOK_SECRET,
        "private": True,
    }  # fmt: skip
    given = settings.given(
        database={"url": str(database.url)}, web={"port": 0}, stores={"connected": {"shop": part, "till": {"url": url}}}
    )
    app = build(given, clock, [Recorder("slack")])
    await app.runtime.start()
    try:
        yield app
    finally:
        await app.runtime.stop()
        await app.close()


async def until(app: App, query: str) -> list[tuple[object, ...]]:
    """The rows, once there are any."""
    async with asyncio.timeout(20):
        while True:
            async with app.services.database.reading() as connection:
                found = [tuple(row) for row in await connection.exec_driver_sql(query)]
            if found:
                return found
            await asyncio.sleep(0.01)


async def test_an_emptied_shelf_is_told_in_the_channel_by_the_stores_own_call(
    sqlite_database: Database, clock: MovableClock, woo: tuple[WooShop, str]
) -> None:
    shop, url = woo
    lamp = shop.put(sku="LAMP", name="Lamp", regular_price="12.00", manage_stock=True, stock_quantity=900)
    async with sqlite_database.transaction() as connection:
        await add(
            connection, tables.Location, code="UK", name="shop", zone="Europe/London", country="GB", currency="GBP",
            markets=[],
        )  # fmt: skip
    async with running(sqlite_database, clock, shop, url) as app:
        services = app.services
        await services.topics.subscribe(Origin("slack", "U1", "C1", "group"), "restock")
        for _day in range(30):
            shop.place({"product": lamp, "quantity": 6, "total": "72.00"}, date_created_gmt=_ago(clock, _day + 1))
        await services.stores.sync("shop")
        assert await until(app, "SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM touched_products)")
        clock.push(timedelta(minutes=1))
        shop.touch(shop.products[lamp], stock_quantity=0)
        headers, body = delivered({"id": lamp}, "product.updated")
        async with httpx.AsyncClient(base_url=app.runtime.web.url, trust_env=False) as client:
            for _twice in range(2):
                answer = await client.post(HOOK, headers=headers, content=body)
                assert (answer.status_code, answer.text) == (200, "taken\n")
        ((severity, notified),) = await until(
            app, "SELECT severity, notified_severity FROM cases WHERE kind = 'stockout_risk' AND notified_severity > 0"
        )
        assert severity == notified == 3
        assert len(await until(app, "SELECT id FROM outbox WHERE state = 'sent' AND kind = 'post'")) == 1
        assert await until(app, "SELECT delivery_id, state FROM store_deliveries") == [
            (f"d1.{_hash(body)}", "done"),
        ]


def _ago(clock: MovableClock, days: int) -> str:
    return (clock.now() - timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%S")


def _hash(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()[:32]


async def test_what_is_no_call_of_ours_is_refused_politely(
    sqlite_database: Database, clock: MovableClock, woo: tuple[WooShop, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    headers, body = delivered({"id": 7})
    async with (
        running(sqlite_database, clock, *woo) as app,
        httpx.AsyncClient(base_url=app.runtime.web.url, trust_env=False) as client,
    ):
        assert (await client.post(HOOK, content=b"webhook_id=3")).text == "hello\n"
        assert (await client.post(HOOK, content=body)).status_code == 401
        assert (await client.post(HOOK, headers=headers, content=body + b" ")).status_code == 401
        assert (await client.post(HOOK, content=b"x" * (MAX_BODY + 1))).status_code == 413
        for other in ("/stores/till/hook", "/stores/nobody/hook"):
            assert (await client.post(other, headers=headers, content=body)).status_code == 404
        assert (await client.get(HOOK)).status_code == 405

        async def stuck(*_given: object) -> bool:
            await asyncio.Event().wait()
            return True

        monkeypatch.setattr(hooks, "SECONDS", 0.01)
        monkeypatch.setattr(Reception, "take", stuck)
        answer = await client.post(HOOK, headers=headers, content=body)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    async with sqlite_database.reading() as connection:
        assert (await connection.execute(select(tables.StoreDelivery.id))).all() == []


async def test_a_call_that_had_to_be_refused_for_want_of_time_is_stored_all_the_same_and_once(
    sqlite_database: Database, clock: MovableClock, woo: tuple[WooShop, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert 1 < hooks.SECONDS < 5  # as long as Shopify waits, so that few are
    monkeypatch.setattr(hooks, "SECONDS", 0.05)
    headers, body = delivered({"id": 7})
    async with (
        running(sqlite_database, clock, *woo) as app,
        httpx.AsyncClient(base_url=app.runtime.web.url, trust_env=False) as client,
    ):
        async with sqlite_database.transaction():  # the database is held up
            assert (await client.post(HOOK, headers=headers, content=body)).status_code == 503
        await until(app, "SELECT 1 FROM store_deliveries")
        monkeypatch.undo()
        assert (await client.post(HOOK, headers=headers, content=body)).status_code == 200
        assert len(await until(app, "SELECT id FROM store_deliveries")) == 1


async def test_the_hourly_job_counts_what_calls_missed_and_tells_of_a_store_that_is_away(
    sqlite_database: Database, clock: MovableClock, woo: tuple[WooShop, str]
) -> None:
    shop, url = woo
    async with running(sqlite_database, clock, shop, url) as app:
        # What was due at the start reads the same store; its last job is the scorecard.
        for job in ("stores", "scorecard"):
            await until(app, f"SELECT id FROM job_runs WHERE job = '{job}' AND finished_at IS NOT NULL")  # noqa: S608  # ours
        done = await stores(app.services, clock.now())
        assert done["shop"] == {"facts": 0, "changed": 0, "missed": 0, "subscribed": [], "faults": 0, "errors": []}
        clock.push(timedelta(minutes=1))
        shop.token = "changed"  # somebody withdrew the key
        done = await stores(app.services, clock.now())
        assert done["shop"]["errors"]
        async with sqlite_database.reading() as connection:
            kinds = (await connection.execute(select(tables.Case.kind).where(tables.Case.resolved_at.is_(None)))).all()
        assert [tuple(kind) for kind in kinds] == [("data_stale",)] * 2  # its sales and its stock
