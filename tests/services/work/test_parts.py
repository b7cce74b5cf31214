"""Parts of days without stock in the watch: from instants to a rate, what `Why?` says of it, when it is judged anew.

Twenty-four a day are asked for, one an hour. On one day the last was sold at two in the afternoon, and goods came at
nine on the next: by its hours the product sells twenty-four a day, by its days fewer.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import insert, update

from bot.chat.cards.story import story
from bot.chat.nodes import Message
from bot.domain.sourcing import SourcingSettings
from bot.ports import MovableClock
from bot.services import snapshot
from bot.storage import tables, touched
from bot.storage.database import Database
from bot.words import verbatim
from tests.chat.test_cards import said
from tests.domain.replaying import replayed
from tests.services.work.shop import Shop, open_shop

BANGKOK = ZoneInfo("Asia/Bangkok")
PAST = [24] * 116
OUT, BACK = 3, 2  # days ago


@pytest.fixture
async def shop(database: Database, clock: MovableClock) -> Shop:
    """TIMED, whose sales have hours, and DATED, whose sales have none; of both the same is told by day."""
    shop = await open_shop(database, clock)
    await shop.add_place("BKK", "Asia/Bangkok", "TH")
    await shop.buys("BKK", 28, 100)
    for sku in ("TIMED", "DATED"):
        await shop.add_product(sku)
        await shop.sells(sku, "BKK", [*PAST, 24, 14, 15, 24])
        await counted(shop, sku, at(shop, OUT + 1, 0), 24 + 14)
        await arrived(shop, sku, at(shop, BACK, 9), 200)
        for number, (back, hour, units) in enumerate(((OUT + 1, 12, 24), (OUT, 9, 13), (OUT, 14, 1), (BACK, 18, 15))):
            await sold(shop, f"{sku}{number}", sku, at(shop, back, hour if sku == "TIMED" else 0), units)
    return shop


def at(shop: Shop, back: int, hour: int) -> datetime:
    """An hour in Bangkok, so many days ago."""
    return datetime.combine(shop.today("BKK") - timedelta(days=back), time(hour), BANGKOK)


async def put(shop: Shop, table: type[Any], sku: str, **values: Any) -> None:
    of = {"product_id": shop.skus[sku], "location_id": shop.places["BKK"]}
    async with shop.database.transaction() as connection:
        await connection.execute(insert(table).values(**of, **values))


async def counted(shop: Shop, sku: str, when: datetime, units: int) -> None:
    await put(shop, tables.StockLevel, sku, as_of=when, on_hand=units, source="count")


async def arrived(shop: Shop, sku: str, when: datetime, units: int) -> None:
    more = {"kind": "receipt", "source": "erp", "external_id": sku}
    await put(shop, tables.StockMovement, sku, at=when, day=when.date(), quantity=units, **more)


async def sold(shop: Shop, name: str, sku: str, when: datetime, units: int) -> None:
    await put(
        shop, tables.Sale, sku, source="shop", external_id=name, order_ref=name, code=sku, sold_at=when,
        day=when.date(), quantity=units, unit_price=Decimal("2.5"), amount_minor=units * 250, currency="GBP",
        kind="sale",
    )  # fmt: skip


async def evidence(shop: Shop, sku: str) -> dict[str, Any]:
    """What the case of a product rests on."""
    found: dict[str, Any] = (await shop.unresolved())["stockout_risk", sku].evidence
    return found


async def test_what_was_out_from_two_until_nine_has_the_rate_of_its_hours_in_stock(shop: Shop) -> None:
    await shop.scan()
    week, plain = [(await evidence(shop, sku))["windows"][0] for sku in ("TIMED", "DATED")]
    assert week["part_days"] == 2
    assert week["in_stock_days"] == pytest.approx(6 + 14 / 24 + 15 / 24)  # one day further back than the week
    assert week["part_out_days"] == pytest.approx(10 / 24 + 9 / 24)
    assert week["corrected"] == pytest.approx(24)
    assert (plain["part_days"], plain["in_stock_days"]) == (0, 7)
    assert plain["corrected"] == pytest.approx((5 * 24 + 14 + 15) / 7)
    velocity = {step["name"]: step["result"] for step in (await evidence(shop, "TIMED"))["steps"]}["velocity"]
    assert velocity == pytest.approx(24)


async def test_why_tells_the_parts_and_every_figure_is_replayed(shop: Shop) -> None:
    await shop.scan()
    told = await evidence(shop, "TIMED")
    for step in told["steps"]:
        assert replayed(step) == pytest.approx(step["result"]), step["name"]
    for window in told["windows"]:
        assert window["corrected"] == pytest.approx(window["units"] / window["base_days"])
        assert window["in_stock_days"] + window["part_out_days"] + window["left_out_days"] == window["span_days"]
    card = Message(verbatim("Why"), tuple(story("stockout_risk", told, "GBP")))
    english, chinese = (said(card, code) for code in ("en", "zh_CN"))
    assert "(0.79 days without stock left out: 0 as a whole, and parts of 2 more)" in english
    assert "（剔除缺货 0.79 天：整天 0 天，另有 2 天的部分时段）" in chinese


async def test_the_stock_card_and_a_rescan_say_the_same(shop: Shop) -> None:
    line = (await shop.catalogue.stock_report(shop.sku("TIMED"))).lines[0]
    assert [(each.part_days, each.part_out) for each in line.velocities] == [(2, Decimal("0.79"))] * 3
    async with shop.database.reading() as connection:
        taken = await snapshot.take(
            connection, shop.settings, SourcingSettings(), shop.clock.now(), [shop.skus["TIMED"]]
        )
    assert line.per_day == pytest.approx(Decimal(24), abs=Decimal("0.001"))
    assert taken.assess(shop.settings.watch).demand.velocity[0] == pytest.approx(24)


async def test_another_hour_is_another_figure_and_the_case_is_written_anew(shop: Shop) -> None:
    """As when a store rights an order: the units of every day stay what they were."""
    await shop.scan()
    await shop.scan()
    before = (await evidence(shop, "TIMED"))["windows"][0]
    async with shop.database.transaction() as connection:
        moved = update(tables.Sale).where(tables.Sale.external_id == "TIMED2").values(sold_at=at(shop, OUT, 10))
        await connection.execute(moved)
        await touched.touch(connection, {shop.skus["TIMED"]}, shop.clock.now())
    await shop.scan()
    after = (await evidence(shop, "TIMED"))["windows"][0]
    assert after["part_out_days"] == pytest.approx(before["part_out_days"] + 4 / 24)
    assert after["corrected"] > before["corrected"]
