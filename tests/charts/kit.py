"""A chart with everything in it, what its drawing holds, and the letters that the font really has."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from io import BytesIO
from typing import Any
from xml.etree import ElementTree as ET
from zoneinfo import ZoneInfo

import numpy as np
from defusedxml.ElementTree import fromstring
from numpy.typing import NDArray
from PIL import Image

from bot.charts.lettering import FONT
from bot.domain.chart import Arrival, ChartEvent, StockChart
from bot.platforms.slack.inline import pieces, to_plain
from bot.ports import Reader
from bot.words import Words

TODAY = date(2011, 11, 21)
SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = (
    "<script>alert(1)</script>",
    "\"><img src=x onerror='x'>",
    "A & B ]]> <!-- --> &lt;",
    "🫖 茶壶 ❤️",
    "إبريق شاي \u202ecod.exe",
    "x" * 300,
    "\x00\x08\x1f\ufffe\ud800 end",
    "ŁÓDŹ ČŠŽ ĄĘ e\u0301",
    "",
)


def a_chart(**changes: Any) -> StockChart:
    """Ninety days with two stock-outs, a promotion, goods late and on time, a fan, and a day on which it ends."""
    stock: list[int | None] = [max(0, 900 - 10 * day) for day in range(90)]
    stock[20:24] = [0] * 4
    stock[60] = None
    base = StockChart(
        sku="85123A",
        name="WHITE HANGING HEART",
        code="UK",
        place="United Kingdom",
        today=TODAY,
        stock=tuple(stock),
        sales=tuple(day % 12 for day in range(90)),
        empty=tuple(day in {20, 21, 22, 23, 40} for day in range(90)),
        fan=tuple((max(0, 10 - day), max(0, 30 - day), 60 - day) for day in range(28)),
        arrivals=(
            Arrival(24, TODAY - timedelta(days=3), late=True),
            Arrival(240, TODAY + timedelta(days=12)),
        ),
        events=(ChartEvent(TODAY - timedelta(days=30), TODAY - timedelta(days=20), "R-5"),),
        reorder_point=120,
        stockout_on=TODAY + timedelta(days=9),
    )
    return replace(base, **changes)


def parsed(svg: str) -> ET.Element:
    """The drawing, read by a parser of XML that refuses what a browser would forgive."""
    root: ET.Element = fromstring(svg)
    assert root.tag == f"{SVG}svg"
    return root


def of_kind(svg: str, kind: str) -> list[ET.Element]:
    """The elements with a class."""
    return [found for found in parsed(svg).iter() if found.get("class") == kind]


def written(svg: str) -> list[str]:
    """Every text of the drawing."""
    return [found.text or "" for found in parsed(svg).iter(f"{SVG}text")]


def told(words: Words, code: str) -> str:
    """A sentence as its reader gets it, without markup."""
    return to_plain(pieces(words, Reader(code, ZoneInfo("UTC"), {})))


def pixels(png: bytes) -> NDArray[np.int16]:
    """A picture as (height, width, red green blue)."""
    return np.asarray(Image.open(BytesIO(png)).convert("RGB"), dtype=np.int16)


def covered() -> set[str]:
    """The letters that the font maps to a glyph: its `cmap` table of format 4, read by the specification."""
    data = FONT.read_bytes()
    tables = dict(_tables(data))
    start = tables["cmap"]
    (offset,) = struct.unpack_from(">I", data, start + 8)
    at = start + offset
    form, _length, _language, doubled = struct.unpack_from(">4H", data, at)
    assert form == 4
    ends, starts, deltas, ranges = (_row(data, at, doubled, number) for number in range(4))
    found = set()
    for number, (first, last) in enumerate(zip(starts, ends, strict=True)):
        for code in range(first, min(last, 0xFFFE) + 1):
            glyph = code + deltas[number]
            if ranges[number]:
                where = at + 16 + 3 * doubled + 2 * number + ranges[number] + 2 * (code - first)
                (glyph,) = struct.unpack_from(">H", data, where)
            if glyph & 0xFFFF:
                found.add(chr(code))
    return found


def _tables(data: bytes) -> Iterator[tuple[str, int]]:
    (count,) = struct.unpack_from(">H", data, 4)
    for number in range(count):
        tag, _sum, offset, _length = struct.unpack_from(">4s3I", data, 12 + 16 * number)
        yield tag.decode(), offset


def _row(data: bytes, at: int, doubled: int, number: int) -> tuple[int, ...]:
    """One of the four columns of the segments; two bytes stand between the first and the second."""
    return struct.unpack_from(f">{doubled // 2}H", data, at + 14 + number * doubled + (2 if number else 0))
