"""What the tests of video rooms share: people on two platforms, what waits for them, and providers that misbehave."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, insert, select

from bot.chat.codec import decode_message
from bot.errors import Declined
from bot.ports import Admission, Check, Guest, MovableClock, OpenRoom, RoomPlan
from bot.storage import rooms as rows
from bot.storage import tables
from bot.words import verbatim
from tests.handlers.conftest import Office, text

ADDRESS = "http://127.0.0.1:8320"


async def reach(office: Office) -> Office:
    """The office with pages that listen, and Jonas on Telegram as well."""
    office.services.sessions.address.local = ADDRESS
    async with office.shop.database.transaction() as connection:
        identity = {"platform": "telegram", "external_id": "700", "member_id": office.shop.members["Jonas"]}
        await connection.execute(insert(tables.Identity).values(linked_at=office.shop.clock.now(), **identity))
        await connection.execute(
            insert(tables.Conversation).values(
                platform="telegram", external_id="700", kind="direct", thread="", title="", language="en", zone="UTC",
                member_id=office.shop.members["Jonas"], closed_reason="",
            )
        )  # fmt: skip
    return office


async def letters(office: Office) -> list[tuple[str, str, str]]:
    """(platform, subject, text) of what waits to be sent, in order."""
    async with office.shop.database.reading() as connection:
        found = await connection.execute(
            select(tables.Conversation.platform, tables.Outbox.subject, tables.Outbox.message)
            .join(tables.Conversation, tables.Conversation.id == tables.Outbox.conversation_id)
            .where(tables.Outbox.kind == "post", tables.Outbox.subject.like("room:%") | (tables.Outbox.subject == ""))
            .order_by(tables.Outbox.id)
        )
        return [(row[0], row[1], text(decode_message(row[2]))) for row in found]


def later(office: Office, by: timedelta) -> None:
    """Let time pass."""
    clock = office.shop.clock
    assert isinstance(clock, MovableClock)
    clock.push(by)


async def room(office: Office, number: int = 1) -> rows.RoomRow:
    return await office.services.rooms.by_id(number)


async def count(office: Office, table: Any) -> int:
    async with office.shop.database.reading() as connection:
        return int((await connection.execute(select(func.count()).select_from(table))).scalar_one())


class Silent:
    """A provider that is down."""

    name, cap = "embedded", 6

    async def open(self, plan: RoomPlan) -> OpenRoom:
        raise Declined(verbatim(f"secret words of the provider on {plan.key}"))

    async def admit(self, room: OpenRoom, guest: Guest, now: datetime) -> Admission:
        raise Declined(verbatim(f"secret words of the provider on {room.key}, {guest.name}, {now}"))

    async def close(self, room: OpenRoom) -> None:
        raise Declined(verbatim(f"secret words of the provider on {room.key}"))

    async def check(self) -> tuple[Check, ...]:
        return ()


class Meetings(Silent):
    """A provider that gives a new meeting each time it is asked, at its leisure."""

    name = "zoom"

    def __init__(self) -> None:
        self.opened: list[str] = []
        self.closed: list[str] = []
        self.both = asyncio.Barrier(2)

    async def open(self, plan: RoomPlan) -> OpenRoom:
        await self.both.wait()
        self.opened.append(f"M{len(self.opened)}")
        return OpenRoom(plan.key, plan.title, 6, self.opened[-1], f"https://zoom.example/{self.opened[-1]}")

    async def close(self, room: OpenRoom) -> None:
        self.closed.append(room.reference)
