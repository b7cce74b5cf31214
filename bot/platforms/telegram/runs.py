"""Inline nodes to runs: pieces of text with the styles that lie over them, before any offset is known."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Literal, assert_never

from babel.dates import get_timezone_location

from bot.chat.nodes import (
    Amount,
    Badge,
    Bold,
    Code,
    Day,
    Inline,
    Instant,
    InstantStyle,
    Link,
    Mention,
    Number,
    Span,
    Text,
    Tone,
)
from bot.domain.money import Money
from bot.language import Language
from bot.language import Literal as Ours
from bot.platforms.telegram.text import apart, clean, clip, cost, cut, in_number, neutralise
from bot.ports import Reader
from bot.words import Words

StyleKind = Literal["italic", "bold", "code", "date_time", "text_mention", "text_link", "pre"]
# What is given up first when a message has too many entities: decoration, and never the text under it.
DRESS: tuple[StyleKind, ...] = ("italic", "bold", "code", "date_time", "text_mention", "text_link", "pre")

_DOTS: dict[Tone, str] = {"plain": "⚪", "good": "🟢", "warn": "🟡", "bad": "🔴"}
_FORMATS: dict[InstantStyle, str] = {"time": "t", "date": "d", "date_time": "dt"}
_LAST_UNIX = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Style:
    """What an entity will say: its kind, and the link, person (a Telegram user id) or instant that it carries."""

    kind: StyleKind
    url: str = ""
    person: int = 0
    name: str = ""
    at: datetime | None = None
    shape: str = ""


BOLD = Style("bold")
ITALIC = Style("italic")
CODE = Style("code")
PRE = Style("pre")


@dataclass(frozen=True, slots=True)
class Run:
    """A piece of text and the styles over it; nothing else overlaps with `code` or `pre`."""

    text: str
    styles: tuple[Style, ...] = ()


Runs = list[Run]


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is shown: columns of a leaf and of a table cell, the kinds of style kept (an index into DRESS), and
    whether table rows are squeezed into one line each.
    """

    leaf: int = 1500
    cell: int = 120
    dress: int = 0
    squeezed: bool = False


@dataclass(frozen=True, slots=True)
class Voice:
    """How nodes are put into words: the reader's language, zone and people, and the plan."""

    language: Language
    reader: Reader
    plan: Plan

    def keeps(self, kind: StyleKind) -> bool:
        """Whether the plan still has styles of that kind."""
        return DRESS.index(kind) >= self.plan.dress


def inline(node: Inline, voice: Voice) -> Runs:
    """The runs of a node."""
    runs: Runs = []
    _write(node, voice, (), runs)
    return runs


def _write(node: object, voice: Voice, styles: tuple[Style, ...], runs: Runs) -> None:
    """Append what `node` says; whatever is no node of ours is a foreign leaf."""
    match node:
        case Words():
            for part in voice.language.parts(node):
                _write(part, voice, styles, runs)
        case Span():
            for part in node.parts:
                _write(part, voice, styles, runs)
        case Ours():
            runs.append(Run(apart(node.text, _before(runs)), styles))
        case Bold():
            _write(node.content, voice, _with(BOLD, voice, styles), runs)
        case Code():
            _code(node, voice, styles, runs)
        case Link():
            _write(node.label, voice, _with(Style("text_link", url=node.url), voice, styles), runs)
        case Mention():
            _mention(node, voice, styles, runs)
        case Instant():
            style = _instant_style(node)
            over = _with(style, voice, styles) if style else styles
            runs.append(Run(apart(_instant_text(node, voice), _before(runs)), over))
        case Text():
            _leaf(node.content, voice, styles, runs)
        case _:
            _write_value(node, voice, styles, runs)


