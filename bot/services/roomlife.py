"""What happens in a room: who comes and goes, what is noted, and what is told when it is over."""

from __future__ import annotations

from collections.abc import Awaitable, Collection, Mapping
from datetime import datetime, timedelta
from typing import cast

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.chat.cards import labels
from bot.chat.cards.rooms import minutes_card, reminder_card
from bot.chat.command import READERS
from bot.chat.incoming import ConversationKind
from bot.domain.roomviews import Minutes, RoomNoteKind
from bot.domain.views import MemberView
from bot.errors import BadArgument, NotAllowed, PlatformError
from bot.ports import Clock
from bot.services.audit import Audit
from bot.services.calls import Calls
from bot.services.conversations import Conversations
from bot.services.members import Members
from bot.services.outbox import Outbox
from bot.services.rooms import Rooms
from bot.storage import cases as case_rows
from bot.storage import conversations as conversation_rows
from bot.storage import posts
from bot.storage import rooms as rows
from bot.storage.database import Database
from bot.storage.posts import Standing
from bot.storage.rooms import RoomRow
from bot.words import _

_log = structlog.get_logger(__name__)

REMIND = timedelta(minutes=10)
LATE = timedelta(minutes=5)  # after its beginning a reminder still helps; later the room may be about to close
MAX_NOTE = 500
MOST_NOTES = 200  # of one room
_BATCH = 50


