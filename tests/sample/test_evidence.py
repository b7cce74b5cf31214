"""Every case of the demo's shop: each figure replays from what was stored with it, and its story can be told."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from bot import settings
from bot.bootstrap import build
from bot.chat.cards import why_card
from bot.chat.nodes import Bullets
from bot.domain.evidence import STEPS_OF_KIND
from bot.ports import MovableClock
from bot.storage import cases as rows
from bot.storage import tables
from bot.storage.database import Database
from tests.domain.replaying import replayed

MONDAY = datetime(2011, 11, 21, 9, tzinfo=UTC)
NOT_ALWAYS = {  # without sales, events, review dates of suppliers or categories there is no such figure
    "category_share",
    "joint_days", "joint_demand", "joint_variance", "joint_quantile", "joint_safety_stock", "review_point",
    "lead_time_days", "cycle_days",
    "days_of_cover", "days_to_stockout", "gap", "lost_units", "lost_margin", "inventory_turnover", "days_of_inventory",
    "lead_time_median", "lead_time_p80", "lead_time_p95", "lead_time_quantile", "cycle_quantile",
}  # fmt: skip


async def test_each_case_of_the_shop_replays_to_the_last_figure_and_tells_its_story(
    sample_database: Database,
) -> None:
    given = settings.given(
        organisation={"currency": "GBP", "zone": "Europe/London"}, database={"url": str(sample_database.url)}
    )
    app = build(given, MovableClock(MONDAY, frozen=True))
    try:
        await app.services.watch.scan(MONDAY)
    finally:
        await app.close()
    async with sample_database.reading() as connection:
        ids = (await connection.scalars(select(tables.Case.id).order_by(tables.Case.id))).all()
        views = (await rows.views(connection, list(ids))).values()
    seen: Counter[str] = Counter()
    for view in views:
        evidence = view.evidence
        seen[view.kind] += 1
        if view.kind == "data_stale":
            continue
        assert evidence["forecast"]["series"] > 100
        names = {step["name"] for step in evidence["steps"]}
        assert set(STEPS_OF_KIND[view.kind]) - names <= NOT_ALWAYS
        for step in evidence["steps"]:
            assert replayed(step) == pytest.approx(step["result"], rel=1e-6, abs=1e-6), (view.id, step)
        lines = next(block for block in why_card(view).blocks if isinstance(block, Bullets)).items
        assert 1 <= len(lines) <= 5
    assert seen["stockout_risk"] > 50
    assert all(seen[kind] for kind in ("slow_mover", "late_inbound")), seen  # overstock: see tests/domain
