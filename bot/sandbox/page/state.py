"""What one viewer sees, as plain data for the page; the page renders the very payloads that the bot sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot.sandbox.cast import Person
from bot.sandbox.slack.world import SlackMessage
from bot.sandbox.telegram.world import TelegramChat, TelegramMessage

if TYPE_CHECKING:
    from bot.sandbox.page import Stage

_SHOWN = 60  # newest messages of a conversation


def state_of(stage: Stage, person: Person) -> dict[str, Any]:
    """Everything the page draws for `person`: the cast, the names behind Slack's ids, and the rooms of both sides."""
    now = stage.clock.now()
    return {
        "now": now.timestamp(),
        "viewer": _shown(person) | {"awake": person.awake(now)},
        "people": [_shown(other) | {"awake": other.awake(now)} for other in stage.cast.people],
        "names": {user.id: user.real_name for user in stage.sandbox.slack.world.users.values()},
        "slack": _slack(stage, person),
        "telegram": _telegram(stage, person),
    }


def _shown(person: Person) -> dict[str, Any]:
    member = person.member
    return {
        "key": person.key,
        "name": member.name,
        "zone": member.zone,
        "place": person.place,
        "language": member.language,
    }


def _slack(stage: Stage, person: Person) -> list[dict[str, Any]]:
    slack = stage.sandbox.slack
    direct = slack.world.direct(person.slack.id)
    rooms = [(stage.cast.channel, f"#{stage.cast.channel.name}"), (direct, slack.bot.real_name)]
    shown: list[dict[str, Any]] = [
        {
            "id": channel.id,
            "kind": "channel",
            "title": title,
            "messages": [
                _slack_message(stage, message) for message in slack.visible(person.slack.id, channel.id)[-_SHOWN:]
            ],
        }
        for channel, title in rooms
    ]
    home = slack.home(person.slack.id)
    blocks = home.content.get("blocks", []) if home else []
    return [*shown, {"id": "home", "kind": "home", "title": "Home", "blocks": blocks}]


def _slack_message(stage: Stage, message: SlackMessage) -> dict[str, Any]:
    author = stage.sandbox.slack.world.users[message.user]
    return {
        "ts": message.ts,
        "name": author.real_name,
        "bot": author.is_bot,
        "at": message.at.timestamp(),
        "text": message.text,
        "blocks": list(message.all_blocks),
        "edited": message.edited_at is not None,
        "ephemeral": bool(message.ephemeral_to),
    }


def _telegram(stage: Stage, person: Person) -> list[dict[str, Any]]:
    telegram = stage.sandbox.telegram
    private = telegram.world.chats[person.telegram.id]
    rooms: list[tuple[TelegramChat, str]] = [(stage.cast.group, stage.cast.group.title), (private, "Stocktide")]
    return [
        {
            "id": str(chat.id),
            "kind": chat.kind,
            "title": title,
            "messages": [
                _telegram_message(stage, person, message)
                for message in telegram.visible(person.telegram.id, chat.id)[-_SHOWN:]
            ],
        }
        for chat, title in rooms
    ]


def _telegram_message(stage: Stage, person: Person, message: TelegramMessage) -> dict[str, Any]:
    author = stage.sandbox.telegram.world.users[message.sender]
    return {
        "id": message.message_id,
        "name": "Stocktide" if author.is_bot else author.first_name,
        "own": message.sender == person.telegram.id,
        "at": message.at.timestamp(),
        "text": message.text,
        "entities": list(message.entities),
        "keyboard": (message.keyboard or {}).get("inline_keyboard", []),
        "photo": message.file_id if message.media == "photo" else "",
        "edited": message.edited_at is not None,
    }
