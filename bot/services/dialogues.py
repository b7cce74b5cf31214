"""Forms filled in by talking, where a platform has no windows: a menu of the fields, and questions one by one.

A step reads the dialogue and says what it leads to; what it writes is written with the event's end (`Outcome`), so an
event that is handled again after a crash finds the dialogue as it was before.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.chat.cards.forms import (
    ASK,
    END,
    SET,
    choice_card,
    closed_card,
    late_card,
    menu_card,
    noted_card,
    question_card,
)
from bot.chat.cards.plain import notice_card
from bot.chat.codec import decode_window, encode
from bot.chat.command import Asker
from bot.chat.filling import filled, read_value
from bot.chat.forms import Field, Form, Window
from bot.chat.incoming import Incoming
from bot.chat.nodes import Mention, Message
from bot.errors import BadArgument
from bot.ports import ChatPlatform, Clock
from bot.services.conversations import Conversations
from bot.services.outbox import Kind, Outbox
from bot.services.sayings import Outcome, Saying, Write
from bot.storage import dialogues as rows
from bot.storage import posts
from bot.storage.conversations import ConversationRow
from bot.storage.database import Database
from bot.words import Words, _

_log = structlog.get_logger(__name__)

LIFE = timedelta(minutes=15)  # after the last step
TOKEN_BYTES = 9  # it travels inside of buttons' stored arguments, never by itself

OVER = _("This form is over. Ask for it again.")
CANCELLED = _("Cancelled; nothing was changed.")
SENT = _("Sent in.")
_REPLACED = _("A newer form took its place.")
_ASKED_ALONE = _(
    "I ask you in our private chat, because a one-time code belongs there. Nothing there? Write to me first."
)


@dataclass(frozen=True, slots=True)
class Talk:
    """A dialogue as it stands: the form, what was answered, and the field that waits for a line."""

    id: int
    place: ConversationRow
    window: Window
    answers: dict[str, str]
    asking: str

    @property
    def form(self) -> Form:
        """What is filled in."""
        return self.window.form

    @property
    def subject(self) -> str:
        """What the menu's posts show."""
        return _subject(self.window)

    def field(self, name: str) -> Field | None:
        """One of the form's fields."""
        return next((field for field in self.form.fields if field.name == name), None)

    def values(self) -> dict[str, str]:
        """Every field's value: what was answered, otherwise what stood there first."""
        return {field.name: self.answers.get(field.name, field.value) for field in self.form.fields}


