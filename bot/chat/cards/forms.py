"""Forms where there is no window for them: how to type one, and the messages of a form that is filled in by talking."""

from __future__ import annotations

from collections.abc import Mapping

from bot.chat.forms import Field, Form
from bot.chat.nodes import (
    Action,
    Actions,
    Block,
    Bold,
    Code,
    Facts,
    Footnote,
    Heading,
    Inline,
    Mention,
    Message,
    Paragraph,
    Span,
    Text,
)
from bot.words import Words, _

ASK, SET, SAVE, END = "form:ask", "form:set", "form:save", "form:end"
STEPS = frozenset({ASK, SET, SAVE, END})  # what the buttons of a form do; no command of these names can be typed

_HIDDEN = "••••••"  # a one-time code is not shown again
_SHOWN = 40  # characters of a value on a button
_MOST = 12  # buttons in one row of actions
_EXAMPLES: Mapping[str, str] = {
    "whole": "240",
    "money": "1234.50",
    "text": '"…"',
    "day": "2011-12-20",
    "code": "123456",
}


def form_card(form: Form, name: str) -> Message:
    """What a form asks for, and the line by which it is typed; `name` is the command as one writes it."""
    pairs = tuple((_words(field.label), _asked(field)) for field in form.fields)
    wanted = [field for field in form.fields if field.required] or list(form.fields[:1])
    line = " ".join((name, *form.arguments, *(f"{field.name}={_example(field)}" for field in wanted)))
    return Message(
        form.title,
        (
            Heading(form.title),
            Paragraph(form.intro),
            *(Facts(pairs[start : start + _FACTS]) for start in range(0, len(pairs), _FACTS)),
            Paragraph(_("Type it like this: {line}", line=Code(line))),
        ),
    )


_FACTS = 20  # pairs in one grid


def late_card(form: Form, line: tuple[str, ...], *, pressed: bool) -> Message:
    """What is said where the window could not be opened: a press on the button opens it."""
    words = _("That took too long; press again.") if pressed else _("Press the button and the window opens.")
    return Message(form.title, (Paragraph(words), Actions((again(form, line),))))


def again(form: Form, line: tuple[str, ...]) -> Action:
    """The button that asks for the form once more."""
    return Action(form.title, line[0], line[1:], style="primary")


def menu_card(form: Form, token: str, answers: Mapping[str, str], asking: str = "") -> Message:
    """The form as a menu: a button for each field, and to save or to cancel.

    While a choice is `asking`, its values stand in the place of the fields.
    """
    field = next((each for each in form.fields if each.name == asking and each.choices), None)
    intro: tuple[Block, ...] = (Heading(form.title), Paragraph(form.intro))
    if field is not None:
        return Message(form.title, (*intro, Paragraph(Bold(field.label)), *_choices(field, token)))
    buttons = [
        Action(_("{field}: {value}", field=each.label, value=shown(each, answers)), ASK, (token, each.name))
        for each in form.fields
    ]
    ending = Footnote(_("Press what you want to change, then {save}.", save=form.submit))
    return Message(form.title, (*intro, *_rows(buttons), Actions(_ends(form, token)), ending))


def choice_card(field: Field, token: str) -> Message:
    """The question for a choice, by itself."""
    return Message(_words(field.label), (Paragraph(Bold(field.label)), *_choices(field, token)))


def question_card(field: Field, who: Mention | None, wrong: Words | None = None) -> Message:
    """The question for a value that is typed; `who` is named in a group, `wrong` says what was amiss before."""
    asked: Inline = _("{field}?", field=Bold(field.label))
    if who is not None:
        asked = Span((who, Text(" "), asked))
    blocks: list[Block] = [Paragraph(wrong)] if wrong else []
    blocks.append(Paragraph(asked))
    if field.hint:
        blocks.append(Footnote(field.hint))
    how = _("Answer with the next line, such as {example}; {cancel} ends it.", example=Code(_example(field)),
            cancel=Code("/cancel"))  # fmt: skip
    return Message(_words(field.label), (*blocks, Footnote(how)), asks=True)


def noted_card(form: Form, token: str, field: Field, answers: Mapping[str, str]) -> Message:
    """A value was taken and nothing more is missing."""
    words = _("{field}: {value}", field=field.label, value=shown(field, answers))
    hint = _("Press {save} when all is right, or change more above.", save=form.submit)
    return Message(words, (Paragraph(words), Paragraph(hint), Actions(_ends(form, token))))


def closed_card(form: Form, words: Words) -> Message:
    """The form is over."""
    return Message(words, (Heading(form.title), Paragraph(words)))


def shown(field: Field, answers: Mapping[str, str]) -> Inline:
    """A value as people read it."""
    value = answers.get(field.name, field.value)
    if not value:
        return Text("–")
    if field.kind == "code":
        return Text(_HIDDEN)
    label = next((choice.label for choice in field.choices if choice.value == value), None)
    return label or Text(value if len(value) <= _SHOWN else f"{value[: _SHOWN - 1]}…")


def _asked(field: Field) -> Inline:
    """What a field may be, for a line that is typed."""
    parts: list[Inline] = [Code(f"{field.name}={_example(field)}")]
    if field.choices:
        parts += [Text(" "), Text(", ".join(choice.value for choice in field.choices))]
    if field.value and field.kind != "code":
        parts += [Text(" "), _("(now {value})", value=shown(field, {}))]
    if not field.required:
        parts += [Text(" "), _("(may be left out)")]
    return Span(tuple(parts))


def _example(field: Field) -> str:
    return field.choices[0].value if field.choices else _EXAMPLES[field.kind]


def _choices(field: Field, token: str) -> list[Block]:
    buttons = [Action(_words(choice.label), SET, (token, field.name, choice.value)) for choice in field.choices]
    return [*_rows(buttons), Actions((Action(_("Back"), ASK, (token, "")),))]


def _rows(buttons: list[Action]) -> list[Block]:
    return [Actions(tuple(buttons[start : start + _MOST])) for start in range(0, len(buttons), _MOST)]


def _ends(form: Form, token: str) -> tuple[Action, ...]:
    return (
        Action(form.submit, SAVE, (token,), style="primary"),
        Action(_("Cancel"), END, (token,), style="danger"),
    )


def _words(label: Words | Text) -> Words:
    return label if isinstance(label, Words) else _("{name}", name=label)
