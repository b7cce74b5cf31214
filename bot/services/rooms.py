"""Video rooms: opened from a chat, told of where they are wanted, left with minutes.

A room is a row first; its provider is asked for the place where people meet, its card stands in the conversation and is
kept up to date, and every coming and going, decision and note is written down as it happens.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.chat.arguments import Sku
from bot.chat.cards.rooms import room_card
from bot.chat.command import Asker, Origin
from bot.chat.nodes import Text
from bot.domain.roomviews import RoomView
from bot.domain.views import MemberView
from bot.errors import NotAllowed, PlatformError, Refusal, StaleButton, UnknownReference
from bot.ports import Admission, Clock, Guest, RoomRole
from bot.services.audit import Audit
from bot.services.calls import Calls
from bot.services.conversations import Conversations
from bot.services.members import Members
from bot.services.outbox import Outbox
from bot.services.roomviews import RoomViews, product_of
from bot.services.venues import Venues
from bot.storage import rooms as rows
from bot.storage.conversations import ConversationRow
from bot.storage.database import Database
from bot.storage.rooms import RoomRow
from bot.words import _

_log = structlog.get_logger(__name__)

KEY_BYTES = 16
EARLY = timedelta(minutes=15)  # before its start a planned room lets people in


@dataclass(frozen=True, slots=True)
class Call:
    """What is asked for: about what, with whom, and when (None: now)."""

    topic: str
    product: Sku | None
    case_id: int | None
    people: tuple[MemberView, ...]
    starts_at: datetime | None


class Rooms:
    """Opens rooms, lets people in, and keeps their cards true."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        audit: Audit,
        outbox: Outbox,
        members: Members,
        conversations: Conversations,
        views: RoomViews,
        calls: Calls,
        venues: Venues,
    ) -> None:
        self._database = database
        self._clock = clock
        self._audit = audit
        self._outbox = outbox
        self._members = members
        self._conversations = conversations
        self._venues = venues
        self._calls = calls
        self._tasks: set[asyncio.Task[None]] = set()
        self.views = views

    async def open(self, call: Call, asker: Asker, origin: Origin) -> RoomView:
        """Open a room now, plan it, or offer a better hour for it; once for each event.

        Refusal where the provider cannot be reached or will not.
        """
        event = f"{origin.platform}:{origin.event}" if origin.event else None
        if event is not None and (known := await self._of_event(event)) is not None:
            return await self.views.view(known)
        now = self._clock.now()
        starts_at, better = call.starts_at or now, None
        if call.starts_at is not None:
            better = self.views.better(await self._weighed(call, asker), call.starts_at)
        key = secrets.token_urlsafe(KEY_BYTES)
        title = call.topic or (call.product.code if call.product else "")
        venue = self._venues.unbooked(key, title)
        if better is None:
            venue = await self._venues.book(key, title, starts_at, asker.member_id)
        elsewhere = await self._private(call.people, asker, origin) if better is None else []
        around = await self.views.around(call.product)
        async with self._database.transaction() as connection:
            place, _new = await self._conversations.of(
                connection, origin.platform, origin.conversation, origin.conversation_kind, origin.thread
            )
            room_id = await rows.add(
                connection,
                {
                    "key": key, "provider": self._venues.provider, "reference": venue.opened.reference,
                    "url": venue.opened.url, "title": title, "topic": call.topic,
                    "product_id": call.product.id if call.product else None,
                    "case_id": call.case_id, "conversation_id": place.id, "opened_by": asker.member_id,
                    "cap": venue.opened.cap, "recording": self._venues.rules.recording, "agreed": better is None,
                    "event": event, "calls": dict(venue.calls), "called": [], "starts_at": starts_at, "created_at": now,
                },
            )  # fmt: skip
            if room_id is None:
                raise StaleButton(_("That room is being opened already."))
            await rows.seat(connection, room_id, asker.member_id, "host", invited=False)
            for person in call.people:
                await rows.seat(connection, room_id, person.id, "member", invited=person.id != asker.member_id)
            await self._audit.append(
                connection, "room.opened", f"room:{room_id}", {"title": title, "starts_at": starts_at.isoformat()},
                asker.member_id, origin.platform,
            )  # fmt: skip
            view = await self.views.within(connection, await _found(connection, room_id), around)
            await self._tell(connection, view, elsewhere)
        return view

    async def agree(self, room_id: int, at: datetime, asker: Asker, platform: str) -> RoomView:
        """Settle on an hour; whoever asked for the room may, until it has begun."""
        room = await self._need(room_id)
        await self.seat(room, asker.member_id)
        if room.agreed or room.ended_at is not None:
            raise _settled()
        if room.opened_by != asker.member_id:
            raise NotAllowed(_("{name} asked for this room and chooses the hour.", name=Text(room.host)))
        starts_at = max(at, self._clock.now())
        venue = await self._venues.book(room.key, room.title, starts_at, asker.member_id)
        async with self._database.reading() as connection:
            invited = [guest.member_id for guest in await rows.guests(connection, room.id) if guest.invited]
        people = [await self._members.get(member_id) for member_id in invited]
        elsewhere = await self._private(people, asker, Origin(platform, "", "", "direct"))
        around = await self.views.around(product_of(room))
        async with self._database.transaction() as connection:
            won = await rows.agree(
                connection, room.id, starts_at=starts_at, reference=venue.opened.reference, url=venue.opened.url,
                cap=venue.opened.cap, calls=dict(venue.calls),
            )  # fmt: skip
            found = await _found(connection, room.id)
            view = await self.views.within(connection, found, around)
            if won:
                data = {"starts_at": starts_at.isoformat()}
                await self._audit.append(connection, "room.agreed", f"room:{room.id}", data, asker.member_id, platform)
                await self._tell(connection, view, elsewhere)
        if not won:
            await self._venues.give_back(venue, found)
            raise _settled()
        return view

    async def admit(self, room_id: int, member_id: int) -> Admission:
        """A link for one member; Refusal where the room is over, not yet open, or no longer with this provider."""
        room = await self._need(room_id)
        guest = await self.guest(room, member_id)
        if room.starts_at - self._clock.now() > EARLY:
            raise Refusal(_("The room opens a quarter of an hour before its time."))
        return await self._venues.admit(room, guest)

    async def guest(self, room: RoomRow, member_id: int) -> Guest:
        """A member as a guest of a room that is not over; whoever may see the card may come in."""
        seat = await self.seat(room, member_id)
        if room.ended_at is not None:
            raise _closed()
        if not room.agreed:
            raise StaleButton(_("The hour of this room is not settled yet."))
        return seat

    async def seat(self, room: RoomRow, member_id: int) -> Guest:
        """A member with their role in a room; NotAllowed where it was opened in private, and without them."""
        member = await self._members.get(member_id)
        async with self._database.reading() as connection:
            known = {guest.member_id: guest.role for guest in await rows.guests(connection, room.id)}
        if room.private and member_id not in known and member.role != "admin":
            raise NotAllowed(_("This room was opened in a private chat. Whoever opened it can let you in."))
        role: RoomRole = "member"
        match known.get(member_id, "member"):
            case "host":
                role = "host"
            case "cohost":
                role = "cohost"
            case "viewer":
                role = "viewer"
        return Guest(member.id, member.name, role)

    async def appoint(
        self,
        room: RoomRow,
        person: MemberView,
        role: Literal["cohost", "member", "viewer"],
        asker: Asker,
        platform: str,
    ) -> None:
        """Give somebody a role in a room, as of when they come in next; its host may, and administrators."""
        seat = await self.seat(room, asker.member_id)
        if room.ended_at is not None:
            raise _closed()
        if seat.role != "host" and asker.role != "admin":
            raise NotAllowed(_("{name} opened this room and says who is what in it.", name=Text(room.host)))
        if person.id == room.opened_by:
            raise NotAllowed(_("{name} opened this room and stays its host.", name=Text(room.host)))
        async with self._database.transaction() as connection:
            await rows.appoint(connection, room.id, person.id, role)
            data = {"member": person.id, "role": role}
            await self._audit.append(connection, "room.role", f"room:{room.id}", data, asker.member_id, platform)

    async def by_id(self, room_id: int) -> RoomRow:
        """A room; UnknownReference where there is none of that number."""
        return await self._need(room_id)

    async def by_key(self, key: str) -> RoomRow:
        """A room by its unguessable id; UnknownReference where there is none."""
        async with self._database.reading() as connection:
            found = await rows.by_key(connection, key)
        if found is None:
            raise UnknownReference(_("There is no such room."))
        return found

    async def show(self, room_id: int) -> RoomView:
        """Bring every card of a room up to date, and the lists of calls."""
        await self._calls.sync(room_id)
        view = await self.views.view(await self._need(room_id))
        async with self._database.transaction() as connection:
            await self._outbox.refresh(connection, f"room:{room_id}", room_card(view, self._clock.now()))
        return view

    def touch(self, room_id: int) -> None:
        """Bring the cards up to date soon: whoever comes in must not wait for a chat platform."""
        task = asyncio.create_task(self.refresh(room_id), name=f"room-{room_id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def settle(self) -> None:
        """Wait for what was touched."""
        await asyncio.gather(*self._tasks)

    async def close(self) -> None:
        """Let go of what was touched; the job of the rooms takes it up again."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def refresh(self, room_id: int) -> None:
        """As `show`; what goes wrong is logged."""
        try:
            await self.show(room_id)
        except Exception:  # noqa: BLE001  # the next coming or going shows it
            _log.exception("a room's cards are out of date", room=room_id)

    async def shut(self, room: RoomRow) -> None:
        """Tell the provider that a room is over; one that cannot be told is left to its own timeout."""
        await self._venues.shut(room)

    async def _weighed(self, call: Call, asker: Asker) -> list[MemberView]:
        """Whose hours count: those named and the asker, or whomever the card shows where nobody is named."""
        named = [person for person in call.people if person.id != asker.member_id]
        if not named:
            return list(await self._members.everyone())
        return [*named, await self._members.get(asker.member_id)]

    async def _private(
        self, people: Collection[MemberView], asker: Asker, origin: Origin
    ) -> list[tuple[ConversationRow, int]]:
        """Where to tell those asked by name on their other platform."""
        found = []
        for person in people:
            if person.id == asker.member_id:
                continue
            try:
                place = await self._conversations.elsewhere(person.id, origin.platform)
            except PlatformError:
                continue
            if place is not None:
                found.append((place, person.id))
        return found

    async def _tell(
        self, connection: AsyncConnection, view: RoomView, places: Sequence[tuple[ConversationRow, int]]
    ) -> None:
        """The card to those awake, or to all of a planned room; the others learn in the morning what came of it."""
        awake = {person.member.id for person in view.people if person.member.awake}
        card, subject = room_card(view, self._clock.now()), f"room:{view.id}"
        for place, member_id in places:
            if member_id in awake or view.state == "planned":
                key = f"{subject}:{place.id}"
                await self._outbox.put(connection, place.id, card, "post", subject, dedupe_key=key)

    async def _of_event(self, event: str) -> RoomRow | None:
        async with self._database.reading() as connection:
            return await rows.by_event(connection, event)

    async def _need(self, room_id: int) -> RoomRow:
        async with self._database.reading() as connection:
            return await _found(connection, room_id)


async def _found(connection: AsyncConnection, room_id: int) -> RoomRow:
    found = await rows.one(connection, room_id)
    if found is None:
        raise UnknownReference(_("There is no room {number}.", number=f"V-{room_id}"))
    return found


def _closed() -> StaleButton:
    return StaleButton(_("This room is closed. Its minutes are in the chat."))


def _settled() -> StaleButton:
    return StaleButton(_("That room is settled already."))
