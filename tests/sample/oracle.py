"""The rules of the sample computed anew from its raw rows by DuckDB, with none of the product's code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb

FEES = r"(POST|DOT|C2|M|D|S|B|CRUK|PADS|BANK CHARGES|AMAZONFEE|GIFT_0001_[0-9]+)"

_COUNTRIES = {
    "United Kingdom": "UK",
    "Channel Islands": "UK",
    "Germany": "DE",
    "France": "FR",
    "EIRE": "IE",
    "Spain": "ES",
    "Netherlands": "NL",
    "Belgium": "BE",
    "Switzerland": "CH",
    "Portugal": "PT",
    "Australia": "AU",
}
_ZONES = {
    "UK": "Europe/London",
    "DE": "Europe/Berlin",
    "FR": "Europe/Paris",
    "IE": "Europe/Dublin",
    "ES": "Europe/Madrid",
    "NL": "Europe/Amsterdam",
    "BE": "Europe/Brussels",
    "CH": "Europe/Zurich",
    "PT": "Europe/Lisbon",
    "AU": "Australia/Sydney",
    "ROW": "Europe/London",
}


class Oracle:
    """Raw rows of a sample file, classified."""

    def __init__(self, path: Path) -> None:
        self.base = duckdb.connect()
        self.base.execute("SET TimeZone = 'UTC'")
        self.base.execute("CREATE TABLE codes (country TEXT, place TEXT)")
        self.base.executemany("INSERT INTO codes VALUES (?, ?)", list(_COUNTRIES.items()))
        self.base.execute("CREATE TABLE zones (place TEXT, zone TEXT)")
        self.base.executemany("INSERT INTO zones VALUES (?, ?)", list(_ZONES.items()))
        self.base.execute(
            f"""
            CREATE TABLE lines AS
            WITH raw AS (SELECT *, row_number() OVER () AS line FROM read_parquet('{path}')),
            placed AS (
                SELECT raw.*, upper(trim(sku)) AS code, coalesce(codes.place, 'ROW') AS place,
                       timezone('Europe/London', sold_at) AS moment, coalesce(customer_id, 0) AS who
                FROM raw LEFT JOIN codes USING (country))
            SELECT placed.*, CAST(timezone(zones.zone, moment) AS DATE) AS day,
                CASE WHEN regexp_full_match(code, '{FEES}') OR invoice LIKE 'A%' THEN 'fee'
                     WHEN invoice LIKE 'C%' THEN 'back'
                     WHEN unit_price = 0 AND quantity < 0 THEN 'write_off'
                     WHEN unit_price = 0 AND customer_id IS NULL THEN 'adjustment'
                     WHEN unit_price = 0 THEN 'sample'
                     ELSE 'sale' END AS kind
            FROM placed JOIN zones USING (place)
            """  # noqa: S608  # a path of our own
        )
        self._match()

    def _match(self) -> None:
        """Cancelled sales, one cancellation after the other in order of time, by plain dictionaries."""
        waiting: dict[tuple[Any, ...], list[tuple[Any, int]]] = {}
        self.cancelled: dict[int, int] = {}  # line of the sale -> line of its cancellation
        rows = self.base.execute(
            "SELECT line, kind, code, who, place, unit_price, abs(quantity), CAST(epoch(moment) AS BIGINT) FROM lines "
            "WHERE kind IN ('sale', 'back') ORDER BY moment, kind DESC, line"  # at one minute, sales come first
        ).fetchall()
        for line, kind, code, who, place, price, units, at in rows:
            key = (code, who, place, price, units)
            if kind == "sale":
                waiting.setdefault(key, []).append((at, line))
            elif stack := waiting.get(key):
                sold, sale = stack[-1]
                if at - sold <= 30 * 86_400:
                    stack.pop()
                    self.cancelled[sale] = line
        self.base.execute("CREATE TABLE cancelled (line BIGINT, by_line BIGINT)")
        self.base.executemany("INSERT INTO cancelled VALUES (?, ?)", list(self.cancelled.items()))

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Ask; the tables are `lines` and `cancelled`."""
        return self.base.execute(query).fetchall()

    def demand(self) -> dict[tuple[str, str, str], tuple[int, int, int, int]]:
        """(code, place, day) -> units and lines of demand, units returned, units that left the shelf."""
        found = self.rows(
            """
            SELECT code, place, CAST(day AS TEXT),
                   SUM(CASE WHEN kind = 'sale' AND c.line IS NULL THEN quantity ELSE 0 END),
                   SUM(CASE WHEN kind = 'sale' AND c.line IS NULL THEN 1 ELSE 0 END),
                   SUM(CASE WHEN kind = 'back' THEN -quantity ELSE 0 END),
                   SUM(quantity)
            FROM lines LEFT JOIN cancelled c USING (line)
            WHERE kind IN ('sale', 'back') GROUP BY ALL
            """
        )
        return {(code, place, day): tuple(map(int, rest)) for code, place, day, *rest in found}  # type: ignore[misc]
