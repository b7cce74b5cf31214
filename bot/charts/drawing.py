"""From the charts of a message to pictures that a chat can carry."""

from __future__ import annotations

import asyncio
import dataclasses
from functools import lru_cache

from resvg_py import svg_to_bytes

from bot.charts import scores, stock
from bot.charts.lettering import FAMILY, FONT
from bot.charts.svg import LIGHT
from bot.chat.nodes import Block, Chart, Image, Message
from bot.domain.chart import Drawn, StockChart
from bot.language import language

ZOOM = 1.5  # of the drawing: sharp on a phone, and still about 60 kB
_KEPT = 64  # a morning's digests show the same few charts


async def drawn(message: Message, code: str) -> Message:
    """The message with its charts as pictures in the language; drawn in a thread, some 30 ms each."""
    if not any(isinstance(block, Chart) for block in message.blocks):
        return message
    blocks = [await _picture(block, code) if isinstance(block, Chart) else block for block in message.blocks]
    return dataclasses.replace(message, blocks=tuple(blocks))


async def _picture(block: Chart, code: str) -> Block:
    return Image(await asyncio.to_thread(png, block.of, code), block.alt)


@lru_cache(maxsize=_KEPT)
def png(chart: Drawn, code: str) -> bytes:
    """The chart as a PNG in the language."""
    speech = language(code)
    if isinstance(chart, StockChart):
        return rendered(stock.draw(chart, speech, ""))
    return rendered(scores.draw(chart, speech, ""))


def rendered(svg: str) -> bytes:
    """An SVG of ours as a PNG, with our font and no other."""
    return bytes(
        svg_to_bytes(
            svg_string=svg,
            style_sheet=LIGHT,
            zoom=ZOOM,
            skip_system_fonts=True,
            font_files=[str(FONT)],
            font_family=FAMILY,
        )
    )
