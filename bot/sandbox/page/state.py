"""What one viewer sees, as plain data for the page; the page renders the very payloads that the bot sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot.chat.cards import labels
from bot.language import language
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
        "viewer": _shown(stage, person, person),
        "people": [_shown(stage, other, person) for other in stage.cast.people],
        "names": {user.id: user.real_name for user in stage.sandbox.slack.world.users.values()},
        "slack": _slack(stage, person),
        "modal": _modal(stage, person),
        "telegram": _telegram(stage, person),
    }


def _shown(stage: Stage, person: Person, viewer: Person) -> dict[str, Any]:
    """Who a person is, in the viewer's words; `told` counts what the bot said to them in private, by room."""
    member, words = person.member, language(viewer.member.language)
    return {
        "key": person.key,
        "name": member.name,
        "first": member.name.split()[0],
        "title": words.say(labels.ROLES[member.role]),
        "approves": member.role == "approver",
        "zone": member.zone,
        "place": person.place(words),
        "language": member.language,
        "awake": person.awake(stage.clock.now()),
        "told": _told(stage, person),
    }


def _told(stage: Stage, person: Person) -> dict[str, int]:
    slack, telegram = stage.sandbox.slack, stage.sandbox.telegram
    direct, private = slack.world.direct(person.slack.id), person.telegram.id
    return {
        direct.id: sum(message.user == slack.bot.id for message in slack.visible(person.slack.id, direct.id)),
        str(private): sum(message.sender == telegram.bot.id for message in telegram.visible(private, private)),
    }


def _slack(stage: Stage, person: Person) -> list[dict[str, Any]]:
    slack = stage.sandbox.slack
    direct = slack.world.direct(person.slack.id)
    rooms = [("channel", stage.cast.channel, f"#{stage.cast.channel.name}"), ("direct", direct, slack.bot.real_name)]
    shown: list[dict[str, Any]] = [
        {
            "id": channel.id,
            "kind": kind,
            "title": title,
            "messages": [
                _slack_message(stage, message) for message in slack.visible(person.slack.id, channel.id)[-_SHOWN:]
            ],
        }
        for kind, channel, title in rooms
    ]
    home = slack.home(person.slack.id)
    blocks = home.content.get("blocks", []) if home else []
    return [*shown, {"id": "home", "kind": "home", "title": "Home", "blocks": blocks}]


def _modal(stage: Stage, person: Person) -> dict[str, Any] | None:
    """The modal that the person has before them."""
    view = stage.sandbox.slack.modal(person.slack.id)
    return None if view is None else {"id": view.id, "hash": view.hash, "view": view.content}


def _slack_message(stage: Stage, message: SlackMessage) -> dict[str, Any]:
    author = stage.sandbox.slack.world.users[message.user]
    return {
        "ts": message.ts,
        "name": author.real_name,
        "bot": author.is_bot,
        "at": message.at.timestamp(),
        "text": message.text,
        "blocks": [_with_call(stage, block) for block in message.all_blocks],
        "edited": message.edited_at is not None,
        "ephemeral": bool(message.ephemeral_to),
    }


def _with_call(stage: Stage, block: dict[str, Any]) -> dict[str, Any]:
    """The block; one of a call with what Slack shows of it."""
    if block["type"] != "call":
        return block
    world = stage.sandbox.slack.world
    call = world.calls[block["call_id"]]
    there = [
        world.users[key].real_name if key in world.users else user["display_name"] for key, user in call.people.items()
    ]
    return {**block, "title": call.title, "url": call.url, "people": there, "over": call.seconds is not None}


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
        "bot": author.is_bot,
        "own": message.sender == person.telegram.id,
        "at": message.at.timestamp(),
        "text": message.text,
        "entities": list(message.entities),
        "keyboard": (message.keyboard or {}).get("inline_keyboard", []),
        "asks": stage.sandbox.telegram.opens_field(person.telegram.id, message),
        "photo": message.file_id if message.media == "photo" else "",
        "edited": message.edited_at is not None,
    }
