"""Block Kit's elements: what stands inside blocks and can be pressed, picked or filled in."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from bot.sandbox.slack.composition import (
    Confirm,
    ConversationFilter,
    Day,
    Dispatch,
    Id,
    MarkedOption,
    Option,
    OptionGroup,
    Part,
    PictureUrl,
    Plain75,
    Plain150,
    SlackFileRef,
    Style,
    TimeOfDay,
    Url,
    fault,
)

Options = Annotated[list[Option], Field(min_length=1, max_length=100)]
MarkedOptions = Annotated[list[MarkedOption], Field(min_length=1, max_length=10)]
AtLeastOne = Annotated[int, Field(ge=1)]


class Actionable(Part):
    """Anything that sends an action."""

    action_id: Id | None = None
    confirm: Confirm | None = None


class Fillable(Actionable):
    """Anything with a place to fill in or pick from."""

    placeholder: Plain150 | None = None
    focus_on_load: bool = False


class Button(Actionable):
    """A button."""

    type: Literal["button"]
    text: Plain75
    value: Annotated[str, Field(max_length=2000)] | None = None
    url: Url | None = None
    style: Style | None = None
    accessibility_label: Annotated[str, Field(max_length=75)] | None = None


class WorkflowButton(Actionable):
    """A button that starts a workflow."""

    type: Literal["workflow_button"]
    text: Plain75
    workflow: dict[str, Any]
    style: Style | None = None
    accessibility_label: Annotated[str, Field(max_length=75)] | None = None


class Overflow(Actionable):
    """A menu behind three dots."""

    type: Literal["overflow"]
    options: Annotated[list[Option], Field(min_length=1, max_length=5)]


class Picture(Part):
    """A small image beside text."""

    type: Literal["image"]
    alt_text: Annotated[str, Field(max_length=2000)]
    image_url: PictureUrl | None = None
    slack_file: SlackFileRef | None = None

    @model_validator(mode="after")
    def _source(self) -> Picture:
        if (self.image_url is None) == (self.slack_file is None):
            raise fault("exactly one of image_url and slack_file must be given")
        return self


class Checkboxes(Fillable):
    """Boxes to tick."""

    type: Literal["checkboxes"]
    options: MarkedOptions
    initial_options: MarkedOptions | None = None


class RadioButtons(Fillable):
    """One of several."""

    type: Literal["radio_buttons"]
    options: MarkedOptions
    initial_option: MarkedOption | None = None


class DatePicker(Fillable):
    """A day."""

    type: Literal["datepicker"]
    initial_date: Day | None = None


class TimePicker(Fillable):
    """A time of day."""

    type: Literal["timepicker"]
    initial_time: TimeOfDay | None = None
    timezone: str | None = None


class DateTimePicker(Fillable):
    """A moment, in whole seconds of ten digits."""

    type: Literal["datetimepicker"]
    initial_date_time: Annotated[int, Field(ge=1_000_000_000, le=9_999_999_999)] | None = None


class _Menu(Fillable):
    options: Options | None = None
    option_groups: Annotated[list[OptionGroup], Field(min_length=1, max_length=100)] | None = None

    @model_validator(mode="after")
    def _either(self) -> _Menu:
        if (self.options is None) == (self.option_groups is None):
            raise fault("exactly one of options and option_groups must be given")
        return self


class StaticSelect(_Menu):
    """A menu of given options."""

    type: Literal["static_select"]
    initial_option: Option | None = None

    @model_validator(mode="after")
    def _known(self) -> StaticSelect:
        grouped = [option for group in self.option_groups or () for option in group.options]
        if self.initial_option is not None and self.initial_option not in (self.options or grouped):
            raise fault("the initial option must be one of the options")
        return self


class MultiStaticSelect(_Menu):
    """A menu of given options, several at once."""

    type: Literal["multi_static_select"]
    initial_options: Options | None = None
    max_selected_items: AtLeastOne | None = None


class ExternalSelect(Fillable):
    """A menu that the app fills as one types."""

    type: Literal["external_select"]
    initial_option: Option | None = None
    min_query_length: AtLeastOne | None = None


class MultiExternalSelect(Fillable):
    """As ExternalSelect, several at once."""

    type: Literal["multi_external_select"]
    initial_options: Options | None = None
    min_query_length: AtLeastOne | None = None
    max_selected_items: AtLeastOne | None = None


class UsersSelect(Fillable):
    """A menu of people."""

    type: Literal["users_select"]
    initial_user: str | None = None


class MultiUsersSelect(Fillable):
    """Several people."""

    type: Literal["multi_users_select"]
    initial_users: list[str] | None = None
    max_selected_items: AtLeastOne | None = None


class ConversationsSelect(Fillable):
    """A menu of conversations."""

    type: Literal["conversations_select"]
    initial_conversation: str | None = None
    default_to_current_conversation: bool = False
    response_url_enabled: bool = False
    filter: ConversationFilter | None = None


class MultiConversationsSelect(Fillable):
    """Several conversations."""

    type: Literal["multi_conversations_select"]
    initial_conversations: list[str] | None = None
    default_to_current_conversation: bool = False
    filter: ConversationFilter | None = None
    max_selected_items: AtLeastOne | None = None


class ChannelsSelect(Fillable):
    """A menu of public channels."""

    type: Literal["channels_select"]
    initial_channel: str | None = None
    response_url_enabled: bool = False


class MultiChannelsSelect(Fillable):
    """Several public channels."""

    type: Literal["multi_channels_select"]
    initial_channels: list[str] | None = None
    max_selected_items: AtLeastOne | None = None


class TextInput(Fillable):
    """A line or a paragraph to write."""

    type: Literal["plain_text_input"]
    initial_value: str | None = None
    multiline: bool = False
    min_length: Annotated[int, Field(ge=0, le=3000)] | None = None
    max_length: Annotated[int, Field(ge=1, le=3000)] | None = None
    dispatch_action_config: Dispatch | None = None


class NumberInput(Fillable):
    """A number to write."""

    type: Literal["number_input"]
    is_decimal_allowed: bool
    initial_value: str | None = None
    min_value: str | None = None
    max_value: str | None = None
    dispatch_action_config: Dispatch | None = None


class AddressInput(Fillable):
    """An e-mail or web address to write."""

    type: Literal["email_text_input", "url_text_input"]
    initial_value: str | None = None
    dispatch_action_config: Dispatch | None = None


class FileInput(Actionable):
    """Files to hand in."""

    type: Literal["file_input"]
    filetypes: Annotated[list[str], Field(min_length=1)] | None = None
    max_files: Annotated[int, Field(ge=1, le=10)] | None = None


_Choice = (
    StaticSelect
    | MultiStaticSelect
    | ExternalSelect
    | MultiExternalSelect
    | UsersSelect
    | MultiUsersSelect
    | ConversationsSelect
    | MultiConversationsSelect
    | ChannelsSelect
    | MultiChannelsSelect
)
_Picker = Checkboxes | RadioButtons | DatePicker | TimePicker
AnyAction = Annotated[
    Button | WorkflowButton | Overflow | DateTimePicker | _Picker | _Choice, Field(discriminator="type")
]
AnyAccessory = Annotated[Button | WorkflowButton | Overflow | Picture | _Picker | _Choice, Field(discriminator="type")]
AnyInput = Annotated[
    TextInput | NumberInput | AddressInput | FileInput | DateTimePicker | _Picker | _Choice, Field(discriminator="type")
]
