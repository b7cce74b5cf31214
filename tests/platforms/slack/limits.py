"""Judges of Block Kit: all of Slack's figures, and that no foreign text has become markup."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from typing import Any

from slack_sdk.models.blocks import Block

from bot.platforms.slack.blocks import MAX_TOTAL, Rendered, weight
from bot.platforms.slack.inline import units

Json = dict[str, Any]


def rows_of(blocks: list[Json]) -> int:
    """Rows of tables, and of the lists (a line of titles and the items) that stand for tables."""
    total = 0
    for block in blocks:
        if block["type"] == "table":
            total += len(block["rows"]) - 1
        if block["type"] == "rich_text" and len(block["elements"]) == 2:
            total += len(block["elements"][1]["elements"])
    return total


def assert_limits(rendered: Rendered, most: int = 50) -> None:
    """All of Slack's figures, by our own count and by the SDK's models."""
    assert 1 <= len(rendered.blocks) <= most
    assert units(rendered.text) + weight(rendered.blocks) <= MAX_TOTAL
    assert sum(block["type"] == "table" for block in rendered.blocks) <= 1
    logging.getLogger("slack_sdk").setLevel(logging.ERROR)
    for block in rendered.blocks:
        parsed = Block.parse(block)
        assert parsed is not None, block
        parsed.validate_json()
        LIMITS.get(block["type"], lambda _block: None)(block)
    ids = [part["action_id"] for part in every(rendered.blocks) if "action_id" in part]
    assert len(ids) == len(set(ids))
    for part in every(rendered.blocks):
        if isinstance(part.get("text"), str):
            assert part["text"], part
            part["text"].encode()
    json.dumps(rendered.blocks, ensure_ascii=False).encode()


def _table_limits(block: Json) -> None:
    assert len(block["rows"]) <= 100
    assert all(1 <= len(row) <= 20 for row in block["rows"])
    assert weight(block) <= 10_000


def _field_limits(block: Json) -> None:
    assert 1 <= len(block["fields"]) <= 10
    assert all(units(field["text"]) <= 2000 for field in block["fields"])


def _button_limits(block: Json) -> None:
    assert 1 <= len(block["elements"]) <= 25
    for button in block["elements"]:
        assert 1 <= units(button["text"]["text"]) <= 75
        assert units(button.get("value", "")) <= 2000
        assert len(button["action_id"]) <= 255


def _header_limits(block: Json) -> None:
    assert 1 <= units(block["text"]["text"]) <= 150


def _context_limits(block: Json) -> None:
    assert 1 <= len(block["elements"]) <= 10
    assert all(units(element["text"]) <= 3000 for element in block["elements"])


LIMITS = {
    "table": _table_limits,
    "section": _field_limits,
    "actions": _button_limits,
    "header": _header_limits,
    "context": _context_limits,
}

_OURS = re.compile(
    r"<@U2147483697>|<!date\^1321866000\^[{}a-z_ ]+\|[^<>]*>|<https://x\.example/[^\s<>|]*\|[^<>]*>|&(?:amp|lt|gt);"
)


def assert_no_markup(rendered: Rendered) -> None:
    """Every mention is one of ours, and outside our own tokens no mrkdwn text holds what Slack would act on."""
    for part in every(rendered.blocks):
        if part.get("type") == "user":
            assert part["user_id"] == "U2147483697"
        assert part.get("type") not in {"broadcast", "usergroup", "channel", "team", "emoji"}
        if part.get("type") == "link":
            assert re.fullmatch(r"https://x\.example/[^\s<>|]*", part["url"])
        if part.get("type") == "mrkdwn":
            assert part["verbatim"] is True
            label, _newline, value = part["text"].partition("\n")
            left = _OURS.sub("", re.sub(r"^\*(.*)\*$", r"\1", label) + value)
            assert not re.search(r"[<>*_~]|&", re.sub(r"`[^`]*`", "", left)), part
    assert not re.search(r"[<>]|&(?!amp;|lt;|gt;)", rendered.text)


def every(node: Any) -> Iterator[Json]:
    """Every object in a piece of Block Kit."""
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from every(value)
    if isinstance(node, list):
        for item in node:
            yield from every(item)
