"""Who and where, the bot's own settings, files, and the webhook."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bot.sandbox.telegram import payloads
from bot.sandbox.telegram.messages import Arguments, Handler, chat_of
from bot.sandbox.telegram.refusal import bad

if TYPE_CHECKING:
    from bot.sandbox.telegram.people import Telegram

DOWNLOAD_BYTES = 20 * 2**20
_LENGTHS = {"name": 64, "description": 512, "short_description": 120}


def _get_me(telegram: Telegram, _arguments: Arguments) -> Any:  # noqa: ANN401  # JSON
    return {
        **payloads.user(telegram.bot),
        "can_join_groups": True,
        "can_read_all_group_messages": False,
        "supports_inline_queries": False,
        "can_connect_to_business": False,
        "has_main_web_app": False,
    }


def _get_chat(telegram: Telegram, arguments: Arguments) -> Any:  # noqa: ANN401  # JSON
    chat = chat_of(telegram, arguments)
    extra = {"accent_color_id": 0, "max_reaction_count": 11, "accepted_gift_types": _GIFTS}
    return {**payloads.chat(chat, telegram.world), **extra}


_GIFTS = {
    "unlimited_gifts": False,
    "limited_gifts": False,
    "unique_gifts": False,
    "premium_subscription": False,
    "gifts_from_channels": False,
}


def _get_member(telegram: Telegram, arguments: Arguments) -> Any:  # noqa: ANN401  # JSON
    chat = chat_of(telegram, arguments)
    person = telegram.world.users.get(arguments["user_id"])
    if person is None:
        raise bad("PARTICIPANT_ID_INVALID")
    return payloads.member(person, "member" if person.id in chat.members else "left")


def _count_members(telegram: Telegram, arguments: Arguments) -> Any:  # noqa: ANN401  # JSON
    return len(chat_of(telegram, arguments).members)


def _leave(telegram: Telegram, arguments: Arguments) -> Any:  # noqa: ANN401  # JSON
    chat = chat_of(telegram, arguments)
    if chat.kind == "private":
        raise bad("chat member status can't be changed in private chats")
    chat.members.discard(telegram.bot.id)
    return True


def _get_file(telegram: Telegram, arguments: Arguments) -> Any:  # noqa: ANN401  # JSON
    file = telegram.world.files.get(arguments["file_id"])
    if file is None:
        raise bad("invalid file_id")
    if len(file.content) > DOWNLOAD_BYTES:
        raise bad("file is too big")
    return {
        "file_id": file.id,
        "file_unique_id": file.unique_id,
        "file_size": len(file.content),
        "file_path": file.path,
    }


def _scope(arguments: Arguments) -> tuple[str, str]:
    scope = arguments.get("scope") or {"type": "default"}
    name = ":".join(str(scope[part]) for part in ("type", "chat_id", "user_id") if part in scope)
    return name, arguments.get("language_code", "")


def _set_commands(telegram: Telegram, arguments: Arguments) -> Any:  # noqa: ANN401  # JSON
    commands = arguments["commands"]
    if len(commands) > 100:
        raise bad("BOT_COMMANDS_TOO_MUCH")
    for command in commands:
        if not re.fullmatch(r"[a-z0-9_]{1,32}", command["command"]):
            raise bad("BOT_COMMAND_INVALID")
        if not 1 <= len(command["description"].strip()) <= 256:
            raise bad("BOT_COMMAND_DESCRIPTION_INVALID")
    telegram.world.commands[_scope(arguments)] = commands
    telegram.pulse.beat()
    return True


def _get_commands(telegram: Telegram, arguments: Arguments) -> Any:  # noqa: ANN401  # JSON
    return telegram.world.commands.get(_scope(arguments), [])


def _delete_commands(telegram: Telegram, arguments: Arguments) -> Any:  # noqa: ANN401  # JSON
    telegram.world.commands.pop(_scope(arguments), None)
    return True


def _set_text(kind: str) -> Handler:
    def run(telegram: Telegram, arguments: Arguments) -> Any:  # noqa: ANN401  # JSON
        text = arguments.get(kind, "")
        if len(text) > _LENGTHS[kind]:
            raise bad(f"{kind} is too long")
        telegram.world.texts[(kind, arguments.get("language_code", ""))] = text
        return True

    return run


def _get_text(kind: str) -> Handler:
    def run(telegram: Telegram, arguments: Arguments) -> Any:  # noqa: ANN401  # JSON
        usual = telegram.bot.first_name if kind == "name" else ""
        return {kind: telegram.world.texts.get((kind, arguments.get("language_code", "")), usual)}

    return run


def _set_webhook(telegram: Telegram, arguments: Arguments) -> Any:  # noqa: ANN401  # JSON
    telegram.updates.set_webhook(arguments)
    return True


def _delete_webhook(telegram: Telegram, arguments: Arguments) -> Any:  # noqa: ANN401  # JSON
    telegram.updates.set_webhook({"url": "", "drop_pending_updates": arguments.get("drop_pending_updates", False)})
    return True


def _webhook_info(telegram: Telegram, _arguments: Arguments) -> Any:  # noqa: ANN401  # JSON
    return telegram.updates.info()


def _goodbye(_telegram: Telegram, _arguments: Arguments) -> Any:  # noqa: ANN401  # JSON
    return True


CHATS: Mapping[str, Handler] = {
    "getMe": _get_me,
    "getChat": _get_chat,
    "getChatMember": _get_member,
    "getChatMemberCount": _count_members,
    "leaveChat": _leave,
    "getFile": _get_file,
    "setMyCommands": _set_commands,
    "getMyCommands": _get_commands,
    "deleteMyCommands": _delete_commands,
    "setMyName": _set_text("name"),
    "getMyName": _get_text("name"),
    "setMyDescription": _set_text("description"),
    "getMyDescription": _get_text("description"),
    "setMyShortDescription": _set_text("short_description"),
    "getMyShortDescription": _get_text("short_description"),
    "setWebhook": _set_webhook,
    "deleteWebhook": _delete_webhook,
    "getWebhookInfo": _webhook_info,
    "logOut": _goodbye,
    "close": _goodbye,
}
