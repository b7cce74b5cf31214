"""Telegram updates to our own events."""

from __future__ import annotations

import re

from telegram import CallbackQuery, Chat, ChatMember, ChatMemberUpdated, Document, Message, MessageEntity, Update, User

from bot.chat.incoming import ConversationKind, Incoming, IncomingKind, SharedFile
from bot.platforms.telegram.text import WORD_JOINER

NAME = "telegram"
ALLOWED = ("message", "callback_query", "my_chat_member")

# `/stocktide stock X` and `/stock X` are the same; Telegram's own Start button sends `/start`.
_UMBRELLA = "stocktide"
_HELP = "help"
_OUT = {ChatMember.LEFT, ChatMember.BANNED}


def incoming_of(update: Update, bot_name: str) -> Incoming | None:
    """The event that `update` tells of, or None where it is not meant for us; `bot_name` is our own username."""
    if update.callback_query:
        return _press(update, update.callback_query)
    if update.my_chat_member:
        return _membership(update, update.my_chat_member)
    if update.message:
        return _message(update, update.message, bot_name)
    return None


def _message(update: Update, message: Message, bot_name: str) -> Incoming | None:
    if message.migrate_to_chat_id:
        return _event(update, "moved", message.chat, message.from_user, moved_to=str(message.migrate_to_chat_id))
    person = message.from_user
    if person is None or person.is_bot:
        return None
    if message.document:
        return _document(update, message, message.document, person, bot_name)
    if not message.text:
        return None
    text, mentions = _spelled(message)
    found = _line(message, text, bot_name)
    if found is None:
        return None
    kind, line = found
    answered = message.reply_to_message
    return _event(
        update,
        kind,
        message.chat,
        person,
        text=line,
        thread=_thread(message),
        message_id=str(message.message_id),
        reply_to=str(answered.message_id) if answered else "",
        mentions=mentions,
    )


def _document(update: Update, message: Message, document: Document, person: User, bot_name: str) -> Incoming | None:
    """A file with what stands beside it; in a group only where its caption is meant for us, or it answers us."""
    caption = (message.caption or "").replace(WORD_JOINER, "").strip()
    found = _line(message, caption, bot_name)
    if found is None and message.chat.type != Chat.PRIVATE and not _answers_us(message, bot_name):
        return None
    return _event(
        update,
        "files",
        message.chat,
        person,
        text="" if found is None or not caption else found[1],
        thread=_thread(message),
        message_id=str(message.message_id),
        files=(SharedFile(document.file_id, document.file_name or "", document.file_size or 0),),
    )


def _spelled(message: Message) -> tuple[str, dict[str, str]]:
    """The text with an @ before people who are mentioned by their name alone, and the id of each."""
    text = (message.text or "").encode("utf-16-le")  # in which Telegram counts
    people: dict[str, str] = {}
    shown = message.parse_entities([MessageEntity.TEXT_MENTION])
    for entity in sorted(shown, key=lambda entity: entity.offset, reverse=True):
        if entity.user is not None:
            people[f"@{shown[entity]}"] = str(entity.user.id)
            start = 2 * entity.offset
            text = text[:start] + "@".encode("utf-16-le") + text[start:]
    return text.decode("utf-16-le"), people


def _line(message: Message, text: str, bot_name: str) -> tuple[IncomingKind, str] | None:
    """What was typed, without slash and bot name; None where it is not for us.

    A line without sign that a command is meant is a `line`: in a group only where it answers a message of ours.
    """
    # Copied from one of our messages, a text carries the joiners that broke its links.
    text = text.replace(WORD_JOINER, "").strip()
    if command := _command_entity(message):
        name, _, addressed = command[1:].partition("@")
        if addressed and addressed.lower() != bot_name.lower():
            return None
        rest = text[len(command) :].strip()
        if name.lower() == "start":
            return "command", _HELP
        return "command", (rest or _HELP) if name.lower() == _UMBRELLA else f"{name.lower()} {rest}".strip()
    if bot_name and (addressed_to := re.match(rf"@{re.escape(bot_name)}\b[\s,:]*", text, re.IGNORECASE)):
        return "command", text[addressed_to.end() :].strip() or _HELP
    if message.chat.type != Chat.PRIVATE:
        return ("line", text) if text and _answers_us(message, bot_name) else None
    bare = text.removeprefix("/")
    return ("command" if bare != text else "line", bare) if bare else None


def _answers_us(message: Message, bot_name: str) -> bool:
    answered = message.reply_to_message
    author = answered.from_user if answered else None
    return author is not None and author.is_bot and (author.username or "").lower() == bot_name.lower()


def _command_entity(message: Message) -> str:
    """The `/command@bot` that the message begins with, or nothing."""
    parse = message.parse_entities if message.text else message.parse_caption_entities
    for entity, text in parse([MessageEntity.BOT_COMMAND]).items():
        if entity.offset == 0:
            return text
    return ""


def _press(update: Update, query: CallbackQuery) -> Incoming | None:
    """A pressed button; a press on a message too old to be read still names its chat and id."""
    if query.message is None or not query.data or query.from_user.is_bot:
        return None
    return _event(
        update,
        "press",
        query.message.chat,
        query.from_user,
        token=query.data,
        thread=_thread(query.message) if isinstance(query.message, Message) else "",
        message_id=str(query.message.message_id),
        handle={"callback_query_id": query.id},
    )


def _membership(update: Update, change: ChatMemberUpdated) -> Incoming | None:
    """The bot itself was taken in or sent away; a mere change of its rights is no event."""
    was, now = _inside(change.old_chat_member), _inside(change.new_chat_member)
    if was == now:
        return None
    return _event(update, "joined" if now else "removed", change.chat, change.from_user)


def _inside(member: ChatMember) -> bool:
    return member.status not in _OUT and getattr(member, "is_member", True)


def _thread(message: Message) -> str:
    return str(message.message_thread_id) if message.is_topic_message and message.message_thread_id else ""


def _event(
    update: Update,
    kind: IncomingKind,
    chat: Chat,
    person: User | None,
    *,
    text: str = "",
    token: str = "",
    thread: str = "",
    message_id: str = "",
    moved_to: str = "",
    reply_to: str = "",
    handle: dict[str, str] | None = None,
    mentions: dict[str, str] | None = None,
    files: tuple[SharedFile, ...] = (),
) -> Incoming:
    where: ConversationKind = "direct" if chat.type == Chat.PRIVATE else "group"
    person = None if person and person.is_bot else person  # a bot is no member, whatever it did to the group
    return Incoming(
        platform=NAME,
        event_id=str(update.update_id),
        kind=kind,
        person=str(person.id) if person else "",
        conversation=str(chat.id),
        conversation_kind=where,
        text=text,
        token=token,
        thread=thread,
        person_name=person.full_name if person else "",
        person_language=(person.language_code or "") if person else "",
        conversation_title=chat.effective_name or "",
        moved_to=moved_to,
        message_id=message_id,
        reply_to=reply_to,
        handle=handle or {},
        mentions=mentions or {},
        files=files,
    )
