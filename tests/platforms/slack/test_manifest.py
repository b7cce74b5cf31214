"""The generated Slack app: commands, scopes and events as the code has them, in YAML that is also read back."""

from __future__ import annotations

import json
from typing import Any

from bot.chat.arguments import Location, Sku
from bot.chat.command import AnyInvocation, Command
from bot.chat.nodes import Divider, Message
from bot.platforms.slack.scopes import BOT_EVENTS, NEEDED_SCOPES
from bot.words import _
from deploy.manifest import FILE, manifest, to_yaml
from handlers import COMMANDS


async def look(call: AnyInvocation, sku: Sku, location: Location | None = None) -> Message:
    del call, sku, location
    return Message(_("x"), (Divider(),))


TWO = (
    Command("look", look, _("Stock of a SKU"), short=True),
    Command("deep", look, _("More of it")),
)


def test_the_umbrella_and_the_short_commands_are_slash_commands() -> None:
    umbrella, look_ = manifest(TWO)["features"]["slash_commands"]
    assert umbrella["command"] == "/stocktide"
    assert "deep" in umbrella["usage_hint"]
    assert look_ == {
        "command": "/look",
        "description": "Stock of a SKU",
        "usage_hint": "SKU [LOCATION]",
        "should_escape": False,
    }


def test_scopes_and_events_are_those_the_code_needs() -> None:
    made = manifest(TWO)
    assert made["oauth_config"]["scopes"]["bot"] == list(NEEDED_SCOPES)
    assert made["settings"]["event_subscriptions"]["bot_events"] == list(BOT_EVENTS)
    assert made["features"]["app_home"]["home_tab_enabled"] is True
    assert len(made["display_information"]["description"]) <= 140


def test_socket_mode_needs_no_address_and_http_has_it_everywhere() -> None:
    assert manifest(TWO)["settings"]["socket_mode_enabled"] is True
    assert "url" not in json.dumps(manifest(TWO))
    made = manifest(TWO, "https://bot.example/")
    assert made["settings"]["socket_mode_enabled"] is False
    places = [
        made["settings"]["event_subscriptions"]["request_url"],
        made["settings"]["interactivity"]["request_url"],
        *(entry["url"] for entry in made["features"]["slash_commands"]),
    ]
    assert set(places) == {"https://bot.example/slack/events"}


def test_the_yaml_says_what_the_tree_says() -> None:
    tree = {"a": {"b": [{"c": 'x: #y "q" 库', "d": True}, {"c": "-", "e": ["f", "g"]}], "h": "on"}, "i": 3}
    assert read(to_yaml(tree)) == tree
    assert read(to_yaml(manifest(TWO))) == manifest(TWO)


def test_the_manifest_in_the_tree_is_the_one_of_the_registered_commands() -> None:
    assert FILE.read_text(encoding="utf-8") == to_yaml(manifest(COMMANDS)), "run python -m deploy.manifest"


def read(text: str) -> Any:
    """The part of YAML that the manifest uses, read by its own rules: indentation, dashes, JSON scalars."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    value, rest = block(lines, 0)
    assert rest == []
    return value


def block(lines: list[str], depth: int) -> tuple[Any, list[str]]:
    margin = "  " * depth
    if lines[0].startswith(f"{margin}- "):
        items = []
        while lines and lines[0].startswith(f"{margin}- "):
            inside = lines[0].removeprefix(f"{margin}- ")
            if inside.startswith('"'):
                items.append(json.loads(inside))
                lines = lines[1:]
            else:
                item, lines = block([f"{margin}  {inside}", *lines[1:]], depth + 1)
                items.append(item)
        return items, lines
    found: dict[str, Any] = {}
    while lines and lines[0].startswith(margin) and lines[0][len(margin)] not in " -":
        key, _colon, scalar = lines[0][len(margin) :].partition(":")
        lines = lines[1:]
        if scalar:
            found[key] = json.loads(scalar)
        else:
            found[key], lines = block(lines, depth + 1)
    return found, lines
