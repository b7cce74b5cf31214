"""A neutral message as Block Kit: a pure function of the message and its reader; every limit of Slack holds.

A message is written with generous lengths first; where the whole is too long for Slack it is written again with shorter
ones. What is cut ends in an ellipsis, a list says how many items were left out, and a table never loses a row.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bot.chat.nodes import (
    Action,
    Actions,
    Block,
    Bullets,
    Call,
    Chart,
    Divider,
    Facts,
    Footnote,
    Heading,
    Image,
    Inline,
    Message,
    Paragraph,
    Table,
)
from bot.errors import PayloadRefused
from bot.platforms.slack.inline import Piece, clip, cut, escape, pieces, to_mrkdwn, to_plain, to_rich, units
from bot.ports import Reader
from bot.words import Words, _

PLATFORM = "slack"
ACTION_PREFIX = "stocktide:"

MAX_MESSAGE_BLOCKS = 50
MAX_VIEW_BLOCKS = 100
MAX_HEADER = 150
MAX_FIELD = 2000
MAX_FIELDS = 10
MAX_CONTEXT = 2000
MAX_ALT = 1000
MAX_VALUE = 2000
MAX_SUMMARY = 300
MAX_TOTAL = 12_000
MAX_TABLE = 9_500  # Slack counts the cells of a message together, up to 10,000
MAX_FACTS = 20

_NOTHING = "–"
_SEPARATOR = " · "

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Rendered:
    """A message for Slack: `text` for notifications and screen readers (escaped mrkdwn), and the blocks."""

    text: str
    blocks: list[Json]


@dataclass(frozen=True, slots=True)
class _Caps:
    """Longest visible text per part, in UTF-16 units; a link whose address is longer than `url` is written bare.

    With no room for addresses at all, mrkdwn gives way to plain text too: escapes take up to five times the room.
    """

    block: int
    cell: int
    fact: int
    label: int
    url: int


# The last one fits whatever the neutral model allows: 3 tables of 168 cells, and 27 other blocks.
_LEVELS = (
    _Caps(block=2900, cell=300, fact=600, label=75, url=3000),
    _Caps(block=1200, cell=120, fact=200, label=75, url=600),
    _Caps(block=400, cell=50, fact=80, label=40, url=200),
    _Caps(block=120, cell=20, fact=30, label=24, url=0),
    _Caps(block=60, cell=8, fact=4, label=6, url=0),
)


def render(message: Message, reader: Reader, files: Sequence[str] = ()) -> Rendered:
    """The message for a conversation; `files` are the ids of its pictures in order (none: their text is shown)."""
    return _fitting(message, reader, files, home=False)


def render_home(message: Message, reader: Reader, files: Sequence[str] = ()) -> Json:
    """The message as an App Home view; Slack has no tables there, so they become lists."""
    return {"type": "home", "blocks": _fitting(message, reader, files, home=True).blocks}


def render_line(words: Words, reader: Reader) -> Rendered:
    """One line, such as the answer to a button."""
    run = clip(pieces(words, reader), _LEVELS[0].block) or [Piece(_NOTHING)]
    return Rendered(_summary(words, reader), [_rich_text(_section(run))])


def _fitting(message: Message, reader: Reader, files: Sequence[str], *, home: bool) -> Rendered:
    text = _summary(message.summary, reader)
    for caps in _LEVELS:
        blocks = _Writer(message, reader, files, caps, home=home).blocks()
        tables = [block for block in blocks if block["type"] == "table"]
        if units(text) + weight(blocks) <= MAX_TOTAL and weight(tables) <= MAX_TABLE:
            return Rendered(text, blocks)
    raise PayloadRefused("the message is too long for Slack at its shortest")


def weight(part: object) -> int:
    """The visible text in a piece of Block Kit, with addresses and fallbacks, in UTF-16 units."""
    if isinstance(part, list):
        return sum(weight(item) for item in part)
    if not isinstance(part, dict):
        return 0
    return sum(
        units(value) if isinstance(value, str) and key in {"text", "fallback", "alt_text", "url"} else weight(value)
        for key, value in part.items()
    )


class _Writer:
    """Writes one message at one level of lengths."""

    def __init__(self, message: Message, reader: Reader, files: Sequence[str], caps: _Caps, *, home: bool) -> None:
        self.message = message
        self.reader = reader
        self.caps = caps
        self.files = iter(files)
        self.buttons = 0
        self.home = home
        self.table_taken = home
        most = MAX_VIEW_BLOCKS if home else MAX_MESSAGE_BLOCKS
        sections = [
            -(-min(len(block.pairs), MAX_FACTS) // MAX_FIELDS) for block in message.blocks if isinstance(block, Facts)
        ]
        self.grid = len(message.blocks) - len(sections) + sum(sections) <= most

    def blocks(self) -> list[Json]:
        """All blocks; the summary stands in for a message with nothing to show."""
        written = [part for block in self.message.blocks for part in self._block(block)]
        return written or render_line(self.message.summary, self.reader).blocks

    def _block(self, block: Block) -> Iterator[Json]:
        match block:
            case Bullets():
                if items := list(self._items(block)):
                    yield _rich_text(_list(items))
            case Facts():
                yield from self._facts(block)
            case Divider():
                yield {"type": "divider"}
            case Table():
                yield self._table(block)
            case Image() | Chart():
                yield self._image(block)
            case Actions():
                yield {"type": "actions", "elements": [self._button(button) for button in block.buttons]}
            case Call():
                if (call := block.on(PLATFORM)) and not self.home:
                    yield {"type": "call", "call_id": call}
            case _:
                yield from self._prose(block)

    def _prose(self, block: Heading | Paragraph | Footnote) -> Iterator[Json]:
        run = self._run(block.content, MAX_HEADER if isinstance(block, Heading) else self.caps.block)
        if not to_plain(run):
            return
        match block:
            case Heading():
                yield {"type": "header", "text": _plain(cut(to_plain(run), MAX_HEADER))}
            case Paragraph():
                yield _rich_text(_section(run))
            case Footnote():
                yield {"type": "context", "elements": [self._small(run)]}

    def _run(self, content: Inline, limit: int) -> list[Piece]:
        return [
            replace(piece, kind="text", target="")
            if piece.kind == "link" and units(piece.target) > self.caps.url
            else piece
            for piece in clip(pieces(content, self.reader), limit)
        ]

    def _items(self, block: Bullets) -> Iterator[list[Piece]]:
        room = self.caps.block
        for index, item in enumerate(block.items):
            left = len(block.items) - index
            run = self._run(item, max(room, 1)) or [Piece(_NOTHING)]
            size = sum(units(piece.text) for piece in run)
            if left > 1 and room - size < self.caps.block // 10:
                yield self._run(_("… and {count} more", count=left), self.caps.block)
                return
            yield run
            room -= size

    def _facts(self, block: Facts) -> Iterator[Json]:
        pairs = [(self._run(label, self.caps.fact), self._run(value, self.caps.fact)) for label, value in block.pairs]
        if len(pairs) > MAX_FACTS:
            more = self._run(_("… and {count} more", count=len(pairs) - MAX_FACTS + 1), self.caps.block)
            pairs = [*pairs[: MAX_FACTS - 1], (more, [])]
        if self.grid:
            for start in range(0, len(pairs), MAX_FIELDS):
                fields = [self._field(label, value) for label, value in pairs[start : start + MAX_FIELDS]]
                yield {"type": "section", "fields": fields}
        elif pairs:
            yield _rich_text(_list([[*_bold(label), Piece(": "), *value] for label, value in pairs]))

    def _small(self, run: Sequence[Piece]) -> Json:
        written = to_mrkdwn(run) if self.caps.url else None
        if written and units(written) <= MAX_CONTEXT:
            return _mrkdwn(written)
        return _plain(cut(to_plain(run), MAX_CONTEXT))

    def _field(self, label: Sequence[Piece], value: Sequence[Piece]) -> Json:
        name, shown = (to_mrkdwn(label), to_mrkdwn(value)) if self.caps.url else (None, None)
        if name and shown is not None and units(written := f"*{name}*\n{shown}".strip()) <= MAX_FIELD:
            return _mrkdwn(written)
        return _plain(cut(f"{to_plain(label)}\n{to_plain(value)}".strip() or _NOTHING, MAX_FIELD))

    def _table(self, table: Table) -> Json:
        titles = [_bold(self._run(column.title, self.caps.cell)) for column in table.columns]
        rows = [[self._run(cell, self.caps.cell) for cell in row] for row in table.rows]
        if self.table_taken:
            lines = [_section(_joined(titles))]
            return _rich_text(*lines, *([_list([_joined(row) for row in rows])] if rows else []))
        self.table_taken = True
        settings = [
            {"align": "right" if column.align == "end" else "left", "is_wrapped": column.align == "start"}
            for column in table.columns
        ]
        cells = [[_cell(cell) for cell in row] for row in (titles, *rows)]
        return {"type": "table", "column_settings": settings, "rows": cells}

    def _image(self, image: Image | Chart) -> Json:
        shown = cut(to_plain(self._run(image.alt, min(MAX_ALT, self.caps.block))) or _NOTHING, MAX_ALT)
        if file := next(self.files, ""):
            return {"type": "image", "slack_file": {"id": file}, "alt_text": shown}
        return {"type": "context", "elements": [_plain(shown)]}

    def _button(self, action: Action) -> Json:
        label = to_plain(self._run(action.label, self.caps.label)) or _NOTHING
        if units(action.token) > MAX_VALUE:
            raise PayloadRefused("a button's token is longer than Slack carries")
        button: Json = {"type": "button", "action_id": f"{ACTION_PREFIX}{self.buttons}", "text": _plain(label)}
        self.buttons += 1
        if action.token:
            button["value"] = action.token
        if action.style != "plain":
            button["style"] = action.style
        return button


def _summary(words: Words, reader: Reader) -> str:
    return escape(to_plain(clip(pieces(words, reader), MAX_SUMMARY))) or _NOTHING


def _plain(text: str) -> Json:
    # Without `emoji` a name such as :fire: stays as it is.
    return {"type": "plain_text", "text": text, "emoji": False}


def _mrkdwn(text: str) -> Json:
    # `verbatim` keeps Slack from making links of what merely looks like one.
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def _bold(run: Sequence[Piece]) -> list[Piece]:
    return [replace(piece, bold=True) for piece in run]


def _joined(cells: Sequence[Sequence[Piece]]) -> list[Piece]:
    joined: list[Piece] = []
    for index, cell in enumerate(cells):
        joined += [Piece(_SEPARATOR)] if index else []
        joined += cell or [Piece(_NOTHING)]
    return joined


def _cell(run: Sequence[Piece]) -> Json:
    if all(piece.kind == "text" and not piece.bold for piece in run):
        return {"type": "raw_text", "text": to_plain(run) or _NOTHING}
    return _rich_text(_section(run))


def _rich_text(*elements: Json) -> Json:
    return {"type": "rich_text", "elements": list(elements)}


def _section(run: Sequence[Piece]) -> Json:
    return {"type": "rich_text_section", "elements": to_rich(run)}


def _list(items: Sequence[Sequence[Piece]]) -> Json:
    return {"type": "rich_text_list", "style": "bullet", "elements": [_section(item) for item in items]}
