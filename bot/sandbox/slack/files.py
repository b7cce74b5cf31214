"""files.*: an upload is asked for, sent, and completed into a channel; a file is looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.sandbox.slack.check import SlackRefusal, read_json
from bot.sandbox.slack.content import content_of
from bot.sandbox.slack.desk import Content
from bot.sandbox.slack.method import Answer, Arguments, Method, needed, room_of
from bot.sandbox.slack.payloads import file_json
from bot.sandbox.slack.world import SlackFile

if TYPE_CHECKING:
    from bot.sandbox.slack.people import Slack


def _ask(slack: Slack, arguments: Arguments) -> Answer:
    name = needed(arguments, "filename")
    try:
        length = int(arguments.get("length") or 0)
    except ValueError:
        length = 0
    if length < 1:
        raise SlackRefusal("invalid_arguments", "missing required field: length")
    file = SlackFile(slack.world.fresh("F"), name)
    slack.world.files[file.id] = file
    slack.expected[file.id] = length
    return {"upload_url": f"{slack.api_url.removesuffix('api/')}upload/{file.id}", "file_id": file.id}


def _complete(slack: Slack, arguments: Arguments) -> Answer:
    given = read_json(arguments.get("files") or "", "invalid_arguments")
    if not isinstance(given, list) or not given:
        raise SlackRefusal("invalid_arguments", "missing required field: files")
    files = []
    for item in given:
        file = slack.world.files.get(item.get("id", ""))
        if file is None or file.id in slack.expected:
            raise SlackRefusal("file_not_found")
        files.append((file, str(item.get("title") or file.name)))
    room = room_of(slack, {"channel": arguments["channel_id"]}) if arguments.get("channel_id") else None
    if room and slack.bot.id not in room.members:
        raise SlackRefusal("not_in_channel")
    comment = str(arguments.get("initial_comment") or "")
    said = Content(comment)
    if arguments.get("blocks"):
        said = content_of({"blocks": arguments["blocks"], "text": comment}, slack.world)
    for file, title in files:
        file.shared, file.title = True, title
    if room:
        content = Content(said.text, said.blocks, files=tuple(file.id for file, _ in files))
        slack.desk.post(room.id, slack.bot.id, content, thread_ts=str(arguments.get("thread_ts") or ""))
    return {"files": [file_json(slack.world, file.id) for file, _ in files]}


def _info(slack: Slack, arguments: Arguments) -> Answer:
    file = slack.world.files.get(needed(arguments, "file"))
    if file is None or not file.shared:
        raise SlackRefusal("file_not_found")
    return {"file": file_json(slack.world, file.id)}


METHODS = (
    Method("files.info", _info, ("files:read",), 4, "file count page limit cursor"),
    Method("files.getUploadURLExternal", _ask, ("files:write",), 4, "filename length alt_txt alt_text snippet_type"),
    Method(
        "files.completeUploadExternal",
        _complete,
        ("files:write",),
        4,
        "files channel_id channels initial_comment thread_ts blocks",
    ),
)
