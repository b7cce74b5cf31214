"""`python -m deploy.manifest`: write deploy/slack-manifest.yaml, the Slack app as the code needs it, for Socket Mode.

`python -m deploy.manifest https://HOST` prints the one for signed requests to HOST/slack/events instead.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from bot.chat.command import Command
from bot.chat.parsing import grammar, usage
from bot.language import language
from bot.platforms.slack.events import UMBRELLA
from bot.platforms.slack.inline import pieces, to_plain
from bot.platforms.slack.scopes import BOT_EVENTS, NEEDED_SCOPES
from bot.ports import Reader

FILE = Path(__file__).parent / "slack-manifest.yaml"

_HEAD = """# The Slack app. At https://api.slack.com/apps choose "Create New App", "From a manifest", and paste this.
# Written by `python -m deploy.manifest` from the registered commands; edit those instead.
"""
_ENGLISH = Reader("en", ZoneInfo("UTC"))


def manifest(commands: Sequence[Command], address: str = "") -> dict[str, Any]:
    """The app manifest of these commands; `address` is the public https origin, empty for Socket Mode."""
    place = {"request_url": f"{address.rstrip('/')}/slack/events"} if address else {}
    link = {"url": place["request_url"]} if address else {}
    return {
        "display_information": {
            "name": "Stocktide",
            "description": "Watches stock and sales, tells the right person in time, and turns answers into actions",
            "background_color": "#0b4f6c",
        },
        "features": {
            "app_home": {
                "home_tab_enabled": True,
                "messages_tab_enabled": True,
                "messages_tab_read_only_enabled": False,
            },
            "bot_user": {"display_name": "stocktide", "always_online": True},
            "slash_commands": [{**entry, **link, "should_escape": False} for entry in _slash_commands(commands)],
        },
        "oauth_config": {"scopes": {"bot": list(NEEDED_SCOPES)}},
        "settings": {
            "event_subscriptions": {**place, "bot_events": list(BOT_EVENTS)},
            "interactivity": {"is_enabled": True, **place},
            "org_deploy_enabled": False,
            "socket_mode_enabled": not address,
            "token_rotation_enabled": False,
        },
    }


def to_yaml(tree: Mapping[str, Any]) -> str:
    """The tree as YAML: keys bare, strings as JSON writes them, which YAML reads alike."""
    return _HEAD + "\n".join(_lines(tree, 0)) + "\n"


def main() -> None:
    """Write the manifest of the registered commands, or print the one for the address given on the command line."""
    from handlers import COMMANDS  # noqa: PLC0415  # importing the generator must not import every command

    if address := "".join(sys.argv[1:2]):
        sys.stdout.write(to_yaml(manifest(COMMANDS, address)))
    else:
        FILE.write_text(to_yaml(manifest(COMMANDS)), encoding="utf-8")


def _slash_commands(commands: Sequence[Command]) -> Iterator[dict[str, str]]:
    names = " | ".join(command.name for command in commands)
    yield {"command": f"/{UMBRELLA}", "description": "Any command of Stocktide", "usage_hint": f"{names} ..."}
    for command in commands:
        if command.short:
            entry = {"command": f"/{command.name}", "description": language("en").say(command.summary)}
            hint = to_plain(pieces(usage("", grammar(command.run)), _ENGLISH))
            yield {**entry, "usage_hint": hint} if hint else entry


def _lines(node: Mapping[str, Any] | Sequence[Any], depth: int) -> Iterator[str]:
    margin = "  " * depth
    if isinstance(node, Mapping):
        for key, value in node.items():
            if isinstance(value, dict | list):
                yield f"{margin}{key}:"
                yield from _lines(value, depth + 1)
            else:
                yield f"{margin}{key}: {_scalar(value)}"
        return
    for item in node:
        if isinstance(item, dict):
            first, *rest = _lines(item, depth + 1)
            yield f"{margin}- {first.strip()}"
            yield from rest
        else:
            yield f"{margin}- {_scalar(item)}"


def _scalar(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


if __name__ == "__main__":
    main()
