"""What people do in the sandbox's Telegram, and what they see there."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePath
from typing import Any

from bot.ports import Clock
from bot.sandbox.telegram import entities, payloads
from bot.sandbox.telegram.desk import Desk, Sent
from bot.sandbox.telegram.logins import signed
from bot.sandbox.telegram.updates import Updates
from bot.sandbox.telegram.world import (
    ChatKind,
    NoSuch,
    Press,
    TelegramChat,
    TelegramMessage,
    TelegramUser,
    TelegramWorld,
)
from bot.sandbox.world import Faults, Pace, Pulse, Record


class Telegram:
    """One bot on Telegram and the people around it: `world` is the state; the methods are what people can do."""

    def __init__(self, clock: Clock, record: Record, pulse: Pulse) -> None:
        self.world = TelegramWorld(clock)
        self.record = record
        self.pulse = pulse
        self.desk = Desk(self.world, record)
        self.updates = Updates(self.world, pulse)
        self.faults = Faults()
        self.overall = Pace(per_second=30.0, burst=30.0)
        self.per_chat = Pace(per_second=1.0, burst=5.0)
        self.per_group = Pace(per_second=20 / 60, burst=20.0)
        self.api_url = ""

    @property
    def bot(self) -> TelegramUser:
        """The bot's own user."""
        return self.world.bot

    def add_user(
        self, first_name: str, *, username: str = "", language: str = "en", zone: str = "Etc/UTC", user_id: int = 0
    ) -> TelegramUser:
        """A new person; their private chat with the bot has their id. `language` is a tag such as zh-hans."""
        return self.world.add_user(first_name, username=username, language=language, zone=zone, user_id=user_id)

    def add_group(
        self, title: str, members: Iterable[int] = (), *, kind: ChatKind = "group", forum: bool = False
    ) -> TelegramChat:
        """A new group; put `telegram.bot.id` among the members to have the bot in it."""
        return self.world.add_group(title, members, kind=kind, forum=forum)

    def add_topic(self, chat: int, title: str) -> int:
        """A new topic in a forum; its id is the thread of what is said in it."""
        room = self.world.chat(chat)
        if not room.is_forum:
            raise NoSuch(f"{chat} is no forum")
        thread = self.world.next_message_id(room)
        room.topics[thread] = title
        self.desk.post(room, self.bot.id, Sent(text=f"Topic: {title}"), thread_id=thread)
        return thread

    def fail_next(self, method: str, mode: str, times: int = 1) -> None:
        """Let the next calls of a method fail; see `bot.sandbox.world.Fault.parse` for the modes."""
        self.faults.add(method, mode, times)

    def say(self, user: int, chat: int, text: str, thread: int | None = None, *, reply_to: int = 0) -> TelegramMessage:
        """Write a message, such as `/stock 85123A`; NoSuch for a stranger to the chat.

        In a group the bot hears commands, replies and mentions only, as a bot with privacy mode does.
        """
        person, room = self._person(user), self._room(user, chat)
        if room.kind == "private":
            person.blocked_bot = False
        found = entities.typed(text, self.bot.username)
        message = self.desk.post(room, user, Sent(text=text, entities=found), thread_id=thread or 0, reply_to=reply_to)
        if self._heard(room, found, reply_to):
            self.updates.put("message", payloads.message(self.world, message))
        return message

    def share(
        self, user: int, chat: int, name: str, content: bytes, caption: str = "", *, reply_to: int = 0
    ) -> TelegramMessage:
        """Send a document; in a group the bot hears of it as it hears of what is said."""
        self._person(user)
        room = self._room(user, chat)
        file = self.world.add_file(content, "documents", PurePath(name).suffix, name=name)
        found = entities.typed(caption, self.bot.username)
        sent = Sent(caption, found, media="document", file_id=file.id)
        message = self.desk.post(room, user, sent, reply_to=reply_to)
        if self._heard(room, found, reply_to):
            self.updates.put("message", payloads.message(self.world, message))
        return message

    def press(self, user: int, chat: int, message_id: int, callback_data: str) -> Press:
        """Press an inline button by its callback data; NoSuch where there is no such button. See `Press.answer`."""
        self._room(user, chat)
        message = self.world.message(chat, message_id)
        if callback_data not in [button.get("callback_data") for button in self.buttons(message)]:
            raise NoSuch(f"no button {callback_data}")
        press = Press(
            str(4_000_000_000 + self.world.fresh()), user, chat, message_id, callback_data, self.world.clock.now()
        )
        self.world.presses[press.id] = press
        self.updates.put("callback_query", payloads.press(self.world, press, message))
        return press

    def log_in(self, user: int, chat: int, message_id: int, url: str) -> str:
        """Press a login button and agree: the address that the browser opens, signed for that person."""
        self._room(user, chat)
        offered = [
            button.get("login_url", {}).get("url") for button in self.buttons(self.world.message(chat, message_id))
        ]
        if url not in offered:
            raise NoSuch(f"no login button to {url}")
        return signed(self.world, self._person(user), url)

    def add_bot(self, chat: int, by: int) -> None:
        """Add the bot to a group."""
        room, person = self._room(by, chat), self._person(by)
        room.members.add(self.bot.id)
        room.bot_was_kicked = False
        self.updates.put("my_chat_member", payloads.bot_moved(self.world, room, person, "left", "member"))

    def remove_bot(self, chat: int, by: int) -> None:
        """Throw the bot out of a group; it cannot write there any more."""
        room, person = self._room(by, chat), self._person(by)
        room.members.discard(self.bot.id)
        room.bot_was_kicked = True
        self.record.sight("telegram", "gone", str(chat), "", f"{self.bot.first_name} was removed")
        self.updates.put("my_chat_member", payloads.bot_moved(self.world, room, person, "member", "kicked"))

    def block_bot(self, user: int) -> None:
        """Block the bot in a private chat; writing to it again unblocks it."""
        person, room = self._person(user), self.world.chat(user)
        person.blocked_bot = True
        self.updates.put("my_chat_member", payloads.bot_moved(self.world, room, person, "member", "kicked"))

    def migrate(self, chat: int) -> TelegramChat:
        """Upgrade a group to a supergroup: it gets a new id, and both chats hold a service message that says so."""
        old = self.world.chat(chat)
        if old.kind != "group" or old.migrated_to:
            raise NoSuch(f"{chat} is no group")
        new = self.world.add_group(old.title, old.members, kind="supergroup")
        old.migrated_to = new.id
        for room, extra in ((old, {"migrate_to_chat_id": new.id}), (new, {"migrate_from_chat_id": old.id})):
            note = self.desk.post(room, self.bot.id, Sent(text="The group was upgraded to a supergroup"))
            body = payloads.message(self.world, note) | extra
            body.pop("text")
            self.updates.put("message", body)
        return new

    def visible(self, viewer: int, chat: int) -> list[TelegramMessage]:
        """What a person sees in a chat, oldest first."""
        return self.world.visible(viewer, chat)

    def text_for(self, zone: str, message: TelegramMessage, language: str = "en") -> str:
        """A message as plain text, its dates in that zone, its buttons as lines of `[label]`."""
        return self.desk.plain(message, zone, language)

    def buttons(self, message: TelegramMessage) -> list[dict[str, Any]]:
        """The inline buttons of a message, in order."""
        rows = (message.keyboard or {}).get("inline_keyboard", [])
        return [button for row in rows for button in row]

    def opens_field(self, viewer: int, message: TelegramMessage) -> bool:
        """Whether the message opens the field for an answer on the viewer's screen.

        A selective one does so for those whom it mentions, and for the author of the message that it replies to.
        """
        markup = message.keyboard or {}
        if not markup.get("force_reply") or viewer not in self.world.chat(message.chat_id).members:
            return False
        if not markup.get("selective") or message.chat_id == viewer:
            return True
        if any(entity.get("user", {}).get("id") == viewer for entity in message.entities):
            return True
        room = self.world.chat(message.chat_id)
        return any(one.message_id == message.reply_to and one.sender == viewer for one in room.messages)

    def menu(self, language: str = "", scope: str = "default") -> list[dict[str, Any]]:
        """The commands menu as the bot set it."""
        return self.world.commands.get((scope, language)) or self.world.commands.get((scope, ""), [])

    def _heard(self, room: TelegramChat, found: Iterable[dict[str, Any]], reply_to: int) -> bool:
        if self.bot.id not in room.members:
            return False
        if any(m.message_id == reply_to and m.sender == self.bot.id for m in room.messages):
            return True
        return room.kind == "private" or any(entity["type"] in ("bot_command", "mention") for entity in found)

    def _person(self, user: int) -> TelegramUser:
        if user not in self.world.users:
            raise NoSuch(str(user))
        return self.world.users[user]

    def _room(self, user: int, chat: int) -> TelegramChat:
        room = self.world.chat(chat)
        if user not in room.members:
            raise NoSuch(f"{user} is not in {chat}")
        return room
