"""The whole file once: slow for a test, but the demo's every figure rests on it."""

from __future__ import annotations

from datetime import UTC, date, datetime

import numpy as np
import pytest
from sqlalchemy import text

from bot.domain.containers import stowage_of
from bot.domain.sourcing import SourcingSettings, find_moves
from bot.domain.watch import WatchSettings
from bot.services import snapshot
from bot.services.drafting import Drafting, Need
from bot.services.joining import as_they_go
from bot.services.settings import ServiceSettings
from bot.storage.database import Database
from bot.storage.ledger import history
from tests.sample.conftest import WholeYear
from tests.sample.oracle import Oracle
from tests.sample.test_sample import DEMAND

SOURCING = SourcingSettings()


@pytest.mark.timeout(600)
@pytest.mark.xdist_group("whole year")
async def test_the_whole_year_is_what_its_541909_raw_rows_say(
    whole_year: WholeYear, whole_database: Database, whole_oracle: Oracle
) -> None:
    report, oracle = whole_year.report, whole_oracle
    sales = report.sales
    assert (sales.rows, sales.added, sales.rejected) == (541_909, 541_909, 0)
    kinds = {str(kind): int(count) for kind, count in oracle.rows("SELECT kind, COUNT(*) FROM lines GROUP BY ALL")}
    tallies = {
        "fee": sales.fees,
        "write_off": sales.write_offs,
        "adjustment": sales.adjustments,
        "sample": sales.samples,
    }
    assert tallies == {kind: kinds[kind] for kind in tallies}
    assert sales.cancellations == len(oracle.cancelled)
    assert sales.cancellations + sales.returns == kinds["back"]
    async with whole_database.reading() as connection:
        rows = await connection.execute(text(DEMAND))
        found = {(sku, code, day): tuple(rest) for sku, code, day, *rest in rows}
        giants = await connection.execute(
            text(
                "SELECT order_ref, cancelled_by LIKE 'C541433/%' OR cancelled_by LIKE 'C581484/%' FROM sales "
                "WHERE kind = 'sale' AND quantity > 70000 ORDER BY 1"
            )
        )
        assert giants.all() == [("541431", 1), ("581483", 1)]
        expected = oracle.demand()
        assert found == expected
        arrays = await history(connection, date(2011, 11, 20), 355, at=datetime(2011, 12, 9, 23, tzinfo=UTC))
    assert int(arrays.units.sum()) == sum(units for (_, _, day), (units, *_) in expected.items() if day <= "2011-11-20")
    assert arrays.counted.all()
    selling = arrays.units > 0
    assert 0.03 < float((arrays.on_hand[selling] == 0).mean()) < 0.3  # real stock-outs arise
    idle = arrays.units[:, -90:].sum(axis=1) == 0
    assert int((idle & (arrays.on_hand[:, -1] > 0)).sum()) > 500  # and real dead stock
    assert report.reconstruction.series == len(arrays.product_ids)


@pytest.mark.timeout(600)
@pytest.mark.xdist_group("whole year")
async def test_what_is_due_from_makers_who_ship_by_the_container_fills_one(whole_database: Database) -> None:
    at, rules = datetime(2011, 11, 21, 9, tzinfo=UTC), ServiceSettings(WatchSettings(), "GBP", "Europe/London")
    async with whole_database.reading() as connection:
        ids = await connection.scalars(text("SELECT DISTINCT product_id FROM routes WHERE container IS NOT NULL"))
        place = await connection.scalar(text("SELECT id FROM locations WHERE code = 'UK'"))
        taken = await snapshot.take(connection, rules, SOURCING, at, list(ids.all()), [place])
    assessed = taken.assess(rules.watch)
    every = np.ones(assessed.series, dtype=np.bool_)
    moves = find_moves(assessed, taken.network, every, taken.promised)
    drafting = Drafting(taken, assessed, moves, SOURCING)
    due = np.flatnonzero(assessed.supply.order_quantity > 0).tolist()
    money = assessed.money_minor["stockout_risk"]
    drafts = drafting.restock([Need(None, row, 0, int(money[row])) for row in due])
    kept, _held = as_they_go(taken, assessed, drafting, SOURCING, drafts)
    shipped = [draft for draft in kept if draft.detail and draft.detail.get("container")]
    assert len(shipped) == 2
    for draft in shipped:
        assert draft.mode == "sea"
        found = stowage_of(draft.detail or {}, [(line.quantity, line.detail or {}) for line in draft.lines])
        assert found is not None
        assert found.share > 0.7  # of one box; the rest would last too long
        assert any((line.detail or {}).get("brought") for line in draft.lines)
