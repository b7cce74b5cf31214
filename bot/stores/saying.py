"""How stores' own words, and those of the line to them, are told: quoted as they came, inside a sentence of ours."""

from __future__ import annotations

from bot.errors import OutsideError
from bot.ports import Check
from bot.words import Words, _

_LONGEST = 300  # characters of what a store says


def says(text: str) -> Words:
    """What a store gives as its reason."""
    return _("the store says: {said}", said=text[:_LONGEST]) if text else _("the store gives no reason")


def answered(answer: str) -> Words:
    """An answer without success: its status, and the beginning of what came with it."""
    return _("the store answered {answer}", answer=answer)


def line(error: Exception) -> Words:
    """A line that failed."""
    return _("no connection: {error}", error=f"{type(error).__name__}: {error}".rstrip(": "))


def unwritable(name: str, error: OutsideError, remedy: Words) -> Check:
    """A store that can be read, and whose prices cannot be changed."""
    found = _("prices cannot be changed: {error}", error=error.said)
    return Check(_("store {name}", name=name), "warn", found, remedy)
