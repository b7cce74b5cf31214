"""The video rooms' book, kept by the services: see `bot.web.rooms.keeper`."""

from __future__ import annotations

from collections.abc import Collection

from bot.errors import NotAllowed, StaleButton
from bot.services import Services
from bot.services.rooms import EARLY
from bot.web.rooms.keeper import NoteKind, Seat
from bot.words import _

PLATFORM = "web"


class Keeper:
    """Lets members in by the session of their browser, and writes down what they do."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def enter(self, key: str, token: str) -> str:
        """Use a link up; the session that it opens."""
        entered = await self._services.sessions.enter(token)
        if entered.target != f"/rooms/{key}":
            raise NotAllowed(_("This link leads elsewhere. Press Join in the chat again."))
        return entered.secret

    async def seat(self, key: str, session: str) -> Seat:
        """The member's seat as things are now."""
        asker = await self._services.sessions.asker(session)
        if asker is None:
            raise NotAllowed(_("You are not let in any more. Press Join in the chat again."))
        room = await self._services.rooms.by_key(key)
        guest = await self._services.rooms.guest(room, asker.member_id)
        if room.starts_at - self._services.clock.now() > EARLY:
            raise StaleButton(_("The room opens a quarter of an hour before its time."))
        member = await self._services.members.get(asker.member_id)
        return Seat(
            key=key,
            title=room.title,
            cap=room.cap,
            member_id=member.id,
            name=member.name,
            role=guest.role,
            language="zh_CN" if member.language == "zh_CN" else "en",
            zone=member.zone,
            working_from=member.working_from,
            working_to=member.working_to,
            workdays=member.workdays,
            recording=room.recording,
            side_url=f"/board/room/{key}",
        )

    async def joined(self, seat: Seat, visit: str) -> None:
        """Somebody is in the room."""
        room = await self._services.rooms.by_key(seat.key)
        await self._services.room_life.joined(room, seat.member_id, visit)

    async def left(self, seat: Seat, visit: str) -> None:
        """Somebody has gone."""
        await self._services.room_life.left(await self._services.rooms.by_key(seat.key), visit)

    async def seen(self, visits: Collection[str]) -> None:
        """These stays go on."""
        await self._services.room_life.seen(visits)

    async def noted(self, seat: Seat, kind: NoteKind, text: str) -> None:
        """A line for the minutes; the chat is talk and stays in the room."""
        if kind == "chat":
            return
        room = await self._services.rooms.by_key(seat.key)
        await self._services.room_life.note(room, seat.member_id, kind, text, PLATFORM)

    async def ended(self, key: str, seat: Seat | None) -> None:
        """A host ended it; one that merely emptied stays open for a while, see `RoomLife.tick`."""
        if seat is not None:
            room = await self._services.rooms.by_key(key)
            await self._services.room_life.end(room, seat.member_id, PLATFORM)
