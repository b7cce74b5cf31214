"""The whole file once: slow for a test, but the demo's every figure rests on it."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from sqlalchemy import text

from bot.storage.database import Database
from bot.storage.ledger import history
from tests.sample.conftest import WholeYear
from tests.sample.oracle import Oracle
from tests.sample.test_sample import DEMAND


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
