"""Block Kit's blocks, and which of them a message, a home page and a modal may hold.

The blocks for assistants and agents (card, carousel, container, alert, plan, task_card, context_actions) are not
modelled: a payload that holds one is refused as an unsupported type.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, model_validator

from bot.sandbox.slack.composition import (
    Id,
    Mrkdwn,
    Part,
    PictureUrl,
    Plain150,
    Plain2000,
    PlainText,
    SlackFileRef,
    Text,
    at_most,
    fault,
)
from bot.sandbox.slack.elements import AnyAccessory, AnyAction, AnyInput, Picture
from bot.sandbox.slack.rich_text import RichTextBlock

Surface = Literal["message", "home", "modal"]
MAX_BLOCKS: dict[Surface, int] = {"message": 50, "home": 100, "modal": 100}


class Block(Part):
    """Any block."""

    block_id: Id | None = None


class Section(Block):
    """Text, up to ten fields, and perhaps an accessory."""

    type: Literal["section"]
    text: Annotated[Text, at_most(3000)] | None = None
    fields: Annotated[list[Annotated[Text, at_most(2000)]], Field(min_length=1, max_length=10)] | None = None
    accessory: AnyAccessory | None = None
    expand: bool = False

    @model_validator(mode="after")
    def _something(self) -> Section:
        if self.text is None and self.fields is None:
            raise fault("missing required field: text or fields")
        return self


class Divider(Block):
    """A line."""

    type: Literal["divider"]


class Header(Block):
    """A title."""

    type: Literal["header"]
    text: Plain150
    level: Annotated[int, Field(ge=1, le=4)] | None = None


class Context(Block):
    """Small print."""

    type: Literal["context"]
    elements: Annotated[
        list[Annotated[PlainText | Mrkdwn | Picture, Field(discriminator="type"), at_most(2000)]],
        Field(min_length=1, max_length=10),
    ]


class Actions(Block):
    """A row of things to press."""

    type: Literal["actions"]
    elements: Annotated[list[AnyAction], Field(min_length=1, max_length=25)]


class Image(Block):
    """A picture."""

    type: Literal["image"]
    alt_text: Annotated[str, Field(min_length=1, max_length=2000)]
    title: Plain2000 | None = None
    image_url: PictureUrl | None = None
    slack_file: SlackFileRef | None = None

    @model_validator(mode="after")
    def _source(self) -> Image:
        if (self.image_url is None) == (self.slack_file is None):
            raise fault("exactly one of image_url and slack_file must be given")
        return self


class Markdown(Block):
    """Standard Markdown."""

    type: Literal["markdown"]
    text: Annotated[str, Field(min_length=1, max_length=12_000)]


class Input(Block):
    """A labelled input."""

    type: Literal["input"]
    label: Plain2000
    element: AnyInput
    hint: Plain2000 | None = None
    optional: bool = False
    dispatch_action: bool = False


class Call(Block):
    """A call registered with calls.add."""

    type: Literal["call"]
    call_id: Annotated[str, Field(min_length=1)]


class Video(Block):
    """An embedded film."""

    type: Literal["video"]
    alt_text: str
    title: Annotated[PlainText, at_most(199)]
    video_url: PictureUrl
    thumbnail_url: PictureUrl
    title_url: PictureUrl | None = None
    description: PlainText | None = None
    author_name: Annotated[str, Field(max_length=49)] | None = None
    provider_name: str | None = None
    provider_icon_url: PictureUrl | None = None


class RawText(Part):
    """A table cell of words."""

    type: Literal["raw_text"]
    text: Annotated[str, Field(min_length=1)]


class RawNumber(Part):
    """A table cell of a number, with the text it is shown as."""

    type: Literal["raw_number"]
    value: int | float
    text: Annotated[str, Field(min_length=1)] | None = None


class ColumnSettings(Part):
    """How a column is laid out."""

    align: Literal["left", "center", "right"] = "left"
    is_wrapped: bool = False


Cell = Annotated[RawText | RawNumber | RichTextBlock, Field(discriminator="type")]


class Table(Block):
    """At most 100 rows of at most 20 cells, every row with as many; one table in a message."""

    type: Literal["table"]
    rows: Annotated[
        list[Annotated[list[Cell], Field(min_length=1, max_length=20)]], Field(min_length=1, max_length=100)
    ]
    column_settings: Annotated[list[ColumnSettings | None], Field(max_length=20)] | None = None

    @model_validator(mode="after")
    def _even(self) -> Table:
        if len({len(row) for row in self.rows}) > 1:
            raise fault("all rows must have the same number of cells")
        return self


_Common = Section | Divider | Header | Context | Actions | Image | Input | Video | RichTextBlock
_MESSAGE: TypeAdapter[Any] = TypeAdapter(
    list[Annotated[_Common | Markdown | Table | Call, Field(discriminator="type")]]
)
_VIEW: TypeAdapter[Any] = TypeAdapter(list[Annotated[_Common, Field(discriminator="type")]])
ADAPTERS: dict[Surface, TypeAdapter[Any]] = {"message": _MESSAGE, "home": _VIEW, "modal": _VIEW}
