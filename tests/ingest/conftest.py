"""What import tests share: two locations, a way to import text, and a way to look."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, text

from bot.ports import MovableClock
from bot.services.ingest import ImportOptions, ImportReport, Ingest, IngestSettings, Kind
from bot.storage.database import Database
from bot.storage.tables import Location
from bot.stores.files import open_table


@dataclass
class Desk:
    """An importer over a database, with files in a folder of their own."""

    database: Database
    folder: Path
    ingest: Ingest

    def write(self, content: str | bytes, name: str = "sales.csv") -> Path:
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    async def take(
        self, content: str | bytes | Path, kind: Kind = "sales", name: str = "sales.csv", **options: Any
    ) -> ImportReport:
        path = content if isinstance(content, Path) else self.write(content, name)
        return await self.ingest.run(kind, path, ImportOptions(**options))

    async def rows(self, query: str) -> list[tuple[Any, ...]]:
        async with self.database.reading() as connection:
            return [tuple(row) for row in await connection.execute(text(query))]


async def open_desk(database: Database, clock: MovableClock, folder: Path, **settings: Any) -> Desk:
    """Two locations: the United Kingdom, and Germany, which takes every unknown market."""
    places = (
        ("UK", "United Kingdom", "Europe/London", "GB", "GBP", ["United Kingdom", "英国"]),
        ("DE", "Germany", "Europe/Berlin", "DE", "EUR", ["Germany", "*"]),
    )
    names = ("code", "name", "zone", "country", "currency", "markets")
    async with database.transaction() as connection:
        for place in places:
            await connection.execute(insert(Location).values(**dict(zip(names, place, strict=True))))
    return Desk(database, folder, Ingest(database, clock, IngestSettings(currency="GBP", **settings), open_table))


OpenDesk = Callable[..., Awaitable[Desk]]


@pytest.fixture
async def desk(sqlite_database: Database, clock: MovableClock, tmp_path: Path) -> Desk:
    """An importer on SQLite."""
    return await open_desk(sqlite_database, clock, tmp_path)


@pytest.fixture
async def any_desk(database: Database, clock: MovableClock, tmp_path: Path) -> Desk:
    """An importer on SQLite, and on PostgreSQL."""
    return await open_desk(database, clock, tmp_path, batch=3)


@pytest.fixture
def open_any(clock: MovableClock, tmp_path: Path) -> OpenDesk:
    """Opens an importer over a database."""
    return lambda database: open_desk(database, clock, tmp_path)
