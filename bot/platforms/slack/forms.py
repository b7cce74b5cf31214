"""Forms as Slack's modals: a pure function of the form and its reader, and what comes back when one is sent in.

A window carries its token and language in `private_metadata`; who may send it in, and what for, is kept on our side.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from bot.chat.filling import CODE_DIGITS, MAX_MONEY, MAX_TEXT, MAX_WHOLE, read_value
from bot.chat.forms import Field, Form
from bot.chat.nodes import Text
from bot.errors import BadArgument, PayloadRefused
from bot.language import language, nearest_language
from bot.platforms.slack.inline import clip, cut, pieces, to_plain, to_rich
from bot.ports import Reader
from bot.words import Words, _

CALLBACK = "stocktide"
MAX_TITLE = 24
MAX_LABEL = 150  # Slack allows 2,000, which nobody would read above a field
MAX_HINT = 300
MAX_INTRO = 2900
MAX_VIEW = 250_000  # bytes
MAX_OPTION = 75
MAX_VALUE = 150
MAX_ID = 255

_NOTHING = "–"
_ALREADY = 2  # spaces and the like that may stand in a code

Json = dict[str, Any]


def render_form(form: Form, token: str, reader: Reader) -> Json:
    """The modal; PayloadRefused where a value, a name or all of it is longer than Slack carries."""
    metadata = {"token": token, "language": reader.language}
    view = {
        "type": "modal",
        "callback_id": CALLBACK,
        "private_metadata": json.dumps(metadata),
        "title": _plain(form.title, reader, MAX_TITLE),
        "submit": _plain(form.submit, reader, MAX_TITLE),
        "close": _plain(_("Cancel"), reader, MAX_TITLE),
        "blocks": [*_intro(form, reader), *(_input(field, reader) for field in form.fields)],
    }
    if (size := len(json.dumps(view))) > MAX_VIEW:
        raise PayloadRefused(f"the form takes {size} bytes, and Slack takes {MAX_VIEW}")
    return view


def token_of(view: Json) -> str:
    """The token of a window of ours; empty where it has none."""
    return _metadata(view).get("token", "")


def values_of(view: Json) -> dict[str, str]:
    """What stands in a window's fields, by name; those that are empty are left out."""
    state = (view.get("state") or {}).get("values") or {}
    found = {str(name): _value(entry) for name, entries in state.items() for entry in entries.values()}
    return {name: value for name, value in found.items() if value}


def faults_of(view: Json) -> dict[str, str]:
    """What is wrong with the values, by the block to show it at, in the language of the window."""
    values = values_of(view)
    said = language(nearest_language(_metadata(view).get("language", "")))
    faults = {}
    for field in _fields(view):
        try:
            read_value(field, values.get(field.name, ""))
        except BadArgument as wrong:
            faults[field.name] = said.say(wrong.words, _shown)
    return faults


def _metadata(view: Json) -> dict[str, str]:
    try:
        found = json.loads(str(view.get("private_metadata") or "{}"))
    except ValueError:
        return {}
    return {str(key): str(value) for key, value in found.items()} if isinstance(found, dict) else {}


def _intro(form: Form, reader: Reader) -> Iterator[Json]:
    run = clip(pieces(form.intro, reader), MAX_INTRO)
    if to_plain(run):
        section = {"type": "rich_text_section", "elements": to_rich(run)}
        yield {"type": "rich_text", "elements": [section]}


def _input(field: Field, reader: Reader) -> Json:
    if len(field.name) > MAX_ID:
        raise PayloadRefused("a field's name is longer than Slack carries")
    block: Json = {
        "type": "input",
        "block_id": field.name,
        "label": _plain(field.label, reader, MAX_LABEL),
        "element": {"action_id": field.kind, **_element(field, reader)},
        "optional": not field.required,
    }
    if field.hint:
        block["hint"] = _plain(field.hint, reader, MAX_HINT)
    return block


def _element(field: Field, reader: Reader) -> Json:
    match field.kind:
        case "whole":
            number = {
                "type": "number_input",
                "is_decimal_allowed": False,
                "min_value": "0",
                "max_value": str(MAX_WHOLE),
            }
            return {**number, "initial_value": field.value} if field.value else number
        case "day":
            return {"type": "datepicker", **({"initial_date": field.value} if field.value else {})}
        case "choice":
            return _select(field, reader)
        case "code":
            least, most = CODE_DIGITS.start, CODE_DIGITS.stop - 1 + _ALREADY
            return {"type": "plain_text_input", "min_length": least, "max_length": most}
        case "money" | "text":
            most = MAX_MONEY if field.kind == "money" else MAX_TEXT
            if len(field.value) > most:  # cut, it would come back as if somebody had changed it
                raise PayloadRefused(f"the value of {field.name} is longer than Slack carries")
            line = {"type": "plain_text_input", "max_length": most}
            return {**line, "initial_value": field.value} if field.value else line


def _select(field: Field, reader: Reader) -> Json:
    options = [{"text": _plain(choice.label, reader, MAX_OPTION), "value": choice.value} for choice in field.choices]
    if any(not 1 <= len(choice.value) <= MAX_VALUE for choice in field.choices):
        raise PayloadRefused(f"a choice of {field.name} is longer than Slack carries, or empty")
    chosen = next((option for option in options if option["value"] == field.value), None)
    return {"type": "static_select", "options": options, **({"initial_option": chosen} if chosen else {})}


def _value(entry: Json) -> str:
    selected = entry.get("selected_option") or {}
    return str(entry.get("value") or entry.get("selected_date") or selected.get("value") or "")


def _fields(view: Json) -> Iterator[Field]:
    """The fields of a window, as far as their values can be judged by it."""
    for block in view.get("blocks") or []:
        element = block.get("element") or {}
        kind = element.get("action_id")
        if block.get("type") == "input" and kind in {"whole", "money", "text", "day", "code"}:
            label = Text(str((block.get("label") or {}).get("text") or ""))
            yield Field(str(block["block_id"]), label, kind, required=not block.get("optional"))


def _plain(words: Words | Text, reader: Reader, most: int) -> Json:
    text = cut(to_plain(pieces(words, reader)), most) or _NOTHING
    return {"type": "plain_text", "text": text, "emoji": False}


def _shown(node: object) -> str:
    """A value in a sentence about a fault."""
    return str(getattr(node, "content", node))
