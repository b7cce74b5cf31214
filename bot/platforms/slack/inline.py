"""Inline nodes as Slack writes them: first flat pieces, then rich text, mrkdwn or plain text.

A piece knows whether its text came from outside. Rich text and plain text cannot be injected; mrkdwn is used only where
Slack has nothing else (fields, small print), and there a text that Slack might read as markup falls back to plain text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Literal
from urllib.parse import quote

from bot.chat.nodes import Amount, Badge, Bold, Code, Day, Instant, Link, Mention, Number, Span, Text, Tone
from bot.language import Language, language
from bot.language import Literal as Ours
from bot.ports import Reader
from bot.words import Words

ELLIPSIS = "…"
MAX_URL = 3000

_DOTS: dict[Tone, str] = {"plain": "⚪", "good": "🟢", "warn": "🟡", "bad": "🔴"}
_DATE_FORMATS = {"time": "{time}", "date": "{date_short_pretty}", "date_time": "{date_short_pretty} {time}"}
# Controls, lone surrogates, and the marks that reorder what follows them; LRM and RLM are harmless and stay.
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]+")
_PERSON = re.compile(r"[UW][A-Z0-9]{1,30}")
# What Slack's mrkdwn reads in a text: emphasis, code, quotes, lists and emoji names.
_MARKUP = re.compile(r"[*_~`]|^\s*(?:>|[-•]\s)|:(?!\d\d:)[\w+'-]+:", re.MULTILINE)
_MAX_NAME = 80
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of text with one look; `text` is what a reader sees (for a date: its fallback).

    `target` is a link's address, a person's id, or a date's format; `at` is a date's Unix time.
    """

    text: str
    kind: Literal["text", "code", "link", "user", "date"] = "text"
    target: str = ""
    at: int = 0
    bold: bool = False


def units(text: str) -> int:
    """The length as Slack may count it: UTF-16 units, never fewer than characters."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def clean(text: str) -> str:
    """Text of any origin on one line, without controls and direction overrides."""
    return _UNSEEN.sub(" ", text)


def cut(text: str, limit: int) -> str:
    """At most `limit` UTF-16 units, with an ellipsis where something was cut."""
    if units(text) <= limit:
        return text
    room = limit - len(ELLIPSIS)
    kept = text[:room]
    while units(kept) > room:
        kept = kept[:-1]
    return kept.rstrip() + ELLIPSIS


def escape(text: str) -> str:
    """A mrkdwn leaf: the three characters with which Slack opens mentions and links are written as entities."""
    return text.translate(_ESCAPES)


def pieces(inline: object, reader: Reader) -> list[Piece]:
    """The node (or plain value) as flat pieces in the reader's language; texts of one look are joined."""
    run: list[Piece] = []
    for piece in _walk(inline, reader, language(reader.language)):
        if run and piece.kind == run[-1].kind == "text" and piece.bold == run[-1].bold:
            run[-1] = replace(piece, text=run[-1].text + piece.text)
        elif piece.text:
            run.append(piece)
    return run


def clip(run: Sequence[Piece], limit: int) -> list[Piece]:
    """At most `limit` visible units; the piece that does not fit is cut where it is text, or left out."""
    if sum(units(piece.text) for piece in run) <= limit:
        return list(run)
    kept: list[Piece] = []
    room = limit - len(ELLIPSIS)
    for piece in run:
        if units(piece.text) > room:
            if piece.kind in {"text", "code", "link"} and room > 1:
                kept.append(replace(piece, text=cut(piece.text, room + len(ELLIPSIS))))
            if not kept or not kept[-1].text.endswith(ELLIPSIS):
                kept.append(Piece(ELLIPSIS))
            break
        kept.append(piece)
        room -= units(piece.text)
    return kept


def to_plain(run: Iterable[Piece]) -> str:
    """What a reader sees, with no markup at all."""
    return "".join(piece.text for piece in run).strip()


def to_rich(run: Iterable[Piece]) -> list[dict[str, Any]]:
    """Elements of a rich_text_section."""
    return [_rich(piece) for piece in run]


