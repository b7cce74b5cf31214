"""Why a store's fact was set aside, where we are the ones who say so.

It is kept, logged and answered in English; members read it in their own language, also what was set aside long ago:
each sentence has one value at most, so that it can be told from its text. What connectors say stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from bot.words import Words, _

NO_PRODUCT = _("nobody has said yet which product {sku} is")
NO_LOCATION = _("nobody has said yet which location the place {place} is")
NO_PLACE = _("the place {place} is not known yet")
NO_PLACE_OF_ORDER = _("its place {place} is not known yet")
NAMELESS = _("it names no place")
FUTURE = _("it was placed in the future")
BACK_TOO_SOON = _("it came back in the future")
NO_RATE = _("no exchange rate for {rate}: the units count, their money waits")


def _form(msgid: str) -> re.Pattern[str]:
    """What texts of the sentence look like."""
    parts = re.split(r"\{(\w+)\}", msgid)
    named = [f"(?P<{part}>.*)" if place % 2 else re.escape(part) for place, part in enumerate(parts)]
    return re.compile("".join(named), re.DOTALL)


_FORMS: Mapping[re.Pattern[str], str] = {
    _form(words.msgid): words.msgid
    for words in (NO_LOCATION, NO_PRODUCT, NO_PLACE_OF_ORDER, NO_PLACE, NAMELESS, FUTURE, BACK_TOO_SOON, NO_RATE)
}


def text_of(words: Words, **values: str) -> str:
    """The sentence as it is kept."""
    return words.msgid.format(**values)


def words_of(problem: str) -> Words | None:
    """The sentence whose text is kept; None where it is none of ours."""
    for form, msgid in _FORMS.items():
        if found := form.fullmatch(problem):
            return Words(msgid, found.groupdict())
    return None
