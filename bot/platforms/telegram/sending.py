"""Messages out: rendered, sent once, and every failure told as one of our own errors."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from telegram import (
    Bot,
    ForceReply,
    InlineKeyboardMarkup,
    InputMediaPhoto,
    LinkPreviewOptions,
    ReplyParameters,
)
from telegram import (
    Message as Sent,
)
from telegram.error import TelegramError

from bot.chat.incoming import Incoming, MessageRef
from bot.chat.nodes import Attachment, Message
from bot.errors import ConversationGone, MessageGone, PayloadRefused
from bot.platforms.telegram.entities import MAX_CAPTION, Photo, Rendered, render, say
from bot.platforms.telegram.errors import no_text, topic_gone, translated, unchanged, unlinked
from bot.platforms.telegram.keyboard import Keyboard
from bot.platforms.telegram.text import clip_units, units
from bot.platforms.telegram.updates import NAME
from bot.ports import Reader, Target
from bot.words import Words

MAX_NOTICE = 200
_TOAST = 60  # longer ones vanish before they are read, so they become an alert to close

T = TypeVar("T")

log = logging.getLogger(__name__)


class Sender:
    """Sends through one bot; nothing is retried here."""

    def __init__(self, bot: Bot, token: str) -> None:
        self._bot = bot
        self._token = token

    async def call(self, doing: Awaitable[T]) -> T:
        """The outcome of an SDK call, its failure told in our own errors.

        The cause is left behind on purpose: the SDK's words and requests contain the token.
        """
        try:
            return await doing
        except Exception as error:  # noqa: BLE001  # whatever the SDK raises after sending is an uncertain outcome
            failure = translated(error, self._token)
        raise failure

    async def post(self, target: Target, message: Message, reader: Reader, reply_to: str = "") -> MessageRef:
        """Post a message, its pictures before it where they do not fit into one with the text."""
        if target.kind == "home":
            raise PayloadRefused("Telegram has no home pages")
        rendered = render(message, reader, MAX_CAPTION) if message.file else render(message, reader)
        try:
            return await self._send(target, rendered, reply_to, message.file)
        except Exception as error:  # noqa: BLE001  # as in `call`
            if not (target.thread and isinstance(error, TelegramError) and topic_gone(error)):
                raise translated(error, self._token) from None
        # The topic was refused, so nothing was sent: the group's general topic takes the message instead.
        here = Target(target.conversation, target.kind)
        return await self.call(self._send(here, rendered, reply_to, message.file))

    async def _send(self, target: Target, rendered: Rendered, reply_to: str, file: Attachment | None) -> MessageRef:
        if file is not None:
            return await self._document(target, file, rendered, reply_to)
        whole = len(rendered.photos) == 1 and units(rendered.text) <= MAX_CAPTION
        if whole:
            photo = rendered.photos[0]
            sent = await self._linked(
                rendered, lambda keyboard: self._photo(target, photo, rendered, reply_to, keyboard)
            )
        else:
            for photo in rendered.photos:
                await self._photo(target, photo, None, reply_to)
            sent = await self._linked(
                rendered,
                lambda keyboard: self._bot.send_message(
                    chat_id=_chat(target.conversation),
                    text=rendered.text,
                    entities=rendered.entities,
                    link_preview_options=LinkPreviewOptions(is_disabled=True),
                    reply_markup=keyboard or _opening(rendered),
                    message_thread_id=_thread(target),
                    reply_parameters=_reply(reply_to),
                ),
            )
        return MessageRef(NAME, str(sent.chat_id), str(sent.message_id), target.thread)

    async def _linked(self, rendered: Rendered, send: Callable[[InlineKeyboardMarkup | None], Awaitable[T]]) -> T:
        """Send with the message's keyboard, or with ordinary buttons where Telegram refuses to sign for our domain.

        A refusal means that nothing was sent.
        """
        try:
            return await send(_markup(rendered.keyboard))
        except TelegramError as error:
            if not unlinked(error) or rendered.pressed == rendered.keyboard:
                raise
        log.warning(
            "telegram signs no logins: link the domain of the public address to the bot (@BotFather, /setdomain)"
        )
        return await send(_markup(rendered.pressed))

    async def _document(self, target: Target, file: Attachment, text: Rendered, reply_to: str) -> MessageRef:
        sent = await self._bot.send_document(
            chat_id=_chat(target.conversation),
            document=file.content,
            filename=file.name,
            caption=text.text,
            caption_entities=text.entities,
            message_thread_id=_thread(target),
            reply_parameters=_reply(reply_to),
        )
        return MessageRef(NAME, str(sent.chat_id), str(sent.message_id), target.thread)

    async def _photo(
        self,
        target: Target,
        photo: Photo,
        text: Rendered | None,
        reply_to: str,
        keyboard: InlineKeyboardMarkup | None = None,
    ) -> Sent:
        return await self._bot.send_photo(
            chat_id=_chat(target.conversation),
            photo=photo.png,
            filename="chart.png",
            caption=text.text if text else photo.alt or None,
            caption_entities=text.entities if text else None,
            reply_markup=keyboard,
            message_thread_id=_thread(target),
            reply_parameters=_reply(reply_to),
        )

    async def edit(self, ref: MessageRef, message: Message, reader: Reader) -> None:
        """Replace a message in place, be it a text or a picture with its caption."""
        rendered = render(message, reader)
        chat, number = _chat(ref.conversation), _number(ref.message_id)
        if len(rendered.photos) == 1 and units(rendered.text) <= MAX_CAPTION:
            media = InputMediaPhoto(
                rendered.photos[0].png, caption=rendered.text, caption_entities=rendered.entities, filename="chart.png"
            )
            await self._edited(
                self._linked(
                    rendered,
                    lambda keyboard: self._bot.edit_message_media(
                        media, chat_id=chat, message_id=number, reply_markup=keyboard
                    ),
                )
            )
            return
        is_text = await self._edited(
            self._linked(
                rendered,
                lambda keyboard: self._bot.edit_message_text(
                    rendered.text,
                    chat_id=chat,
                    message_id=number,
                    entities=rendered.entities,
                    link_preview_options=LinkPreviewOptions(is_disabled=True),
                    reply_markup=keyboard,
                ),
            )
        )
        if is_text:
            return
        caption = render(message, reader, MAX_CAPTION)
        await self._edited(
            self._linked(
                caption,
                lambda keyboard: self._bot.edit_message_caption(
                    chat_id=chat,
                    message_id=number,
                    caption=caption.text,
                    caption_entities=caption.entities,
                    reply_markup=keyboard,
                ),
            )
        )

    async def _edited(self, doing: Awaitable[object]) -> bool:
        """Whether the edit holds; False where the message turned out to be a picture without text."""
        try:
            await doing
        except Exception as error:  # noqa: BLE001  # as in `call`
            if isinstance(error, TelegramError) and no_text(error):
                return False
            if not (isinstance(error, TelegramError) and unchanged(error)):
                raise translated(error, self._token) from None
        return True

    async def reply(self, incoming: Incoming, message: Message, reader: Reader, *, private: bool) -> MessageRef:
        """Answer where the event came from, or to the asker alone where `private` and they have met the bot."""
        if private and incoming.conversation_kind == "group" and incoming.person:
            try:
                return await self.post(Target(incoming.person, "direct"), message, reader)
            except ConversationGone:
                # They never wrote to the bot, and Telegram lets no bot write first: the group is all there is.
                return await self._reply_here(incoming, message, reader)
        return await self._reply_here(incoming, message, reader)

    async def _reply_here(self, incoming: Incoming, message: Message, reader: Reader) -> MessageRef:
        here = Target(incoming.conversation, incoming.conversation_kind, incoming.thread)
        quoted = incoming.message_id if incoming.conversation_kind == "group" else ""
        return await self.post(here, message, reader, quoted)

    async def notice(self, incoming: Incoming, words: Words, reader: Reader) -> None:
        """One line to the person who pressed, and the end of the button's spinner."""
        query = incoming.handle.get("callback_query_id", "")
        if not query:
            raise MessageGone("the event has no button to answer")
        text = clip_units(say(words, reader, MAX_NOTICE), MAX_NOTICE)
        await self.call(self._bot.answer_callback_query(query, text=text or None, show_alert=units(text) > _TOAST))


def _chat(conversation: str) -> int | str:
    """Telegram's chat id: a number, or a public @name."""
    return int(conversation) if conversation.removeprefix("-").isdigit() else conversation


def _number(text: str) -> int:
    if not text.isdigit():
        raise MessageGone(f"{text!r} is no Telegram message id")
    return int(text)


def _thread(target: Target) -> int | None:
    return int(target.thread) if target.thread.isdigit() else None


def _reply(message_id: str) -> ReplyParameters | None:
    return ReplyParameters(int(message_id), allow_sending_without_reply=True) if message_id.isdigit() else None


def _markup(keyboard: Keyboard) -> InlineKeyboardMarkup | None:
    return InlineKeyboardMarkup(keyboard) if keyboard else None


def _opening(rendered: Rendered) -> ForceReply | None:
    """The field opened for the answer of whom a new message without buttons names or replies to."""
    return ForceReply(selective=True) if rendered.asks else None
