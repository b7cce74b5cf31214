"""From a store's call to the alert that the chat server accepted, at a steady pace and in a burst.

A store and a Slack run in this process, the application in another one, on the whole sample. Most calls are about an
order of one unit, which changes figures and alarms nobody; every hundredth says that the shelf of a product that sells
is empty, and a case opens.
"""

from __future__ import annotations

import asyncio
import json
import random
import signal
import sqlite3
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import aiohttp
import numpy as np

from bot import settings
from bot.bootstrap import build
from bot.chat.command import Origin
from bot.cli.stage import SAMPLE_MEMBERS
from bot.ports import MovableClock
from bot.sandbox.cast import Cast, accounts_of, assemble
from bot.sandbox.server import Sandbox
from bot.sandbox.world import Sight
from bot.services.feeds.syncing import hook_path
from bot.storage.types import to_micros
from tests.bench.report import Benchmark, Report, Timing
from tests.bench.stage import AT, loaded
from tests.stores.woocommerce.conftest import HOOK_SECRET
from tests.stores.woocommerce.server import shop_app
from tests.stores.woocommerce.shop import KEY, WooShop
from tests.stores.woocommerce.test_hooks import delivered

PRODUCTS = 1_000
PER_SECOND, SECONDS, ALARM_EACH = 50, 120, 100
BURST = 2_000
GOAL = 0.6  # seconds, of one alert in a hundred
_PLENTY = 60_000  # units, so that nothing runs out by itself


@dataclass
class Scene:
    """The application under calls, and what answers it."""

    shop: WooShop
    sandbox: Sandbox
    cast: Cast
    clock: MovableClock
    address: str
    database: Path
    skus: Mapping[str, int]  # the shop's number of each product
    answers: list[float] = field(default_factory=list)  # seconds until a call was acknowledged
    refused: int = 0
    called: int = 0

    async def call(self, client: aiohttp.ClientSession, number: int, topic: str) -> None:
        """Call about a record, again where that is refused, and note how long it took to be taken."""
        self.called += 1
        headers, body = delivered({"id": number, "at": self.called}, topic, f"d{self.called}")
        began = time.perf_counter()
        while not await self._taken(client, headers, body):
            self.refused += 1
        self.answers.append(time.perf_counter() - began)

    async def _taken(self, client: aiohttp.ClientSession, headers: Mapping[str, str], body: bytes) -> bool:
        """Whether a call was acknowledged; where it was not, the time to come again has come."""
        async with client.post(f"{self.address}{hook_path('shop')}", data=body, headers=headers) as answer:
            await answer.read()
        if answer.status == 503:
            await asyncio.sleep(float(answer.headers["retry-after"]))
            return False
        answer.raise_for_status()
        return True

    def empty(self, sku: str) -> int:
        """Nobody finds the product on its shelf any more; its number."""
        number = self.skus[sku]
        self.shop.touch(self.shop.products[number], stock_quantity=0)
        return number

    def posts(self) -> list[Sight]:
        """The messages that the channel shows."""
        return [
            entry
            for entry in self.sandbox.record.entries
            if isinstance(entry, Sight) and entry.kind == "message" and entry.conversation == self.cast.channel.id
        ]

    def asked(self, query: str) -> list[tuple[object, ...]]:
        """Rows of the application's database."""
        with sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=30) as connection:
            return list(connection.execute(query))

    async def settled(self) -> None:
        """Wait until every call was followed, every product judged, and the channel is quiet."""
        while (  # noqa: ASYNC110  # another process works it off
            self.asked("SELECT 1 FROM store_deliveries WHERE state = 'new' LIMIT 1")
            or self.asked("SELECT 1 FROM touched_products LIMIT 1")
            or self.asked("SELECT 1 FROM outbox WHERE state = 'pending' LIMIT 1")
        ):
            await asyncio.sleep(0.25)

    async def begun(self) -> None:
        """Wait until the jobs are over that are due soon after the start, the first scan of the whole among them."""
        since = int(self.clock.now().timestamp() * 1e6)
        latest = "SELECT coalesce(max(finished_at), 0) FROM job_runs WHERE job = '{}'"
        for job in ("scorecard", "stores"):  # the last of them, and the one that runs beside the others
            while int(str(self.asked(latest.format(job))[0][0])) < since:  # noqa: ASYNC110  # another process works
                await asyncio.sleep(0.25)
        await self.settled()


def run() -> tuple[Report, ...]:
    """A steady pace, then a burst."""
    return asyncio.run(_measured())


