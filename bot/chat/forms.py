"""A form: what is asked for in a window where the platform has one, otherwise question by question.

A command may answer with a `Form` in place of a `Message`. Once filled in, it is `command` called with `arguments` and
one `name=value` for each field that has a value, by whoever filled it in: a form does nothing that could not be typed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bot.chat.nodes import Inline, Message, Text
from bot.words import Words

MAX_FIELDS = 24  # a Slack view holds 100 blocks; a person fills in far fewer
MAX_CHOICES = 50

FieldKind = Literal["whole", "money", "text", "day", "choice", "code"]


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the values a field may have, and what people read."""

    value: str
    label: Words | Text


@dataclass(frozen=True, slots=True)
class Field:
    """One thing asked for.

    `kind`: whole (a number of units), money (an amount to be restated, as text), text, day (YYYY-MM-DD), choice, code
    (a one-time code; never logged, never kept once used). `value` is what stands there first. What is not `required`
    may be left as it is.
    """

    name: str
    label: Words | Text
    kind: FieldKind
    value: str = ""
    choices: tuple[Choice, ...] = ()
    required: bool = True
    hint: Words | None = None

    def __post_init__(self) -> None:
        """Refuse what no platform could show, and names that could not be told from values."""
        if not self.name or "=" in self.name or " " in self.name:
            raise ValueError(f"a field cannot be called {self.name!r}")
        if (self.kind == "choice") != bool(self.choices) or len(self.choices) > MAX_CHOICES:
            raise ValueError(f"the field {self.name} needs 1 to {MAX_CHOICES} choices, and only a choice has any")


@dataclass(frozen=True, slots=True)
class Form:
    """What is asked for before a command can run; see the module."""

    title: Words
    intro: Inline
    fields: tuple[Field, ...]
    command: str
    arguments: tuple[str, ...]
    submit: Words

    def __post_init__(self) -> None:
        """Refuse a form that no platform could show."""
        if not 1 <= len(self.fields) <= MAX_FIELDS:
            raise ValueError(f"a form holds 1 to {MAX_FIELDS} fields, not {len(self.fields)}")
        if len({field.name for field in self.fields}) != len(self.fields):
            raise ValueError("two fields have the same name")


@dataclass(frozen=True, slots=True)
class Window:
    """A form on its way to one person: `token` stands for it until it is sent in.

    `late` is said instead where the platform can no longer open it; a button in it asks for the form again.
    """

    form: Form
    token: str
    late: Message
