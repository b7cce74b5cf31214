"""Buttons below a message: an opaque token each, in rows that a phone shows without cutting labels."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from telegram import InlineKeyboardButton, LoginUrl

from bot.chat.nodes import Action
from bot.errors import PayloadRefused
from bot.platforms.telegram.runs import Voice, clip_runs, inline, plain
from bot.platforms.telegram.text import WORD_JOINER, columns

MAX_BUTTONS = 100
MAX_DATA = 64  # bytes
MAX_LABEL = 36  # columns
_ROW_COLUMNS = 36
_ROW_BUTTONS = 3
_FRAME = 4  # columns that a button's own edges take

_STYLES = {"primary": "primary", "danger": "danger", "plain": None}

Keyboard = tuple[tuple[InlineKeyboardButton, ...], ...]


def keyboard(actions: Sequence[Action], voice: Voice) -> Keyboard:
    """The buttons in rows of one to three; PayloadRefused for a token that cannot travel, or too many buttons."""
    if len(actions) > MAX_BUTTONS:
        raise PayloadRefused(f"Telegram shows at most {MAX_BUTTONS} buttons, not {len(actions)}")
    rows: list[list[InlineKeyboardButton]] = []
    free = 0
    for action in actions:
        if not 1 <= len(action.token.encode()) <= MAX_DATA:
            raise PayloadRefused(f"a button's token takes 1 to {MAX_DATA} bytes ({action.command})")
        label = plain(clip_runs(inline(action.label, voice), MAX_LABEL)).replace(WORD_JOINER, "").strip() or "…"
        needed = columns(label) + _FRAME
        style = _STYLES[action.style]
        if _signable(action.login):
            button = InlineKeyboardButton(label, login_url=LoginUrl(action.login), style=style)
        else:
            button = InlineKeyboardButton(label, callback_data=action.token, style=style)
        if rows and needed <= free and len(rows[-1]) < _ROW_BUTTONS:
            rows[-1].append(button)
            free -= needed
        else:
            rows.append([button])
            free = _ROW_COLUMNS - needed
    return tuple(tuple(row) for row in rows)


def _signable(address: str) -> bool:
    """Whether Telegram would sign the address: https with a host."""
    try:
        place = urlsplit(address)
    except ValueError:
        return False
    return place.scheme == "https" and bool(place.hostname)
