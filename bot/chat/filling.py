"""What is filled into a form, read the same from a window, a conversation and a typed line; pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import date

from bot.chat.arguments import Rest
from bot.chat.forms import Choice, Field, Form
from bot.chat.nodes import Code, Text
from bot.chat.parsing import plain
from bot.errors import BadArgument
from bot.language import LANGUAGES, language
from bot.words import Words, _

MAX_TEXT = 3_000  # characters of one value; a Slack field holds no more
MAX_MONEY = 40
MAX_WHOLE = 1_000_000_000
CODE_DIGITS = range(6, 9)  # a one-time code, as authenticator apps show it

_GROUPED = re.compile(r"\d{1,3}(?:([,' \u2019])\d{3})(?:\1\d{3})*|\d+")
_DAY = re.compile(r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})|(\d{4})年(\d{1,2})月(\d{1,2})日?")
_PAIR = re.compile(r"""([^\s=＝"“”]+)\s*[=＝]\s*("[^"]*"|[“”„«][^“”»]*[“”»]|\S*)""")
_UNSEEN = {"Cc", "Cf", "Cs"}


def read_value(field: Field, text: str) -> str:
    """The value of a field as commands read it; empty where nothing was given and nothing is needed.

    whole: digits, in groups of three or not, of any script (`1,000`, `１０００`; never `1.000`, which is one in some
    countries and a thousand in others). day: the year first (`2011-12-20`, `2011/12/20`, `2011年12月20日`), as the
    order of the others cannot be told. BadArgument says what to write instead.
    """
    given = _tidy(text) if field.kind == "text" else plain(text).strip()
    if not given:
        if field.required:
            raise BadArgument(_("{field} is needed.", field=field.label))
        return ""
    match field.kind:
        case "whole":
            return _whole(field, given)
        case "day":
            return _day(field, given)
        case "choice":
            return _choice(field, given)
        case "code":
            return _code(field, given)
        case "money":
            return _money(field, given)
        case "text":
            return _short(field, given, MAX_TEXT)


def filled(form: Form, values: Mapping[str, str]) -> tuple[str, ...]:
    """`name=value` for each field that has a value, in the form's order; BadArgument for the first wrong one.

    What may be left as it is, and was, is left out. Values under other names are none of the form's.
    """
    found = []
    for field in form.fields:
        value = read_value(field, values.get(field.name, ""))
        if value and (field.required or value != field.value):
            found.append(f"{field.name}={value}")
    return tuple(found)


def pairs(rest: Rest | None) -> dict[str, str]:
    """The `name=value` words of a filled-in form or a typed line, by name in lower case.

    A typed value with spaces stands in quotes. BadArgument for a word that is no pair, or a name given twice.
    """
    if rest is None:
        return {}
    found: dict[str, str] = {}
    for name, value in _split(rest):
        if name in found:
            raise BadArgument(_("{name} is given twice.", name=Code(name[:40])))
        found[name] = value
    return found


def _split(rest: Rest) -> list[tuple[str, str]]:
    if rest.words:
        split = [word.partition("=") for word in rest.words]
        for name, sign, value in split:
            if not sign or not name:
                raise _no_pair(name or value)
        return [(name.casefold(), value) for name, _sign, value in split]
    stray = _PAIR.sub(" ", rest.text).split()
    if stray:
        raise _no_pair(stray[0])
    typed = [(match[1], match[2]) for match in _PAIR.finditer(rest.text)]
    return [(plain(name).casefold(), value.strip('"“”„«»') if len(value) > 1 else value) for name, value in typed]


def _no_pair(word: str) -> BadArgument:
    return BadArgument(
        _("I cannot read {text} here; write {example}.", text=Code(word[:80]), example=Code("quantity=240"))
    )


def _tidy(text: str) -> str:
    """The text with its line breaks, without what nobody can see."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(sign if sign == "\n" or unicodedata.category(sign) not in _UNSEEN else " " for sign in lines).strip()


def _whole(field: Field, given: str) -> str:
    # A space may stand between groups; `plain` has made an ordinary one of every kind.
    if not _GROUPED.fullmatch(given):
        example = Code("240")
        raise BadArgument(_("{field}: {text} is no whole number; write {example}.", **_about(field, given, example)))
    number = int("".join(sign for sign in given if sign.isdecimal()))
    if number > MAX_WHOLE:
        raise BadArgument(_("{field}: {most} is the most.", field=field.label, most=MAX_WHOLE))
    return str(number)


def _day(field: Field, given: str) -> str:
    match = _DAY.fullmatch(given.replace(" ", ""))
    parts = [int(part) for part in match.groups() if part and part.isdecimal()] if match else []
    try:
        return date(*parts).isoformat()
    except (TypeError, ValueError):
        words = _(
            "{field}: {text} is no day; write the year first, such as {example}.",
            **_about(field, given, Code("2011-12-20")),
        )
        raise BadArgument(words) from None


def _choice(field: Field, given: str) -> str:
    wanted = given.casefold()
    for choice in field.choices:
        if wanted in {choice.value.casefold(), *(label.casefold() for label in _labels(choice))}:
            return choice.value
    listed = Text(", ".join(choice.value for choice in field.choices))
    raise BadArgument(_("{text} is none of these: {choices}.", text=Code(given[:80]), choices=listed))


def _labels(choice: Choice) -> list[str]:
    """What people may read on it, in any language of ours."""
    if isinstance(choice.label, Text):
        return [choice.label.content]
    return [language(code).say(choice.label) for code in LANGUAGES]


def _code(field: Field, given: str) -> str:
    digits = "".join(sign for sign in given if not sign.isspace() and sign != "-")
    if not (digits.isdecimal() and len(digits) in CODE_DIGITS):
        # What was typed is not repeated: it may be most of a secret.
        raise BadArgument(
            _("{field}: write the digits that your authenticator shows now, such as {example}.",
              field=field.label, example=Code("123456"))
        )  # fmt: skip
    return "".join(str(unicodedata.decimal(sign)) for sign in digits)


def _money(field: Field, given: str) -> str:
    if not any(sign.isdecimal() for sign in given):
        example = Code("1234.50")
        raise BadArgument(_("{field}: {text} is no amount; write {example}.", **_about(field, given, example)))
    return _short(field, given, MAX_MONEY)


def _short(field: Field, given: str, most: int) -> str:
    if len(given) > most:
        length = len(given)
        raise BadArgument(
            _("{field}: that is {length} characters long; {most} is the most.",
              field=field.label, length=length, most=most)
        )  # fmt: skip
    return given


def _about(field: Field, given: str, example: Code) -> dict[str, Words | Text | Code]:
    return {"field": field.label, "text": Code(given[:80]), "example": example}
