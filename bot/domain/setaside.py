"""Why a store's fact was set aside, where we are the ones who say so; and how what was kept in English is told apart.

Sentences are kept as `bot.words.kept` writes them. Before they were, ours were kept in English: each has one value at
most, so that it is known by its text and members read it in their own language all the same.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from bot.words import Words, _, told

FUTURE = _("it was placed in the future")
BACK_TOO_SOON = _("it came back in the future")
NAMELESS = _("it names no place")


def no_product(sku: str) -> Words:
    """A variant (SKU, or code of one without) that waits for a person."""
    return _("nobody has said yet which product {sku} is", sku=sku)


def no_location(place: str) -> Words:
    """A place that waits for a person."""
    return _("nobody has said yet which location the place {place} is", place=repr(place))


def no_place(place: str) -> Words:
    """A place that the store did not list."""
    return _("the place {place} is not known yet", place=repr(place))


def no_place_of_order(place: str) -> Words:
    """As `no_place`, of an order."""
    return _("its place {place} is not known yet", place=repr(place))


def no_rate(rate: str) -> Words:
    """Money of a currency and day that has no rate."""
    return _("no exchange rate for {rate}: the units count, their money waits", rate=rate)


def _form(msgid: str) -> re.Pattern[str]:
    """What texts of the sentence look like."""
    parts = re.split(r"\{(\w+)\}", msgid)
    named = [f"(?P<{part}>.*)" if place % 2 else re.escape(part) for place, part in enumerate(parts)]
    return re.compile("".join(named), re.DOTALL)


_FORMS: Mapping[re.Pattern[str], str] = {
    _form(words.msgid): words.msgid
    for words in (
        no_location(""), no_product(""), no_place_of_order(""), no_place(""), no_rate(""), NAMELESS, FUTURE,
        BACK_TOO_SOON,
    )
}  # fmt: skip


def words_of(problem: str) -> Words:
    """What was kept of a fault, as a sentence; text of others stands for itself."""
    for form, msgid in _FORMS.items():
        if found := form.fullmatch(problem):
            return Words(msgid, found.groupdict())
    return told(problem)
