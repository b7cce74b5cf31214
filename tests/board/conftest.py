"""The application over the shop of tests/handlers, its web server on loopback, and browsers that are let in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select, update

from bot import settings
from bot.bootstrap import App, build
from bot.chat.command import Invocation, Origin
from bot.chat.router import Answer
from bot.ports import MovableClock
from bot.services import Services
from bot.settings.resealing import SettingsFile
from bot.storage import tables
from bot.storage.database import Database
from tests.handlers.conftest import START, Seeded
from tests.handlers.conftest import seeded as seeded  # noqa: PLC0414  # a fixture

ROLES = {"Lin Wei": "approver", "Jonas": "buyer", "Maria": "operator", "Vic": "viewer"}
FEES = (
    {"location": "DE", "age_days": 91, "fee": "1.5", "currency": "EUR", "since": "2011-01-01"},
    {"location": "DE", "age_days": 181, "fee": "6", "currency": "EUR", "since": "2011-01-01"},
    {"location": "DE", "age_days": 271, "fee": "9", "currency": "EUR", "since": "2012-01-01"},  # not yet
)


@dataclass
class House:
    """The application, its address, and who is on the team."""

    app: App
    clock: MovableClock
    members: dict[str, int]
    clients: list[httpx.AsyncClient] = field(default_factory=list)

    @property
    def url(self) -> str:
        return self.app.runtime.web.url

    @property
    def database(self) -> Database:
        return self.app.services.database

    def stranger(self, **headers: str) -> httpx.AsyncClient:
        """A browser that was not let in yet; what it sends comes from a page of ours unless told."""
        given = {"Origin": self.url, **headers}
        client = httpx.AsyncClient(base_url=self.url, headers=given, trust_env=False, timeout=20)
        self.clients.append(client)
        return client

    async def enter(self, name: str = "Lin Wei", language: str = "en", target: str = "/board") -> httpx.AsyncClient:
        """A browser of a member's, let in by a link."""
        await self.change(tables.Member, self.members[name], language=language)
        client = self.stranger()
        answer = await client.post("/board/enter", json={"token": await self.token(name, target)})
        assert (answer.status_code, answer.json()) == (200, {"target": target})
        return client

    async def token(self, name: str = "Lin Wei", target: str = "/board") -> str:
        """What stands in a link's fragment."""
        link = await self.app.services.sessions.link(self.members[name], target)
        assert link.startswith(f"{self.url}/board/enter#")
        return link.partition("#")[2]

    async def chat(self, line: str, name: str = "Lin Wei", platform: str = "slack") -> Answer:
        """A line typed in a chat."""
        asker = await self.app.services.members.asker(self.members[name])
        origin = Origin(platform, f"U-{name}", "C1", "group")
        call: Invocation[Services] = Invocation(self.app.services, asker, origin, self.clock.now(), (), 1)
        return await self.app.router.run(call, line)

    async def change(self, table: type[Any], row_id: int, **values: Any) -> None:
        """Write into a row."""
        async with self.database.transaction() as connection:
            await connection.execute(update(table).where(table.id == row_id).values(**values))

    async def all(self, table: type[Any]) -> list[Any]:
        """Every row of a table."""
        async with self.database.reading() as connection:
            return list((await connection.execute(select(*table.__table__.columns))).all())

    async def pending(self) -> int:
        """A request that waits."""
        return int(next(row.id for row in await self.all(tables.Request) if row.state == "pending"))


async def opened(
    url: str, folder: Path, members: dict[str, int], file: SettingsFile | None = None, **more: Any
) -> House:
    """The application over a database that is there, serving."""
    clock = MovableClock(START, frozen=True)
    chosen = settings.given(
        database={"url": url},
        organisation={"currency": "GBP", "zone": "Europe/London"},
        approval={"limits": {"approver": {"GBP": 5000}}},
        orders={"folder": str(folder / "orders")},
        storage={"fees": FEES},
        **{"web": {"port": 0}, **more},
    )
    app = build(chosen, clock, platforms=[], file=file)
    await app.services.policies.ensure()
    await app.runtime.web.start()
    return House(app, clock, members)


async def shut(house: House) -> None:
    for client in house.clients:
        await client.aclose()
    await house.app.runtime.web.stop()
    await house.app.close()


@pytest.fixture
async def house(seeded: Seeded, tmp_path: Path) -> AsyncIterator[House]:
    """A shop with cases and a request, and its pages."""
    path = tmp_path / "shop.db"
    path.write_bytes(seeded.content)
    found = await opened(f"sqlite+aiosqlite:///{path}", tmp_path, dict(seeded.ids["members"]))
    yield found
    await shut(found)


@pytest.fixture
async def bare(database: Database, tmp_path: Path) -> AsyncIterator[House]:
    """An organisation with one member and nothing else, on each kind of database."""
    found = await opened(database.url.render_as_string(hide_password=False), tmp_path, {})
    view = await found.app.services.members.add("Lin Wei", role="approver", identities={"slack": "U1"})
    found.members["Lin Wei"] = view.id
    yield found
    await shut(found)
