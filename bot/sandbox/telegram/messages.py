"""Sending, editing and deleting messages, and answering presses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from bot.sandbox.telegram import payloads
from bot.sandbox.telegram.content import caption_of, document_of, keyboard_of, picture_of, text_of
from bot.sandbox.telegram.desk import Sent
from bot.sandbox.telegram.refusal import BotApiRefusal, bad
from bot.sandbox.telegram.world import NoSuch, TelegramChat, TelegramMessage

if TYPE_CHECKING:
    from bot.sandbox.telegram.people import Telegram

Arguments = Mapping[str, Any]
Handler = Callable[["Telegram", Arguments], Any]

PRESS_LIFE = timedelta(seconds=150)
DELETE_LIFE = timedelta(hours=48)
ANSWER_CHARACTERS = 200
_TOO_OLD = "query is too old and response timeout expired or query ID is invalid"
_UNCHANGED = (
    "message is not modified: specified new message content and reply markup are exactly the same as a current"
    " content and reply markup of the message"
)


def chat_of(telegram: Telegram, arguments: Arguments) -> TelegramChat:
    """The chat a call names; refused when unknown, upgraded, or closed to the bot."""
    chat = telegram.world.chats.get(arguments["chat_id"])
    if chat is None:
        raise bad("chat not found")
    if chat.migrated_to:
        raise bad("group chat was upgraded to a supergroup chat", migrate_to_chat_id=chat.migrated_to)
    if chat.kind == "private":
        if telegram.world.users[chat.id].blocked_bot:
            raise BotApiRefusal(403, "Forbidden: bot was blocked by the user")
    elif chat.bot_was_kicked:
        raise BotApiRefusal(403, f"Forbidden: bot was kicked from the {chat.kind} chat")
    elif telegram.bot.id not in chat.members:
        raise BotApiRefusal(403, f"Forbidden: bot is not a member of the {chat.kind} chat")
    return chat


def _send(telegram: Telegram, arguments: Arguments, sent: Sent) -> dict[str, Any]:
    chat = chat_of(telegram, arguments)
    thread = arguments.get("message_thread_id", 0)
    if thread and thread not in chat.topics:
        raise bad("message thread not found")
    reply = arguments.get("reply_parameters") or {}
    original = reply.get("message_id", 0)
    if original and not any(m.message_id == original and not m.deleted for m in chat.messages):
        if not reply.get("allow_sending_without_reply"):
            raise bad("message to be replied not found")
        original = 0
    message = telegram.desk.post(chat, telegram.bot.id, sent, thread_id=thread, reply_to=original)
    return payloads.message(telegram.world, message)


def _send_message(telegram: Telegram, arguments: Arguments) -> Any:  # noqa: ANN401  # JSON
    chat_of(telegram, arguments)
    text, found = text_of(arguments)
    return _send(telegram, arguments, Sent(text, found, keyboard_of(arguments, telegram.world)))


def _send_photo(telegram: Telegram, arguments: Arguments) -> Any:  # noqa: ANN401  # JSON
    chat_of(telegram, arguments)
    text, found = caption_of(arguments)
    keyboard = keyboard_of(arguments, telegram.world)
    file = picture_of(arguments["photo"], telegram.world)
    return _send(telegram, arguments, Sent(text, found, keyboard, "photo", file.id))


def _send_document(telegram: Telegram, arguments: Arguments) -> Any:  # noqa: ANN401  # JSON
    chat_of(telegram, arguments)
    text, found = caption_of(arguments)
    keyboard = keyboard_of(arguments, telegram.world)
    file = document_of(arguments["document"], telegram.world)
    return _send(telegram, arguments, Sent(text, found, keyboard, "document", file.id))


def _own(telegram: Telegram, arguments: Arguments) -> TelegramMessage:
    if "chat_id" not in arguments:
        raise bad("chat_id is empty")
    chat = chat_of(telegram, arguments)
    if "message_id" not in arguments:
        raise bad("message identifier is not specified")
    try:
        message = telegram.world.message(chat.id, arguments["message_id"])
    except NoSuch:
        raise bad("message to edit not found") from None
    if message.sender != telegram.bot.id:
        raise bad("message can't be edited")
    return message


def _change(
    telegram: Telegram,
    message: TelegramMessage,
    text: str,
    found: tuple[dict[str, Any], ...],
    keyboard: dict[str, Any] | None,
) -> dict[str, Any]:
    if (message.text, message.entities, message.keyboard) == (text, found, keyboard):
        raise bad(_UNCHANGED)
    telegram.desk.edit(message, text, found, keyboard)
    return payloads.message(telegram.world, message)


def _edit_text(telegram: Telegram, arguments: Arguments) -> Any:  # noqa: ANN401  # JSON
    message = _own(telegram, arguments)
    text, found = text_of(arguments)
    if message.media:
        raise bad("there is no text in the message to edit")
    return _change(telegram, message, text, found, keyboard_of(arguments, telegram.world, inline_only=True))


def _edit_caption(telegram: Telegram, arguments: Arguments) -> Any:  # noqa: ANN401  # JSON
    message = _own(telegram, arguments)
    text, found = caption_of(arguments)
    if not message.media:
        raise bad("there is no caption in the message to edit")
    return _change(telegram, message, text, found, keyboard_of(arguments, telegram.world, inline_only=True))


def _edit_markup(telegram: Telegram, arguments: Arguments) -> Any:  # noqa: ANN401  # JSON
    message = _own(telegram, arguments)
    keyboard = keyboard_of(arguments, telegram.world, inline_only=True)
    return _change(telegram, message, message.text, message.entities, keyboard)


def _delete(telegram: Telegram, arguments: Arguments) -> Any:  # noqa: ANN401  # JSON
    chat = chat_of(telegram, arguments)
    try:
        message = telegram.world.message(chat.id, arguments["message_id"])
    except NoSuch:
        raise bad("message to delete not found") from None
    others = message.sender != telegram.bot.id and chat.kind != "private"
    if others or telegram.world.clock.now() - message.at > DELETE_LIFE:
        raise bad("message can't be deleted for everyone")
    telegram.desk.delete(message)
    return True


def _answer_press(telegram: Telegram, arguments: Arguments) -> Any:  # noqa: ANN401  # JSON
    press = telegram.world.presses.get(arguments["callback_query_id"])
    if press is None or press.answer is not None or telegram.world.clock.now() - press.at > PRESS_LIFE:
        raise bad(_TOO_OLD)
    text = arguments.get("text", "")
    if len(text) > ANSWER_CHARACTERS:
        raise bad("MESSAGE_TOO_LONG")
    press.answer, press.alert = text, arguments.get("show_alert", False)
    if text:
        telegram.desk.toast(press.user, press.chat_id, text)
    telegram.pulse.beat()
    return True


def _chat_action(telegram: Telegram, arguments: Arguments) -> Any:  # noqa: ANN401  # JSON
    chat_of(telegram, arguments)
    if arguments["action"] not in ("typing", "upload_photo", "upload_document", "find_location", "choose_sticker"):
        raise bad("wrong parameter action in request")
    return True


MESSAGES: Mapping[str, Handler] = {
    "sendMessage": _send_message,
    "sendPhoto": _send_photo,
    "sendDocument": _send_document,
    "sendChatAction": _chat_action,
    "editMessageText": _edit_text,
    "editMessageCaption": _edit_caption,
    "editMessageReplyMarkup": _edit_markup,
    "deleteMessage": _delete,
    "answerCallbackQuery": _answer_press,
}
PACED = frozenset({"sendMessage", "sendPhoto", "sendDocument"})
