"""Which font writes which letters: Helvetica what Western Europe writes, an Asian font of the reader's the rest.

Neither is embedded: every PDF reader has Helvetica, and STSong-Light stands for whatever Chinese font the reader has
(Adobe-GB1). A letter that neither knows loses its accent; what is left even then becomes a question mark. The CSV
beside each document holds the text as it is.
"""

from __future__ import annotations

import unicodedata
from itertools import groupby
from xml.sax.saxutils import escape

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont

_STROKES = str.maketrans("łŁđĐħĦıŧŦ", "lLdDhHitT")  # strokes that no decomposition takes away

LATIN, LATIN_BOLD, CHINESE = "Helvetica", "Helvetica-Bold", "STSong-Light"


def register_fonts() -> None:
    """Make the Chinese font known to reportlab; more than once does no harm."""
    if CHINESE not in pdfmetrics.getRegisteredFontNames():
        pdfmetrics.registerFont(UnicodeCIDFont(CHINESE))


def plain(text: str) -> str:
    """The text without control, direction and private characters; line breaks and tabs become spaces."""
    kept = ("".join(" " if letter in "\n\r\t\u2028\u2029" else letter for letter in text)).split()
    joined = " ".join(kept)
    return "".join(letter for letter in joined if unicodedata.category(letter) not in {"Cc", "Cf", "Co", "Cs", "Cn"})


def markup(text: str) -> str:
    """The text as a reportlab paragraph's markup: nothing in it is taken for a tag, each run in a font that has it."""
    runs = ((chinese, "".join(letter for _, letter in run)) for chinese, run in _runs(text))
    return "".join(f'<font name="{CHINESE}">{escape(run)}</font>' if chinese else escape(run) for chinese, run in runs)


def _runs(text: str) -> list[tuple[bool, list[tuple[bool, str]]]]:
    letters = [_letter(letter) for letter in plain(text)]
    return [(chinese, list(run)) for chinese, run in groupby(letters, key=lambda pair: pair[0])]


def _letter(letter: str) -> tuple[bool, str]:
    """Whether the Chinese font writes it, and as what."""
    if _has(letter, "cp1252"):
        return False, letter
    if _has(letter, "gbk"):
        return True, letter
    letter = letter.translate(_STROKES)
    bare = "".join(part for part in unicodedata.normalize("NFKD", letter) if not unicodedata.combining(part))
    return False, bare if bare and _has(bare, "cp1252") else "?"


def _has(text: str, charset: str) -> bool:
    try:
        text.encode(charset)
    except UnicodeEncodeError:
        return False
    return True
