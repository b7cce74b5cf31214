"""Lazy sentences: a message id and its values, put into a language only when a reader is known."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType
from typing import Any

_PLACE = re.compile(r"\{(\w+)\}")
_LONGEST = 300  # characters of one value that are kept
_VERBATIM = "{text}"
_KEPT = '{"msgid": '  # how a sentence begins that is kept


@dataclass(frozen=True, slots=True)
class Words:
    """A sentence to be said in the reader's language.

    `msgid` is the English sentence with `{name}` places; `values` fill them and may be plain values or inline nodes of
    `bot.chat.nodes`, which keep their own formatting and escaping. `plural` and `count` choose the plural form.
    """

    msgid: str
    values: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))
    plural: str = ""
    count: int = 0

    def __str__(self) -> str:
        """The sentence in English, as logs and programs are told it."""
        template = self.plural if self.plural and self.count != 1 else self.msgid
        return _PLACE.sub(lambda place: self._value(place[1], place[0]), template)

    def _value(self, name: str, otherwise: str) -> str:
        value = self.values.get(name, otherwise)
        return f"{value:,}" if isinstance(value, int | Decimal) and not isinstance(value, bool) else str(value)


def _(msgid: str, /, **values: object) -> Words:
    """Mark `msgid` for translation and bind its values."""
    return Words(msgid, MappingProxyType(dict(values)))


def n_(singular: str, plural: str, count: int, /, **values: object) -> Words:
    """Mark a sentence with two forms; `count` chooses one and fills `{count}`."""
    return Words(singular, MappingProxyType({"count": count, **values}), plural, count)


def verbatim(text: str) -> Words:
    """Somebody else's text, the same in every language."""
    return Words(_VERBATIM, MappingProxyType({"text": text}))


def joined(parts: Sequence[Words]) -> Words:
    """Several faults as one sentence; none of them: nothing."""
    if not parts:
        return Words("")
    if len(parts) == 1:
        return parts[0]
    return _("{first}; {rest}", first=parts[0], rest=joined(parts[1:]))


def kept(words: Words) -> str:
    """A sentence as the database keeps it, JSON on one line: it is said in each reader's language later.

    Values are text, whole numbers and sentences; of anything else its text is kept, of a long text its beginning.
    What is somebody else's altogether is kept as it is.
    """
    text = words.values.get("text")
    if words.msgid == _VERBATIM and isinstance(text, str) and not text.startswith(_KEPT):
        return text[:_LONGEST]
    return json.dumps(_data(words), ensure_ascii=False)


def told(text: str) -> Words:
    """What `kept` made, back as a sentence; any other text stands for itself, as all did before sentences were kept."""
    if text.startswith(_KEPT):
        try:
            return _words(json.loads(text))
        except (ValueError, TypeError, KeyError, AttributeError):
            pass
    return verbatim(text)


def unkept(data: Mapping[str, Any]) -> dict[str, Any]:
    """The same fields, with those that `kept` made back as sentences."""
    return {
        name: told(value) if isinstance(value, str) and value.startswith(_KEPT) else value
        for name, value in data.items()
    }


def plain(words: Words) -> Words:
    """A sentence whose values may stand in a message: text, whole numbers and sentences."""
    return told(kept(words))


def _data(words: Words) -> dict[str, Any]:
    """JSON of a sentence; `msgid` comes first, by which it is known."""
    data: dict[str, Any] = {"msgid": words.msgid}
    if words.values:
        data["values"] = {name: _datum(value) for name, value in words.values.items()}
    if words.plural:
        data |= {"plural": words.plural, "count": words.count}
    return data


def _datum(value: object) -> object:
    match value:
        case Words():
            return _data(value)
        case bool():
            return str(value)
        case int():
            return value
        case _:
            return str(value)[:_LONGEST]


def _words(data: Mapping[str, Any]) -> Words:
    values = {
        name: _words(value) if isinstance(value, dict) else value for name, value in data.get("values", {}).items()
    }
    return Words(str(data["msgid"]), MappingProxyType(values), str(data.get("plural", "")), int(data.get("count", 0)))
