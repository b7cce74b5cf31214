"""Whole Stocktides over one real database, with people who are told on two platforms and sit in video rooms."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import Table, select

from bot import settings
from bot.bootstrap import App, build
from bot.chat.command import Invocation, Origin
from bot.chat.nodes import Action
from bot.chat.router import Answer
from bot.ports import MovableClock
from bot.services import Services
from bot.storage.database import Database
from bot.storage.rooms import RoomRow
from bot.web.keeper import Keeper
from bot.web.rooms.hub import Hub
from tests.runtime.recorder import Recorder
from tests.web_rooms.kit import Caller, Pauses

ADDRESS = "http://127.0.0.1:8320"


@dataclass
class Process:
    """One process: its services, the rooms whose sockets it holds, and how its pauses pass."""

    app: App
    hub: Hub
    pauses: Pauses

    @property
    def services(self) -> Services:
        """What its commands and jobs use."""
        return self.app.services

    async def tick(self) -> dict[str, int]:
        """Run the rooms' job now; what it did."""
        return await self.services.room_life.tick(self.services.clock.now())

    async def beat(self) -> None:
        """Let the process say who is there, and wait until it has."""
        await self.pauses.let_pass(20.0)
        await self.pauses.asked(20.0)

    async def close(self) -> None:
        """Let go of everything."""
        await self.hub.close()
        await self.services.rooms.settle()
        await self.app.close()


@dataclass
class Floor:
    """The team, its database, and the processes that share it."""

    database: Database
    clock: MovableClock
    members: dict[str, int]
    slack: Recorder = field(default_factory=Recorder)
    processes: list[Process] = field(default_factory=list)

    def process(self) -> Process:
        """One process more."""
        url = self.database.url.render_as_string(hide_password=False)
        app = build(settings.given(database={"url": url}), self.clock, [self.slack, Recorder("telegram")])
        app.services.sessions.address.local = ADDRESS
        pauses = Pauses()
        self.processes.append(Process(app, Hub(Keeper(app.services), self.clock, pause=pauses), pauses))
        return self.processes[-1]

    async def ask(self, process: Process, line: str, name: str = "Lin Wei", event: str = "") -> Answer:
        """What is answered to a line typed on Slack; after a crash the platform tells the same `event` again."""
        return await process.app.router.run(await self._call(process, name, event), line)

    async def press(self, process: Process, button: Action, name: str = "Lin Wei") -> Answer:
        """What is answered to a button pressed on Slack."""
        return await process.app.router.press(await self._call(process, name, ""), button.command, button.arguments)

    async def _call(self, process: Process, name: str, event: str) -> Invocation[Services]:
        asker = await process.services.members.asker(self.members[name])
        origin = Origin("slack", f"U-{name}", "C1", "group", event=event)
        return Invocation(process.services, asker, origin, self.clock.now(), ())

    async def sit(self, process: Process, name: str, number: int = 1, resume: str = "") -> Caller:
        """Somebody whose page comes into a room over a socket of that process, and would take up a visit there."""
        room = await process.services.rooms.by_id(number)
        token = await process.services.sessions.token(self.members[name], f"/rooms/{room.key}")
        secret = (await process.services.sessions.enter(token)).secret
        caller = Caller(process.hub, await process.hub.attach(room.key, secret))
        await caller.say("join", **({"resume": resume} if resume else {}))
        await process.services.rooms.settle()
        return caller

    async def room(self) -> RoomRow:
        """The first room."""
        return await self.processes[0].services.rooms.by_id(1)

    async def stayed(self) -> dict[str, timedelta]:
        """How long the minutes say that each was there."""
        minutes = await self.processes[0].services.rooms.views.minutes(await self.room())
        return {one.name: one.stayed for one in minutes.attended}

    async def inside(self) -> set[str]:
        """Who the room's card says is inside."""
        view = await self.processes[0].services.rooms.views.view(await self.room())
        return {person.member.name for person in view.people if person.inside}

    async def all(self, table: type[Any]) -> list[Any]:
        """Every row of a table, the oldest first."""
        given: Table = table.__table__
        async with self.database.reading() as connection:
            return list((await connection.execute(select(given).order_by(given.c.id))).all())

    def later(self, by: timedelta) -> None:
        """Let time pass."""
        self.clock.push(by)