def _write_value(node: object, voice: Voice, styles: tuple[Style, ...], runs: Runs) -> None:
    """Append figures, dates and amounts, written by us; anything else is a foreign leaf."""
    match node:
        case Number():
            write = voice.language.share if node.share else voice.language.number
            text = write(node.value, node.decimals)
        case Amount():
            text = voice.language.money(node.money.amount, node.money.currency)
        case Money():
            text = voice.language.money(node.amount, node.currency)
        case Day():
            text = voice.language.day(node.on)
        case Badge():
            runs.append(Run(_DOTS[node.tone] + " ", styles))
            _write(node.label, voice, styles, runs)
            return
        case bool() | None:
            text = str(node)
        case int() | Decimal():
            text = voice.language.number(node, 2)
        case datetime():
            _write(Instant(node), voice, styles, runs)
            return
        case date():
            text = voice.language.day(node)
        case _:
            _leaf(str(node), voice, styles, runs)
            return
    runs.append(Run(apart(text, _before(runs)), styles))


def _with(style: Style, voice: Voice, styles: tuple[Style, ...]) -> tuple[Style, ...]:
    """The styles with one more, where the plan keeps it; of two that may not overlap the outer one stays."""
    if not voice.keeps(style.kind) or any(_clash(held.kind, style.kind) for held in styles):
        return styles
    return (*styles, style)


def _clash(held: StyleKind, added: StyleKind) -> bool:
    """Telegram lets bold and italic overlap with anything but code; links, mentions and times not with each other."""
    return held == added or not {held, added} & {"bold", "italic"}


def _leaf(content: str, voice: Voice, styles: tuple[Style, ...], runs: Runs) -> None:
    runs.append(Run(neutralise(clip(clean(content), voice.plan.leaf), _before(runs)), styles))


def _before(runs: Runs) -> str:
    """What stands in front, back to a sign that ends any number."""
    text = ""
    for run in reversed(runs):
        text = run.text + text
        if not all(map(in_number, run.text)):
            break
    return text


def _code(node: Code, voice: Voice, styles: tuple[Style, ...], runs: Runs) -> None:
    linked = any(style.kind in {"text_link", "text_mention"} for style in styles)
    if linked or not voice.keeps("code"):
        _leaf(node.content, voice, styles, runs)
    else:
        runs.append(Run(clip(clean(node.content), voice.plan.leaf), (CODE,)))


def _mention(node: Mention, voice: Voice, styles: tuple[Style, ...], runs: Runs) -> None:
    person = voice.reader.people.get(node.member_id, "")
    if person.isascii() and person.isdigit():
        named = Style("text_mention", person=int(person), name=clip(clean(node.name), 60) or person)
        styles = _with(named, voice, styles)
    _leaf(node.name or person, voice, styles, runs)


def _instant_style(node: Instant) -> Style | None:
    unix = int(node.at.timestamp())
    return Style("date_time", at=node.at, shape=_FORMATS[node.style]) if 0 < unix <= _LAST_UNIX else None


def _instant_text(node: Instant, voice: Voice) -> str:
    """What clients show that know no `date_time`: the reader's local time, and the place whose time it is."""
    language, zone = voice.language, voice.reader.zone
    place = get_timezone_location(zone, locale=language.locale, return_city=True).rsplit("/", 1)[-1]
    day, time = language.day(node.at.astimezone(zone).date()), language.time(node.at, zone)
    match node.style:
        case "time":
            return f"{time} ({place})"
        case "date":
            return f"{day} ({place})"
        case "date_time":
            return f"{day} {time} ({place})"
        case _:
            assert_never(node.style)


def clip_runs(runs: Runs, limit: int) -> Runs:
    """At most `limit` columns of the runs, on one line, ended by a visible ellipsis where they were cut."""
    flat = [replace(run, text=run.text.replace("\n", " ")) for run in runs if run.text]
    sizes = [cost(run.text, limit) for run in flat]
    if sum(sizes) <= limit:
        return flat
    used = 0
    for position, (run, size) in enumerate(zip(flat, sizes, strict=True)):
        if used + size >= limit:
            return [*flat[:position], replace(run, text=cut(run.text, limit - used))]
        used += size
    return flat


def plain(runs: Runs) -> str:
    """The text of the runs alone."""
    return "".join(run.text for run in runs)


def dressed(runs: Runs, style: Style, voice: Voice) -> Runs:
    """The runs with one more style over all that may carry it."""
    return [run if CODE in run.styles else replace(run, styles=_with(style, voice, run.styles)) for run in runs]
