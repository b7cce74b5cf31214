"""What a category is called, and which names are one category. Pure."""

from __future__ import annotations

import unicodedata

LONGEST = 100  # characters of a name


def tidy(name: str) -> str:
    """A name as it is kept and shown: without outer and doubled spaces, line breaks and control characters.

    Not shortened; empty where nothing is left.
    """
    plain = "".join(" " if unicodedata.category(sign) in {"Cc", "Cs"} else sign for sign in name)
    return " ".join(plain.split())


def cut(name: str) -> str:
    """A tidy name that fits; where one is too long its beginning."""
    return tidy(name)[:LONGEST].rstrip()


def alike(name: str) -> str:
    """The same for every name of one category: case, width and spaces do not matter (NFKC, then case folding)."""
    return " ".join(unicodedata.normalize("NFKC", tidy(name)).casefold().split())
