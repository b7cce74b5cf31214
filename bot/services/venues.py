"""Where rooms take place: at the provider of the settings, and in the lists of calls of the chat platforms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import structlog

from bot.errors import OutsideError, Refusal
from bot.ports import Admission, Clock, Guest, OpenRoom, RoomPlan, RoomProvider
from bot.services.calls import Calls
from bot.storage.rooms import RoomRow
from bot.words import _

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class RoomRules:
    """What the settings say of rooms."""

    minutes: int = 60
    cap: int = 6
    recording: bool = False


@dataclass(frozen=True, slots=True)
class Venue:
    """A place that the provider gave, and each platform's id of it as a call."""

    opened: OpenRoom
    calls: Mapping[str, str] = field(default_factory=dict)


class Venues:
    """Books places, lets people into them and gives them back."""

    def __init__(self, *, clock: Clock, calls: Calls, provider: RoomProvider, rules: RoomRules) -> None:
        self._clock = clock
        self._calls = calls
        self._provider = provider
        self.rules = rules

    @property
    def provider(self) -> str:
        """Whose places are booked now."""
        return self._provider.name

    def unbooked(self, key: str, title: str) -> Venue:
        """The place of a room whose hour is not settled: none yet."""
        return Venue(OpenRoom(key, title, self.rules.cap))

    async def book(self, key: str, title: str, starts_at: datetime, host_id: int) -> Venue:
        """A place for a room; Refusal where the provider cannot be reached or will not."""
        plan = RoomPlan(key, title or "Stocktide", starts_at, self.rules.minutes, self.rules.cap)
        try:
            opened = await self._provider.open(plan)
        except OutsideError as error:
            raise _away(error) from None
        if not opened.url and self._provider.name != "embedded":
            return Venue(opened)  # a link for one person alone can stand in no list
        return Venue(opened, await self._calls.listed(key, opened.title, opened.url, starts_at, host_id))

    async def give_back(self, venue: Venue, room: RoomRow) -> None:
        """Close a place that came too late for its room, and end its calls; what the room has itself stays."""
        await self._calls.unlisted({name: call for name, call in venue.calls.items() if room.calls.get(name) != call})
        kept = (room.reference, room.url) if room.agreed else None
        if kept != (venue.opened.reference, venue.opened.url):
            await self._close(venue.opened, room.id)

    async def admit(self, room: RoomRow, guest: Guest) -> Admission:
        """A link for one guest; Refusal where the room is with another provider, or this one cannot be reached."""
        if room.provider != self._provider.name:
            raise Refusal(
                _("This room was opened with {provider}, which is not in use any more.", provider=room.provider)
            )
        try:
            return await self._provider.admit(_opened(room), guest, self._clock.now())
        except OutsideError as error:
            raise _away(error) from None

    async def shut(self, room: RoomRow) -> None:
        """Tell the provider that a room is over; of one whose hour was never settled it knows nothing."""
        if room.agreed and room.provider == self._provider.name:
            await self._close(_opened(room), room.id)

    async def _close(self, opened: OpenRoom, room_id: int) -> None:
        try:
            await self._provider.close(opened)
        except OutsideError as error:  # it is left to its own timeout
            _log.warning("a room could not be closed at its provider", room=room_id, error=str(error))


def _opened(room: RoomRow) -> OpenRoom:
    return OpenRoom(room.key, room.title, room.cap, room.reference, room.url)


def _away(error: OutsideError) -> Refusal:
    """What people are told where the provider fails; its own words go to the log."""
    _log.warning("the video provider failed", error=f"{type(error).__name__}: {error}")
    return Refusal(_("The video rooms cannot be reached now. Try again in a minute, or ask whoever runs me."))
