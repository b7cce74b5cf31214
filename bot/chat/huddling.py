"""What `/huddle` is asked for: `[SKU|CASE] [topic] [with @people] [at 21:00]`; pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from bot.chat.arguments import ClockTime
from bot.chat.nodes import Code
from bot.chat.values import read_clock
from bot.errors import BadArgument
from bot.words import _

MAX_TOPIC = 120

_TIME_LIKE = re.compile(r"\d{1,2}(?!\d)(?:\W|[ap]\.?m|$)", re.IGNORECASE)  # meant as a time of day, even if it is none
_AT = re.compile(r"(?:^|\s)(?:at|在|于)\s*(?P<when>\S+(?:\s*[ap]\.?m\.?)?)\s*$", re.IGNORECASE)
_WITH = re.compile(r"(?<!\S)(?:with(?![^\s@<])|(?P<too>和|与)|跟|邀请|邀)\s*", re.IGNORECASE)
_MENTION = re.compile(r"<@([^<>|]+)(?:\|[^<>]*)?>")  # as Slack writes it
_EVERYONE = frozenset({"everyone", "everybody", "all", "大家", "所有人"})
_BETWEEN = re.compile(r"\s*[,，、;；]\s*|\s+(?:and|和|与)\s+|\s+(?=@)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Wish:
    """The words of a huddle, taken apart: `words` are about what, `people` whom (an @ stays), `at` a time of day.

    `everyone` where all are asked for by that word; with nobody named, whoever likes may come.
    """

    words: str
    people: tuple[str, ...]
    at: ClockTime | None
    everyone: bool = False


def read_wish(text: str, known: Callable[[str], bool]) -> Wish:
    """Take the line apart from its end: the time and the people, in either order; the rest is what it is about.

    `known` tells whether a name is some member's. What stands behind the last `with` is people where one of them is
    known or written with an @, or where nothing else was said; otherwise it belongs to the topic, as in `problems with
    returns`. So does a last `at` that no time follows: `look at returns`. BadArgument for `at 25:99`, and for a last
    `with` that names nobody.
    """
    line = " ".join(_MENTION.sub(r" @\1 ", text).split())
    rest, when = _timed(line)
    found = _company(rest, known)
    if found is None:
        return Wish(rest, (), when)
    names = _names(rest[found.end() :])
    if not names:
        raise BadArgument(_("With whom? Write it so: {example}.", example=Code("with Lin Wei, Petra")), "huddle")
    everyone = any(name.removeprefix("@").casefold() in _EVERYONE for name in names)
    words = rest[: found.start()].rstrip()
    if words and not everyone and not any(_meant(name, known) for name in names):
        return Wish(rest, (), when)
    if when is None:
        words, when = _timed(words)
    return Wish(words, () if everyone else names, when, everyone)


def _company(text: str, known: Callable[[str], bool]) -> re.Match[str] | None:
    """The last `with`; a 和 that merely joins people to others before it leads back to theirs."""
    found = list(_WITH.finditer(text))
    last = len(found) - 1
    while last > 0 and found[last]["too"]:
        before = _names(text[found[last - 1].end() : found[last].start()])
        if not any(_meant(name, known) for name in before):
            break
        last -= 1
    return found[last] if found else None


def _names(text: str) -> tuple[str, ...]:
    named = (part.strip() for part in _BETWEEN.split(text))
    return tuple(name for name in named if name.strip("@ "))


def _meant(name: str, known: Callable[[str], bool]) -> bool:
    return name.startswith("@") or known(name)


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
