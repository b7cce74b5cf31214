"""`huddle [SKU|CASE] [topic] [with @people] [at 21:00]`: a video room; its `join`, `end`, `note`,
`decide`; and `huddle V-1 cohost|viewer|member NAME`.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta

from bot.chat.arguments import CaseCode, Rest, Sku
from bot.chat.cards import notice_card
from bot.chat.cards.rooms import door_card, room_card
from bot.chat.command import Command
from bot.chat.huddling import MAX_TOPIC, Wish, read_wish
from bot.chat.nodes import Code, Message, Text
from bot.chat.parsing import plain
from bot.chat.values import read_case_code
from bot.domain.localtime import next_local
from bot.domain.views import MemberView
from bot.errors import BadArgument, NotAllowed, StaleButton, UnknownSku
from bot.services import Invocation
from bot.services.members import matching
from bot.services.rooms import Call
from bot.storage.rooms import GRACE, RoomRow
from bot.words import _

FARTHEST = timedelta(hours=36)  # an hour is wished for within a day, and a better one lies within twelve hours of it
_ROOM = re.compile(r"v-?(?P<room>\d{1,9})", re.IGNORECASE)
_DEED = re.compile(r"(?P<deed>join|end|note|decide|settle)\s+v-?(?P<room>\d{1,9})(?:\s+(?P<rest>.+))?", re.IGNORECASE)
_SEAT = re.compile(r"v-?(?P<room>\d{1,9})\s+(?P<role>cohost|member|viewer)(?:\s+(?P<who>.+))?", re.IGNORECASE)


async def huddle(call: Invocation, about: Rest | None = None) -> Message:
    """The card of a new room, or what was done with one that is open."""
    text = plain(about.text).strip() if about is not None else ""
    if found := _DEED.fullmatch(text):
        return await _done(call, found["deed"].lower(), int(found["room"]), (found["rest"] or "").strip())
    if found := _ROOM.fullmatch(text):
        room = await call.services.rooms.by_id(int(found["room"]))
        await call.services.rooms.seat(room, call.asker.member_id)
        return room_card(await call.services.rooms.views.view(room), call.now)
    if found := _SEAT.fullmatch(text):
        return await _seated(call, int(found["room"]), found["role"].lower(), found["who"] or "")
    everyone = await call.services.members.everyone()
    wish = read_wish(text, lambda name: bool(matching(everyone, name)))
    asked = await _asked(call, wish, await _people(call, wish))
    return room_card(await call.services.rooms.open(asked, call.asker, call.origin), call.now)


async def _people(call: Invocation, wish: Wish) -> tuple[MemberView, ...]:
    """Those asked by name; everyone is asked by name too."""
    members = call.services.members
    if wish.everyone:
        return await members.everyone()
    return tuple([await members.named(name, call.origin) for name in dict.fromkeys(wish.people)])


async def _done(call: Invocation, deed: str, room_id: int, rest: str) -> Message:
    room = await call.services.rooms.by_id(room_id)
    platform = call.origin.platform
    match deed:
        case "join":
            return await _door(call, room_id)
        case "end":
            return await _ended(call, room)
        case "settle":
            view = await call.services.rooms.agree(room_id, _instant(rest, call.now), call.asker, platform)
            return room_card(view, call.now)
        case _:
            await call.services.rooms.guest(room, call.asker.member_id)
            await call.services.room_life.note(
                room, call.asker.member_id, "decision" if deed == "decide" else "note", rest, platform
            )
            return notice_card(_("Noted."))


async def _seated(call: Invocation, room_id: int, role: str, who: str) -> Message:
    """Somebody with another role."""
    if not who:
        raise BadArgument(_("Whom? Write it so: {example}.", example=Code(f"V-{room_id} {role} Lin Wei")), "huddle")
    rooms, platform = call.services.rooms, call.origin.platform
    room = await rooms.by_id(room_id)
    person = await call.services.members.named(who, call.origin)
    name = Text(person.name)
    match role:
        case "cohost":
            await rooms.appoint(room, person, "cohost", call.asker, platform)
            return notice_card(_("{name} comes in as a co-host next time.", name=name))
        case "viewer":
            await rooms.appoint(room, person, "viewer", call.asker, platform)
            return notice_card(_("{name} comes in as a viewer next time: sees and hears, and no more.", name=name))
        case _:
            await rooms.appoint(room, person, "member", call.asker, platform)
            return notice_card(_("{name} comes in like everybody else next time.", name=name))


async def _ended(call: Invocation, room: RoomRow) -> Message:
    seat = await call.services.rooms.seat(room, call.asker.member_id)
    if seat.role not in {"host", "cohost"} and call.asker.role != "admin":
        raise NotAllowed(_("{name} opened this room and closes it.", name=Text(room.host)))
    if await call.services.room_life.end(room, call.asker.member_id, call.origin.platform) is None:
        raise StaleButton(_("This room is closed. Its minutes are in the chat."))
    if not room.agreed:
        return notice_card(_("The room is withdrawn."))
    return notice_card(_("The room is closed; its minutes are on their way."))


async def _door(call: Invocation, room_id: int) -> Message:
    """The link, to the asker alone; where a group would see it, in private."""
    room = await call.services.rooms.by_id(room_id)
    admission = await call.services.rooms.admit(room_id, call.asker.member_id)
    card = door_card(room.title, admission.url, admission.expires_at, personal=admission.personal)
    if not admission.personal or not call.services.whispers.needed(call.origin):
        return card
    if await call.services.whispers.send(call.asker.member_id, card):
        return replace(notice_card(_("I have sent you the link in private.")), private=True)
    raise NotAllowed(_("The link is for your eyes alone: ask me for it in a private chat."))


async def _asked(call: Invocation, wish: Wish, people: tuple[MemberView, ...]) -> Call:
    """What the words are about: a case, a product by its code, or a topic alone."""
    first, _space, rest = wish.words.partition(" ")
    product: Sku | None = None
    case_id: int | None = None
    topic = wish.words
    try:
        code: CaseCode | None = read_case_code(first) if first else None
    except BadArgument:
        code = None
    if code is not None:
        case = await call.services.cases.get(code.id)
        case_id, topic = case.id, rest.strip()
        product = await call.services.lookup.sku(case.sku) if case.sku else None
    elif first:
        found = await _exactly(call, first)
        if found is not None:
            product, topic = found, rest.strip()
    if len(topic) > MAX_TOPIC:
        raise BadArgument(_("A topic has at most {most} letters.", most=MAX_TOPIC), "huddle")
    starts_at = None
    if wish.at is not None:
        starts_at = next_local(call.asker.zone, wish.at.at, call.now)
    return Call(topic, product, case_id, people, starts_at)


async def _exactly(call: Invocation, word: str) -> Sku | None:
    """The product of that very code; a topic may begin with any other word."""
    try:
        found = await call.services.lookup.sku(word)
    except UnknownSku:
        return None
    return found if found.code.casefold() == word.casefold() else None


def _instant(text: str, now: datetime) -> datetime:
    """The hour that is written; BadArgument for one that no card offers: past, or too far ahead."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise BadArgument(
            _("Press one of the hours on the card, or write {example}.", example=Code("at 21:00")), "huddle"
        )
    # A room is open for a while after its hour, so that the hour may still be kept then.
    if not now - GRACE <= at <= now + FARTHEST:
        most = int(FARTHEST.total_seconds() // 3600)
        raise BadArgument(_("Choose an hour between now and {most} hours ahead.", most=most), "huddle")
    return at


COMMAND = Command(
    "huddle", huddle, summary=_("A video room: about a product or a case, with people, now or at an hour"), short=True
)