def to_mrkdwn(run: Sequence[Piece]) -> str | None:
    """A mrkdwn string with every leaf escaped; None where a text could be read as markup.

    Emphasis is dropped: Slack shows its asterisks wherever no space stands beside them, as in Chinese.
    """
    written: list[str] = []
    bare: list[str] = []
    for index, piece in enumerate(run):
        before = run[index - 1].text[-1:] if index else ""
        after = run[index + 1].text[:1] if index + 1 < len(run) else ""
        if piece.kind == "text" or (piece.kind == "code" and (before.strip() or after.strip() or "`" in piece.text)):
            written.append(escape(piece.text))
            bare.append(piece.text)
        elif piece.kind == "link" and _MARKUP.search(piece.text):
            return None
        else:
            written.append(_marked(piece))
            bare.append("x")  # keeps the texts beside it apart
    return None if _MARKUP.search("".join(bare)) else "".join(written).strip()


def _walk(inline: object, reader: Reader, said: Language) -> Iterator[Piece]:
    match inline:
        case Ours():
            yield Piece(inline.text)
        case Words():
            for part in said.parts(inline):
                yield from _walk(part, reader, said)
        case Span():
            for part in inline.parts:
                yield from _walk(part, reader, said)
        case Bold():
            for piece in _walk(inline.content, reader, said):
                yield replace(piece, bold=True)
        case Badge():
            yield Piece(_DOTS[inline.tone] + " ")
            yield from _walk(inline.label, reader, said)
        case Link():
            yield _link(to_plain(pieces(inline.label, reader)), inline.url)
        case Mention():
            yield _mention(inline, reader)
        case Instant():
            yield _instant(inline, reader, said)
        case _:
            yield _leaf(inline, said)


def _leaf(value: object, said: Language) -> Piece:
    match value:
        case Text():
            return Piece(clean(value.content))
        case Code():
            return Piece(clean(value.content).strip(), "code")
        case Day():
            return Piece(said.day(value.on))
        case Amount():
            return Piece(said.money(value.money.amount, value.money.currency))
        case Number():
            shown = said.share if value.share else said.number
            return Piece(shown(value.value, value.decimals))
        case bool() | None:
            return Piece(str(value))
        case int() | Decimal():
            return Piece(said.number(value, 2))
        case _:
            return Piece(clean(str(value)))


def _link(label: str, url: str) -> Piece:
    # Everything that may end a link early is percent-encoded; what is encoded already stays as it is.
    address = quote(url, safe=":/?#[]@!$&'()*+,;=%~", errors="replace")
    if units(address) > MAX_URL:
        return Piece(label)
    return Piece(label or cut(address, 80), "link", address)


def _mention(mention: Mention, reader: Reader) -> Piece:
    person = reader.people.get(mention.member_id, "")
    name = cut(clean(mention.name), _MAX_NAME)
    return Piece("@" + name, "user", person) if _PERSON.fullmatch(person) else Piece(name)


def _instant(instant: Instant, reader: Reader, said: Language) -> Piece:
    if instant.style == "time":
        shown = said.time(instant.at, reader.zone)
    elif instant.style == "date":
        shown = said.day(instant.at.astimezone(reader.zone).date())
    else:
        shown = said.moment(instant.at, reader.zone)
    return Piece(f"{shown} {reader.zone.key}", "date", _DATE_FORMATS[instant.style], int(instant.at.timestamp()))


def _rich(piece: Piece) -> dict[str, Any]:
    look = {name: True for name, on in (("bold", piece.bold), ("code", piece.kind == "code")) if on}
    style = {"style": look} if look else {}
    match piece.kind:
        case "link":
            return {"type": "link", "url": piece.target, "text": piece.text, **style}
        case "user":
            return {"type": "user", "user_id": piece.target, **style}
        case "date":
            shown = {"timestamp": piece.at, "format": piece.target, "fallback": piece.text}
            return {"type": "date", **shown, **style}
        case _:
            return {"type": "text", "text": piece.text, **style}


def _marked(piece: Piece) -> str:
    shown = escape(piece.text)
    match piece.kind:
        case "link":
            return f"<{piece.target.replace('&', '&amp;')}|{shown}>"
        case "user":
            return f"<@{piece.target}>"
        case "date":
            return f"<!date^{piece.at}^{piece.target}|{shown}>"
        case _:
            return f"`{shown}`"
