"""The Slack platform: Bolt takes events in, `SlackWeb` takes messages out."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from slack_bolt.async_app import AsyncAck, AsyncBoltRequest
from slack_bolt.authorization import AuthorizeResult

from bot.chat.forms import Form
from bot.chat.incoming import Incoming, MessageRef, SharedFile
from bot.chat.nodes import Attachment, Image, Message
from bot.errors import (
    ConversationGone,
    MessageGone,
    PayloadRefused,
    PlatformError,
    RateLimited,
    TokenRefused,
    Unreachable,
)
from bot.language import nearest_language
from bot.platforms.slack import events
from bot.platforms.slack.blocks import PLATFORM, Rendered, render, render_home, render_line
from bot.platforms.slack.calls import SlackCalls
from bot.platforms.slack.checks import check
from bot.platforms.slack.files import SlackFiles
from bot.platforms.slack.forms import render_form
from bot.platforms.slack.gate import Gate
from bot.platforms.slack.listening import listening
from bot.platforms.slack.socket_mode import SocketMode
from bot.platforms.slack.web import SlackOptions, SlackWeb, nothing_said_yet
from bot.ports import (
    CallNotice,
    CallPerson,
    Check,
    HttpAnswer,
    HttpRequest,
    Intake,
    Limits,
    Profile,
    Reader,
    Target,
)
from bot.words import Words

logger = logging.getLogger(__name__)

_DRAIN_SECONDS = 3.0  # of the 5 s that a stop may take; the rest is for closing

Json = dict[str, Any]
W = TypeVar("W")
R = TypeVar("R")

__all__ = ["SlackOptions", "SlackPlatform"]


class SlackPlatform:
    """One workspace. Conversations are channel ids; a home page's conversation is its person's id."""

    name = PLATFORM
    has_forms = True
    # Slack allows a message a second in each channel and "several hundred" a minute in a workspace.
    limits = Limits(overall_per_second=5.0, conversation_per_second=1.0)

    def __init__(self, options: SlackOptions) -> None:
        self._options = options
        self._web = SlackWeb(options)
        self._calls = SlackCalls(self._web)
        self._files = SlackFiles(self._web, options.bot_token, options.base_url)
        self._gate = Gate()
        self._intake: Intake | None = None
        self._socket: SocketMode | None = None
        self._identity: AuthorizeResult | None = None
        self._app = listening(options, self._whoami, self._take)

    async def start(self, intake: Intake) -> None:
        """Begin to hand events to `intake`; TokenRefused where a token is no good."""
        self._intake, self._gate.open = intake, True
        try:
            await self._connect()
        except TokenRefused:
            await self._web.close()
            raise

    async def stop(self) -> None:
        """Finish the events in hand, for 3 s at most, and close every connection."""
        left = await self._gate.drain(_DRAIN_SECONDS)
        if left:
            logger.warning("slack stops with %d events unfinished; Slack sends them again", left)
        if self._socket is not None:
            await self._socket.stop()
        await self._web.close()

    async def receive(self, request: HttpRequest) -> HttpAnswer:
        """Answer one signed request of Slack; 401 where the signature is wrong or more than five minutes old."""
        if self._intake is None or not self._gate.open:
            return _answer(503, "not taking events")
        if request.method != "POST":
            return _answer(405, "POST only")
        if not (self._options.signing_secret and _signed(request)):
            return _refused(request)
        try:
            body = request.body.decode()
            bolt = AsyncBoltRequest(body=body, query=request.query, headers=dict(request.headers))
        except (ValueError, AttributeError, TypeError, LookupError):
            logger.warning("slack request refused: its body cannot be read (%d bytes)", len(request.body))
            return _answer(400, "unreadable")
        try:
            with self._gate.passing():
                answer = await self._app.async_dispatch(bolt)
        except (ValueError, AttributeError, TypeError, LookupError):  # Bolt itself, over a body of no known shape
            logger.warning("slack request refused: its body is of no known shape (%d bytes)", len(request.body))
            return _answer(400, "unreadable")
        if answer.status == 401:
            return _refused(request)
        headers = {name: values[0] for name, values in answer.headers.items() if values}
        return HttpAnswer(answer.status, (answer.body or "").encode(), headers)

    async def post(self, target: Target, message: Message, reader: Reader) -> MessageRef:
        """Post to a conversation, or publish the home page of the person `target.conversation`."""
        if target.kind == "home":
            return await self._publish(target.conversation, message, reader)
        if message.file is not None:
            return await self._share(target.conversation, target.thread, message, message.file, reader)

        async def send(rendered: Rendered) -> MessageRef:
            return await self._say(target.conversation, target.thread, rendered)

        return await self._illustrated(message, reader, render, send)

    async def edit(self, ref: MessageRef, message: Message, reader: Reader) -> None:
        """Replace a posted message, or a home page, in place."""
        if events.kind_of(ref.conversation) == "home":
            await self._publish(ref.conversation, message, reader)
            return

        async def send(rendered: Rendered) -> None:
            await self._web.call(
                lambda client: client.chat_update(
                    channel=ref.conversation, ts=ref.message_id, text=rendered.text, blocks=rendered.blocks
                )
            )

        await self._illustrated(message, reader, render, send)

    async def reply(self, incoming: Incoming, message: Message, reader: Reader, *, private: bool) -> MessageRef | None:
        """Answer through the event's response URL, or as a message of our own where it has none or it has expired.

        A press on an ephemeral message replaces it. What shows a subject to everybody is posted, so that it can be
        edited later; only where we may not post it goes through the response URL. None comes back where Slack names no
        message: from a response URL and for what only the asker sees.
        """
        if message.file is not None:
            alone = private or incoming.conversation_kind == "home"
            channel = await self.direct(incoming.person) if alone else incoming.conversation
            return await self._share(channel, "" if alone else incoming.thread, message, message.file, reader)
        lasting = bool(message.subject) and not (private or incoming.ephemeral or incoming.conversation_kind == "home")

        async def send(rendered: Rendered) -> MessageRef | None:
            body: Json = {"response_type": "ephemeral" if private or incoming.ephemeral else "in_channel"}
            body["replace_original"] = incoming.kind in {"press", "submit"} and incoming.ephemeral
            if incoming.thread:
                body["thread_ts"] = incoming.thread
            if lasting and incoming.handle.get("response_url"):
                with suppress(ConversationGone):
                    return await self._say(incoming.conversation, incoming.thread, rendered)
            return await self._answer(incoming, rendered, body)

        return await self._illustrated(message, reader, render, send)

    async def notice(self, incoming: Incoming, words: Words, reader: Reader) -> None:
        """Tell the person one line that nobody else sees; empty words send nothing, as Slack's buttons do not spin."""
        if not words.msgid:
            return
        body: Json = {"response_type": "ephemeral", "replace_original": False}
        await self._answer(incoming, render_line(words, reader), body)

    async def open_form(self, incoming: Incoming, form: Form, token: str, reader: Reader) -> None:
        """Open a modal; MessageGone where the event has no trigger, or its three seconds are over."""
        trigger = incoming.handle.get("trigger_id")
        if not trigger:
            raise MessageGone("the event opens no window")
        view = render_form(form, token, reader)
        await self._web.call(lambda client: client.views_open(trigger_id=trigger, view=view))

    async def profile(self, person: str) -> Profile:
        """Name, zone (IANA) and language of a person, as Slack has them."""
        answer = await self._web.call(lambda client: client.users_info(user=person, include_locale=True))
        user: Json = answer["user"]
        locale = str(user.get("locale") or "")
        return Profile(
            name=str(user.get("real_name") or (user.get("profile") or {}).get("real_name") or user.get("name") or ""),
            zone=str(user.get("tz") or ""),
            language=nearest_language(locale) if locale else "",
            handle=str(user.get("name") or ""),
        )

    async def direct(self, person: str) -> str:
        """The id of the private conversation with a person."""
        answer = await self._web.call(lambda client: client.conversations_open(users=[person]))
        return str(answer["channel"]["id"])

    async def fetch(self, file: SharedFile, person: str, into: Path, most: int) -> None:
        """Write a file that the person uploaded."""
        await self._files.fetch(file, person, into, most)

    async def add_call(self, call: CallNotice) -> str:
        """Register a call; without a host it is the bot's own."""
        return await self._calls.add(call, call.host or (await self._whoami()).bot_user_id or "")

    async def call_people(self, call_id: str, came: Sequence[CallPerson], went: Sequence[CallPerson]) -> None:
        """Register who joined and who left."""
        await self._calls.people(call_id, came, went)

    async def end_call(self, call_id: str, seconds: int) -> None:
        """Register that a call is over."""
        await self._calls.end(call_id, seconds)

    def vouched(self, query: Mapping[str, str], now: datetime) -> str | None:
        """Slack signs no addresses."""
        del query, now
        return None

    async def check(self) -> tuple[Check, ...]:
        """Try the tokens and scopes, and say what is wrong."""
        return await check(self._web, self._options)

    async def _connect(self) -> None:
        try:
            await self._whoami()
        except TokenRefused:
            raise
        except PlatformError as error:
            logger.warning("slack cannot be reached yet: %s", error)
        if self._options.app_token:
            self._socket = SocketMode(self._app, self._options, self._web, self._gate)
            await self._socket.start()

    async def _whoami(self) -> AuthorizeResult:
        if self._identity is None:
            answer = await self._web.call(lambda client: client.auth_test())
            self._identity = AuthorizeResult(
                enterprise_id=answer.get("enterprise_id"),
                team_id=answer.get("team_id"),
                bot_user_id=answer.get("user_id"),
                bot_id=answer.get("bot_id"),
                bot_token=self._options.bot_token,
            )
        return self._identity

    async def _take(self, incoming: Incoming | None, ack: AsyncAck, response_action: str | None) -> None:
        if incoming is not None:
            if self._intake is None:
                raise RuntimeError("the platform has not been started")
            await self._intake(incoming)
        await ack(response_action=response_action)

    async def _publish(self, person: str, message: Message, reader: Reader) -> MessageRef:
        async def send(view: Json) -> MessageRef:
            answer = await self._web.call(lambda client: client.views_publish(user_id=person, view=view))
            return MessageRef(self.name, person, str((answer.get("view") or {}).get("id", "")))

        return await self._illustrated(message, reader, render_home, send)

    async def _say(self, channel: str, thread: str, rendered: Rendered) -> MessageRef:
        answer = await self._web.call(
            lambda client: client.chat_postMessage(
                channel=channel,
                text=rendered.text,
                blocks=rendered.blocks,
                thread_ts=thread or None,
                unfurl_links=False,
                unfurl_media=False,
            )
        )
        return MessageRef(self.name, str(answer["channel"]), str(answer["ts"]), thread)

    async def _share(self, channel: str, thread: str, message: Message, file: Attachment, reader: Reader) -> MessageRef:
        """Post a file; Slack names no message that could be edited later."""
        key = await self._files.share(channel, thread, file, render(message, reader, ()).text)
        return MessageRef(self.name, channel, key, thread)

    async def _whisper(self, incoming: Incoming, rendered: Rendered) -> None:
        await self._web.call(
            lambda client: client.chat_postEphemeral(
                channel=incoming.conversation,
                user=incoming.person,
                text=rendered.text,
                blocks=rendered.blocks,
                thread_ts=incoming.thread or None,
            )
        )

    async def _answer(self, incoming: Incoming, rendered: Rendered, body: Json) -> MessageRef | None:
        if url := incoming.handle.get("response_url"):
            try:
                await self._web.respond(url, {**body, "text": rendered.text, "blocks": rendered.blocks})
            except MessageGone:
                logger.info("slack response url of %s has expired; answering with a message", incoming.event_id)
            else:
                return None
        if incoming.conversation_kind == "home":
            with nothing_said_yet():
                channel = await self.direct(incoming.person)
            return await self._say(channel, "", rendered)
        if body["response_type"] == "ephemeral" and incoming.conversation_kind == "group":
            await self._whisper(incoming, rendered)
            return None
        return await self._say(incoming.conversation, incoming.thread, rendered)

    async def _illustrated(
        self,
        message: Message,
        reader: Reader,
        write: Callable[[Message, Reader, tuple[str, ...]], W],
        send: Callable[[W], Awaitable[R]],
    ) -> R:
        """Upload the message's pictures, write it with them, and send it.

        Slack refuses the blocks while it still scans a picture. A refusal means that nothing was posted, so asking
        again is safe; after the last pause the message goes out with the pictures' texts instead.
        """
        files = await self._uploaded([block for block in message.blocks if isinstance(block, Image)], reader)
        for pause in self._options.file_waits if files else ():
            try:
                return await send(write(message, reader, files))
            except PayloadRefused as error:
                logger.info("slack is not ready to show a picture: %s", error)
            await asyncio.sleep(pause)
        return await send(write(message, reader, ()))

    async def _uploaded(self, images: Sequence[Image], reader: Reader) -> tuple[str, ...]:
        try:
            with nothing_said_yet():
                return tuple([await self._web.upload(image, reader) for image in images])
        except (RateLimited, Unreachable):
            raise
        except PlatformError as error:
            logger.warning("slack took no picture, its text stands in: %s", error)
            return ()


def _signed(request: HttpRequest) -> bool:
    """Whether Bolt can judge the signature at all: it fails on other than digits and ASCII."""
    stamp = request.headers.get("x-slack-request-timestamp", "")
    return stamp.isascii() and stamp.isdigit() and request.headers.get("x-slack-signature", "").isascii()


def _refused(request: HttpRequest) -> HttpAnswer:
    stamp = request.headers.get("x-slack-request-timestamp", "")
    age = f"{time.time() - int(stamp):.0f} s old" if stamp.isdecimal() and len(stamp) < 15 else "undated"
    logger.warning("slack request refused: forged or late (%s, %d bytes)", age, len(request.body))
    return _answer(401, "bad signature")


def _answer(status: int, text: str) -> HttpAnswer:
    return HttpAnswer(status, text.encode(), {"content-type": "text/plain"})