class RoomLife:
    """Writes down what rooms go through; `tick` does what the clock asks for."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        audit: Audit,
        outbox: Outbox,
        members: Members,
        conversations: Conversations,
        rooms: Rooms,
        calls: Calls,
    ) -> None:
        self._database = database
        self._clock = clock
        self._audit = audit
        self._outbox = outbox
        self._members = members
        self._conversations = conversations
        self._rooms = rooms
        self._calls = calls

    async def joined(self, room: RoomRow, member_id: int, visit: str) -> None:
        """Somebody is in the room."""
        async with self._database.transaction() as connection:
            await rows.seat(connection, room.id, member_id, "member", invited=False)
            await rows.joined(connection, room.id, member_id, visit, self._clock.now())
        self._rooms.touch(room.id)

    async def left(self, room: RoomRow, visit: str) -> None:
        """Somebody has gone."""
        async with self._database.transaction() as connection:
            await rows.left(connection, visit, self._clock.now())
        self._rooms.touch(room.id)

    async def seen(self, visits: Collection[str]) -> None:
        """The process that holds these stays is there; those that a job missed meanwhile go on."""
        async with self._database.transaction() as connection:
            back = await rows.seen(connection, visits, self._clock.now())
        for room_id in back:
            self._rooms.touch(room_id)

    async def note(self, room: RoomRow, member_id: int, kind: RoomNoteKind, text: str, platform: str) -> None:
        """Keep a line for the minutes; a decision goes into the audit log too. NotAllowed for those who only read."""
        words = " ".join(text.split())
        if not words:
            raise BadArgument(_("There is nothing to note."), "huddle")
        if len(words) > MAX_NOTE:
            raise BadArgument(_("A note has at most {most} letters.", most=MAX_NOTE), "huddle")
        await self._require_voice(room, member_id, kind)
        async with self._database.transaction() as connection:
            if await rows.note_count(connection, room.id) >= MOST_NOTES:
                raise BadArgument(_("The minutes of this room are full."), "huddle")
            await rows.note(connection, room.id, member_id, kind, words, self._clock.now())
            if kind == "decision":
                subject = f"case:{room.case_id}" if room.case_id is not None else f"room:{room.id}"
                data = {"text": words, "room": room.id}
                await self._audit.append(connection, "room.decision", subject, data, member_id, platform)

    async def _require_voice(self, room: RoomRow, member_id: int, kind: RoomNoteKind) -> None:
        """NotAllowed for the viewers of a room, and for those whose role in the team changes nothing."""
        async with self._database.reading() as connection:
            seats = {guest.member_id: guest.role for guest in await rows.guests(connection, room.id)}
        if seats.get(member_id) == "viewer":
            raise NotAllowed(_("You are a viewer of this room: you see and hear, and note nothing."))
        member = await self._members.get(member_id)
        # That a file changed hands is no word of theirs: it goes from browser to browser, and stays on record.
        if member.role in READERS and kind != "file":
            raise NotAllowed(
                _(
                    "As {role} you may read, but neither note nor decide. An administrator can give you another role.",
                    role=labels.role_words(member.role),
                )
            )

    async def end(self, room: RoomRow, member_id: int | None, platform: str) -> Minutes | None:
        """End a room and tell what came of it; None where it had ended."""
        now = self._clock.now()
        async with self._database.transaction() as connection:
            if not await rows.end(connection, room.id, now):
                return None
            await self._audit.append(connection, "room.ended", f"room:{room.id}", {}, member_id, platform)
        return await self._write_up(room.id)

    async def _write_up(self, room_id: int) -> Minutes:
        """Write the minutes of a room that ended, once, and shut its doors; a crash before leaves it to the job."""
        ended = await self._rooms.by_id(room_id)
        minutes = await self._rooms.views.minutes(ended)
        async with self._database.transaction() as connection:
            first = await rows.write_up(connection, room_id, self._clock.now())
            if first and (minutes.attended or minutes.notes):
                await self._post(connection, ended, minutes)
                await rows.owe_minutes(connection, room_id, await self._absent(connection, ended))
        await self._rooms.shut(ended)
        await self._rooms.show(room_id)
        return minutes

    async def tick(self, now: datetime) -> dict[str, int]:
        """Remind of what begins soon, end stays that no process holds and rooms that everybody left, tell the absent.

        How many of each. Stays come from our own page alone: of rooms elsewhere there is nobody to miss.
        """
        done = {"reminded": 0, "missed": await self._miss(now), "ended": 0, "written": 0, "told": 0, "failed": 0}
        async with self._database.reading() as connection:
            soon = await rows.to_remind(connection, now - LATE, now + REMIND)
            empty = await rows.forgotten(connection, now - rows.GRACE)
            owed = await rows.minutes_due(connection, now, _BATCH)
            unwritten = await rows.unwritten(connection)
        for room in unwritten:
            await self._each(done, "written", room, self._write_up(room.id))
        for room in soon:
            await self._each(done, "reminded", room, self._remind(room, now))
        for room in empty:
            if room.provider == "embedded" or now - room.starts_at > timedelta(hours=4):
                await self._each(done, "ended", room, self.end(room, None, ""))
        async with self._database.reading() as connection:
            lately = await rows.lately(connection, now - timedelta(days=1))
        for room in lately:
            if room.calls:
                await self._calls.sync(room.id)
        for room_id, member_id in owed:
            try:
                done["told"] += await self._tell_absent(room_id, member_id)
            except PlatformError:
                _log.warning("the minutes wait", room=room_id, member=member_id)
                done["failed"] += 1
        return done

    async def _each(self, done: dict[str, int], what: str, room: RoomRow, deed: Awaitable[object]) -> None:
        """Do and count something for one room; what goes wrong with one keeps no other waiting."""
        try:
            done[what] += bool(await deed)
        except Exception:  # noqa: BLE001  # whatever it is, it is tried again in a minute
            _log.exception("a room was not looked after", room=room.id, what=what)
            done["failed"] += 1

    async def _miss(self, now: datetime) -> int:
        """End the stays of processes that died, as if people had left when they were seen last."""
        async with self._database.transaction() as connection:
            missed = await rows.miss(connection, now - rows.UNSEEN, now)
        if missed:
            _log.warning("stays ended that no process holds any more", stays=len(missed), rooms=sorted(set(missed)))
        for room_id in sorted(set(missed)):
            await self._rooms.refresh(room_id)
        return len(missed)

    async def _remind(self, room: RoomRow, now: datetime) -> bool:
        view = await self._rooms.views.view(room)
        async with self._database.transaction() as connection:
            if not await rows.remind(connection, room.id, now):
                return False
            for place in await posts.standing(connection, f"room:{room.id}"):
                key = f"room-soon:{room.id}:{place.conversation_id}"
                card = reminder_card(view)
                await self._outbox.put(connection, place.conversation_id, card, "post", dedupe_key=key)
        return True

    async def _post(self, connection: AsyncConnection, room: RoomRow, minutes: Minutes) -> None:
        """The minutes below every card of the room's case, on every platform, and where the room was held."""
        card = minutes_card(minutes)
        places = await self._places(connection, room)
        targets = [await self._below(connection, place) for place in places]
        if room.conversation_id is not None:
            held = await conversation_rows.get(connection, room.conversation_id)
            told = {(place.platform, place.external_id) for place in places}
            if held.kind != "terminal" and (held.platform, held.external_id) not in told:
                targets.append(held.id)
        for target in dict.fromkeys(targets):
            key = f"minutes:{room.id}:{target}"
            await self._outbox.put(connection, target, card, "post", dedupe_key=key)

    async def _places(self, connection: AsyncConnection, room: RoomRow) -> list[Standing]:
        """The cards of the case, and of the room those in other chats; about a case, the one of its own chat.

        Where no case was named it is the one that the room's card shows first, unless people talked in private.
        """
        case_id = room.case_id
        if case_id is None and room.product_id is not None and not room.private:
            case_id = next(iter(await case_rows.of_products(connection, [room.product_id])), None)
        places = [] if case_id is None else await posts.standing(connection, f"case:{case_id}")
        told = {(place.platform, place.external_id) for place in places}
        own = await posts.standing(connection, f"room:{room.id}")
        if room.case_id is not None:
            own = [place for place in own if place.conversation_id == room.conversation_id]
        return [*places, *(place for place in own if (place.platform, place.external_id) not in told)]

    async def _below(self, connection: AsyncConnection, place: Standing) -> int:
        """Where to answer a card: on Slack in its thread."""
        if place.platform != "slack":
            return place.conversation_id
        kind = cast("ConversationKind", place.kind)
        thread, _new = await self._conversations.of(
            connection, place.platform, place.external_id, kind, place.thread or place.message_id
        )
        return thread.id

    async def _absent(self, connection: AsyncConnection, room: RoomRow) -> Mapping[int, datetime]:
        """Those asked by name who did not come, and when each is told: at work now, or at the start of their day."""
        came = {stay.member_id for stay in await rows.stays(connection, room.id)}
        missing = [
            guest.member_id
            for guest in await rows.guests(connection, room.id)
            if guest.invited and guest.member_id not in came
        ]
        everyone = {member.id: member for member in await self._members.everyone()}
        now = self._clock.now()
        return {member_id: _morning(everyone[member_id], now) for member_id in missing if member_id in everyone}

    async def _tell_absent(self, room_id: int, member_id: int) -> bool:
        place = await self._conversations.direct(member_id)
        minutes = await self._rooms.views.minutes(await self._rooms.by_id(room_id))
        async with self._database.transaction() as connection:
            if not await rows.minutes_told(connection, room_id, member_id):
                return False
            if place is not None:
                key = f"minutes:{room_id}:member:{member_id}"
                await self._outbox.put(connection, place.id, minutes_card(minutes), "post", dedupe_key=key)
        return place is not None


def _morning(member: MemberView, now: datetime) -> datetime:
    return now if member.awake or member.awake_from is None else member.awake_from
