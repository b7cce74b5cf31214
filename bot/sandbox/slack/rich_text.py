"""Slack's rich text: sections, lists, quotes and preformatted runs of typed leaves."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from bot.sandbox.slack.composition import Id, Part, Url, fault
from bot.sandbox.slack.dates import fault_of


class LeafStyle(Part):
    """How a leaf is emphasised."""

    bold: bool = False
    italic: bool = False
    strike: bool = False
    code: bool = False
    underline: bool = False
    highlight: bool = False
    client_highlight: bool = False
    unlink: bool = False


class Leaf(Part):
    """Any leaf."""

    style: LeafStyle | None = None


class TextLeaf(Leaf):
    """Words."""

    type: Literal["text"]
    text: Annotated[str, Field(min_length=1)]


class LinkLeaf(Leaf):
    """A link."""

    type: Literal["link"]
    url: Url
    text: Annotated[str, Field(min_length=1)] | None = None
    unsafe: bool = False


class UserLeaf(Leaf):
    """A person mentioned."""

    type: Literal["user"]
    user_id: str


class ChannelLeaf(Leaf):
    """A channel mentioned."""

    type: Literal["channel"]
    channel_id: str


class GroupLeaf(Leaf):
    """A user group mentioned."""

    type: Literal["usergroup"]
    usergroup_id: str


class BroadcastLeaf(Leaf):
    """Everyone mentioned."""

    type: Literal["broadcast"]
    range: Literal["here", "channel", "everyone"]


class EmojiLeaf(Leaf):
    """An emoji by name."""

    type: Literal["emoji"]
    name: Annotated[str, Field(min_length=1)]
    unicode: str | None = None
    skin_tone: Annotated[int, Field(ge=1, le=6)] | None = None


class ColourLeaf(Leaf):
    """A colour swatch."""

    type: Literal["color"]
    value: Annotated[str, Field(pattern=r"^#[0-9A-Fa-f]{6}$")]


class DateLeaf(Leaf):
    """An instant, shown in each reader's zone."""

    type: Literal["date"]
    timestamp: int
    format: Annotated[str, Field(min_length=1)]
    url: Url | None = None
    fallback: str | None = None

    @model_validator(mode="after")
    def _format(self) -> DateLeaf:
        if found := fault_of(str(self.timestamp), self.format):
            raise fault(found)
        return self


AnyLeaf = Annotated[
    TextLeaf | LinkLeaf | UserLeaf | ChannelLeaf | GroupLeaf | BroadcastLeaf | EmojiLeaf | ColourLeaf | DateLeaf,
    Field(discriminator="type"),
]
CodeLeaf = Annotated[TextLeaf | LinkLeaf, Field(discriminator="type")]
Border = Annotated[int, Field(ge=0, le=1)]


class RichSection(Part):
    """One paragraph."""

    type: Literal["rich_text_section"]
    elements: list[AnyLeaf]


class RichList(Part):
    """A list; `indent` reaches from 0 to 8."""

    type: Literal["rich_text_list"]
    elements: Annotated[list[RichSection], Field(min_length=1)]
    style: Literal["bullet", "ordered"]
    indent: Annotated[int, Field(ge=0, le=8)] = 0
    offset: Annotated[int, Field(ge=0)] = 0
    border: Border = 0


class RichQuote(Part):
    """A quotation."""

    type: Literal["rich_text_quote"]
    elements: list[AnyLeaf]
    border: Border = 0


class RichPreformatted(Part):
    """Fixed-width lines: words and links only."""

    type: Literal["rich_text_preformatted"]
    elements: list[CodeLeaf]
    border: Border = 0
    language: str | None = None


class RichTextBlock(Part):
    """A block of rich text."""

    type: Literal["rich_text"]
    block_id: Id | None = None
    elements: Annotated[
        list[Annotated[RichSection | RichList | RichQuote | RichPreformatted, Field(discriminator="type")]],
        Field(min_length=1),
    ]
