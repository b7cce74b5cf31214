"""No question that a page asks of a year of sales goes through an index that is for something else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import event, text

from bot.storage import ledger, partdays, sellinghours
from bot.storage.database import Database

AT = datetime(2011, 11, 21, 9, tzinfo=UTC)


async def test_the_ledger_never_walks_sales_by_their_source_alone(sqlite_database: Database) -> None:
    """Nearly all sales share one source: an index that begins with it is a walk through all of them."""
    asked: list[tuple[str, Any]] = []

    def note(
        _c: object, _cursor: object, statement: str, parameters: Any, _context: object, _many: object
    ) -> None:  # the driver's
        asked.append((statement, parameters))

    event.listen(sqlite_database.engine.sync_engine, "before_cursor_execute", note)
    async with sqlite_database.reading() as connection:
        await ledger.history(connection, AT.date() + timedelta(days=1), 90, at=AT, product_ids=[1, 2])
    event.remove(sqlite_database.engine.sync_engine, "before_cursor_execute", note)
    plans = []
    async with sqlite_database.reading() as connection:
        for statement, parameters in asked:
            if "sales" in statement:
                rows = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
                plans += [str(row.detail) for row in rows]
    assert any("ix_sales" in plan for plan in plans)
    assert not [plan for plan in plans if "ix_sales_order" in plan or plan.endswith("(source=?)")]


async def test_the_sales_of_single_days_and_of_some_weeks_are_looked_up_by_product_place_and_day(
    sqlite_database: Database,
) -> None:
    days = {"first": "2011-10-23", "last": "2011-11-20"}
    asked = ((partdays._SQLITE, {"cells": '[[1, 1, "2011-11-20"]]', "at": 0}), (sellinghours._SQLITE, days))
    async with sqlite_database.reading() as connection:
        for statement, values in asked:
            rows = await connection.execute(text(f"EXPLAIN QUERY PLAN {statement.text}"), values)
            plans = [str(row.detail) for row in rows]
            assert [plan for plan in plans if "ix_sales_place (product_id=? AND location_id=? AND day" in plan], plans
