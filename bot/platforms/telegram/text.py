"""Strings as Telegram counts and shows them: UTF-16 units, columns of a fixed-width font, and leaves made harmless.

Telegram makes links by itself out of bare text: @names, /commands, #tags, $TAGS, domains, e-mail addresses, phone and
card numbers. No parameter turns that off, so a leaf of foreign origin gets an invisible word joiner (U+2060) after
each sign that could start one: it is neither a letter nor a domain symbol to Telegram's scanner, a reader does not
see it, and it cannot break a line. Inside `code` and `pre` Telegram makes no links, so SKUs there stay exact.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from itertools import takewhile
from typing import Literal

WORD_JOINER = "\u2060"
ELLIPSIS = "…"

_ZERO_WIDTH = {"Mn", "Me", "Cf"}
_SHOWN_AS = {"Cc": " ", "Cs": "\ufffd"}
_MAX_MARKS = 8  # marks kept on one letter: an emoji flag of a region needs seven
_MAX_CLUSTER = 16  # UTF-16 units of one visible sign: the longest emoji family has eleven
# What Telegram itself drops from a text, and the controls that could turn a whole line around.
_DROPPED = re.compile("[\u202a-\u202e\u2028\u2029\u2066-\u2069\u030a\u0333\u033f]")
_TRIGGER = re.compile(r"[@/#$.](?=\S|$)|:(?=/|$)")
_OPEN_END = re.compile(r"[@/#$.:]$")
_BLANKS = re.compile(r"\s+")
_DIGITS = re.compile(r"[+\d][\d ()-]{5,}")
_SHORTEST_NUMBER = 7  # digits of the shortest phone number that Telegram links


def units(text: str) -> int:
    """The length as Telegram counts it: UTF-16 code units."""
    return len(text) + sum(sign > "\uffff" for sign in text)


def clean(text: str) -> str:
    """One line of printable text: controls, line breaks and runs of blanks become one space, broken code points `�`."""
    if text.isascii() and text.isprintable():
        return _BLANKS.sub(" ", text)
    text = _DROPPED.sub("", unicodedata.normalize("NFC", text))
    kept: list[str] = []
    marks = 0
    for sign in text:
        category = unicodedata.category(sign)
        marks = marks + 1 if category in _ZERO_WIDTH else 0
        if marks <= _MAX_MARKS:
            kept.append(_SHOWN_AS.get(category, sign))
    return _BLANKS.sub(" ", "".join(kept))


def neutralise(text: str, before: str = "") -> str:
    """The text with a word joiner wherever Telegram would otherwise make a link of it.

    `before` is what stands in front: a foreign leaf must not complete a sign of ours, nor a number.
    """
    text = _DIGITS.sub(_break_digits, text)
    text = _TRIGGER.sub(lambda found: found.group() + WORD_JOINER, text)
    return WORD_JOINER + text if text and _OPEN_END.search(before) else apart(text, before)


def apart(text: str, before: str) -> str:
    """The text, with a joiner in front where its digits and those of `before` would make one long number."""
    met = _digits(before, -1), _digits(text, 1)
    return WORD_JOINER + text if all(met) and sum(met) >= _SHORTEST_NUMBER else text


def in_number(sign: str) -> bool:
    """Whether a phone number, as Telegram finds them, goes on with that sign."""
    return sign.isdecimal() or sign in " ()-"


def _digits(text: str, step: Literal[1, -1]) -> int:
    """How many digits stand at the start of a text, or at its end, with nothing but a number's signs between."""
    return sum(sign.isdecimal() for sign in takewhile(in_number, text[::step]))


def _break_digits(found: re.Match[str]) -> str:
    """A long number with a joiner after every fourth digit, so that it is taken for no phone or card."""
    run = found.group()
    if sum(sign.isdigit() for sign in run) < _SHORTEST_NUMBER:
        return run
    return re.sub(r"((?:\d\D*?){4})(?=.)", rf"\1{WORD_JOINER}", run)


def visible(text: str) -> bool:
    """Whether there is anything to see in it; Telegram refuses a text without."""
    return any(unicodedata.category(sign)[0] not in "CZM" for sign in text)


def clusters(text: str) -> Iterator[str]:
    """What a reader sees as single signs: letters with their marks, emoji with their joiners."""
    current = ""
    for sign in text:
        if current and (len(current) < _MAX_CLUSTER) and _belongs(current, sign):
            current += sign
        else:
            if current:
                yield current
            current = sign
    if current:
        yield current


def _belongs(current: str, sign: str) -> bool:
    """Whether `sign` goes on with the cluster `current`."""
    if unicodedata.category(sign) in _ZERO_WIDTH or current[-1] == "\u200d":
        return True
    if "\U0001f3fb" <= sign <= "\U0001f3ff":  # skin tones
        return True
    return len(current) == 1 and _is_flag_half(current) and _is_flag_half(sign)


def _is_flag_half(sign: str) -> bool:
    return "\U0001f1e6" <= sign <= "\U0001f1ff"


def columns(text: str) -> int:
    """The width in columns of a fixed-width font: Chinese, Japanese, Korean and emoji signs take two."""
    return len(text) if text.isascii() else sum(_cluster_columns(cluster) for cluster in clusters(text))


def _cluster_columns(cluster: str) -> int:
    first = cluster[0]
    if unicodedata.category(first) in _ZERO_WIDTH:
        return 0
    wide = unicodedata.east_asian_width(first) in {"W", "F"} or "\ufe0f" in cluster or _is_flag_half(first)
    return 2 if wide else 1


def cost(text: str, limit: int) -> int:
    """What a text takes of a limit: per cluster its columns, and no less than a quarter of its units.

    Counted until it is more than `limit`, and no further.
    """
    if text.isascii():
        return len(text)
    used = 0
    for cluster in clusters(text):
        used += _cluster_cost(cluster)
        if used > limit:
            break
    return used


@lru_cache(4096)
def _cluster_cost(cluster: str) -> int:
    return max(_cluster_columns(cluster), -(-units(cluster) // 4))


def clip(text: str, limit: int) -> str:
    """At most `limit` columns of it (and four times as many units), ended by a visible ellipsis where it was cut."""
    return text if cost(text, limit) <= limit else cut(text, limit)


def cut(text: str, limit: int) -> str:
    """The beginning of it and an ellipsis, together at most `limit` columns."""
    if text.isascii():
        return text[: max(limit - 1, 0)].rstrip() + ELLIPSIS
    kept = ""
    used = 1
    for cluster in clusters(text):
        used += _cluster_cost(cluster)
        if used > limit:
            break
        kept += cluster
    return kept.rstrip() + ELLIPSIS


def clip_units(text: str, limit: int) -> str:
    """At most `limit` UTF-16 units of it, ended by a visible ellipsis where it was cut."""
    if units(text) <= limit:
        return text
    kept = ""
    for cluster in clusters(text):
        if units(kept) + units(cluster) + 1 > limit:
            break
        kept += cluster
    return kept.rstrip() + ELLIPSIS
