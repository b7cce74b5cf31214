"""chat.*: posting, editing and deleting messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.sandbox.slack.check import SlackRefusal
from bot.sandbox.slack.content import content_of
from bot.sandbox.slack.desk import Content
from bot.sandbox.slack.method import Answer, Arguments, Method, needed, room_of
from bot.sandbox.slack.payloads import as_json
from bot.sandbox.slack.world import NoSuch, SlackChannel, SlackMessage

if TYPE_CHECKING:
    from bot.sandbox.slack.people import Slack

_CONTENT = "text blocks attachments"
UPDATE_CHARACTERS = 4_000


def _writable(slack: Slack, arguments: Arguments) -> SlackChannel:
    wanted = needed(arguments, "channel")
    # Posting to a person's id opens the direct conversation, as on Slack.
    room = slack.world.direct(wanted) if wanted in slack.world.users else room_of(slack, arguments)
    if room.archived:
        raise SlackRefusal("is_archived")
    if slack.bot.id not in room.members:
        raise SlackRefusal("not_in_channel")
    return room


def _own(slack: Slack, arguments: Arguments, refusal: str) -> SlackMessage:
    room = room_of(slack, arguments)
    try:
        message = slack.world.message(room.id, needed(arguments, "ts"))
    except NoSuch:
        raise SlackRefusal("message_not_found") from None
    if message.ephemeral_to:
        raise SlackRefusal("message_not_found")
    if message.user != slack.bot.id:
        raise SlackRefusal(refusal)
    return message


def _thread(room: SlackChannel, arguments: Arguments) -> str:
    thread = str(arguments.get("thread_ts") or "")
    if thread and not any(message.ts == thread and not message.deleted for message in room.messages):
        raise SlackRefusal("thread_not_found")
    return thread


def _post(slack: Slack, arguments: Arguments) -> Answer:
    room = _writable(slack, arguments)
    content = content_of(arguments, slack.world)
    message = slack.desk.post(room.id, slack.bot.id, content, thread_ts=_thread(room, arguments))
    return {"channel": room.id, "ts": message.ts, "message": as_json(slack.world, message)}


def _post_ephemeral(slack: Slack, arguments: Arguments) -> Answer:
    room = _writable(slack, arguments)
    reader = needed(arguments, "user")
    if reader not in room.members:
        raise SlackRefusal("user_not_in_channel")
    content = content_of(arguments, slack.world)
    thread = _thread(room, arguments)
    message = slack.desk.post(room.id, slack.bot.id, content, thread_ts=thread, ephemeral_to=reader)
    return {"message_ts": message.ts}


def _update(slack: Slack, arguments: Arguments) -> Answer:
    message = _own(slack, arguments, "cant_update_message")
    if slack.bot.id not in slack.world.channel(message.channel).members:
        raise SlackRefusal("not_in_channel")
    given = content_of(arguments, slack.world, characters=UPDATE_CHARACTERS)
    # A part that is not given stays, but blocks go when only a text is given.
    only_text = "blocks" not in arguments and "attachments" not in arguments and given.text
    kept = Content(
        given.text if "text" in arguments else message.text,
        given.blocks if "blocks" in arguments or only_text else message.blocks,
        given.attachments if "attachments" in arguments or only_text else message.attachments,
    )
    slack.desk.edit(message, kept)
    shown = as_json(slack.world, message)
    return {"channel": message.channel, "ts": message.ts, "text": message.text, "message": shown}


def _delete(slack: Slack, arguments: Arguments) -> Answer:
    message = _own(slack, arguments, "cant_delete_message")
    slack.desk.delete(message)
    return {"channel": message.channel, "ts": message.ts}


METHODS = (
    Method(
        "chat.postMessage",
        _post,
        ("chat:write",),
        0,
        f"channel {_CONTENT} thread_ts unfurl_links unfurl_media mrkdwn metadata parse link_names reply_broadcast"
        " username icon_emoji icon_url",
    ),
    Method(
        "chat.postEphemeral", _post_ephemeral, ("chat:write",), 4, f"channel user {_CONTENT} thread_ts parse link_names"
    ),
    Method(
        "chat.update",
        _update,
        ("chat:write",),
        3,
        f"channel ts {_CONTENT} parse link_names metadata reply_broadcast file_ids unfurl_links unfurl_media",
    ),
    Method("chat.delete", _delete, ("chat:write",), 3, "channel ts"),
)
