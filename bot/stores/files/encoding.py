"""Guessing a text file's encoding: a byte order mark, then proof by strict decoding, then plausibility.

Short files can be read in several ways, so a guess says whether it is sure; the import preview shows it and the
person may override it.
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from pathlib import Path

SAMPLE = 256 * 1024
_CHUNK = 4 * 2**20

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True, slots=True)
class Guess:
    """A Python codec name, and whether there is no other reading."""

    encoding: str
    sure: bool


def guess_encoding(path: Path) -> Guess:
    """The most plausible encoding of a text file; reads it once, in pieces."""
    with path.open("rb") as file:
        sample = file.read(SAMPLE)
    for mark, name in _MARKS:
        if sample.startswith(mark):
            return Guess(name, sure=True)
    wide = _without_mark(sample)
    if wide:
        return Guess(wide, sure=False)
    if decodes(path, "utf-8"):
        return Guess("utf-8", sure=True)
    scores = {name: _score(sample, name) for name in ("gb18030", "cp932", "cp1252")}
    best, second = sorted(scores.items(), key=lambda item: -item[1])[:2]
    return Guess(best[0], sure=best[1] - second[1] > 0.5)


def decodes(path: Path, encoding: str) -> bool:
    """Whether every byte of the file is valid in `encoding`."""
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        with path.open("rb") as file:
            while piece := file.read(_CHUNK):
                decoder.decode(piece)
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _without_mark(sample: bytes) -> str:
    """UTF-16 without its mark shows as a zero in every other byte of ASCII text."""
    if len(sample) < 4:
        return ""
    even, odd = sample[0::2], sample[1::2]
    if odd.count(0) > 0.3 * len(odd) and even.count(0) < 0.05 * len(even):
        return "utf-16-le"
    if even.count(0) > 0.3 * len(even) and odd.count(0) < 0.05 * len(odd):
        return "utf-16-be"
    return ""


def _score(sample: bytes, encoding: str) -> float:
    """How much of the sample's non-ASCII text is what people of that encoding write; below 0 where it cannot be it."""
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(sample)  # incremental: the sample may end mid-character
    except UnicodeDecodeError:
        return -1.0
    foreign = [letter for letter in text if ord(letter) > 127]
    if not foreign:
        return 0.0
    return sum(_plausible(letter, encoding) for letter in foreign) / len(foreign)


def _plausible(letter: str, encoding: str) -> float:
    """1 for an everyday character of the encoding's readers, 0 for a rare one, -1 for one nobody writes."""
    point = ord(letter)
    if encoding == "cp1252":
        return 0.6 if letter.isalpha() or letter in "£€°–—‘’“”…·«»½¼" else -0.5
    if encoding == "cp932":
        if 0x3041 <= point <= 0x30FF:  # hiragana and katakana
            return 1.0
        if 0xFF61 <= point <= 0xFF9F:  # half-width katakana: what GBK looks like when read as Shift-JIS
            return -1.0
    if 0x3000 <= point <= 0x3002 or 0xFF01 <= point <= 0xFF5E or letter in "、「」《》“”‘’（）":
        return 0.5
    if 0xE000 <= point <= 0xF8FF or point > 0xFFFF:
        return -1.0
    if 0x4E00 <= point <= 0x9FFF:
        return _everyday_ideograph(letter, encoding)
    return -0.5


def _everyday_ideograph(letter: str, encoding: str) -> float:
    """Level 1 of GB 2312 holds the 3,755 commonest Chinese characters, level 1 of JIS X 0208 the 2,965 of Japan."""
    try:
        coded = letter.encode("gb2312" if encoding == "gb18030" else "shift_jis")
    except UnicodeEncodeError:
        return -1.0
    if encoding == "gb18030":
        return 1.0 if coded[0] <= 0xD7 else 0.0
    return 0.8 if coded < b"\x98\x73" else 0.0
