"""The application over a small shop, its web server on loopback, and programs that hold keys."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from sqlalchemy import insert, text

from bot import settings
from bot.bootstrap import App, build
from bot.ports import MovableClock
from bot.services.apikeys import SCOPES
from bot.storage.database import Database
from bot.storage.tables import Location
from tests.web_api.dying import NOW as NOW  # noqa: PLC0414  # for those who import it from here

AT = "2026-11-19T08:30:00+08:00"


@dataclass
class Site:
    """The application, and a program with a key of every scope."""

    app: App
    clock: MovableClock
    client: httpx.AsyncClient
    token: str

    @property
    def url(self) -> str:
        return self.app.runtime.web.url

    async def send(self, kind: str, *rows: Any, key: str = "", **headers: str) -> httpx.Response:
        """Send a batch; `key` is an Idempotency-Key."""
        given = {"Content-Type": "application/json", **({"Idempotency-Key": key} if key else {}), **headers}
        return await self.client.post(f"/api/v1/{kind}", content=json.dumps({"rows": list(rows)}), headers=given)

    async def rows(self, query: str) -> list[tuple[Any, ...]]:
        async with self.app.services.database.reading() as connection:
            return [tuple(row) for row in await connection.execute(text(query))]


def order(number: str = "1", *lines: dict[str, Any], **more: Any) -> dict[str, Any]:
    """An order of two mugs, unless lines are told."""
    told = list(lines) or [{"id": "a", "sku": "MUG", "quantity": 2, "amount": "25.00"}]
    return {"id": number, "placed_at": AT, "location": "UK", "lines": told, **more}


def count(sku: str = "MUG", on_hand: Any = 5, **more: Any) -> dict[str, Any]:
    return {"sku": sku, "location": "UK", "on_hand": on_hand, **more}


def inbound(number: str = "PO-1", **more: Any) -> dict[str, Any]:
    return {
        "id": number, "sku": "MUG", "location": "UK", "quantity": 60, "ordered_at": AT, "expected_on": "2026-12-18",
        **more,
    }  # fmt: skip


async def locations(database: Database, *codes: str) -> None:
    async with database.transaction() as connection:
        for code in codes:
            values = {"name": f"The hall {code}", "zone": "Europe/London", "country": "GB", "currency": "GBP"}
            await connection.execute(insert(Location).values(code=code, markets=[], **values))


@asynccontextmanager
async def served(database: Database, scopes: Sequence[str] = SCOPES) -> AsyncIterator[Site]:
    """The application on a database with two locations."""
    await locations(database, "UK", "DE")
    clock = MovableClock(NOW, frozen=True)
    chosen = settings.given(
        database={"url": database.url.render_as_string(hide_password=False)},
        organisation={"currency": "GBP"},
        web={"port": 0},
    )
    app = build(chosen, clock, platforms=[])
    token = await app.services.api_keys.add("erp", scopes)
    await app.runtime.web.start()
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=app.runtime.web.url, headers=headers, trust_env=False, timeout=30) as client:
        yield Site(app, clock, client, token)
    await app.runtime.web.stop()
    await app.close()


@pytest.fixture
async def site(database: Database) -> AsyncIterator[Site]:
    """On SQLite and on PostgreSQL."""
    async with served(database) as found:
        yield found


@pytest.fixture
async def quick(sqlite_database: Database) -> AsyncIterator[Site]:
    """On SQLite alone, for what the database has no part in."""
    async with served(sqlite_database) as found:
        yield found


@pytest.fixture
async def postgres_site(postgres_database: Database) -> AsyncIterator[Site]:
    """On PostgreSQL alone, for what takes two writers at once."""
    async with served(postgres_database) as found:
        yield found
