"""Reads what a message is to say out of an API call's arguments, and refuses what Slack refuses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from bot.sandbox.slack import mrkdwn
from bot.sandbox.slack.check import SlackRefusal, check_blocks, read_json
from bot.sandbox.slack.desk import Content
from bot.sandbox.slack.world import SlackWorld

TEXT_CHARACTERS = 40_000
ATTACHMENTS = 100


def content_of(arguments: Mapping[str, Any], world: SlackWorld, *, characters: int = TEXT_CHARACTERS) -> Content:
    """Text, blocks and attachments of a call; SlackRefusal for none of them, too much, or malformed ones."""
    text = arguments.get("text") or ""
    if not isinstance(text, str):
        raise SlackRefusal("invalid_arguments", "must provide a string [json-pointer:/text]")
    if len(text) > characters:
        raise SlackRefusal("msg_too_long")
    for found in mrkdwn.faults(text):
        raise SlackRefusal("invalid_arguments", f"{found} [json-pointer:/text]")
    blocks = check_blocks(arguments["blocks"]) if arguments.get("blocks") else []
    attachments = _attachments(arguments["attachments"]) if arguments.get("attachments") else []
    if not (text.strip() or blocks or attachments):
        raise SlackRefusal("no_text")
    content = Content(text, tuple(blocks), tuple(attachments))
    standing = [*blocks, *(block for item in attachments for block in item.get("blocks", ()))]
    _files_known(standing, world)
    if any(block["type"] == "call" and block["call_id"] not in world.calls for block in standing):
        raise SlackRefusal("invalid_blocks", "invalid call_id [json-pointer:/blocks]")
    return content


def _attachments(raw: Any) -> list[dict[str, Any]]:  # noqa: ANN401  # JSON is of any shape
    attachments = read_json(raw, "invalid_attachments")
    if not isinstance(attachments, list) or any(not isinstance(item, dict) for item in attachments):
        raise SlackRefusal("invalid_attachments")
    if len(attachments) > ATTACHMENTS:
        raise SlackRefusal("too_many_attachments")
    for index, item in enumerate(attachments):
        if "blocks" in item:
            check_blocks(item["blocks"], at=f"/attachments/{index}/blocks")
        elif not (item.get("text") or item.get("fallback")):
            raise SlackRefusal("no_text")
    return attachments


def _files_known(blocks: Iterable[Mapping[str, Any]], world: SlackWorld) -> None:
    for reference in _file_references(blocks):
        wanted = str(reference.get("id") or reference.get("url"))
        if not any(file.shared and file.id in wanted for file in world.files.values()):
            raise SlackRefusal("invalid_blocks", "invalid slack file [json-pointer:/blocks]")


def _file_references(data: Any) -> Iterator[Mapping[str, Any]]:  # noqa: ANN401  # JSON is of any shape
    if isinstance(data, Mapping):
        if isinstance(file := data.get("slack_file"), Mapping):
            yield file
        for value in data.values():
            yield from _file_references(value)
    elif isinstance(data, list):
        for item in data:
            yield from _file_references(item)
