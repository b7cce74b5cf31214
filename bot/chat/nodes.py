"""The tree a message is made of; each platform's renderer escapes the leaves, so a name can never become markup.

Inline nodes stand inside sentences and table cells; blocks stand below each other. `Words` (see `bot.words`) is an
inline node whose values may be inline nodes themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

from bot.domain.chart import Drawn
from bot.domain.money import Money
from bot.words import Words

MAX_ROWS = 20  # rows of one table on one page
MAX_COLUMNS = 8
MAX_BLOCKS = 30
MAX_ACTIONS = 12  # in one Actions block

Tone = Literal["plain", "good", "warn", "bad"]
InstantStyle = Literal["time", "date", "date_time"]


@dataclass(frozen=True, slots=True)
class Text:
    """Literal text of any origin; always escaped."""

    content: str


@dataclass(frozen=True, slots=True)
class Bold:
    """Emphasised inline content."""

    content: Inline


@dataclass(frozen=True, slots=True)
class Code:
    """A code such as a SKU, in the platform's fixed-width style."""

    content: str


@dataclass(frozen=True, slots=True)
class Link:
    """A link that we made; `url` is http(s) or the message is refused."""

    label: Words | Text
    url: str

    def __post_init__(self) -> None:
        """Refuse schemes that run things."""
        if not self.url.startswith(("https://", "http://")):
            raise ValueError(f"a link must be http or https, not {self.url[:20]!r}")


@dataclass(frozen=True, slots=True)
class Instant:
    """A moment, shown to each reader in their own zone; `at` is aware."""

    at: datetime
    style: InstantStyle = "date_time"

    def __post_init__(self) -> None:
        """Refuse naive times."""
        if self.at.tzinfo is None:
            raise ValueError("an Instant needs an aware datetime")


@dataclass(frozen=True, slots=True)
class Day:
    """A calendar date that is the same for every reader (an arrival date at a warehouse)."""

    on: date


@dataclass(frozen=True, slots=True)
class Mention:
    """A member, by id; the renderer pings their identity on its platform or writes the name."""

    member_id: int
    name: str


@dataclass(frozen=True, slots=True)
class Amount:
    """Money, formatted for the reader's language."""

    money: Money


@dataclass(frozen=True, slots=True)
class Number:
    """A figure, formatted for the reader's language with at most `decimals` decimals; `share` shows a percentage."""

    value: int | Decimal
    decimals: int = 0
    share: bool = False


@dataclass(frozen=True, slots=True)
class Badge:
    """A short word with a tone (shown with a coloured dot)."""

    label: Words
    tone: Tone = "plain"


@dataclass(frozen=True, slots=True)
class Span:
    """Inline nodes side by side, with nothing put between them."""

    parts: tuple[Inline, ...]


Inline = Text | Bold | Code | Link | Instant | Day | Mention | Amount | Number | Badge | Span | Words


@dataclass(frozen=True, slots=True)
class Heading:
    """The title of a message or of a part of it."""

    content: Inline


@dataclass(frozen=True, slots=True)
class Paragraph:
    """One paragraph."""

    content: Inline


@dataclass(frozen=True, slots=True)
class Bullets:
    """A short list."""

    items: tuple[Inline, ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """Pairs of a label and a value, laid out in a grid where the platform can (at most 20)."""

    pairs: tuple[tuple[Words, Inline], ...]


@dataclass(frozen=True, slots=True)
class Footnote:
    """Small print: sources, times, what was left out."""

    content: Inline


@dataclass(frozen=True, slots=True)
class Divider:
    """A line between parts."""


@dataclass(frozen=True, slots=True)
class Column:
    """A table column."""

    title: Words
    align: Literal["start", "end"] = "start"


@dataclass(frozen=True, slots=True)
class Table:
    """One page of a table: at most MAX_ROWS rows and MAX_COLUMNS columns; see `bot.chat.paging` for the buttons."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Inline, ...], ...]

    def __post_init__(self) -> None:
        """Refuse ragged or oversized tables: a page is cut by `paging`, never here."""
        if len(self.rows) > MAX_ROWS or not 1 <= len(self.columns) <= MAX_COLUMNS:
            raise ValueError(f"a table page holds {MAX_ROWS} rows and {MAX_COLUMNS} columns at most")
        if any(len(row) != len(self.columns) for row in self.rows):
            raise ValueError("every row needs a cell per column")


@dataclass(frozen=True, slots=True)
class Image:
    """A picture (PNG) with the text that says what it shows."""

    png: bytes
    alt: Words


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart with the text that says what it shows; it becomes an Image in its reader's language before it is sent."""

    of: Drawn
    alt: Words


@dataclass(frozen=True, slots=True)
class Action:
    """A button: pressing it is `command` with `arguments`, done by the person who pressed.

    `token` is the opaque id that travels; it is empty until `services.buttons` has stored the button. `page` asks for a
    page of a long answer and edits the message in place. `login` is an https address of ours: a platform that vouches
    for people itself opens it in the browser, signed for whoever presses; everywhere else the button is ordinary.
    """

    label: Words
    command: str
    arguments: tuple[str, ...] = ()
    style: Literal["plain", "primary", "danger"] = "plain"
    page: int = 1
    in_place: bool = False
    token: str = ""
    login: str = ""


@dataclass(frozen=True, slots=True)
class Actions:
    """A row (or rows) of buttons."""

    buttons: tuple[Action, ...]


@dataclass(frozen=True, slots=True)
class Call:
    """A video call as platforms list it: pairs of a platform's name and its id there. Only they draw it."""

    ids: tuple[tuple[str, str], ...]

    def on(self, platform: str) -> str:
        """Its id on a platform, empty where it has none."""
        return dict(self.ids).get(platform, "")


Block = Heading | Paragraph | Bullets | Facts | Footnote | Divider | Table | Image | Chart | Actions | Call


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that a message brings."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Message:
    """What is said: `summary` is the one-line text of a notification, `blocks` the message itself.

    `subject` (case:12, request:7) is what it shows in full: where an answer can be edited later, it is kept up to date.
    `asks`: the reader's next line answers it, and the platform may open the field for it. `private`: for the asker
    alone, whatever the audience of the command that answers with it. A message that brings a `file` is no more than the
    words beside it: it is never edited.
    """

    summary: Words
    blocks: tuple[Block, ...]
    subject: str = ""
    asks: bool = False
    private: bool = False
    file: Attachment | None = None

    def __post_init__(self) -> None:
        """Refuse a message that no platform would take."""
        if not 1 <= len(self.blocks) <= MAX_BLOCKS:
            raise ValueError(f"a message holds 1 to {MAX_BLOCKS} blocks, not {len(self.blocks)}")
        if sum(isinstance(block, Table) for block in self.blocks) > 3:
            raise ValueError("a message holds at most three tables")
        for block in self.blocks:
            if isinstance(block, Actions) and not 1 <= len(block.buttons) <= MAX_ACTIONS:
                raise ValueError(f"1 to {MAX_ACTIONS} buttons stand in a row of actions")
