"""Volumes and weights as files write them: a number, and its unit in the cell or in the header: `Volume (m3)`."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping
from decimal import Decimal

from bot.services.ingest.values import Bad, decimal

_CUBIC_FOOT, _CUBIC_INCH = Decimal("28316.846592"), Decimal("16.387064")  # of 30.48 and 2.54 cm
_POUND = Decimal("453.59237")

VOLUMES: Mapping[str, Decimal] = {  # in cubic centimetres
    **dict.fromkeys(("cm3", "ccm", "cc", "ml", "毫升", "立方厘米"), Decimal(1)),
    **dict.fromkeys(("dm3", "l", "ltr", "liter", "liters", "litre", "litres", "升", "立方分米"), Decimal(1_000)),
    **dict.fromkeys(("m3", "cbm", "立方米", "立方", "方"), Decimal(1_000_000)),
    **dict.fromkeys(("ft3", "cuft", "cbf", "立方英尺"), _CUBIC_FOOT),
    **dict.fromkeys(("in3", "cuin", "立方英寸"), _CUBIC_INCH),
}
WEIGHTS: Mapping[str, Decimal] = {  # in grams
    **dict.fromkeys(("g", "gr", "gram", "grams", "克"), Decimal(1)),
    **dict.fromkeys(("kg", "kgs", "kilo", "kilos", "千克", "公斤"), Decimal(1_000)),
    **dict.fromkeys(("t", "ton", "tons", "tonne", "tonnes", "mt", "吨"), Decimal(1_000_000)),
    **dict.fromkeys(("lb", "lbs", "pound", "pounds", "磅"), _POUND),
    **dict.fromkeys(("oz", "ounce", "ounces", "盎司"), _POUND / 16),
}
_MOST = 1_000_000_000  # cubic centimetres or grams: a thousand cubic metres, a thousand tonnes
_MEASURE = re.compile(r"(?P<number>[\d.,]+(?:e-?\d+)?)\s*(?P<unit>.*)")
_BRACKETS = re.compile(r"[(\[【](.*?)[)\]】]")


def measure(text: str, header: str, units: Mapping[str, Decimal]) -> int | Bad:
    """A measure in the smallest of the `units`, rounded up: by the cell's unit, the header's, otherwise that one.

    A header in brackets that names an unknown unit (`Volume (furlongs)`) is no reason to guess.
    """
    match = _MEASURE.fullmatch(_plain(text))
    if match is None:
        return Bad("not a number, nor one with a unit")
    factor = _factor(match["unit"], units) if match["unit"] else _of_header(header, units)
    if isinstance(factor, Bad):
        return factor
    number = decimal(re.sub("^0,", "0.", match["number"]))  # no thousand begins with a zero
    if isinstance(number, Bad):
        return number
    if not 0 < number * factor <= _MOST:
        return Bad("not above 0" if number == 0 else "absurd")
    return math.ceil(number * factor)


def _of_header(header: str, units: Mapping[str, Decimal]) -> Decimal | Bad:
    """The unit that a header names in brackets, as a word (`CBM per piece`) or at its end (`volumecm3`); else the
    smallest.
    """
    bracketed = _BRACKETS.search(header)
    if bracketed:
        return _factor(_plain(bracketed[1]), units)
    words = re.sub(r"[\W_]+", " ", _plain(header)).split()
    longest = sorted((unit for unit in units if len(unit) > 1), key=len, reverse=True)
    ended = (unit for word in words for unit in longest if word.endswith(unit))
    found = next((word for word in words if word in units), None) or next(ended, None)
    return units[found] if found else Decimal(1)


def _factor(unit: str, units: Mapping[str, Decimal]) -> Decimal | Bad:
    found = units.get(unit.replace(" ", "").replace("^", "").rstrip("."))
    return Bad(f"unknown unit {unit[:20]}; write one of {', '.join(list(units)[:8])}") if found is None else found


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).strip().casefold()  # which makes of a raised 3 a plain one
