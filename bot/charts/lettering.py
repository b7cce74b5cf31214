"""The font of the charts: which letters it has, and about how wide they run.

It is Noto Sans CJK SC, cut to `letters()` by `deploy/chart_font.py`; SIL Open Font License 1.1, see OFL.txt beside it.
A machine's own fonts are never asked, so a chart looks the same everywhere.
"""

from __future__ import annotations

import unicodedata
from functools import cache
from pathlib import Path

FAMILY = "Noto Sans CJK SC"
FONT = Path(__file__).parent / "NotoSansSC-subset.otf"

_RANGES = (
    (0x20, 0x7F),  # ASCII
    (0xA0, 0x100),  # Latin-1
    (0x3000, 0x3100),  # Chinese punctuation and kana
    (0xFF01, 0xFF5F),  # full-width forms
)
_SIGNS = "‐‑‒–—―‘’‚“”„†‡•‥…‰′″‹›€→▲▼●−≤≥"
_NEAR = {"ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ħ": "h", "Ħ": "H", "ı": "i", "œ": "oe", "Œ": "OE", "ŋ": "n", "ĸ": "k"}
_NO_LETTERS = {"Cc", "Cf", "Cs", "Cn", "Mn", "Me", "Zl", "Zp"}  # nothing to see, or a mark on the letter before it
_NARROW = 0.53  # of the font's size: a Latin letter on average


@cache
def letters() -> frozenset[str]:
    """Every letter that the font was asked for."""
    found = {chr(number) for first, end in _RANGES for number in range(first, end)} | set(_SIGNS)
    for row in range(0xA1, 0xF8):
        for cell in range(0xA1, 0xFF):
            found |= set(bytes((row, cell)).decode("gb2312", errors="ignore"))
    return frozenset(letter for letter in found if unicodedata.category(letter) not in _NO_LETTERS)


def legible(text: str) -> str:
    """The text as the font can write it: what it lacks loses its accent, and what is left then becomes a dot."""
    whole = unicodedata.normalize("NFC", text)
    return "".join(_written(letter) for letter in whole if unicodedata.category(letter) not in _NO_LETTERS)


def visible(text: str) -> str:
    """The text without control characters and the like, which XML forbids."""
    return "".join(letter for letter in text if unicodedata.category(letter) not in {"Cc", "Cs", "Cn"})


def width(text: str, size: float) -> float:
    """About how wide a text runs at a size, in the size's unit; good to a tenth."""
    wide = sum(unicodedata.east_asian_width(letter) in {"W", "F"} for letter in text)
    return size * (wide + _NARROW * (len(text) - wide))


def clipped(text: str, size: float, room: float) -> str:
    """The text, cut with an ellipsis where it would run wider than the room."""
    if width(text, size) <= room:
        return text
    left = room - width("…", size)
    kept = 0
    for letter in text:
        left -= width(letter, size)
        if left < 0:
            break
        kept += 1
    return text[:kept].rstrip() + "…"


def _written(letter: str) -> str:
    if letter in letters():
        return letter
    bare = unicodedata.normalize("NFKD", letter)
    kept = "".join(_NEAR.get(part, part) for part in bare if part in letters() or part in _NEAR)
    return kept or "·"
