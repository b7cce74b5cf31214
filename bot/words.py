"""Lazy sentences: a message id and its values, put into a language only when a reader is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


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


def _(msgid: str, /, **values: object) -> Words:
    """Mark `msgid` for translation and bind its values."""
    return Words(msgid, MappingProxyType(dict(values)))


def n_(singular: str, plural: str, count: int, /, **values: object) -> Words:
    """Mark a sentence with two forms; `count` chooses one and fills `{count}`."""
    return Words(singular, MappingProxyType({"count": count, **values}), plural, count)
