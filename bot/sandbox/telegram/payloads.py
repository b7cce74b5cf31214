"""The objects Telegram sends, built from the world."""

from __future__ import annotations

from typing import Any

from bot.sandbox.telegram.world import (
    Press,
    TelegramChat,
    TelegramFile,
    TelegramMessage,
    TelegramUser,
    TelegramWorld,
)


def user(person: TelegramUser) -> dict[str, Any]:
    """A User."""
    found: dict[str, Any] = {"id": person.id, "is_bot": person.is_bot, "first_name": person.first_name}
    if person.username:
        found["username"] = person.username
    return found if person.is_bot else {**found, "language_code": person.language}


def chat(room: TelegramChat, world: TelegramWorld) -> dict[str, Any]:
    """A Chat."""
    found: dict[str, Any] = {"id": room.id, "type": room.kind}
    if room.kind == "private":
        person = world.users[room.id]
        found["first_name"] = person.first_name
        return {**found, "username": person.username} if person.username else found
    found["title"] = room.title
    return {**found, "is_forum": True} if room.is_forum else found


def photo(file: TelegramFile) -> dict[str, Any]:
    """A PhotoSize."""
    return {
        "file_id": file.id,
        "file_unique_id": file.unique_id,
        "width": file.width,
        "height": file.height,
        "file_size": len(file.content),
    }


def document(file: TelegramFile) -> dict[str, Any]:
    """A Document."""
    found = {"file_id": file.id, "file_unique_id": file.unique_id, "file_size": len(file.content)}
    return {**found, "file_name": file.name or file.path.rpartition("/")[2]}


def message(world: TelegramWorld, shown: TelegramMessage) -> dict[str, Any]:
    """A Message."""
    room = world.chats[shown.chat_id]
    found: dict[str, Any] = {
        "message_id": shown.message_id,
        "from": user(world.users[shown.sender]),
        "chat": chat(room, world),
        "date": int(shown.at.timestamp()),
    }
    if shown.thread_id:
        found |= {"message_thread_id": shown.thread_id, "is_topic_message": True}
    if shown.edited_at:
        found["edit_date"] = int(shown.edited_at.timestamp())
    if shown.reply_to:
        original = next((m for m in room.messages if m.message_id == shown.reply_to), None)
        if original:
            found["reply_to_message"] = message(world, original)
    words, marks = ("caption", "caption_entities") if shown.media else ("text", "entities")
    if shown.text:
        found[words] = shown.text
    if shown.entities:
        found[marks] = [dict(entity) for entity in shown.entities]
    if shown.media:
        file = world.files[shown.file_id]
        size = photo(file)
        found[shown.media] = [size] if shown.media == "photo" else document(file)
    if shown.keyboard and "inline_keyboard" in shown.keyboard:
        found["reply_markup"] = shown.keyboard
    return found


def press(world: TelegramWorld, made: Press, shown: TelegramMessage) -> dict[str, Any]:
    """A CallbackQuery."""
    return {
        "id": made.id,
        "from": user(world.users[made.user]),
        "message": message(world, shown),
        "chat_instance": f"-{made.chat_id & 0xFFFFFFFF:d}",
        "data": made.data,
    }


def bot_moved(world: TelegramWorld, room: TelegramChat, by: TelegramUser, before: str, after: str) -> dict[str, Any]:
    """A ChatMemberUpdated about the bot itself."""
    return {
        "chat": chat(room, world),
        "from": user(by),
        "date": int(world.clock.now().timestamp()),
        "old_chat_member": member(world.bot, before),
        "new_chat_member": member(world.bot, after),
    }


def member(person: TelegramUser, status: str) -> dict[str, Any]:
    """A ChatMember."""
    found = {"user": user(person), "status": status}
    return {**found, "until_date": 0} if status == "kicked" else found
