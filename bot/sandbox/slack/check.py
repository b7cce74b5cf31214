"""Judges the blocks of a payload and refuses what Slack refuses, in its words."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from bot.sandbox.slack.blocks import ADAPTERS, MAX_BLOCKS, Surface

ALL_BLOCKS_CHARACTERS = 13_200


class SlackRefusal(Exception):  # as Slack's own `ok: false`
    """Slack says no: `error` is its code, `extra` what else stands in the answer."""

    def __init__(self, error: str, *messages: str, **extra: Any) -> None:  # noqa: ANN401  # JSON is of any shape
        super().__init__(error)
        self.error = error
        self.extra = extra
        if messages:
            self.extra["errors"] = list(messages)
            self.extra["response_metadata"] = {"messages": [f"[ERROR] {message}" for message in messages]}


def read_json(value: Any, wrong: str) -> Any:  # noqa: ANN401  # JSON is of any shape
    """An argument that may have come as JSON text; SlackRefusal(wrong) where it is neither JSON nor a structure."""
    if isinstance(value, str):
        try:
            return json.loads(value)
        except ValueError:
            raise SlackRefusal(wrong) from None
    return value


def check_blocks(raw: Any, surface: Surface = "message", at: str = "/blocks") -> list[dict[str, Any]]:  # noqa: ANN401
    """The blocks as they were given; SlackRefusal where Slack would refuse them. `raw` may be JSON text."""
    blocks = read_json(raw, "invalid_blocks_format")
    if not isinstance(blocks, list) or any(not isinstance(block, dict) for block in blocks):
        raise SlackRefusal("invalid_blocks_format")
    if len(blocks) > MAX_BLOCKS[surface]:
        raise SlackRefusal("invalid_blocks", f"no more than {MAX_BLOCKS[surface]} items allowed [json-pointer:{at}]")
    try:
        ADAPTERS[surface].validate_python(blocks)
    except ValidationError as error:
        messages = dict.fromkeys(_say(detail, blocks, at) for detail in error.errors(include_url=False))
        raise SlackRefusal("invalid_blocks", *messages) from None
    _unique(blocks, at)
    if surface == "message" and sum(block["type"] == "table" for block in blocks) > 1:
        raise SlackRefusal("invalid_attachments", "only_one_table_allowed")
    if surface == "message" and sum(map(len, _texts(blocks))) > ALL_BLOCKS_CHARACTERS:
        raise SlackRefusal("msg_blocks_too_long")
    return blocks


def _say(detail: ErrorDetails, blocks: Any, at: str) -> str:  # noqa: ANN401  # JSON is of any shape
    bounds = detail.get("ctx", {})
    absent = detail["type"] in ("missing", "extra_forbidden")
    pointer = at + _pointer(detail["loc"], blocks, absent=absent)
    field = pointer.rsplit("/", 1)[-1]
    match detail["type"]:
        case "missing":
            return f"missing required field: {field} [json-pointer:{pointer.rsplit('/', 1)[0]}]"
        case "extra_forbidden":
            return f"invalid additional property: {field} [json-pointer:{pointer.rsplit('/', 1)[0]}]"
        case "union_tag_invalid":
            words = f"unsupported type: {bounds['tag']}"
            pointer += "/type"
        case "union_tag_not_found":
            words = "missing required field: type"
        case "string_too_long":
            words = f"must be less than {bounds['max_length'] + 1} characters"
        case "string_too_short":
            words = f"must be more than {bounds['min_length'] - 1} characters"
        case "too_long":
            words = f"no more than {bounds['max_length']} items allowed"
        case "too_short":
            words = f"no fewer than {bounds['min_length']} items allowed"
        case "slack":
            words = str(bounds["words"])
        case _:
            words = f"failed to match all allowed schemas: {detail['msg']}"
    return f"{words} [json-pointer:{pointer}]"


def _pointer(places: Sequence[int | str], data: Any, *, absent: bool) -> str:  # noqa: ANN401  # JSON is of any shape
    """The JSON pointer of a fault; names of union members, which pydantic puts between, are left out."""
    found = ""
    for index, place in enumerate(places):
        last = absent and index == len(places) - 1
        if isinstance(place, int) and isinstance(data, list):
            data = data[place]
        elif isinstance(data, dict) and (place in data or last):
            data = data.get(place)
        else:
            continue
        found += f"/{place}"
    return found


def _unique(blocks: Sequence[Mapping[str, Any]], at: str) -> None:
    seen: set[str] = set()
    for index, block in enumerate(blocks):
        name = block.get("block_id")
        if name in seen:
            raise SlackRefusal(
                "invalid_blocks", f'`block_id` "{name}" already exists [json-pointer:{at}/{index}/block_id]'
            )
        seen |= {name} if name else set()
        actions: set[str] = set()
        for place, element in enumerate(block.get("elements", ())):
            action = element.get("action_id")
            if action in actions:
                where = f"{at}/{index}/elements/{place}/action_id"
                raise SlackRefusal("invalid_blocks", f'`action_id` "{action}" already exists [json-pointer:{where}]')
            actions |= {action} if action else set()


def _texts(data: Any) -> Iterator[str]:  # noqa: ANN401  # JSON is of any shape
    if isinstance(data, dict):
        for name, value in data.items():
            if name == "text" and isinstance(value, str):
                yield value
            else:
                yield from _texts(value)
    elif isinstance(data, list):
        for item in data:
            yield from _texts(item)
