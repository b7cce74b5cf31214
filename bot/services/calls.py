"""Rooms as chat platforms list them: told of once, kept true by our own comings and goings, ended with the room.

What a platform was told stands in the room's row; whatever could not be said is said at the next occasion, or by the
job of the rooms.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

import structlog

from bot.errors import MessageGone, PlatformError
from bot.ports import CallNotice, CallPerson, ChatPlatform
from bot.services.sessions import Address
from bot.storage import conversations
from bot.storage import rooms as rows
from bot.storage.database import Database
from bot.storage.rooms import RoomRow, Stay

_log = structlog.get_logger(__name__)


class Calls:
    """Tells platforms of calls; their failures are logged and never stop a room."""

    def __init__(self, *, database: Database, platforms: Mapping[str, ChatPlatform], address: Address) -> None:
        self._database = database
        self._platforms = platforms
        self._address = address
        self._one_at_a_time: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)  # by room

    async def listed(self, key: str, title: str, shared_url: str, starts_at: datetime, host_id: int) -> dict[str, str]:
        """Each platform's id of a new call; `shared_url` leads everybody in, empty for our own page."""
        url = shared_url or (f"{self._address.url}/rooms/{key}" if self._address.url else "")
        found: dict[str, str] = {}
        if not url:
            return found
        for name, platform in self._platforms.items():
            async with self._database.reading() as connection:
                host = (await conversations.people(connection, name, [host_id])).get(host_id, "")
            try:
                call_id = await platform.add_call(CallNotice(key, title or "Stocktide", url, starts_at, host))
            except PlatformError as error:
                _log.warning("a call is not listed", platform=name, error=repr(error))
                continue
            if call_id:
                found[name] = call_id
        return found

    async def unlisted(self, calls: Mapping[str, str]) -> None:
        """End calls that no room took, by platform; one that cannot be told keeps it listed."""
        for name, call_id in calls.items():
            try:
                await self._platforms[name].end_call(call_id, 0)
            except PlatformError as error:
                _log.warning("a call stays listed", platform=name, error=repr(error))

    async def sync(self, room_id: int) -> None:
        """Tell platforms who came and who went since they were told last, and that the call is over once it is."""
        async with self._one_at_a_time[room_id]:
            async with self._database.reading() as connection:
                room = await rows.one(connection, room_id)
                stays = await rows.stays(connection, room_id)
            if room is None or not room.calls:
                return
            if room.ended_at is None:
                await self._people(room, stays)
            elif await self._over(room, stays):
                self._one_at_a_time.pop(room_id, None)

    async def _people(self, room: RoomRow, stays: Sequence[Stay]) -> None:
        inside = {stay.member_id: stay.name for stay in stays if stay.left_at is None}
        names = {stay.member_id: stay.name for stay in stays}
        came, went = set(inside) - set(room.called), set(room.called) - set(inside)
        if not came and not went:
            return
        for name, call_id in room.calls.items():
            platform = self._platforms.get(name)
            if platform is None:
                continue
            async with self._database.reading() as connection:
                external = await conversations.people(connection, name, sorted(came | went))
            people = {
                member: CallPerson(external.get(member, ""), str(member), names[member]) for member in came | went
            }
            try:
                await platform.call_people(
                    call_id, [people[member] for member in sorted(came)], [people[member] for member in sorted(went)]
                )
            except MessageGone:
                continue
            except PlatformError as error:
                _log.warning("a call's people are not told", platform=name, error=repr(error))
                return
        async with self._database.transaction() as connection:
            await rows.change(connection, room.id, called=sorted(inside))

    async def _over(self, room: RoomRow, stays: Sequence[Stay]) -> bool:
        began = min((stay.joined_at for stay in stays), default=room.starts_at)
        seconds = max(0, round(((room.ended_at or began) - began).total_seconds()))
        for name, call_id in room.calls.items():
            platform = self._platforms.get(name)
            try:
                if platform is not None:
                    await platform.end_call(call_id, seconds)
            except PlatformError as error:
                _log.warning("a call's end is not told", platform=name, error=repr(error))
                return False
        async with self._database.transaction() as connection:
            await rows.change(connection, room.id, calls={}, called=[])
        return True
