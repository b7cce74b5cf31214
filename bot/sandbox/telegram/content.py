"""Reads text, entities, keyboards and pictures out of a call, and refuses what Telegram refuses."""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any
from urllib.parse import urlsplit

from bot.sandbox.telegram import entities, html
from bot.sandbox.telegram.refusal import bad
from bot.sandbox.telegram.world import TelegramFile, TelegramWorld

TEXT_CHARACTERS = 4096
CAPTION_CHARACTERS = 1024
DATA_BYTES = 64
MAX_BUTTONS = 100
_ACTIONS = frozenset(
    [
        "url",
        "callback_data",
        "web_app",
        "login_url",
        "switch_inline_query",
        "switch_inline_query_current_chat",
        "switch_inline_query_chosen_chat",
        "copy_text",
        "callback_game",
        "pay",
    ]
)
_JPEG, _PNG = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"

Found = tuple[str, tuple[dict[str, Any], ...]]


def text_of(arguments: Mapping[str, Any]) -> Found:
    """The text and entities of a message; refused when empty or longer than 4,096 characters."""
    text, found = _marked(arguments, "text", "entities")
    if not text.strip():
        raise bad("message text is empty")
    if len(text) > TEXT_CHARACTERS:
        raise bad("message is too long")
    return text, found


def caption_of(arguments: Mapping[str, Any]) -> Found:
    """The caption and its entities, at most 1,024 characters."""
    text, found = _marked(arguments, "caption", "caption_entities")
    if len(text) > CAPTION_CHARACTERS:
        raise bad("message caption is too long")
    return text, found


def keyboard_of(
    arguments: Mapping[str, Any], world: TelegramWorld, *, inline_only: bool = False
) -> dict[str, Any] | None:
    """The reply markup; an inline keyboard's buttons are judged one by one."""
    markup = arguments.get("reply_markup")
    if markup is None:
        return None
    if "inline_keyboard" not in markup:
        if inline_only:
            raise bad("inline keyboard expected")
        return dict(markup)
    rows = [row for row in markup["inline_keyboard"] if row]
    buttons = [button for row in rows for button in row]
    if len(buttons) > MAX_BUTTONS:
        raise bad("REPLY_MARKUP_TOO_LONG")
    for button in buttons:
        _button(button)
        if "login_url" in button:
            _login(button["login_url"], world)
    return {"inline_keyboard": rows} if rows else None


def picture_of(value: Any, world: TelegramWorld) -> TelegramFile:  # noqa: ANN401  # an upload or a file id
    """The picture of sendPhoto: PNG or JPEG bytes, or the id of one sent before."""
    if isinstance(value, str):
        return _known(value, world)
    _, content = value
    if content.startswith(_PNG):
        return world.add_file(content, "photos", ".png", struct.unpack(">II", content[16:24]))
    if content.startswith(_JPEG):
        return world.add_file(content, "photos", ".jpg")
    raise bad("IMAGE_PROCESS_FAILED" if content else "file must be non-empty")


def document_of(value: Any, world: TelegramWorld) -> TelegramFile:  # noqa: ANN401  # an upload or a file id
    """The file of sendDocument: any bytes, or the id of one sent before."""
    if isinstance(value, str):
        return _known(value, world)
    name, content = value
    if not content:
        raise bad("file must be non-empty")
    return world.add_file(content, "documents", PurePath(name).suffix if name else "", name=name or "")


def _known(file_id: str, world: TelegramWorld) -> TelegramFile:
    if file_id.startswith(("http://", "https://")):
        raise bad("failed to get HTTP URL content")
    if file_id not in world.files:
        raise bad("wrong file identifier/HTTP URL specified")
    return world.files[file_id]


def _marked(arguments: Mapping[str, Any], words: str, marks: str) -> Found:
    text, given = arguments.get(words, ""), arguments.get(marks)
    mode = arguments.get("parse_mode", "")
    if mode and mode.lower() != "html":
        raise bad("unsupported parse_mode: the sandbox reads HTML and entities")
    if mode:
        text, parsed = html.parse(text)
        return text, entities.check(text, parsed)
    return text, entities.check(text, given or ())


def _button(button: Mapping[str, Any]) -> None:
    if not button["text"].strip():
        raise bad('can\'t parse inline keyboard button: Field "text" must be non-empty')
    actions = _ACTIONS & set(button)
    if not actions:
        raise bad("can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard")
    if len(actions) > 1:
        raise bad("can't parse inline keyboard button: exactly one optional field must be used")
    if button.get("style", "primary") not in ("primary", "success", "danger"):
        raise bad("can't parse inline keyboard button: STYLE_INVALID")
    if "callback_data" in button and not 1 <= len(button["callback_data"].encode()) <= DATA_BYTES:
        raise bad("BUTTON_DATA_INVALID")
    if "url" in button and not re.match(r"(https?://[^\s/]+|tg://)", button["url"]):
        raise bad("BUTTON_URL_INVALID")


def _login(login: Mapping[str, Any], world: TelegramWorld) -> None:
    """A login button's address is https and of the domain that the owner linked to the bot."""
    url, name = login["url"], login.get("bot_username", "")
    place = urlsplit(url)
    if place.scheme != "https" or not place.hostname:
        raise bad(f"inline keyboard button login URL '{url}' is invalid: Only HTTPS links are allowed")
    if name and name.lower() != world.bot.username.lower():
        raise bad(f'bot "{name}" not found')
    if place.hostname != world.domain:
        raise bad("BOT_DOMAIN_INVALID")
