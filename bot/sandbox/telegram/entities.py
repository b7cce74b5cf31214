"""Message entities: found in what people type, checked in what the bot sends, and cut into runs for showing.

Offsets and lengths count UTF-16 code units. Telegram repairs overlapping entities silently; the sandbox refuses them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from bot.sandbox.telegram.dates import FORMAT
from bot.sandbox.telegram.refusal import bad

MAX_ENTITIES = 100
_STYLES = frozenset({"bold", "italic", "underline", "strikethrough", "spoiler"})
_QUOTES = frozenset({"blockquote", "expandable_blockquote"})
_CODE = frozenset({"code", "pre"})
_LINKS = frozenset(
    [
        "mention",
        "hashtag",
        "cashtag",
        "bot_command",
        "url",
        "email",
        "phone_number",
        "text_link",
        "text_mention",
        "custom_emoji",
        "date_time",
    ]
)
_TYPES = _STYLES | _QUOTES | _CODE | _LINKS
_NEEDS = {"text_link": "url", "text_mention": "user", "date_time": "unix_time", "custom_emoji": "custom_emoji_id"}
_TYPED = re.compile(
    r"(?P<bot_command>(?<![\w/])/[A-Za-z0-9_]{1,64}(?:@\w+)?)"
    r"|(?P<mention>(?<!\w)@\w{4,32})"
    r"|(?P<url>https?://\S+)"
)


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch of text and the entities that cover all of it, outermost first."""

    text: str
    entities: tuple[Mapping[str, Any], ...]


def units(text: str) -> int:
    """The length in UTF-16 code units."""
    return len(text.encode("utf-16-le")) // 2


def typed(text: str, bot: str) -> tuple[dict[str, Any], ...]:
    """The commands, mentions and addresses in what a person typed; a command to another bot than `bot` is none."""
    found = []
    for match in _TYPED.finditer(text):
        kind = match.lastgroup or ""
        to = match[0].partition("@")[2]
        if kind in ("bot_command", "mention") and to and to.lower() != bot.lower():
            continue
        found.append({"type": kind, "offset": units(text[: match.start()]), "length": units(match[0])})
    return tuple(found)


def check(text: str, entities: Iterable[Mapping[str, Any]]) -> tuple[dict[str, Any], ...]:
    """The entities sorted, outermost first; BotApiRefusal where one is malformed, out of bounds or overlaps."""
    edges = _edges(text)
    kept = [dict(entity) for entity in entities]
    if len(kept) > MAX_ENTITIES:
        raise bad("ENTITIES_TOO_LONG")
    for entity in kept:
        _one(entity, edges)
    kept.sort(key=lambda entity: (entity["offset"], -entity["length"], entity["type"] in _LINKS | _CODE))
    for index, outer in enumerate(kept):
        for inner in kept[index + 1 :]:
            _pair(outer, inner)
    return tuple(kept)


def runs(text: str, entities: Iterable[Mapping[str, Any]]) -> list[Run]:
    """The text cut wherever an entity begins or ends."""
    known = list(entities)
    raw = text.encode("utf-16-le")
    cuts = {0, len(raw) // 2}
    for entity in known:
        cuts |= {entity["offset"], entity["offset"] + entity["length"]}
    ordered = sorted(cuts)
    found = []
    for start, end in pairwise(ordered):
        over = tuple(e for e in known if e["offset"] <= start and end <= e["offset"] + e["length"])
        found.append(Run(raw[start * 2 : end * 2].decode("utf-16-le"), over))
    return found


def _edges(text: str) -> set[int]:
    edges, place = {0}, 0
    for character in text:
        place += 2 if ord(character) > 0xFFFF else 1
        edges.add(place)
    return edges


def _one(entity: Mapping[str, Any], edges: set[int]) -> None:
    kind, start = entity["type"], entity["offset"]
    if kind not in _TYPES:
        raise bad(f"can't parse entities: unsupported entity type {kind!r}")
    end = start + entity["length"]
    if entity["length"] < 1 or start not in edges or end not in edges:
        raise bad("ENTITY_BOUNDS_INVALID")
    need = _NEEDS.get(kind)
    if need and need not in entity:
        raise bad(f'can\'t parse entities: field "{need}" is required for {kind}')
    own = {"type", "offset", "length", need, *_OPTIONAL.get(kind, ())}
    if foreign := sorted(set(entity) - own):
        raise bad(f'can\'t parse entities: field "{foreign[0]}" does not belong to {kind}')
    if kind == "date_time" and not FORMAT.fullmatch(entity.get("date_time_format", "")):
        raise bad("can't parse entities: DATE_TIME_FORMAT_INVALID")
    if kind == "text_link" and not re.match(r"(https?://[^\s/]+|tg://|mailto:)", entity["url"]):
        raise bad("can't parse entities: ENTITY_URL_INVALID")


_OPTIONAL = {"pre": ("language",), "date_time": ("date_time_format",)}


def _pair(outer: Mapping[str, Any], inner: Mapping[str, Any]) -> None:
    end = outer["offset"] + outer["length"]
    if inner["offset"] >= end:
        return
    if inner["offset"] + inner["length"] > end:
        raise bad("can't parse entities: entities overlap without one containing the other")
    kinds = (outer["type"], inner["type"])
    alike = kinds[0] == kinds[1]
    both_links = kinds[0] in _LINKS and kinds[1] in _LINKS
    both_quotes = kinds[0] in _QUOTES and kinds[1] in _QUOTES
    in_code = (kinds[0] in _CODE and kinds[1] not in _QUOTES) or (kinds[1] in _CODE and kinds[0] not in _QUOTES)
    if alike or both_links or both_quotes or in_code:
        raise bad(f"can't parse entities: {kinds[1]} can't stand inside {kinds[0]}")
