"""One letter of the outbox: sent once, and what came of it written down.

What each outcome leads to:

    sent                 remembered as a post where it shows a subject; edited at once if it was reworded meanwhile
    RateLimited          waits as long as the platform says; no attempt is counted
    Unreachable          waits longer each time, for a day; the whole platform rests with it
    Uncertain            a post or reply is sent once more, labelled as a possible repeat, then left as `uncertain`;
                         an edit and a home page show the same twice over, so they are repeated as they are
    ConversationGone     the conversation is closed, all its letters are dead
    ConversationMoved    subscriptions and letters follow to the new id
    MessageGone          a reply becomes a post (to the person alone where it was private); an edit that answers a
                         press becomes a post; any other edit is dropped and its post forgotten: somebody deleted it
    TokenRefused         the platform rests for a minute, loudly
    PayloadRefused       dead, and whoever asked gets an apology
    anything else        waits longer each time, and is dead after some attempts

A form is tried once: a window opens within three seconds of a press or never. Where it does not, whoever pressed is
told so in private, with a button that asks for it again.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.charts.drawing import drawn
from bot.chat.cards.plain import apology_card
from bot.chat.codec import decode_message, decode_window
from bot.chat.forms import Form
from bot.chat.incoming import Incoming, MessageRef
from bot.chat.nodes import Mention, Message
from bot.errors import (
    ConversationGone,
    ConversationMoved,
    MessageGone,
    PayloadRefused,
    PlatformError,
    RateLimited,
    TokenRefused,
    Uncertain,
    Unreachable,
)
from bot.ports import ChatPlatform, Clock, Reader, Target
from bot.services.conversations import Conversations
from bot.services.outbox import Outbox, footed
from bot.services.pacing import Backoff, Pace
from bot.storage import conversations as places
from bot.storage import outbox as rows
from bot.storage import posts
from bot.storage.database import Database
from bot.storage.outbox import UNCERTAIN, Claimed
from bot.words import _

_log = structlog.get_logger(__name__)

_REPEAT = _("This may be a repeat: the first one was sent without a receipt.")


@dataclasses.dataclass(frozen=True, slots=True)
class Patience:
    """How long a letter is tried: `send` bounds one call, `attempts` and `age` all of them."""

    send: timedelta = timedelta(seconds=40)
    form: timedelta = timedelta(seconds=3)  # that Slack gives a window
    lease: timedelta = timedelta(seconds=90)  # longer than `send`, so that a letter in hand is never taken away
    attempts: int = 8
    age: timedelta = timedelta(hours=24)
    token: timedelta = timedelta(minutes=1)
    backoff: Backoff = dataclasses.field(default_factory=Backoff)


class Courier:
    """Delivers the letters of one platform."""

    def __init__(
        self,
        *,
        platform: ChatPlatform,
        pace: Pace,
        database: Database,
        clock: Clock,
        outbox: Outbox,
        conversations: Conversations,
        patience: Patience,
    ) -> None:
        self._platform = platform
        self._pace = pace
        self._database = database
        self._clock = clock
        self._outbox = outbox
        self._conversations = conversations
        self._patience = patience
        self._failures = 0  # on end, of reaching the platform at all

    async def deliver(self, letter: Claimed) -> None:
        """Send a letter that we hold and settle it; only a database error gets out."""
        if letter.kind == "form":
            await self._open(letter)
            return
        doubtful = letter.error.startswith(UNCERTAIN)
        if letter.abandoned and not self._repeatable(letter):
            if doubtful or letter.kind == "notice":
                await self._settle(letter, state="uncertain")
                return
            letter = dataclasses.replace(letter, error=rows.SENDER_LOST)
            doubtful = True
        try:
            message = decode_message(letter.message)
            if doubtful and letter.kind in {"post", "reply"}:
                message = footed(message, _REPEAT)
            reader = await self._reader(letter, message)
            async with asyncio.timeout(self._patience.send.total_seconds()):
                ref = await self._send(letter, message, reader)
        except PlatformError as error:
            await self._failed(letter, error)
        except TimeoutError:
            await self._failed(letter, Uncertain("no answer in time"))
        except Exception as error:  # noqa: BLE001  # a defect of a renderer must not stop the other letters
            _log.exception("a letter cannot be sent")
            await self._refused(letter, PayloadRefused(f"{type(error).__name__}: {error}"))
        else:
            await self._sent(letter, ref)

    async def _send(self, letter: Claimed, message: Message, reader: Reader) -> MessageRef | None:
        place = letter.conversation
        message = await drawn(message, reader.language)
        incoming = Incoming.from_json(letter.incoming) if letter.incoming else None
        match letter.kind:
            case "edit":
                if not letter.message_id:
                    raise MessageGone("the post is not known any more")
                ref = MessageRef(place.platform, place.external_id, letter.message_id, place.thread)
                await self._platform.edit(ref, message, reader)
                return None
            case "reply" if incoming is not None:
                return await self._platform.reply(incoming, message, reader, private=letter.private)
            case "notice" if incoming is not None:
                await self._platform.notice(incoming, message.summary, reader)
                return None
            case _:
                return await self._platform.post(Target(place.external_id, place.kind, place.thread), message, reader)

    async def _open(self, letter: Claimed) -> None:
        """Open a form for whoever caused the event, or say that it is too late."""
        window = decode_window(letter.message)
        if letter.abandoned:
            await self._too_late(letter, window.late, MessageGone("the sender was lost"))
            return
        incoming = Incoming.from_json(letter.incoming or {})
        try:
            reader = await self._reader(letter, window.form)
            async with asyncio.timeout(self._patience.form.total_seconds()):
                await self._platform.open_form(incoming, window.form, window.token, reader)
        except PayloadRefused as error:
            await self._refused(letter, error)
        except (PlatformError, TimeoutError) as error:
            _log.info("a form was not opened", error=type(error).__name__, detail=str(error))
            await self._too_late(letter, window.late, error)
        except Exception as error:  # noqa: BLE001  # as in `deliver`
            _log.exception("a form cannot be shown")
            await self._refused(letter, PayloadRefused(f"{type(error).__name__}: {error}"))
        else:
            await self._sent(letter, None)

    async def _too_late(self, letter: Claimed, late: Message, error: Exception) -> None:
        now = self._clock.now()
        async with self._database.transaction_of(1) as connection:
            text = f"{type(error).__name__}: {error}"[:500]
            if await rows.settle(connection, letter.id, letter.fence, state="dropped", delivered_at=now, error=text):
                await self._outbox.put(
                    connection,
                    letter.conversation.id,
                    late,
                    "reply",
                    private=True,
                    incoming=Incoming.from_json(letter.incoming or {}),
                    language=letter.language,
                )

    async def _reader(self, letter: Claimed, message: Message | Form) -> Reader:
        place = letter.conversation
        mentioned = sorted({node.member_id for node in walk(message) if isinstance(node, Mention)})
        people: dict[int, str] = {}
        # A private answer or a notice is for one person, who may live elsewhere than the room does.
        alone = letter.incoming if letter.private or letter.kind == "notice" else None
        zone = ""
        if mentioned or alone:
            async with self._database.reading_of(1) as connection:
                people = await places.people(connection, place.platform, mentioned)
                if alone:
                    zone = await places.zone_of(connection, place.platform, Incoming.from_json(alone).person)
        return Reader(letter.language, ZoneInfo(zone or place.zone), people)

    async def _sent(self, letter: Claimed, ref: MessageRef | None) -> None:
        self._failures = 0
        now = self._clock.now()
        async with self._database.transaction_of(1) as connection:
            if not await rows.settle(connection, letter.id, letter.fence, state="sent", delivered_at=now, error=""):
                _log.warning("a letter was settled by another worker while it was sent")
                return
            if ref is not None and letter.subject and letter.kind != "edit":
                await self._remember(connection, letter, ref)
        _log.info("sent", attempts=letter.attempts)

    async def _remember(self, connection: AsyncConnection, letter: Claimed, ref: MessageRef) -> None:
        """Keep a post that shows a subject; where it was reworded on the way, edit it."""
        place = letter.conversation
        home = place.id
        if ref.conversation and ref.conversation != place.external_id:  # a private reply went elsewhere
            found, _new = await self._conversations.of(connection, place.platform, ref.conversation, "direct")
            home = found.id
        post_id = await posts.add(connection, home, ref.message_id, letter.subject, self._clock.now())
        wanted = await rows.message_of(connection, letter.id)
        if wanted != letter.message:
            await self._outbox.put(
                connection,
                home,
                decode_message(wanted),
                "edit",
                letter.subject,
                post_id=post_id,
                language=letter.language,
            )

    async def _failed(self, letter: Claimed, error: PlatformError) -> None:
        _log.info("not sent", error=type(error).__name__, detail=str(error), attempts=letter.attempts)
        match error:
            case RateLimited():
                self._pace.hold(letter.conversation.external_id, error.retry_after)
                await self._again(letter, timedelta(seconds=error.retry_after), error, counted=False)
            case Unreachable():
                await self._unreachable(letter, error)
            case Uncertain():
                await self._uncertain(letter, error)
            case ConversationGone():
                await self._gone(letter, error)
            case ConversationMoved():
                await self._moved(letter, error)
            case MessageGone():
                await self._handle_gone(letter, error)
            case TokenRefused():
                _log.error("the platform refuses our token; run `stocktide check`", platform=self._platform.name)
                self._pace.rest(self._patience.token.total_seconds())
                await self._again(letter, timedelta(0), error, counted=False)
            case PayloadRefused():
                await self._refused(letter, error)
            case _:
                await self._retry(letter, error)

    async def _unreachable(self, letter: Claimed, error: PlatformError) -> None:
        self._failures += 1
        wait = min(self._patience.backoff.after(self._failures), timedelta(seconds=30))
        self._pace.rest(wait.total_seconds())
        if self._clock.now() - letter.created_at > self._patience.age:
            await self._dead(letter, error)
        else:
            await self._again(letter, wait, error, counted=False)

    async def _uncertain(self, letter: Claimed, error: PlatformError) -> None:
        if self._repeatable(letter):
            await self._retry(letter, error)
        elif letter.kind == "notice" or letter.error.startswith(UNCERTAIN):
            await self._settle(letter, state="uncertain", error=UNCERTAIN + str(error))
        else:
            doubt = Uncertain(UNCERTAIN + str(error))
            await self._again(letter, self._patience.backoff.after(letter.attempts), doubt, counted=True)

    async def _gone(self, letter: Claimed, error: PlatformError) -> None:
        place = letter.conversation
        if place.kind == "home":  # the page alone: its person can still be written to
            await self._dead(letter, error)
            return
        reason = f"{type(error).__name__}: {error}"
        async with self._database.transaction_of(1) as connection:
            await self._conversations.close(connection, place.platform, place.external_id, reason)

    async def _moved(self, letter: Claimed, error: ConversationMoved) -> None:
        place = letter.conversation
        values: dict[str, Any] = {"attempts": letter.attempts - 1}
        if letter.kind == "reply":  # its handle knows the old id only
            values |= {"kind": "post", "incoming": None}
        async with self._database.transaction_of(1) as connection:
            await self._conversations.move(connection, place.platform, place.external_id, error.new_id)
            await rows.settle(connection, letter.id, letter.fence, **values)

    async def _handle_gone(self, letter: Claimed, error: PlatformError) -> None:
        if letter.kind == "edit" and letter.incoming is None:
            async with self._database.transaction_of(1) as connection:
                await rows.settle(connection, letter.id, letter.fence, state="dropped", error=str(error))
                if letter.post_id is not None:
                    await posts.forget(connection, letter.post_id)
        elif letter.kind in {"edit", "reply"}:
            await self._post_instead(letter, error)
        elif letter.kind == "notice":
            await self._settle(letter, state="dropped", error=str(error))
        else:
            await self._retry(letter, error)

    async def _post_instead(self, letter: Claimed, error: PlatformError) -> None:
        """The handle of an event has expired: post the answer, in private where it was for one person alone."""
        place = letter.conversation
        values: dict[str, Any] = {"kind": "post", "incoming": None, "post_id": None, "error": str(error)}
        if letter.private and place.kind == "group":
            person = Incoming.from_json(letter.incoming).person if letter.incoming else ""
            values["conversation_id"] = await self._private(place.platform, person)
            if not values["conversation_id"]:
                await self._dead(letter, error)
                return
        await self._settle(letter, **values)

    async def _private(self, platform: str, person: str) -> int | None:
        try:
            external_id = await self._platform.direct(person)
        except PlatformError:
            return None
        async with self._database.transaction_of(1) as connection:
            row, _new = await self._conversations.of(connection, platform, external_id, "direct")
        return row.id

    async def _refused(self, letter: Claimed, error: PlatformError) -> None:
        _log.error("the platform refused a message", detail=str(error), kind=letter.kind)
        await self._dead(letter, error)
        if letter.incoming is None or letter.kind == "notice":
            return
        async with self._database.transaction_of(1) as connection:
            await self._outbox.put(
                connection,
                letter.conversation.id,
                apology_card(f"D-{letter.id}"),
                "reply",
                dedupe_key=f"apology:{letter.id}",
                private=True,
                incoming=Incoming.from_json(letter.incoming),
                language=letter.language,
            )

    async def _retry(self, letter: Claimed, error: PlatformError) -> None:
        if letter.attempts >= self._patience.attempts:
            await self._dead(letter, error)
        else:
            await self._again(letter, self._patience.backoff.after(letter.attempts), error, counted=True)

    async def _again(self, letter: Claimed, wait: timedelta, error: PlatformError, *, counted: bool) -> None:
        """Let the letter wait; an edit that a newer one has overtaken is done with."""
        now = self._clock.now()
        doubt = letter.error if letter.error.startswith(UNCERTAIN) else ""  # never forgotten
        async with self._database.transaction_of(1) as connection:
            if (
                letter.kind == "edit"
                and letter.post_id
                and await rows.newer_edit(connection, letter.post_id, letter.id)
            ):
                await rows.settle(connection, letter.id, letter.fence, state="merged", delivered_at=now)
                return
            attempts = letter.attempts if counted else letter.attempts - 1
            error_text = doubt or str(error) or type(error).__name__
            await rows.settle(
                connection, letter.id, letter.fence, due_at=now + wait, attempts=attempts, error=error_text[:500]
            )

    async def _dead(self, letter: Claimed, error: PlatformError) -> None:
        _log.error("given up", detail=str(error), error=type(error).__name__, attempts=letter.attempts)
        await self._settle(letter, state="dead", error=f"{type(error).__name__}: {error}"[:500])

    async def _settle(self, letter: Claimed, **values: object) -> None:
        if "state" in values:
            values["delivered_at"] = self._clock.now()
        async with self._database.transaction_of(1) as connection:
            await rows.settle(connection, letter.id, letter.fence, **values)

    def _repeatable(self, letter: Claimed) -> bool:
        """Whether doing it twice shows the same as doing it once."""
        return letter.kind == "edit" or (letter.kind == "post" and letter.conversation.kind == "home")


def walk(node: object) -> Iterator[object]:
    """A node and everything inside it."""
    yield node
    if dataclasses.is_dataclass(node) and not isinstance(node, type):
        for field in dataclasses.fields(node):
            yield from walk(getattr(node, field.name))
    elif isinstance(node, tuple):
        for item in node:
            yield from walk(item)
    elif isinstance(node, dict) or hasattr(node, "values"):
        for item in node.values():
            yield from walk(item)