async def _measured() -> tuple[Report, ...]:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "sample.db"
        await asyncio.to_thread(loaded, file)
        async with _scene(file) as scene, aiohttp.ClientSession() as client:
            skus = list(scene.skus)
            random.Random(7).shuffle(skus)  # noqa: S311  # the same each time
            steady = await _steady(scene, client, skus)
            burst = await _burst(scene, client, skus[SECONDS * PER_SECOND // ALARM_EACH :])
    return (steady, burst)


async def _steady(scene: Scene, client: aiohttp.ClientSession, skus: Sequence[str]) -> Report:
    choose = random.Random(11)  # noqa: S311
    began, sent, calls = time.perf_counter(), {}, []
    alarms = iter(skus)
    for number in range(PER_SECOND * SECONDS):
        await asyncio.sleep(max(0.0, began + number / PER_SECOND - time.perf_counter()))
        if number % ALARM_EACH == 0:
            sku = next(alarms)
            sent[sku] = scene.clock.now()
            calls.append(asyncio.create_task(scene.call(client, scene.empty(sku), "product.updated")))
        else:
            order = scene.shop.place({"product": scene.skus[choose.choice(skus)], "quantity": 1, "total": "2.95"})
            calls.append(asyncio.create_task(scene.call(client, order, "order.created")))
    await asyncio.gather(*calls)
    await scene.settled()
    posts = scene.posts()
    told = {sku: next((post.at for post in posts if sku in post.text), None) for sku in sent}
    late = [(at - sent[sku]).total_seconds() for sku, at in told.items() if at is not None]
    followed = _seconds_until_followed(scene)
    answers = list(scene.answers)
    left = len(scene.asked("SELECT 1 FROM store_deliveries WHERE state <> 'done'"))
    notes = (
        f"{len(calls):,} calls, {PER_SECOND} a second; {scene.refused} refused and sent again, {left} not followed.",
        f"{len(sent)} emptied a shelf; {len(late)} of them were told, in {len(posts)} messages.",
        f"Call to alert: {_spread(late)}; the goal is 99 of 100 below {GOAL * 1000:.0f} ms.",
        f"Call to answer: {_spread(answers)}. Call to facts: {_spread(followed)}.",
        f"Alerts by time: {_histogram(late)}.",
    )
    timings = (
        Timing("call answered", tuple(answers)),
        Timing("facts taken", tuple(followed)),
        Timing("alert accepted by the chat", tuple(late)),
    )
    return Report(f"A store's calls, {PER_SECOND} a second for {SECONDS} s", timings, timings[-1].label, notes)


async def _burst(scene: Scene, client: aiohttp.ClientSession, skus: Sequence[str]) -> Report:
    scene.answers.clear()
    scene.refused = 0
    before, told = len(scene.posts()), scene.called
    emptied = list(skus[:400])
    numbers = [(scene.empty(sku), "product.updated") for sku in emptied]
    for sku in skus:
        numbers += [(scene.shop.place({"product": scene.skus[sku], "quantity": 1, "total": "2.95"}), "order.created")]
    while len(numbers) < BURST:
        numbers += [(scene.skus[emptied[len(numbers) % 400]], "product.updated")]
    began = time.perf_counter()
    calls = []
    for count, (number, topic) in enumerate(numbers[:BURST]):
        await asyncio.sleep(max(0.0, began + count / BURST - time.perf_counter()))
        calls.append(asyncio.create_task(scene.call(client, number, topic)))
    await asyncio.gather(*calls)
    taken = time.perf_counter() - began
    await scene.settled()
    done = time.perf_counter() - began
    posts = scene.posts()[before:]
    followed = len(scene.asked("SELECT 1 FROM store_deliveries WHERE state = 'done'")) - told
    open_now = scene.asked(
        "SELECT p.sku FROM cases c JOIN products p ON p.id = c.product_id "
        "WHERE c.kind = 'stockout_risk' AND c.resolved_at IS NULL"
    )
    cases = len({sku for (sku,) in open_now} & set(emptied))
    notes = (
        f"{len(calls):,} calls; {scene.refused} refused and sent again; {followed:,} followed once settled.",
        f"{len(emptied)} shelves were emptied: {cases} cases stand, told in {len(posts)} messages.",
        f"Call to answer: {_spread(scene.answers)}. The last message came {done:.1f} s after the first call.",
    )
    timings = (
        Timing("all calls answered", (taken,)),
        Timing("all followed, judged and told", (done,)),
    )
    return Report(f"A burst of {BURST:,} calls in a second", timings, "all calls answered", notes)


def _seconds_until_followed(scene: Scene) -> list[float]:
    rows = scene.asked("SELECT received_at, handled_at FROM store_deliveries WHERE state = 'done'")
    return [(int(str(handled)) - int(str(received))) / 1e6 for received, handled in rows]


def _spread(seconds: Sequence[float]) -> str:
    if not seconds:
        return "none"
    half, most, nearly = (float(np.percentile(seconds, q)) * 1000 for q in (50, 95, 99))
    return f"p50 {half:,.0f} ms, p95 {most:,.0f} ms, p99 {nearly:,.0f} ms, most {max(seconds) * 1000:,.0f} ms"


def _histogram(seconds: Sequence[float]) -> str:
    edges = (0.1, 0.2, 0.3, 0.4, 0.6, 1.0)
    below, parts = 0.0, []
    for edge in (*edges, float("inf")):
        count = sum(below <= one < edge for one in seconds)
        parts.append(f"{count} {f'below {edge * 1000:.0f} ms' if edge < 10 else 'later'}")
        below = edge
    return ", ".join(parts)


@asynccontextmanager
async def _scene(file: Path) -> AsyncIterator[Scene]:
    """The sample with a shop that sells its best sellers, judged once, and the application running on it."""
    clock = MovableClock(AT)
    sandbox, shop = Sandbox(clock), WooShop(clock)
    sandbox.mount("/shop", shop_app(shop))
    async with sandbox:
        skus = _stock(shop, file)
        given = _settings(sandbox, shop, file)
        cast = await _prepared(given, clock, sandbox)
        told = file.with_name("settings.json")
        told.write_text(json.dumps(given), encoding="utf-8")
        ahead = (clock.now() - datetime.now(UTC)).total_seconds()  # both clocks go in step
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.bench.callsapp", str(told), str(ahead),
            stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert child.stdout is not None
        address = (await child.stdout.readline()).decode().strip()
        scene = Scene(shop, sandbox, cast, clock, address, file, skus)
        await scene.begun()
        try:
            yield scene
        finally:
            child.send_signal(signal.SIGTERM)
            await child.wait()


def _stock(shop: WooShop, file: Path) -> dict[str, int]:
    """Put the best sellers of the last weeks on the shop's shelves, and forget what is yet to come."""
    since = (AT - timedelta(days=60)).date().isoformat()
    with sqlite3.connect(file) as connection:
        for table, instant in (("sales", "sold_at"), ("stock_movements", "at"), ("stock_levels", "as_of")):
            connection.execute(f"DELETE FROM {table} WHERE {instant} > ?", (to_micros(AT),))  # noqa: S608  # ours
        best = connection.execute(
            "SELECT p.sku, p.name FROM daily_demand d JOIN products p ON p.id = d.product_id JOIN locations l ON "
            "l.id = d.location_id WHERE l.code = 'UK' AND d.day >= ? "
            "GROUP BY p.id ORDER BY count(*) DESC, p.id LIMIT ?",
            (since, PRODUCTS),
        )
        return {
            sku: shop.put(sku=sku, name=name, regular_price="2.95", manage_stock=True, stock_quantity=_PLENTY)
            for sku, name in best
        }


def _settings(sandbox: Sandbox, shop: WooShop, file: Path) -> dict[str, object]:
    slack = sandbox.slack.world
    return {
        "organisation": {"name": "Harbour Gifts", "currency": "GBP", "zone": "Europe/London"},
        "database": {"url": f"sqlite+aiosqlite:///{file}"},
        "slack": {
            "bot_token": slack.bot_token, "app_token": slack.app_token, "signing_secret": slack.signing_secret,
            "base_url": sandbox.slack_base_url,
        },
        "stores": {
            "connected": {
                "shop": {
                    "kind": "woocommerce", "url": f"{sandbox.url}/shop", "user": KEY, "secret": shop.token,
                    "hook_secret": HOOK_SECRET, "private": True,
                }
            }
        },
        "web": {"port": 0},
        "log": {"level": "ERROR"},
    }  # fmt: skip


async def _prepared(given: dict[str, object], clock: MovableClock, sandbox: Sandbox) -> Cast:
    """Read the shop, judge everything once while nobody listens, and let the channel hear of what comes."""
    application = build(settings.given(**given), clock)
    services = application.services
    cast = assemble(sandbox, await services.members.everyone(), accounts_of(SAMPLE_MEMBERS))
    await services.policies.ensure()
    await services.stores.sync("shop")
    (place,) = (await services.stores.unsure("shop")).places
    await services.stores.place("shop", place[0], "UK")
    reports = await services.stores.sync("shop")
    assert not any(report.error or report.faults for report in reports), reports
    await services.watch.scan(clock.now())
    origin = Origin("slack", cast.people[0].slack.id, cast.channel.id, "group")
    await services.topics.subscribe(origin, "restock")
    await application.close()
    return cast


BENCHMARK = Benchmark("calls", run)
