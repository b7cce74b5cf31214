"""What `/huddle` is asked for: `[SKU|CASE] [topic] [with @people] [at 21:00]`; pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bot.chat.arguments import ClockTime
from bot.chat.nodes import Code
from bot.chat.values import read_clock
from bot.errors import BadArgument
from bot.words import _

MAX_TOPIC = 120

_TIME_LIKE = re.compile(r"\d{1,2}(?!\d)(?:\W|[ap]\.?m|$)", re.IGNORECASE)  # meant as a time of day, even if it is none
_AT = re.compile(r"(?:^|\s)(?:at|在|于)\s*(?P<when>\S+(?:\s*[ap]\.?m\.?)?)\s*$", re.IGNORECASE)
_WITH = re.compile(r"(?:^|\s)(?:with(?![^\s@<])|和|与|跟|邀请|邀)\s*(?P<who>\S.*)?$", re.IGNORECASE)
_EVERYONE = frozenset({"everyone", "everybody", "all", "大家", "所有人"})
_BETWEEN = re.compile(r"\s*[,，、;；]\s*|\s+(?:and|和|与)\s+|\s+(?=@|<@)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Wish:
    """The words of a huddle, taken apart: `words` are about what, `people` whom by name, `at` a time of day.

    `everyone` where all are asked for by that word; with nobody named, whoever likes may come.
    """

    words: str
    people: tuple[str, ...]
    at: ClockTime | None
    everyone: bool = False


def read_wish(text: str) -> Wish:
    """Take the line apart from its end: the time and the people, in either order; the rest is what it is about.

    A last `at` that no time follows belongs to the topic: `look at returns`. BadArgument for `at 25:99`, and for a
    last `with` that names nobody.
    """
    rest, when = _timed(text.strip())
    people: tuple[str, ...] = ()
    everyone = False
    if found := _WITH.search(rest):
        named = (part.strip().removeprefix("@").strip() for part in _BETWEEN.split(found["who"] or ""))
        people = tuple(name for name in named if name)
        if not people:
            raise BadArgument(_("With whom? Write it so: {example}.", example=Code("with Lin Wei, Petra")), "huddle")
        everyone = any(name.casefold() in _EVERYONE for name in people)
        rest = rest[: found.start()].rstrip()
    if when is None:
        rest, when = _timed(rest)
    return Wish(rest, () if everyone else people, when, everyone)


def _timed(text: str) -> tuple[str, ClockTime | None]:
    """The line without the time at its end, and that time."""
    found = _AT.search(text)
    if found is None:
        return text, None
    try:
        return text[: found.start()].rstrip(), read_clock(found["when"])
    except BadArgument:
        if _TIME_LIKE.match(found["when"]):
            raise
        return text, None
