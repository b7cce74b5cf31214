"""Slack's mrkdwn, parsed: which mentions, links and dates a text really holds, and which words are emphasised.

A text that was escaped as Slack asks holds none but those its author meant; that is what the injection tests look at.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from html import unescape
from typing import Literal

from bot.sandbox.slack import dates

PieceKind = Literal["text", "user", "channel", "broadcast", "usergroup", "link", "date", "emoji", "call", "break"]
_EMOJI_NAME = r"[a-z0-9_+'-]+"
_PATTERN = re.compile(
    r"```(?P<pre>.+?)```"
    r"|`(?P<code>[^`\n]+)`"
    r"|<(?P<token>[^<>\n]+)>"
    r"|(?<![\w*])\*(?P<bold>(?! )[^*\n]+?(?<! ))\*(?![\w*])"
    r"|(?<![\w_])_(?P<italic>(?! )[^_\n]+?(?<! ))_(?![\w_])"
    r"|(?<![\w~])~(?P<strike>(?! )[^~\n]+?(?<! ))~(?![\w~])"
    rf"|(?<!\w):(?P<emoji>{_EMOJI_NAME}):(?!\w)",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of text.

    `target` is the id mentioned or of a call, the address linked to or the emoji's name; `unix` and `template` serve
    dates, whose `text` is the fallback. `styles` holds bold, italic, strike, code, pre.
    """

    kind: PieceKind
    text: str
    target: str = ""
    unix: int = 0
    template: str = ""
    styles: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Eyes:
    """Whoever looks: their zone, Slack locale, the present instant, and what a person or channel is called."""

    zone: str
    locale: str
    now: datetime
    name_of: Callable[[str], str]

    def read(self, piece: Piece) -> str:
        """A piece as plain words."""
        match piece.kind:
            case "user" | "channel":
                return ("@" if piece.kind == "user" else "#") + self.name_of(piece.target)
            case "call":
                return f"[call: {self.name_of(piece.target)}]"
            case "broadcast" | "usergroup":
                return "@" + piece.target
            case "date":
                return dates.show(piece.unix, piece.template, self.zone, self.locale, self.now)
        return piece.text


def parse(text: str) -> tuple[Piece, ...]:
    """The pieces of a mrkdwn text, entities unescaped."""
    return tuple(_merge(_pieces(text, frozenset())))


def faults(text: str) -> list[str]:
    """What Slack would show as raw markup: dates without a whole timestamp, known tokens or a fallback."""
    found = []
    for token in re.findall(r"<!date([^<>\n]*)>", text):
        unix, template, _link, fallback = _date_parts(token)
        if not fallback:
            found.append("date without a fallback text")
        elif fault := dates.fault_of(unix, template):
            found.append(fault)
    return found


def _merge(pieces: list[Piece]) -> list[Piece]:
    merged: list[Piece] = []
    for piece in pieces:
        last = merged[-1] if merged else None
        if last and last.kind == piece.kind == "text" and last.styles == piece.styles:
            merged[-1] = Piece("text", last.text + piece.text, styles=piece.styles)
        else:
            merged.append(piece)
    return merged


def _pieces(text: str, styles: frozenset[str]) -> list[Piece]:
    found: list[Piece] = []
    end = 0
    for match in _PATTERN.finditer(text):
        if match.start() > end:
            found.append(Piece("text", unescape(text[end : match.start()]), styles=styles))
        found += _one(match, styles)
        end = match.end()
    if end < len(text):
        found.append(Piece("text", unescape(text[end:]), styles=styles))
    return found


def _one(match: re.Match[str], styles: frozenset[str]) -> list[Piece]:
    name = match.lastgroup or ""
    inner = match[name]
    match name:
        case "token":
            return [_token(inner, styles)]
        case "emoji":
            return [Piece("emoji", f":{inner}:", inner, styles=styles)]
        case "pre" | "code":
            # Emphasis is literal inside code, but a mention there still pings.
            parts = re.split(r"<([^<>\n]+)>", inner)
            inside = styles | {name}
            return [
                _token(part, inside) if index % 2 else Piece("text", unescape(part), styles=inside)
                for index, part in enumerate(parts)
                if part
            ]
    return _pieces(inner, styles | {name})


def _token(token: str, styles: frozenset[str]) -> Piece:
    body, _, label = token.partition("|")
    label = unescape(label)
    if body.startswith("@"):
        return Piece("user", label, body[1:], styles=styles)
    if body.startswith("#"):
        return Piece("channel", label, body[1:], styles=styles)
    if body.startswith("!date"):
        unix, template, link, fallback = _date_parts(token.removeprefix("!date"))
        if fallback and not dates.fault_of(unix, template):
            return Piece("date", fallback, link, int(unix), template, styles)
        return Piece("text", fallback or f"<{token}>", styles=styles)
    if body.startswith("!subteam^"):
        return Piece("usergroup", label, body.removeprefix("!subteam^"), styles=styles)
    if body.startswith("!"):
        return Piece("broadcast", label, body[1:].split("^")[0], styles=styles)
    if re.match(r"(https?://|mailto:|tel:)", body):
        return Piece("link", label or unescape(body), unescape(body), styles=styles)
    return Piece("text", unescape(f"<{token}>"), styles=styles)


def _date_parts(token: str) -> tuple[str, str, str, str]:
    body, _, fallback = token.partition("|")
    parts = [*body.split("^"), "", "", ""]
    return parts[1], unescape(parts[2]), parts[3], unescape(fallback)
