"""Block Kit's composition objects: texts, options, confirmations. One model per type, and nothing beyond its fields."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from bot.sandbox.slack import mrkdwn


def fault(words: str) -> PydanticCustomError:
    """An error in Slack's own words; braces are not places to fill."""
    return PydanticCustomError("slack", "{words}", {"words": words})


class Part(BaseModel):
    """Anything inside a block: types are not coerced and unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class PlainText(Part):
    """Text without markup."""

    type: Literal["plain_text"]
    text: Annotated[str, Field(min_length=1)]
    emoji: bool = True


class Mrkdwn(Part):
    """Text with Slack's markup; its dates must be well formed."""

    type: Literal["mrkdwn"]
    text: Annotated[str, Field(min_length=1)]
    verbatim: bool = False

    @model_validator(mode="after")
    def _dates(self) -> Mrkdwn:
        for found in mrkdwn.faults(self.text):
            raise fault(found)
        return self


Text = Annotated[PlainText | Mrkdwn, Field(discriminator="type")]


def at_most(characters: int) -> AfterValidator:
    """Refuse a text object longer than that; anything else passes."""

    def check(item: Any) -> Any:  # noqa: ANN401  # serves every text object
        if len(getattr(item, "text", "")) > characters:
            raise fault(f"must be less than {characters + 1} characters")
        return item

    return AfterValidator(check)


def _matches(pattern: str, words: str) -> Callable[[str], str]:
    def check(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise fault(words)
        return value

    return check


Plain75 = Annotated[PlainText, at_most(75)]
Plain150 = Annotated[PlainText, at_most(150)]
Plain2000 = Annotated[PlainText, at_most(2000)]
Id = Annotated[str, Field(min_length=1, max_length=255)]
Url = Annotated[str, Field(max_length=3000), AfterValidator(_matches(r"(https?|slack|mailto|tel):\S+", "Invalid URL"))]
PictureUrl = Annotated[str, Field(max_length=3000), AfterValidator(_matches(r"https?://\S+", "Invalid URL"))]
Day = Annotated[str, AfterValidator(_matches(r"\d{4}-\d\d-\d\d", "must be a date YYYY-MM-DD"))]
TimeOfDay = Annotated[str, AfterValidator(_matches(r"([01]\d|2[0-3]):[0-5]\d", "must be a time HH:mm"))]
Style = Literal["primary", "danger"]


class Option(Part):
    """A choice of a menu, whose text is plain."""

    text: Plain75
    value: Annotated[str, Field(min_length=1, max_length=150)]
    description: Plain75 | None = None
    url: Url | None = None


class MarkedOption(Part):
    """A choice of radio buttons or checkboxes, whose text may be mrkdwn."""

    text: Annotated[Text, at_most(75)]
    value: Annotated[str, Field(min_length=1, max_length=150)]
    description: Annotated[Text, at_most(75)] | None = None


class OptionGroup(Part):
    """Choices under a label."""

    label: Plain75
    options: Annotated[list[Option], Field(min_length=1, max_length=100)]


class Confirm(Part):
    """Asks "are you sure"."""

    title: Annotated[PlainText, at_most(100)]
    text: Annotated[Text, at_most(300)]
    confirm: Annotated[PlainText, at_most(30)] | None = None
    deny: Annotated[PlainText, at_most(30)] | None = None
    style: Style | None = None


class Dispatch(Part):
    """When an input sends its value."""

    trigger_actions_on: Annotated[
        list[Literal["on_enter_pressed", "on_character_entered"]], Field(min_length=1, max_length=2)
    ]


class ConversationFilter(Part):
    """Which conversations a menu offers."""

    include: Annotated[list[Literal["im", "mpim", "private", "public"]], Field(min_length=1)] | None = None
    exclude_external_shared_channels: bool = False
    exclude_bot_users: bool = False


class SlackFileRef(Part):
    """An uploaded file, by id or by its private address; exactly one."""

    id: str | None = None
    url: str | None = None

    @model_validator(mode="after")
    def _one(self) -> SlackFileRef:
        if (self.id is None) == (self.url is None):
            raise fault("exactly one of id and url must be given")
        return self
