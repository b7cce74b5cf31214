"""What one event leads to: an answer, a page refreshed, a conversation opened or closed.

Nothing is written here but what handlers write themselves; `bot.services.dispatch` writes the sayings down together
with the event's end.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import structlog

from bot.chat.cards import home_card, notice_card, welcome_card, zone_card, zone_question
from bot.chat.cards.forms import SAVE, STEPS
from bot.chat.cards.plain import refusal_card
from bot.chat.command import Asker, Invocation, Origin
from bot.chat.filling import filled
from bot.chat.forms import Form
from bot.chat.incoming import Incoming
from bot.chat.nodes import MAX_BLOCKS, Action, Actions, Bold, Code, Footnote, Mention, Message, Span, Text
from bot.chat.router import Answer, Router
from bot.errors import BadArgument, PlatformError, StaleButton
from bot.language import language
from bot.ports import ChatPlatform, Profile
from bot.services import Services
from bot.services.buttons import Button, Buttons
from bot.services.dialogues import CANCELLED, OVER, SENT, Dialogues, Talk
from bot.services.sayings import Outcome, Saying
from bot.services.windows import once_more, there, window_of, without_codes
from bot.storage import conversations, outbox, posts
from bot.storage.conversations import ConversationRow
from bot.words import Words, _

_log = structlog.get_logger(__name__)

MAX_NOTICE = 180  # longer ones are an answer of their own; Telegram's toast holds 200 characters
MAX_CAPTION = 400  # characters of what stands beside a file
SILENCE = notice_card(Words(""))  # releases the button's spinner and says nothing
_CANCEL = frozenset({"cancel", "/cancel", "取消"})  # by itself it ends a form that is being filled in

_GREETING = _("Hello, I am Stocktide. I watch stock and sales, and tell this conversation what it asks for.")


class Answers:
    """Turns an event into sayings, as the member who caused it."""

    def __init__(
        self,
        *,
        services: Services,
        router: Router[Services],
        buttons: Buttons,
        dialogues: Dialogues,
        platforms: Mapping[str, ChatPlatform],
    ) -> None:
        self._services = services
        self._router = router
        self._buttons = buttons
        self._dialogues = dialogues
        self._platforms = platforms

    async def to(self, incoming: Incoming) -> Outcome:
        """What an event leads to; its other effects have happened when this returns."""
        match incoming.kind:
            case "line" if incoming.conversation_kind == "group" and not await self._dialogues.awaits(incoming):
                return Outcome()  # people answer each other, and each other's answers to us
            case "command" | "line" | "press" | "files" | "home_opened":
                return await self._person(incoming)
            case "submit":
                return await self._submitted(incoming)
            case "joined":
                return Outcome(tuple(await self._joined(incoming)))
            case "removed":
                await self._removed(incoming)
            case "moved":
                async with self._services.database.transaction() as connection:
                    await self._services.conversations.move(
                        connection, incoming.platform, incoming.conversation, incoming.moved_to
                    )
            case "profile_changed":
                await self._profile_changed(incoming)
        return Outcome()

    async def _person(self, incoming: Incoming) -> Outcome:
        asker = await self._asker(incoming)
        structlog.contextvars.bind_contextvars(member=asker.member_id)
        place, new = await self._place(incoming, asker)
        if incoming.kind == "home_opened":
            return Outcome(tuple(await self._home(asker, place)))
        if incoming.kind == "press":
            return await self._pressed(incoming, asker, place)
        if incoming.kind == "files":
            return await self._files(incoming, asker, place)
        if (talk := await self._talk(incoming, place)) is not None:
            if incoming.text.strip().casefold() in _CANCEL:
                return await self._dialogues.ended(talk, asker, incoming, CANCELLED)
            if incoming.kind == "line" and talk.asking:
                return await self._dialogues.typed(talk, incoming.text, asker, incoming)
        return await self._typed(incoming, asker, place, new=new)

    async def _talk(self, incoming: Incoming, place: ConversationRow) -> Talk | None:
        """The form that the person is filling in here by talking."""
        platform = self._platforms.get(incoming.platform)
        if platform is None or platform.has_forms:
            return None
        return await self._dialogues.find(place, incoming.person)

    async def _asker(self, incoming: Incoming) -> Asker:
        """The member who caused the event; a platform is asked for the profile of newcomers alone."""
        profile = Profile(incoming.person_name, language=incoming.person_language)
        members = self._services.members
        if not await members.known(incoming.platform, incoming.person):
            profile = await self._profile(incoming, profile)
        return await members.of(incoming.platform, incoming.person, profile)

    async def _profile(self, incoming: Incoming, hint: Profile) -> Profile:
        platform = self._platforms.get(incoming.platform)
        if platform is None:
            return hint
        try:
            return _filled(await platform.profile(incoming.person), hint)
        except PlatformError as error:
            _log.warning("a profile cannot be read", person=incoming.person, error=repr(error))
            return hint

    async def _profile_changed(self, incoming: Incoming) -> None:
        """Follow a zone that the platform knows; a failed look-up is tried again with the event."""
        platform = self._platforms.get(incoming.platform)
        members = self._services.members
        if platform is not None and await members.known(incoming.platform, incoming.person):
            await members.of(incoming.platform, incoming.person, await platform.profile(incoming.person))

    async def _place(self, incoming: Incoming, asker: Asker) -> tuple[ConversationRow, bool]:
        """The conversation of the event, open again if it was closed, and whether it is new."""
        own = asker.member_id if incoming.conversation_kind in {"direct", "home"} and asker.member_id else None
        async with self._services.database.transaction() as connection:
            place, new = await self._services.conversations.of(
                connection,
                incoming.platform,
                incoming.conversation,
                incoming.conversation_kind,
                incoming.thread,
                incoming.conversation_title,
                own,
            )
            if place.closed_at is not None:
                await self._services.conversations.welcome_back(connection, incoming.platform, incoming.conversation)
        return place, new

    def _call(self, incoming: Incoming, asker: Asker, page: int = 1) -> Invocation[Services]:
        origin = Origin(
            incoming.platform,
            incoming.person,
            incoming.conversation,
            incoming.conversation_kind,
            incoming.thread,
            incoming.event_id,
            incoming.mentions,
        )
        return Invocation(self._services, asker, origin, self._services.clock.now(), (), page)

    async def _typed(self, incoming: Incoming, asker: Asker, place: ConversationRow, *, new: bool) -> Outcome:
        direct = place.kind == "direct"
        greeted = direct and incoming.text.strip().casefold() in {"start", "/start"}
        said: list[Message] = []
        private = False
        if direct and (new or greeted):
            said.append(welcome_card(asker.name or incoming.person_name))
        begun = Outcome()
        if not greeted:
            answer = await self._router.run(self._call(incoming, asker), incoming.text)
            private = answer.private
            if answer.form is not None:
                begun = await self._formed(answer.form, answer.line, incoming, asker, place)
            else:
                said.append(answer.message)
        if said and direct and asker.member_id and await self._services.members.ask_zone(asker.member_id):
            said = self._asking_zone(said)
        tongue = asker.language if direct or private else ""
        sayings = tuple(
            Saying(place.id, message, "reply", private, incoming, language=tongue, subject=message.subject)
            for message in said
        )
        return Outcome((*sayings, *begun.sayings), begun.writes)

    async def _files(self, incoming: Incoming, asker: Asker, place: ConversationRow) -> Outcome:
        """A card for each file that a member sent; a stranger is told what strangers are told."""
        call, said = self._call(incoming, asker), incoming.text[:MAX_CAPTION]
        found = await self._services.uploads.note(incoming, asker.member_id, place.id) if asker.member_id else [0]
        answers = [
            await self._router.press(call, "import", (f"U-{number}", *([said] if said else []))) for number in found
        ]
        return Outcome(tuple(self._reply(incoming, asker, place, answer) for answer in answers))

    async def _formed(
        self, form: Form, line: tuple[str, ...], incoming: Incoming, asker: Asker, place: ConversationRow
    ) -> Outcome:
        """A form in a window of its own where the platform has them, otherwise question by question."""
        platform = self._platforms[incoming.platform]
        if not platform.has_forms:
            return await self._dialogues.begin(form, line, asker, incoming, place, platform)
        window = window_of(form, line, incoming)
        return Outcome((Saying(place.id, window, "form", incoming=incoming, language=asker.language),))

    async def _submitted(self, incoming: Incoming) -> Outcome:
        """A form came back from its window: its command runs where the form was asked for, as who filled it in."""
        asker = await self._asker(incoming)
        structlog.contextvars.bind_contextvars(member=asker.member_id)
        try:
            async with self._services.database.reading() as connection:
                opened = await self._services.outbox.opened(connection, incoming.token, incoming.person)
                place = await conversations.get(connection, opened.conversation_id)
        except StaleButton as stale:
            place, _new = await self._place(incoming, asker)
            return Outcome((self._notice(incoming, asker, place, notice_card(stale.words)),), secret=True)
        form = opened.window.form
        origin = there(opened, incoming)
        try:
            arguments = (*form.arguments, *filled(form, incoming.values))
        except BadArgument as wrong:
            answer = Answer(refusal_card(wrong), None, private=True, refused=True)
        else:
            answer = await self._router.press(self._call(origin, asker), form.command, arguments)
        if answer.form is not None:
            begun = await self._formed(answer.form, answer.line, origin, asker, place)
            return dataclasses.replace(begun, secret=True)
        if answer.refused:
            answer = once_more(answer, opened.window)
        return Outcome((self._reply(origin, asker, place, answer),), secret=True)

    def _asking_zone(self, said: list[Message]) -> list[Message]:
        now = self._services.clock.now()
        question = zone_question(now)
        last = said[-1]
        if len(last.blocks) + len(question) > MAX_BLOCKS:
            return [*said, zone_card(now)]
        return [*said[:-1], dataclasses.replace(last, blocks=(*last.blocks, *question))]

    async def _pressed(self, incoming: Incoming, asker: Asker, place: ConversationRow) -> Outcome:
        async with self._services.database.reading() as connection:
            try:
                button = await self._buttons.open(connection, incoming.token)
            except StaleButton as stale:
                return Outcome((self._notice(incoming, asker, place, notice_card(stale.words)),))
            before = await outbox.last_id(connection)
        if button.command in STEPS:
            return await self._step(incoming, asker, place, button)
        answer = await self._router.press(self._call(incoming, asker, button.page), button.command, button.arguments)
        if answer.form is not None:
            begun = await self._formed(answer.form, answer.line, incoming, asker, place)
            return self._released(begun, incoming, asker, place)
        sayings = await self._shown(incoming, asker, place, button, answer, before)
        if incoming.conversation_kind == "home":
            sayings += await self._home(asker, place)
        return Outcome(tuple(sayings))

    async def _step(self, incoming: Incoming, asker: Asker, place: ConversationRow, button: Button) -> Outcome:
        """A button of a form that is filled in by talking."""
        talk = await self._dialogues.find(place, incoming.person, button.arguments[0])
        if talk is None:
            return Outcome((self._notice(incoming, asker, place, notice_card(OVER)),))
        if button.command != SAVE:
            outcome = await self._dialogues.pressed(talk, button.command, button.arguments, asker, incoming)
            return self._released(outcome, incoming, asker, place)
        try:
            arguments = self._dialogues.arguments(talk)
        except BadArgument:
            return self._released(self._dialogues.missing(talk, asker, incoming), incoming, asker, place)
        answer = await self._router.press(self._call(incoming, asker), talk.form.command, arguments)
        if answer.refused:
            kept = self._dialogues.refused(talk, asker)
            if self._fits(answer.message.summary, asker):
                return dataclasses.replace(kept, sayings=(self._notice(incoming, asker, place, answer.message),))
            said = self._reply(incoming, asker, place, without_codes(answer, talk.form))
            return self._released(dataclasses.replace(kept, sayings=(said,)), incoming, asker, place)
        ended = await self._dialogues.ended(talk, asker, incoming, SENT)
        if answer.form is not None:
            more = await self._formed(answer.form, answer.line, incoming, asker, place)
        else:
            more = Outcome((self._reply(incoming, asker, place, answer),))
        outcome = Outcome((*ended.sayings, *more.sayings), (*ended.writes, *more.writes))
        return self._released(outcome, incoming, asker, place)

    def _released(self, outcome: Outcome, incoming: Incoming, asker: Asker, place: ConversationRow) -> Outcome:
        """The same, and the pressed button no longer spins."""
        silence = self._notice(incoming, asker, place, SILENCE)
        return dataclasses.replace(outcome, sayings=(*outcome.sayings, silence))

    async def _shown(
        self,
        incoming: Incoming,
        asker: Asker,
        place: ConversationRow,
        button: Button,
        answer: Answer,
        before: int,
    ) -> list[Saying]:
        """How a press is answered.

        A refusal, and a press on a message that now shows the outcome by itself, get one line to the presser. A page is
        turned in place. Anything else is an answer of its own.
        """
        silence = self._notice(incoming, asker, place, SILENCE)
        if incoming.ephemeral:  # the platform puts the answer in its place
            return [self._reply(incoming, asker, place, answer), silence]
        async with self._services.database.transaction() as connection:
            post_id = await posts.at(connection, incoming.platform, incoming.conversation, incoming.message_id)
            if post_id is None and button.in_place and incoming.message_id:
                post_id = await posts.add(connection, place.id, incoming.message_id, "", self._services.clock.now())
            changed = post_id is not None and await outbox.edited_since(connection, post_id, before)
        if (answer.refused or changed) and self._fits(answer.message.summary, asker):
            return [self._notice(incoming, asker, place, answer.message)]
        if button.in_place and post_id is not None and not answer.refused:
            page = Saying(place.id, answer.message, "edit", incoming=incoming, post_id=post_id)
            return [page, silence]
        return [self._reply(incoming, asker, place, answer), silence]

    def _fits(self, words: Words, asker: Asker) -> bool:
        return len(language(asker.language).say(words, shortly)) <= MAX_NOTICE

    def _notice(self, incoming: Incoming, asker: Asker, place: ConversationRow, message: Message) -> Saying:
        return Saying(place.id, message, "notice", private=True, incoming=incoming, language=asker.language)

    def _reply(self, incoming: Incoming, asker: Asker, place: ConversationRow, answer: Answer) -> Saying:
        own = answer.private or incoming.ephemeral or place.kind != "group"
        return Saying(
            place.id,
            answer.message,
            "reply",
            private=answer.private,
            incoming=incoming,
            language=asker.language if own else "",
            subject=answer.message.subject,
        )

    async def _home(self, asker: Asker, place: ConversationRow) -> list[Saying]:
        if not asker.member_id:
            return [Saying(place.id, welcome_card(asker.name), language=asker.language)]
        view = await self._services.digests.view(asker.member_id, self._services.clock.now())
        return [Saying(place.id, home_card(view), language=asker.language)]

    async def _joined(self, incoming: Incoming) -> list[Saying]:
        async with self._services.database.transaction() as connection:
            place, _new = await self._services.conversations.of(
                connection,
                incoming.platform,
                incoming.conversation,
                incoming.conversation_kind,
                incoming.thread,
                incoming.conversation_title,
            )
            await self._services.conversations.welcome_back(connection, incoming.platform, incoming.conversation)
        if incoming.conversation_kind != "group":
            return []
        buttons = (
            Action(_("Tell us what to restock"), "subscribe", ("restock",), style="primary"),
            Action(_("What I can do"), "help"),
        )
        hint = Footnote(_("Other topics: {example}", example=Code("subscribe surge")))
        return [Saying(place.id, notice_card(_GREETING, Actions(buttons), hint))]

    async def _removed(self, incoming: Incoming) -> None:
        if not incoming.conversation:
            _log.error("the workspace removed the app; nothing reaches it until it is installed again")
            return
        async with self._services.database.transaction() as connection:
            await self._services.conversations.close(
                connection, incoming.platform, incoming.conversation, "the bot was removed"
            )


def shortly(node: object) -> str:
    """About as much text as a node becomes: enough to judge a length, not to be shown."""
    match node:
        case Text() | Code():
            return node.content
        case Bold():
            return shortly(node.content)
        case Span():
            return "".join(shortly(part) for part in node.parts)
        case Mention():
            return node.name
        case Words():
            return language("en").say(node, shortly)
        case _:
            return "0" * 12  # a date, a time, an amount


def _filled(profile: Profile, hint: Profile) -> Profile:
    """The profile, with what only the event told."""
    return dataclasses.replace(profile, name=profile.name or hint.name, language=profile.language or hint.language)
