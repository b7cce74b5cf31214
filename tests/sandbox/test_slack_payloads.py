"""Every payload Slack refuses is refused, at the right place and in the same words; good ones pass."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from slack_sdk.models.blocks import Block

from bot.sandbox.slack.check import SlackRefusal, check_blocks


def plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text}


def marked(text: str) -> dict[str, Any]:
    return {"type": "mrkdwn", "text": text}


def section(text: str = "x", **more: Any) -> dict[str, Any]:
    return {"type": "section", "text": marked(text), **more}


def button(label: str = "Go", **more: Any) -> dict[str, Any]:
    return {"type": "button", "text": plain(label), "action_id": "go", **more}


def actions(*elements: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "actions", "elements": list(elements), **more}


def cell(text: str) -> dict[str, Any]:
    return {"type": "raw_text", "text": text}


def table(rows: list[list[dict[str, Any]]], **more: Any) -> dict[str, Any]:
    return {"type": "table", "rows": rows, **more}


def rich(*leaves: dict[str, Any]) -> dict[str, Any]:
    return {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": list(leaves)}]}


def overflow(count: int) -> dict[str, Any]:
    options = [{"text": plain(str(index)), "value": str(index)} for index in range(count)]
    return {"type": "overflow", "action_id": "more", "options": options}


CONFIRM = {"title": plain("Sure?"), "text": marked("Really *approve*?"), "confirm": plain("Yes"), "deny": plain("No")}
DATE = {"type": "date", "timestamp": 1321876800, "format": "{date_short} at {time}", "fallback": "noon"}
MENTION = {"type": "user", "user_id": "U1"}
GOOD: dict[str, list[dict[str, Any]]] = {
    "sections": [section("x" * 3000, block_id="a"), section(fields=[marked("y" * 2000)] * 4, accessory=overflow(5))],
    "a header of 150": [{"type": "header", "text": plain("h" * 150)}],
    "buttons": [actions(button("b" * 75, value="v" * 2000, style="primary", confirm=CONFIRM))],
    "25 buttons": [actions(*(button(action_id=str(index)) for index in range(25)))],
    "context with an image": [
        {
            "type": "context",
            "elements": [marked("m"), {"type": "image", "alt_text": "a", "image_url": "https://x/y.png"}],
        }
    ],
    "dividers": [{"type": "divider"}] * 50,
    "a table": [table([[cell("a"), rich({"type": "text", "text": "b", "style": {"bold": True}})]] * 100)],
    "table columns": [table([[cell("a")] * 20], column_settings=[{"align": "right"}, None, {"is_wrapped": True}])],
    "rich text": [
        rich(DATE, {"type": "user", "user_id": "U1"}, {"type": "link", "url": "https://x.y", "text": "z"}),
        {
            "type": "rich_text",
            "elements": [
                {
                    "type": "rich_text_list",
                    "style": "bullet",
                    "elements": rich({"type": "text", "text": "i"})["elements"],
                },
                {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": "p"}]},
            ],
        },
    ],
    "an image": [{"type": "image", "alt_text": "chart", "slack_file": {"id": "F1"}, "title": plain("t")}],
    "a date": [section("Due <!date^1321876800^{date_short_pretty} {time}|noon>")],
    "markdown": [{"type": "markdown", "text": "m" * 12_000}],
    "a menu": [
        actions(
            {"type": "static_select", "action_id": "m", "options": overflow(3)["options"], "placeholder": plain("?")}
        )
    ],
}

LONG = "must be less than {} characters [json-pointer:/blocks/0/{}]"
SHORT = "must be more than 0 characters [json-pointer:/blocks/0/{}]"
MANY = "no more than {} items allowed [json-pointer:/blocks{}]"
BAD: list[tuple[str, list[dict[str, Any]], str]] = [
    ("a long section", [section("x" * 3001)], LONG.format(3001, "text")),
    ("an empty section", [section("")], SHORT.format("text/text")),
    ("a section of nothing", [{"type": "section"}], "missing required field: text or fields [json-pointer:/blocks/0]"),
    ("11 fields", [section(fields=[marked("f")] * 11)], MANY.format(10, "/0/fields")),
    ("a long field", [section(fields=[marked("f"), marked("f" * 2001)])], LONG.format(2001, "fields/1")),
    ("a long header", [{"type": "header", "text": plain("h" * 151)}], LONG.format(151, "text")),
    ("markup in a header", [{"type": "header", "text": marked("h")}], "failed to match all allowed schemas"),
    ("a long button", [actions(button("b" * 76))], LONG.format(76, "elements/0/text")),
    ("an empty button", [actions(button(""))], SHORT.format("elements/0/text/text")),
    ("a long value", [actions(button(value="v" * 2001))], LONG.format(2001, "elements/0/value")),
    ("a long action_id", [actions(button(action_id="a" * 256))], LONG.format(256, "elements/0/action_id")),
    ("a long block_id", [section(block_id="b" * 256)], LONG.format(256, "block_id")),
    ("a strange style", [actions(button(style="loud"))], "failed to match all allowed schemas"),
    ("a strange address", [actions(button(url="javascript:alert(1)"))], "Invalid URL [json-pointer:"),
    ("26 buttons", [actions(*(button(action_id=str(i)) for i in range(26)))], MANY.format(25, "/0/elements")),
    ("no buttons", [actions()], "no fewer than 1 items allowed [json-pointer:/blocks/0/elements]"),
    ("6 overflow options", [actions(overflow(6))], MANY.format(5, "/0/elements/0/options")),
    (
        "the same action_id twice in a block",
        [actions(button(), button("Other"))],
        '`action_id` "go" already exists [json-pointer:/blocks/0/elements/1/action_id]',
    ),
    (
        "the same block_id twice",
        [section(block_id="a"), section(block_id="a")],
        '`block_id` "a" already exists [json-pointer:/blocks/1/block_id]',
    ),
    ("51 blocks", [{"type": "divider"}] * 51, MANY.format(50, "")),
    ("11 context elements", [{"type": "context", "elements": [marked("m")] * 11}], MANY.format(10, "/0/elements")),
    ("a button in a context", [{"type": "context", "elements": [button()]}], "unsupported type: button"),
    ("an unknown block", [{"type": "hologram"}], "unsupported type: hologram [json-pointer:/blocks/0/type]"),
    ("a block without type", [{"text": plain("x")}], "missing required field: type [json-pointer:/blocks/0]"),
    ("an unknown field", [section(colour="red")], "invalid additional property: colour [json-pointer:/blocks/0]"),
    (
        "emoji in mrkdwn",
        [{"type": "section", "text": {**marked("x"), "emoji": True}}],
        "invalid additional property: emoji [json-pointer:/blocks/0/text]",
    ),
    ("101 rows", [table([[cell("a")]] * 101)], MANY.format(100, "/0/rows")),
    ("21 cells", [table([[cell("a")] * 21])], MANY.format(20, "/0/rows/0")),
    ("an empty cell", [table([[cell("")]])], SHORT.format("rows/0/0/text")),
    ("ragged rows", [table([[cell("a")], [cell("a"), cell("b")]])], "all rows must have the same number of cells"),
    ("an empty leaf", [rich({"type": "text", "text": ""})], SHORT.format("elements/0/elements/0/text")),
    ("an unknown leaf", [rich({"type": "gif"})], "unsupported type: gif"),
    ("a leaf's date without a token", [rich({**DATE, "format": "noon"})], "date format holds no token"),
    (
        "a mention in preformatted text",
        [{"type": "rich_text", "elements": [{"type": "rich_text_preformatted", "elements": [MENTION]}]}],
        "unsupported type: user",
    ),
    ("a date of no time", [section("<!date^soon^{date}|x>")], "date timestamp 'soon' is not whole seconds"),
    ("a date of a strange token", [section("<!date^1^{moon}|x>")], "unknown date token: {moon}"),
    ("a date without fallback", [section("<!date^1^{date}>")], "date without a fallback text"),
    ("an image of nothing", [{"type": "image", "alt_text": "x"}], "exactly one of image_url and slack_file"),
    ("a long markdown", [{"type": "markdown", "text": "m" * 12_001}], LONG.format(12_001, "text")),
    ("a long confirmation", [actions(button(confirm={**CONFIRM, "title": plain("t" * 101)}))], "less than 101"),
]  # fmt: skip


@pytest.mark.parametrize("name", GOOD)
def test_a_good_payload_passes_unchanged_and_slack_sdk_agrees(name: str) -> None:
    blocks = GOOD[name]
    before = copy.deepcopy(blocks)
    assert check_blocks(blocks) == before
    for block in copy.deepcopy(blocks):
        model = Block.parse(block)
        assert model is not None
        model.validate_json()


@pytest.mark.parametrize(("blocks", "words"), [bad[1:] for bad in BAD], ids=[bad[0] for bad in BAD])
def test_a_bad_payload_is_refused_where_it_is_bad(blocks: list[dict[str, Any]], words: str) -> None:
    with pytest.raises(SlackRefusal) as refused:
        check_blocks(blocks)
    assert refused.value.error == "invalid_blocks"
    assert words in refused.value.extra["response_metadata"]["messages"][0]


@pytest.mark.parametrize(
    ("blocks", "error"),
    [
        ("{not json", "invalid_blocks_format"),
        ({"type": "divider"}, "invalid_blocks_format"),
        (["divider"], "invalid_blocks_format"),
        ([table([[cell("a")]]), table([[cell("b")]])], "invalid_attachments"),
        ([section("x" * 2700) for _ in range(5)], "msg_blocks_too_long"),
    ],
)
def test_what_is_no_list_of_blocks_or_too_much_has_an_error_of_its_own(blocks: Any, error: str) -> None:
    with pytest.raises(SlackRefusal) as refused:
        check_blocks(blocks)
    assert refused.value.error == error


@pytest.mark.parametrize("block", [table([[cell("a")]]), {"type": "markdown", "text": "m"}], ids=["table", "markdown"])
def test_a_home_page_holds_no_blocks_that_only_messages_have(block: dict[str, Any]) -> None:
    with pytest.raises(SlackRefusal, match="invalid_blocks"):
        check_blocks([block], "home")


def test_a_home_page_holds_a_hundred_blocks() -> None:
    assert len(check_blocks([{"type": "divider"}] * 100, "home")) == 100
    with pytest.raises(SlackRefusal):
        check_blocks([{"type": "divider"}] * 101, "home")
