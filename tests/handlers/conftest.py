from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import insert, update

from bot import settings
from bot.bootstrap import App, build
from bot.chat.command import Asker, Invocation, Origin
from bot.chat.incoming import ConversationKind
from bot.chat.nodes import Action, Actions, Message
from bot.chat.router import Answer, Router
from bot.platforms.telegram import entities as telegram
from bot.ports import MovableClock, Profile, Reader
from bot.services import Services
from bot.services.members import Members
from bot.storage import tables
from bot.storage.database import Database
from tests.chat.views import sealed
from tests.services.work.shop import Shop, open_shop, steady

START = datetime(2011, 11, 21, 9, tzinfo=UTC)  # a Monday
LANTERN, CANDLE, CLOCK, MUG = "85123A", "85123B", "22423", "84879"
NAMES = {
    LANTERN: "WHITE HANGING HEART T-LIGHT HOLDER",
    CANDLE: "RED HANGING HEART T-LIGHT HOLDER",
    CLOCK: "ALARM CLOCK BAKELIKE GREEN",
    MUG: "RETRO MUG",
}


@dataclass
class Office:
    """The whole of the services over a small shop, and a router to talk to it."""

    shop: Shop
    services: Services
    router: Router[Services]

    async def ask(
        self,
        line: str,
        name: str = "Lin Wei",
        platform: str = "slack",
        kind: ConversationKind = "group",
        page: int = 1,
    ) -> Answer:
        """A line typed by a member (one who is not of the team is a stranger)."""
        return await self.router.run(self.call(name, platform, kind, page), line)

    async def press(self, button: Action, name: str = "Lin Wei", platform: str = "slack") -> Answer:
        """A button pressed by a member."""
        call = self.call(name, platform, "group", button.page)
        return await self.router.press(call, button.command, button.arguments)

    def call(self, name: str, platform: str, kind: ConversationKind, page: int) -> Invocation[Services]:
        members = self.shop.members
        roles = {"Lin Wei": "approver", "Jonas": "buyer", "Maria": "operator", "Vic": "viewer"}
        role: Any = roles.get(name, "viewer")
        asker = Asker(members.get(name, 0), name, role, "en", ZoneInfo("Asia/Shanghai"))
        return Invocation(
            self.services, asker, Origin(platform, f"U-{name}", "C1", kind), self.shop.clock.now(), (), page
        )


def buttons(answer: Answer) -> list[Action]:
    return [button for block in answer.message.blocks if isinstance(block, Actions) for button in block.buttons]


def button(answer: Answer, command: str) -> Action:
    return next(each for each in buttons(answer) if each.command == command)


def text(answer: Answer | Message, code: str = "en") -> str:
    message = answer.message if isinstance(answer, Answer) else answer
    shown = telegram.render(sealed(message), Reader(code, ZoneInfo("UTC"), {}))
    return shown.text.replace("\u2060", "")


async def seed(shop: Shop) -> None:
    """Two places, four products: one about to run out, one that never sells, and two that do well."""
    await shop.add_place("UK")
    await shop.add_place("DE", "Europe/Berlin", "DE")
    async with shop.database.transaction() as connection:
        await connection.execute(
            update(tables.Location).where(tables.Location.code == "UK").values(name="United Kingdom")
        )
    for sku, name in NAMES.items():
        await shop.add_product(sku)
        async with shop.database.transaction() as connection:
            await connection.execute(update(tables.Product).where(tables.Product.sku == sku).values(name=name))
    await shop.sells(LANTERN, "UK", steady(units=20), sold_today=7)
    await shop.holds(LANTERN, "UK", 30)
    await shop.sells(CANDLE, "UK", steady())
    await shop.holds(CANDLE, "UK", 900)
    await shop.sells(CLOCK, "DE", [0] * 10 + [3] * 5 + [0] * 105)
    await shop.holds(CLOCK, "DE", 500)
    await shop.buys("UK", 30, 100, minimum=24, pack=12)
    await shop.buys("DE", 30, 100)
    await shop.scan()


@dataclass(frozen=True)
class Seeded:
    """The seeded database's file, and the ids of what was planted in it."""

    content: bytes
    ids: dict[str, dict[str, Any]]


@pytest.fixture(scope="session")
def seeded(sqlite_template: bytes, tmp_path_factory: pytest.TempPathFactory) -> Seeded:
    """Seeded once; every test gets a copy."""
    path = tmp_path_factory.mktemp("seeded") / "shop.db"
    path.write_bytes(sqlite_template)

    async def plant() -> dict[str, dict[str, Any]]:
        database = Database(f"sqlite+aiosqlite:///{path}")
        clock = MovableClock(START, frozen=True)
        shop = await open_shop(database, clock)
        await seed(shop)
        async with database.transaction() as connection:
            for name in ("Lin Wei", "Jonas", "Maria"):
                identity = {"platform": "slack", "external_id": f"U-{name}", "member_id": shop.members[name]}
                await connection.execute(insert(tables.Identity).values(linked_at=START, **identity))
        people = Members(database=database, clock=clock, audit=shop.audit)
        shop.members["Vic"] = (await people.of("slack", "U-Vic", Profile("Vic", zone="Asia/Bangkok"))).member_id
        await database.close()
        return {"members": shop.members, "skus": shop.skus, "places": shop.places, "zones": shop.zones}

    ids = asyncio.run(plant())
    return Seeded(path.read_bytes(), ids)


@pytest.fixture
async def office(seeded: Seeded, tmp_path: Path) -> AsyncIterator[Office]:
    """A shop with cases and a request, and everything that a command may use."""
    path = tmp_path / "shop.db"
    path.write_bytes(seeded.content)
    app, found = open_office(path, seeded.ids)
    yield found
    await app.services.rooms.settle()  # who came and went is told in the background
    await app.close()


def open_office(path: Path, ids: dict[str, dict[str, Any]], **parts: Any) -> tuple[App, Office]:
    """An office over a seeded file; `parts` of the settings come on top."""
    clock = MovableClock(START, frozen=True)
    chosen = settings.given(
        database={"url": f"sqlite+aiosqlite:///{path}"},
        organisation={"currency": "GBP", "zone": "Europe/London"},
        approval={"limits": {"approver": {"GBP": 5000}}},
        orders={"folder": str(Path(path).with_suffix(".orders"))},
        **parts,
    )
    app = build(chosen, clock, platforms=[])
    planted: dict[str, Any] = {**ids, "product": 0, "place": 0, "supplier": 0}
    services = {field.name: getattr(app.services, field.name, None) for field in dataclasses.fields(Shop)}
    return app, Office(Shop(**{**services, **planted}), app.services, app.router)