class Dialogues:
    """Keeps the dialogues of the platforms without windows."""

    def __init__(self, *, database: Database, clock: Clock, outbox: Outbox, conversations: Conversations) -> None:
        self._database = database
        self._clock = clock
        self._outbox = outbox
        self._conversations = conversations

    async def find(self, place: ConversationRow, person: str, token: str = "") -> Talk | None:
        """The dialogue of a person in a conversation; with a token only that one."""
        async with self._database.reading() as connection:
            row = await rows.find(connection, place.id, person, self._clock.now())
        if row is None:
            return None
        window = decode_window(row.form)
        if token and token != window.token:
            return None
        return Talk(row.id, place, window, dict(row.answers["values"]), row.asking)

    async def awaits(self, incoming: Incoming) -> bool:
        """Whether a line in a group answers a question of a form that its author is filling in."""
        async with self._database.reading() as connection:
            chat, thread = incoming.conversation, incoming.thread
            now = self._clock.now()
            if not await rows.waiting(connection, incoming.platform, chat, thread, incoming.person, now):
                return False
            shown = await posts.subject_at(connection, incoming.platform, chat, incoming.reply_to)
        return shown.startswith("form:")

    async def begin(
        self,
        form: Form,
        line: tuple[str, ...],
        asker: Asker,
        incoming: Incoming,
        place: ConversationRow,
        platform: ChatPlatform,
    ) -> Outcome:
        """Begin to fill in a form; one that asks for a one-time code is filled in privately."""
        window = Window(form, secrets.token_urlsafe(TOKEN_BYTES), late_card(form, line, pressed=False))
        if place.kind != "group" or not any(field.kind == "code" for field in form.fields):
            return await self._begun(window, asker, incoming, place, aside=False)
        external_id = await platform.direct(incoming.person)
        async with self._database.transaction() as connection:
            alone, _new = await self._conversations.of(
                connection, place.platform, external_id, "direct", member_id=asker.member_id
            )
        told = Saying(place.id, notice_card(_ASKED_ALONE), "reply", incoming=incoming, language=asker.language)
        begun = await self._begun(window, asker, incoming, alone, aside=True)
        return Outcome((told, *begun.sayings), begun.writes)

    async def _begun(
        self, window: Window, asker: Asker, incoming: Incoming, place: ConversationRow, *, aside: bool
    ) -> Outcome:
        before = await self.find(place, incoming.person)
        talk = Talk(0, place, window, {}, "")
        first = _missing(talk)
        talk = _asking(talk, first)
        now = self._clock.now()

        async def write(connection: AsyncConnection) -> None:
            await rows.forget(connection, now)
            values = {"form": encode(window), "answers": {"values": {}}, "asking": talk.asking}
            await rows.put(connection, place.id, incoming.person, created_at=now, expires_at=now + LIFE, **values)
            if before is not None:
                await self._close(connection, before, _REPLACED, asker)

        kind: Kind = "post" if aside else "reply"
        origin = None if aside else incoming
        said = [Saying(place.id, _view(talk), kind, incoming=origin, language=asker.language, subject=talk.subject)]
        if first is not None and not first.choices:
            question = question_card(first, _named(asker, place))
            said.append(
                Saying(
                    place.id, question, kind, incoming=origin, language=asker.language, subject=talk.subject + ":ask"
                )
            )
        return Outcome(tuple(said), (write,))

    async def typed(self, talk: Talk, text: str, asker: Asker, incoming: Incoming) -> Outcome:
        """Take a line as the value that was asked for; a wrong one is told, and asked for again."""
        field = talk.field(talk.asking)
        assert field is not None  # noqa: S101  # only called while a field is asked for
        hidden = field.kind == "code"
        try:
            value = read_value(field, text)
        except BadArgument as wrong:
            return self._asked(talk, field, asker, incoming, (), wrong.words, secret=hidden)
        talk = _answered(talk, field, value)
        following = _missing(talk)
        talk = _asking(talk, following)
        if following is not None:
            return self._asked(talk, following, asker, incoming, (self._kept(talk, asker),), secret=hidden)
        noted = noted_card(talk.form, talk.window.token, field, talk.values())
        said = Saying(talk.place.id, noted, "reply", incoming=incoming, language=asker.language)
        return Outcome((said,), (self._kept(talk, asker),), secret=hidden)

    async def pressed(
        self, talk: Talk, command: str, arguments: tuple[str, ...], asker: Asker, incoming: Incoming
    ) -> Outcome:
        """Do what a button of the form asks for, short of sending it in."""
        if command == END:
            return await self.ended(talk, asker, incoming, CANCELLED)
        field = talk.field(arguments[1])
        if command == SET and field is not None:
            talk = _answered(talk, field, arguments[2])
            following = _missing(talk)
            talk = _asking(talk, following)
            noted = noted_card(talk.form, talk.window.token, field, talk.values())
            page = await self._in_place(talk, noted, asker, incoming)
            if following is None:
                return Outcome(page, (self._kept(talk, asker),))
            asked = self._asked(talk, following, asker, incoming, (self._kept(talk, asker),))
            return Outcome((*page, *asked.sayings), asked.writes)
        return await self._chosen(talk, field if command == ASK else None, asker, incoming)

    async def _chosen(self, talk: Talk, field: Field | None, asker: Asker, incoming: Incoming) -> Outcome:
        """A field was pressed: its choices stand in the menu, any other value is asked for."""
        talk = _asking(talk, field)
        if field is not None and not field.choices:
            return self._asked(talk, field, asker, incoming, (self._kept(talk, asker),))
        page = await self._in_place(talk, _view(talk), asker, incoming)
        return Outcome(page, (self._kept(talk, asker),))

    def missing(self, talk: Talk, asker: Asker, incoming: Incoming) -> Outcome:
        """Ask for the first value that is needed and not there, or not right."""
        for field in talk.form.fields:
            try:
                read_value(field, talk.values()[field.name])
            except BadArgument as wrong:
                talk = _asking(talk, field)
                return self._asked(talk, field, asker, incoming, (self._kept(talk, asker),), wrong.words)
        return Outcome()

    async def ended(self, talk: Talk, asker: Asker, incoming: Incoming, words: Words) -> Outcome:
        """End a dialogue: its messages lose their buttons and say how it ended."""

        async def write(connection: AsyncConnection) -> None:
            await rows.end(connection, talk.id)
            await self._close(connection, talk, words, asker)

        page = await self._in_place(talk, closed_card(talk.form, words), asker, incoming)
        if incoming.kind != "press":
            said = Saying(talk.place.id, notice_card(words), "reply", incoming=incoming, language=asker.language)
            return Outcome((said,), (write,))
        return Outcome(page, (write,))

    def refused(self, talk: Talk, asker: Asker) -> Outcome:
        """Keep a dialogue open whose command refused; a one-time code is never tried twice."""
        answers = {
            name: value
            for name, value in talk.answers.items()
            if (field := talk.field(name)) is not None and field.kind != "code"
        }
        kept = Talk(talk.id, talk.place, talk.window, answers, "")
        return Outcome((), (self._kept(kept, asker),))

    def arguments(self, talk: Talk) -> tuple[str, ...]:
        """What the command is called with; BadArgument where a value is missing or wrong."""
        return (*talk.form.arguments, *filled(talk.form, talk.values()))

    def _asked(
        self,
        talk: Talk,
        field: Field,
        asker: Asker,
        incoming: Incoming,
        writes: tuple[Write, ...],
        wrong: Words | None = None,
        *,
        secret: bool = False,
    ) -> Outcome:
        card: Message = (
            choice_card(field, talk.window.token)
            if field.choices
            else question_card(field, _named(asker, talk.place), wrong)
        )
        subject = "" if field.choices else talk.subject + ":ask"
        said = Saying(talk.place.id, card, "reply", incoming=incoming, language=asker.language, subject=subject)
        return Outcome((said,), writes, secret)

    def _kept(self, talk: Talk, asker: Asker) -> Write:
        """Writes the dialogue down, and shows it in its menu."""
        now = self._clock.now()

        async def write(connection: AsyncConnection) -> None:
            values = {"answers": {"values": talk.answers}, "asking": talk.asking, "expires_at": now + LIFE}
            await rows.change(connection, talk.id, **values)
            await self._outbox.refresh(connection, talk.subject, _view(talk), asker.language)

        return write

    async def _close(self, connection: AsyncConnection, talk: Talk, words: Words, asker: Asker) -> None:
        await self._outbox.refresh(connection, talk.subject, closed_card(talk.form, words), asker.language)

    async def _in_place(self, talk: Talk, message: Message, asker: Asker, incoming: Incoming) -> tuple[Saying, ...]:
        """The pressed message in its new form; nothing where it is the menu, which every step shows anew."""
        if incoming.kind != "press" or not incoming.message_id:
            return ()
        async with self._database.transaction() as connection:
            chat, number = incoming.conversation, incoming.message_id
            if await posts.subject_at(connection, incoming.platform, chat, number) == talk.subject:
                return ()
            post_id = await posts.add(connection, talk.place.id, number, "", self._clock.now())
        edit = Saying(talk.place.id, message, "edit", incoming=incoming, post_id=post_id, language=asker.language)
        return (edit,)


def _subject(window: Window) -> str:
    return f"form:{window.token}"


def _view(talk: Talk) -> Message:
    return menu_card(talk.form, talk.window.token, talk.values(), talk.asking)


def _answered(talk: Talk, field: Field, value: str) -> Talk:
    return Talk(talk.id, talk.place, talk.window, {**talk.answers, field.name: value}, "")


def _asking(talk: Talk, field: Field | None) -> Talk:
    return Talk(talk.id, talk.place, talk.window, talk.answers, field.name if field else "")


def _missing(talk: Talk) -> Field | None:
    """The first field that is needed and empty."""
    values = talk.values()
    return next((field for field in talk.form.fields if field.required and not values[field.name]), None)


def _named(asker: Asker, place: ConversationRow) -> Mention | None:
    """Whom a question in a group is for; the platform opens the field for them alone."""
    return Mention(asker.member_id, asker.name) if place.kind == "group" else None
