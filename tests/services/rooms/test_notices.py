"""Those asked by name are told by the very transaction that opens their room, whatever becomes of the process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage import tables
from bot.storage.database import Database
from tests.handlers.conftest import button
from tests.services.rooms.kit import Floor


class Killed(BaseException):
    """The process is no more; nothing of ours catches it."""


def kill_after(monkeypatch: pytest.MonkeyPatch, sign: Select[int]) -> None:
    """End the process right after the commit that makes a query count something."""
    begun = Database.transaction

    @asynccontextmanager
    async def transaction(self: Database) -> AsyncIterator[AsyncConnection]:
        async with begun(self) as connection:
            yield connection
        async with self.reading() as connection:
            if (await connection.execute(sign)).scalar():
                raise Killed

    monkeypatch.setattr(Database, "transaction", transaction)


async def letters(floor: Floor) -> list[tuple[str, str]]:
    """(subject, conversation) of every card that waits to be posted."""
    places = {place.id: place.external_id for place in await floor.all(tables.Conversation)}
    return [(row.subject, places[row.conversation_id]) for row in await floor.all(tables.Outbox) if row.kind == "post"]


async def test_a_process_killed_once_the_room_is_open_has_told_those_asked_by_name(
    floor: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = floor.process()
    with monkeypatch.context() as armed:
        kill_after(armed, select(func.count()).select_from(tables.Room))
        with pytest.raises(Killed):
            await floor.ask(process, "huddle carrier delays with Jonas", event="Ev1")
    assert await letters(floor) == [("room:1", "D-U-Jonas")]
    again = floor.process()
    assert not (await floor.ask(again, "huddle carrier delays with Jonas", event="Ev1")).refused
    assert len(await floor.all(tables.Room)) == 1
    assert await letters(floor) == [("room:1", "D-U-Jonas")]


async def test_a_process_killed_once_the_hour_is_settled_has_told_those_asked_by_name(
    floor: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = floor.process()
    offered = await floor.ask(process, "huddle plans with Jonas at 03:00")
    assert await letters(floor) == []
    better = button(offered, "huddle")
    with monkeypatch.context() as armed:
        kill_after(armed, select(func.count()).where(tables.Room.agreed))
        with pytest.raises(Killed):
            await floor.press(process, better)
    assert await letters(floor) == [("room:1", "D-U-Jonas")]


async def test_no_room_is_open_where_its_invitations_cannot_be_written(
    floor: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = floor.process()
    with monkeypatch.context() as armed:
        armed.setattr(process.services.outbox, "put", refuse)
        assert (await floor.ask(process, "huddle carrier delays with Jonas")).reference
    assert await floor.all(tables.Room) == []


async def refuse(*_arguments: object, **_more: object) -> int:
    """A table that cannot be written."""
    raise OSError("the disk is full")
