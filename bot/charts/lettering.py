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
    (0xA0, 0x180),  # Latin-1 and Latin Extended-A
    (0x2010, 0x2040),  # dashes, quotation marks, ellipsis
    (0x3000, 0x3100),  # Chinese punctuation and kana
    (0xFF00, 0xFF60),  # full-width forms
)
_SIGNS = "€→▲▼●−≤≥"
_NARROW = 0.53  # of the font's size: a Latin letter on average


@cache
def letters() -> frozenset[str]:
    """Every letter that the font was asked for."""
    found = {chr(number) for first, end in _RANGES for number in range(first, end)} | set(_SIGNS)
    for row in range(0xA1, 0xF8):
        for cell in range(0xA1, 0xFF):
            found |= set(bytes((row, cell)).decode("gb2312", errors="ignore"))
    return frozenset(found)


def legible(text: str) -> str:
    """The text as the font can write it: what it lacks loses its accent, and what is left then becomes a dot."""
    return "".join(_written(letter) for letter in text if unicodedata.category(letter) not in {"Cc", "Cf", "Cs", "Cn"})


def width(text: str, size: float) -> float:
    """About how wide a text runs at a size, in the size's unit; good to a tenth."""
    wide = sum(unicodedata.east_asian_width(letter) in {"W", "F"} for letter in text)
    return size * (wide + _NARROW * (len(text) - wide))


def clipped(text: str, size: float, room: float) -> str:
    """The text, cut with an ellipsis where it would run wider than the room."""
    if width(text, size) <= room:
        return text
    while text and width(text + "…", size) > room:
        text = text[:-1]
    return text.rstrip() + "…"


def _written(letter: str) -> str:
    if letter in letters():
        return letter
    bare = unicodedata.normalize("NFKD", letter)
    kept = "".join(part for part in bare if part in letters() and not unicodedata.combining(part))
    return kept or "·"
