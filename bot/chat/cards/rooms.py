"""Video rooms: the card to join by, the hours to choose from, the reminder, the link, the minutes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bot.chat.cards import labels
from bot.chat.cards.people import WEEKDAYS
from bot.chat.nodes import (
    Action,
    Actions,
    Badge,
    Block,
    Bold,
    Bullets,
    Call,
    Code,
    Column,
    Day,
    Divider,
    Facts,
    Footnote,
    Heading,
    Inline,
    Instant,
    Link,
    Mention,
    Message,
    Paragraph,
    Span,
    Table,
    Text,
)
from bot.domain.roomviews import Attendance, Minutes, Noted, RoomNoteKind, RoomPerson, RoomView, StockBrief
from bot.words import Words, _, n_

MOST_PEOPLE = 12  # in the card's table
MOST_NOTES = 15  # of one kind in the minutes' card

KINDS: dict[RoomNoteKind, Words] = {
    "decision": _("Decisions"),
    "note": _("Notes"),
    "file": _("Files"),
}


def room_code(room_id: int) -> str:
    """A video room as one writes it."""
    return f"V-{room_id}"


def room_card(room: RoomView, now: datetime) -> Message:
    """The room with why it is open, who is awake, who is inside, and the button to join."""
    title = _title(room)
    blocks: list[Block] = [Heading(title)]
    if room.sku:
        blocks.append(Paragraph(labels.product(room.sku, room.name)))
    blocks.append(Paragraph(_standing(room)))
    if room.calls and room.state != "ended":
        blocks.append(Call(room.calls))
    if room.brief is not None and room.state != "ended":
        blocks.append(_brief(room.brief))
    blocks += _open_matters(room)
    if room.state != "ended":
        blocks += _people(room, now)
    buttons = _buttons(room)
    if buttons:
        blocks.append(Actions(buttons))
    if room.recording and room.state != "ended":
        blocks.append(Paragraph(Badge(_("This room is recorded"), "bad")))
    blocks.append(Footnote(_("Room {room}, opened by {name}", room=Code(room_code(room.id)), name=Text(room.host))))
    return Message(title, tuple(blocks), subject=f"room:{room.id}")


def reminder_card(room: RoomView) -> Message:
    """Ten minutes before: those asked by name are called."""
    words = _("{title} begins {at}", title=_title(room), at=Instant(room.starts_at, "time"))
    called = [Mention(person.member.id, person.member.name) for person in room.people if person.invited]
    blocks: list[Block] = [Paragraph(Bold(words))]
    if called:
        blocks.append(Paragraph(labels.listing(called)))
    blocks.append(Actions((_join(room),)))
    return Message(words, tuple(blocks))


def door_card(title: str, url: str, until: datetime | None, *, personal: bool) -> Message:
    """The way into a room; a personal link is for the asker alone."""
    words = _("Your way in: {title}", title=Text(title)) if title else _("Your way in")
    blocks: list[Block] = [Heading(words), Paragraph(Link(_("Join the room"), url))]
    if personal and until is not None:
        note = _("It opens once, for you alone, until {at}.", at=Instant(until, "time"))
        blocks.append(Footnote(note))
    return Message(words, tuple(blocks), private=True)


def minutes_card(minutes: Minutes) -> Message:
    """Who was there and for how long, what was decided, noted and handed over."""
    title = _("Minutes of {room}", room=Text(minutes.title or room_code(minutes.room_id)))
    span = _(
        "{start} to {end}, {length}",
        start=Instant(minutes.began_at),
        end=Instant(minutes.ended_at, "time"),
        length=_length(minutes.ended_at - minutes.began_at),
    )
    blocks: list[Block] = [Heading(title)]
    if minutes.sku:
        blocks.append(Paragraph(Span((Code(minutes.sku), Text(" · "), span))))
    else:
        blocks.append(Paragraph(span))
    if minutes.attended:
        there = labels.listing([_stay(one) for one in minutes.attended])
        blocks.append(Paragraph(_("There: {people}", people=there)))
    if minutes.absent:
        missing = labels.listing([Text(name) for name in minutes.absent])
        blocks.append(Paragraph(_("Asked, and not there: {people}", people=missing)))
    for kind, label in KINDS.items():
        blocks += _notes(label, [note for note in minutes.notes if note.kind == kind])
    if minutes.decided:
        lines = tuple(
            Span(
                (
                    Bold(Text(labels.request_code(request.id))),
                    Text(" "),
                    labels.REQUEST_KINDS[request.kind],
                    Text(" "),
                    Badge(*labels.REQUEST_STATES[request.state]),
                )
            )
            for request in minutes.decided[:MOST_NOTES]
        )
        blocks += [Paragraph(Bold(_("Requests decided meanwhile"))), Bullets(lines)]
    if not minutes.notes and not minutes.decided:
        blocks.append(Paragraph(_("Nothing was noted.")))
    return Message(title, tuple(blocks))


def _title(room: RoomView) -> Words:
    return _("Video room: {title}", title=Text(room.title)) if room.title else _("Video room")


def _standing(room: RoomView) -> Inline:
    inside = [Text(person.member.name) for person in room.people if person.inside]
    match room.state:
        case "ended":
            return _("Closed {at}.", at=Instant(room.ended_at or room.starts_at))
        case "proposed" if room.better is not None:
            return _(
                "{wished} is hard for some. {better} hurts less.",
                wished=Instant(room.starts_at),
                better=Bold(Instant(room.better)),
            )
        case "proposed":
            return _("The hour is not settled yet.")
        case "planned":
            return _("Begins {at}; I remind you ten minutes before.", at=Bold(Instant(room.starts_at)))
        case _ if inside:
            return _("Inside now: {people}", people=labels.listing(inside))
        case _:
            return _("Open now; nobody is inside yet.")


def _brief(brief: StockBrief) -> Facts:
    pairs: list[tuple[Words, Inline]] = [
        (_("On hand"), labels.units(brief.on_hand)),
        (_("Incoming"), labels.units(brief.incoming)),
        (_("Sells"), labels.per_day(brief.per_day)),
    ]
    if brief.stockout_on is not None:
        where = _("{day}, {place}", day=Day(brief.stockout_on), place=Text(brief.stockout_place))
        pairs.append((_("Runs out first"), where))
    return Facts(tuple(pairs))


def _open_matters(room: RoomView) -> list[Block]:
    lines: list[Inline] = [
        Span(
            (
                Bold(Text(labels.case_code(case.id))),
                Text(" "),
                labels.kind_badge(case.kind),
                Text(f" {case.location} · "),
                labels.amount(case.money_at_risk),
            )
        )
        for case in room.cases
    ]
    lines += [
        Span(
            (
                Bold(Text(labels.request_code(request.id))),
                Text(" "),
                labels.REQUEST_KINDS[request.kind],
                Text(" "),
                Badge(*labels.REQUEST_STATES[request.state]),
                Text(" · "),
                labels.amount(request.total),
            )
        )
        for request in room.requests
    ]
    return [Bullets(tuple(lines))] if lines and room.state != "ended" else []


def _people(room: RoomView, now: datetime) -> list[Block]:
    """Everybody with the clock of their own place; of a planned room the clock at its beginning."""
    if not room.people:
        return []
    ahead = room.state in {"proposed", "planned"}
    at = room.starts_at if ahead else now
    columns = (Column(_("Name")), Column(_("Their time then") if ahead else _("Their time")), Column(_("Now")))
    blocks: list[Block] = [
        Table(columns, tuple(_person(person, at, ahead=ahead) for person in room.people[:MOST_PEOPLE]))
    ]
    if len(room.people) > MOST_PEOPLE:
        more = len(room.people) - MOST_PEOPLE
        blocks.append(Paragraph(n_("and {count} more", "and {count} more", more)))
    called = [
        Mention(person.member.id, person.member.name)
        for person in room.people
        if person.invited and person.member.awake and not ahead
    ]
    if called:
        blocks.insert(0, Paragraph(_("{people}: you are wanted.", people=labels.listing(called))))
    return blocks


def _person(person: RoomPerson, at: datetime, *, ahead: bool) -> tuple[Inline, ...]:
    local = at.astimezone(ZoneInfo(person.member.zone))
    city = person.member.zone.rpartition("/")[2].replace("_", " ")
    there = Span((WEEKDAYS[local.weekday()], Text(f" {local:%H:%M} {city}")))
    if person.inside:
        state: Inline = Badge(_("inside"), "good")
    elif ahead:
        hours = round(person.hurt, 1)
        late = _("{hours} h outside their day", hours=Text(f"{hours:g}"))
        state = Badge(late, "warn") if hours else Badge(_("at work"), "good")
    else:
        state = Badge(_("at work"), "good") if person.member.awake else Badge(_("away"), "plain")
    return Text(person.member.name), there, state


def _buttons(room: RoomView) -> tuple[Action, ...]:
    code = room_code(room.id)
    match room.state:
        case "ended":
            return ()
        case "proposed":
            found = []
            if room.better is not None:
                at = room.better.isoformat(timespec="minutes")
                found.append(Action(_("Take the better hour"), "huddle", ("settle", code, at), style="primary"))
            wished = room.starts_at.isoformat(timespec="minutes")
            return (*found, Action(_("Keep the hour"), "huddle", ("settle", code, wished)))
        case _:
            found = [_join(room)]
            if room.sku:
                found.append(labels.board_button(room.sku))
            return (*found, Action(_("Close the room"), "huddle", ("end", code)))


def _join(room: RoomView) -> Action:
    return Action(_("Join"), "huddle", ("join", room_code(room.id)), style="primary", login=room.login)


def _stay(one: Attendance) -> Inline:
    return Span((Text(one.name), Text(" ("), _length(one.stayed), Text(")")))


def _length(length: timedelta) -> Words:
    minutes = max(1, round(length.total_seconds() / 60))
    return n_("{count} minute", "{count} minutes", minutes)


def _notes(label: Words, notes: Sequence[Noted]) -> list[Block]:
    if not notes:
        return []
    lines: tuple[Inline, ...] = tuple(
        Span((Text(_written(note)), Text(" – "), Text(note.by), Text(" "), Instant(note.at, "time")))
        for note in notes[:MOST_NOTES]
    )
    if len(notes) > MOST_NOTES:
        lines += (n_("and {count} more", "and {count} more", len(notes) - MOST_NOTES),)
    return [Divider(), Paragraph(Bold(label)), Bullets(lines)]


_FILE = re.compile(r"(?P<name>.*), (?P<size>\d{1,15}), (?P<digest>[0-9a-f]{64})", re.DOTALL)


def _written(note: Noted) -> str:
    """The note's words; of a file its name, how large it is, and enough of its SHA-256 to compare."""
    found = _FILE.fullmatch(note.text) if note.kind == "file" else None
    if found is None:
        return note.text
    size, unit = float(found["size"]), "B"
    for larger in ("kB", "MB", "GB"):
        if size < 1_000:
            break
        size, unit = size / 1_000, larger
    return f"{found['name']} · {size:.3g} {unit} · SHA-256 {found['digest'][:12]}…"


__all__ = ["KINDS", "door_card", "minutes_card", "reminder_card", "room_card", "room_code"]
