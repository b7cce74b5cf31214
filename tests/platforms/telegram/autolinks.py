"""What Telegram makes links of by itself, written down from the rules of its own library (td, MessageEntity.cpp)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from telegram import MessageEntity

_WORD = r"[^\W]"
_DOMAIN_SIGN = r"[A-Za-z0-9_~.\-]|(?![\u2000-\u206f\s])[\u00c0-\U0010ffff]"

_RULES = (
    ("mention", re.compile(rf"(?<!{_WORD})@[A-Za-z0-9_]{{2,32}}(?!{_WORD})")),
    ("bot_command", re.compile(r"(?<![\w/<>])/[A-Za-z0-9_]{1,64}(?:@[A-Za-z0-9_]{3,32})?(?![\w/<>])")),
    ("hashtag", re.compile(r"(?<![\w\u200c])#[\w\u200c]*[^\W\d_][\w\u200c]*")),
    ("cashtag", re.compile(r"(?<![\w$])\$(?:1INCH|[A-Z]{1,8})(?![\w$])")),
    ("url", re.compile(rf"(?:{_DOMAIN_SIGN})+(?<=.)\.(?:(?!\.)(?:{_DOMAIN_SIGN}))+")),
    ("url", re.compile(r"(?:tg|ton|https?|ftp)://", re.IGNORECASE)),
    ("email", re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+")),
    ("bank_card", re.compile(r"(?<![\w.,+-])\d[\d -]{11,}\d")),
    ("phone_number", re.compile(r"\+?\d[\d ()-]{5,}\d")),
)
_COVERED = {"code", "pre", "text_link", "text_mention", "date_time"}


def autolinks(text: str, entities: tuple[MessageEntity, ...]) -> Iterator[tuple[str, str]]:
    """Each (kind, text) that Telegram would link outside of code, fixed width and the links that were meant."""
    raw = text.encode("utf-16-le")
    for entity in entities:
        if entity.type in _COVERED:
            start, end = 2 * entity.offset, 2 * (entity.offset + entity.length)
            raw = raw[:start] + b"\n\x00" * entity.length + raw[end:]
    bare = raw.decode("utf-16-le")
    for kind, rule in _RULES:
        for found in rule.finditer(bare):
            if kind == "phone_number" and sum(sign.isdigit() for sign in found.group()) < 7:
                continue
            yield kind, found.group()
