"""The renderer: a neutral message to Telegram text with entities, an inline keyboard and pictures.

Never HTML or Markdown: text goes out as it stands, and what lies over it is a list of entities counted in UTF-16 units,
so a name can never become markup. What Telegram would make into links by itself is broken up (see `text`).

Limits hold by construction. The message is put into words under a plan; while it is too long or has too many entities
the next, smaller plan is tried: shorter leaves and cells first, and of the entities decoration first. Text gives way
before a table row does, and whatever was shortened shows an ellipsis.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import assert_never

from telegram import MessageEntity, User

from bot.chat.nodes import (
    Actions,
    Block,
    Bold,
    Bullets,
    Call,
    Chart,
    Divider,
    Facts,
    Footnote,
    Heading,
    Image,
    Message,
    Paragraph,
    Table,
)
from bot.language import language
from bot.platforms.telegram.keyboard import Keyboard, keyboard
from bot.platforms.telegram.runs import (
    BOLD,
    DRESS,
    ITALIC,
    Plan,
    Run,
    Runs,
    Style,
    Voice,
    clip_runs,
    dressed,
    inline,
    plain,
)
from bot.platforms.telegram.tables import table_lines
from bot.platforms.telegram.text import ELLIPSIS, WORD_JOINER, clip_units, units, visible
from bot.ports import Reader
from bot.words import Words, _

MAX_TEXT = 4096
MAX_CAPTION = 1024
MAX_ENTITIES = 100  # Telegram ignores those beyond

_SIZES = (
    (1500, 120), (800, 80), (500, 60), (300, 48), (200, 36), (160, 28), (120, 22), (80, 16), (60, 12), (40, 9), (30, 7),
)  # fmt: skip
_SQUEEZED = ((60, 24), (40, 16), (30, 12), (20, 8), (16, 6), (12, 4), (8, 3), (6, 2), (4, 1))
PLANS = (
    *(Plan(leaf, cell) for leaf, cell in _SIZES),
    *(Plan(leaf, cell, squeezed=True) for leaf, cell in _SQUEEZED),
)
_LINE_SIZES = (300, 200, 120, 80, 60, 40, 30, 20, 12, 8, 5, 3, 1)


@dataclass(frozen=True, slots=True)
class Photo:
    """A picture (PNG) and what it shows, in the reader's language."""

    png: bytes
    alt: str


