"""New products in a real catalogue: when they count as new, what they borrow, and that `Why?` and a rescan agree."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from sqlalchemy import update

from bot.chat.cards.why import reckoning_card
from bot.chat.nodes import Paragraph
from bot.domain.evidence import evidence
from bot.domain.sourcing import SourcingSettings
from bot.ports import MovableClock
from bot.services import snapshot
from bot.services.figures import borrowed
from bot.services.learning import learn
from bot.services.snapshot import Snapshot
from bot.storage import tables
from bot.storage.database import Database
from tests.domain.replaying import replayed
from tests.services.work.kit import add
from tests.services.work.shop import Shop, open_shop

DAYS, OLD = 120, 40


async def put(shop: Shop, sku: str, category: int | None, known_days: int) -> None:
    """Say what a product is, and since when it is known."""
    told = {"category_id": category, "created_at": shop.clock.now() - timedelta(days=known_days)}
    async with shop.database.transaction() as connection:
        await connection.execute(update(tables.Product).where(tables.Product.id == shop.skus[sku]).values(told))


@pytest.fixture
async def shop(database: Database, clock: MovableClock) -> Shop:
    """Forty candles that sell about four a day, and four products of which little is known."""
    law, shop = np.random.default_rng(4), await open_shop(database, clock)
    await shop.add_place("UK")
    async with database.transaction() as connection:
        candles = await add(connection, tables.Category, name="Candles")
    await shop.add_products([f"P{number}" for number in range(OLD)])
    for number in range(OLD):
        await shop.sells(f"P{number}", "UK", law.poisson(law.gamma(20.0, 0.2), DAYS).tolist())
        await shop.holds(f"P{number}", "UK", 500)
        await put(shop, f"P{number}", candles, 400)
    await shop.add_products(["NEW", "ELDER", "BARE", "LYING"])
    for sku, category, days in (("NEW", candles, 5), ("ELDER", candles, 400), ("BARE", None, 5), ("LYING", candles, 5)):
        await shop.sells(sku, "UK", [] if sku == "LYING" else [1, 0, 2])
        await shop.holds(sku, "UK", 3)
        await put(shop, sku, category, days)
    await shop.buys("UK", 28, 100)
    await learn(database, shop.settings, SourcingSettings(), clock.now())
    return shop


async def taken(shop: Shop, *skus: str) -> Snapshot:
    """A snapshot of some products, of all where none are named."""
    ids = [shop.skus[sku] for sku in skus] or None
    async with shop.database.reading() as connection:
        return await snapshot.take(connection, shop.settings, SourcingSettings(), shop.clock.now(), ids)


async def test_what_is_new_leans_on_its_category_and_a_rescan_says_the_same(shop: Shop) -> None:
    whole = await taken(shop)
    judged = whole.assess(shop.settings.watch)
    assert judged.outlook is not None
    row = {sku: whole.find(shop.skus[sku], shop.places["UK"]) for sku in ("NEW", "ELDER", "BARE", "LYING")}
    counts, velocity = judged.outlook.borrowed.counts, judged.demand.velocity
    new, elder = row["NEW"], row["ELDER"]
    assert new is not None
    assert elder is not None
    assert np.flatnonzero(counts).tolist() == [new]  # what lies there unsold may have lain there for long
    assert 1.0 < velocity[new] < 4.5
    assert velocity[elder] < 0.5
    some = await taken(shop, "NEW", "P3")
    again = some.assess(shop.settings.watch, others=OLD)
    at = some.find(shop.skus["NEW"], shop.places["UK"])
    assert at is not None
    assert again.demand.velocity[at] == pytest.approx(velocity[new], rel=1e-12)
    assert again.supply.order_up_to[at] == pytest.approx(judged.supply.order_up_to[new], rel=1e-9)
    assert borrowed(some, again, at) == borrowed(whole, judged, new)


async def test_why_tells_from_which_category_by_how_many_and_how_much(shop: Shop) -> None:
    await shop.scan()
    case = (await shop.unresolved())["stockout_risk", "NEW"]
    lent = case.evidence["borrowed"]
    assert (lent["category"], lent["near"]) == ("Candles", "place")
    assert lent["series"] >= OLD
    steps = {step["name"]: step for step in case.evidence["steps"]}
    assert float(lent["share"]) == pytest.approx(steps["category_share"]["result"], abs=1e-4)
    assert float(lent["rate"]) == pytest.approx(steps["velocity"]["values"]["c"], abs=1e-4)
    for step in steps.values():
        assert replayed(step) == pytest.approx(step["result"], rel=1e-6, abs=1e-6), step
    lines = [
        str(block.content) for block in reckoning_card(case.evidence, "GBP").blocks if isinstance(block, Paragraph)
    ]
    assert any("New here" in line and "Candles" in line for line in lines), lines


async def test_another_name_of_the_category_is_written_anew_and_what_stays_is_not(shop: Shop) -> None:
    whole = await taken(shop)
    row = whole.find(shop.skus["NEW"], shop.places["UK"])
    assert row is not None
    told = evidence(whole.assess(shop.settings.watch), row)
    assert "category_share" in {step["name"] for step in told["steps"]}
    for _time in range(3):  # what the first one asks for changes the second; then nothing does
        await shop.scan()
    before = (await shop.unresolved())["stockout_risk", "NEW"].evidence["borrowed"]["category"]
    async with shop.database.transaction() as connection:
        await connection.execute(update(tables.Category).values(name="Lights"))
    await shop.scan()
    after = (await shop.unresolved())["stockout_risk", "NEW"].evidence["borrowed"]["category"]
    assert (before, after) == ("Candles", "Lights")