@dataclass(frozen=True, slots=True)
class Rendered:
    """What Telegram is given: `text` is never empty, entity offsets count UTF-16 units; `asks` for the next line.

    `pressed` is the keyboard without login buttons, for a bot whose owner linked no domain to it.
    """

    text: str
    entities: tuple[MessageEntity, ...]
    keyboard: Keyboard
    pressed: Keyboard
    photos: tuple[Photo, ...]
    asks: bool = False


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of text; a `fixed` one belongs to a table and is never shortened as a whole."""

    runs: Runs
    fixed: bool = False


def render(message: Message, reader: Reader, limit: int = MAX_TEXT) -> Rendered:
    """The message for `reader`, its text at most `limit` UTF-16 units; PayloadRefused where buttons cannot be made."""
    text, entities = _fitted(message, reader, limit)
    speech = Voice(language(reader.language), reader, PLANS[0])
    actions = [button for block in message.blocks if isinstance(block, Actions) for button in block.buttons]
    photos = tuple(
        Photo(block.png, plain(clip_runs(inline(block.alt, speech), 200)))
        for block in message.blocks
        if isinstance(block, Image)
    )
    signing = keyboard(actions, speech)
    bare = [replace(action, login="") for action in actions]
    pressed = signing if bare == actions else keyboard(bare, speech)
    return Rendered(text, entities, signing, pressed, photos, message.asks)


def say(words: Words, reader: Reader, limit: int) -> str:
    """Words alone as one plain line of at most `limit` UTF-16 units, for places where Telegram makes no links."""
    speech = Voice(language(reader.language), reader, Plan(dress=len(DRESS)))
    return clip_units(" ".join(plain(inline(words, speech)).replace(WORD_JOINER, "").split()), limit)


def _fitted(message: Message, reader: Reader, limit: int) -> tuple[str, tuple[MessageEntity, ...]]:
    """Text and entities under the largest plan that fits."""

    def fits(plan: Plan) -> int:
        return units(_joined_text(_lines(message, Voice(language(reader.language), reader, plan)))) <= limit

    # The search may land on too small a plan, as smaller cells can turn cards into a drawn table; never too large.
    first = 0 if fits(PLANS[0]) else bisect_left(PLANS, 1, key=fits)
    for plan in PLANS[first:]:
        for dress in range(len(DRESS)):
            lines = _lines(message, Voice(language(reader.language), reader, replace(plan, dress=dress)))
            text, entities = _assembled(lines)
            if units(text) > limit:
                break
            if len(entities) <= MAX_ENTITIES:
                return text, entities
    smallest = replace(PLANS[-1], dress=len(DRESS) - 1)
    return _assembled(_shortened(_lines(message, Voice(language(reader.language), reader, smallest)), limit))


def _lines(message: Message, speech: Voice) -> list[_Line]:
    """The message line by line, with a blank line between blocks but after a heading."""
    lines: list[_Line] = []
    close = True
    for block in message.blocks:
        written = _block(block, speech)
        if not any(plain(line.runs) for line in written):
            continue
        if not close:
            lines.append(_Line([]))
        lines.extend(written)
        close = isinstance(block, Heading)
    if visible("".join(plain(line.runs) for line in lines)):
        return lines
    summary = inline(message.summary, speech)
    return [_Line(summary if visible(plain(summary)) else [Run(ELLIPSIS)])]


def _block(block: Block, speech: Voice) -> list[_Line]:
    match block:
        case Heading():
            return [_Line(dressed(inline(block.content, speech), BOLD, speech))]
        case Paragraph():
            return [_Line(inline(block.content, speech))]
        case Footnote():
            return [_Line(dressed(inline(block.content, speech), ITALIC, speech))]
        case Bullets():
            return [_Line([Run("• "), *inline(item, speech)]) for item in block.items]
        case Facts():
            return [
                _Line(inline(_("{label}: {value}", label=Bold(label), value=value), speech))
                for label, value in block.pairs
            ]
        case Divider():
            return [_Line([Run("———")])]
        case Table():
            return [_Line(runs, fixed=True) for runs in table_lines(block, speech)]
        case Image() | Chart() | Actions() | Call():
            return []
        case _:
            assert_never(block)


def _shortened(lines: list[_Line], limit: int) -> list[_Line]:
    """The last resort: every line that is no table row cut to the longest length at which the whole fits."""
    for size in _LINE_SIZES:
        cut = [line if line.fixed else _Line(clip_runs(line.runs, size)) for line in lines]
        if units(_joined_text(cut)) <= limit:
            return cut
    cut = [line if line.fixed else _Line(clip_runs(line.runs, 1)) for line in lines]
    while units(_joined_text(cut)) > limit - 2:
        # Rows go only from the caption of a picture, which is four times shorter than a message.
        loose = [index for index, line in enumerate(cut) if not line.fixed] or [len(cut) - 1]
        del cut[loose[-1]]
    return [*cut, _Line([Run(ELLIPSIS)])]


def _joined_text(lines: Iterable[_Line]) -> str:
    return "\n".join(plain(line.runs) for line in lines)


def _assembled(lines: Sequence[_Line]) -> tuple[str, tuple[MessageEntity, ...]]:
    """The whole text, and an entity for each stretch of runs that carries the same style."""
    runs: Runs = []
    for index, line in enumerate(lines):
        if index:
            runs.append(Run("\n"))
        runs.extend(line.runs)
    runs = _trimmed(runs)
    found: list[tuple[int, int, Style]] = []
    open_at: dict[Style, int] = {}
    offset = 0
    for run in (*runs, Run("")):
        ended = [style for style in open_at if style not in run.styles or style.kind == "date_time"]
        found.extend((open_at[style], offset, style) for style in ended)
        open_at = {style: start for style, start in open_at.items() if style not in ended}
        if run.text:
            for style in run.styles:
                open_at.setdefault(style, offset)
        offset += units(run.text)
    found.sort(key=lambda entity: (entity[0], -entity[1]))
    return plain(runs), tuple(_entity(start, end, style) for start, end, style in found)


def _trimmed(runs: Runs) -> Runs:
    """The runs without blanks at either end, which Telegram would cut off and shift every offset."""
    kept = [run for run in runs if run.text]
    while kept and not (first := kept[0].text.lstrip()):
        del kept[0]
    if kept:
        kept[0] = replace(kept[0], text=first)
    while kept and not (last := kept[-1].text.rstrip()):
        del kept[-1]
    if kept:
        kept[-1] = replace(kept[-1], text=last)
    return kept


def _entity(start: int, end: int, style: Style) -> MessageEntity:
    user = User(style.person, style.name, is_bot=False) if style.kind == "text_mention" else None
    return MessageEntity(
        style.kind,
        start,
        end - start,
        url=style.url or None,
        user=user,
        date_time_format=style.shape or None,
        unix_time=style.at,
    )
