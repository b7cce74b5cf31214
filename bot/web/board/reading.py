"""What the pointer and the arrow keys read out over a chart, day by day."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import count

from bot.charts.stock import BOTTOM, TOP, plot_of
from bot.chat.cards import labels
from bot.chat.nodes import Day, Inline, Number, Span, Text
from bot.domain.chart import StockChart
from bot.web.board.voice import Voice
from bot.words import Words, _


def readings(chart: StockChart, voice: Voice) -> str:
    """As JSON: a text for each day from the first, the number of today's, and where the days stand in the drawing."""
    days = plot_of(chart).days
    told = (*_past(chart), *_ahead(chart))
    texts = [_text(labels.listing(parts, _("; ")), voice) for parts in told]
    place = {"left": days.left, "width": days.width, "top": TOP, "bottom": BOTTOM}
    return json.dumps({**place, "today": len(chart.stock), "texts": texts})


def _text(node: Inline, voice: Voice) -> str:
    """A node as text; by way of markup, four months of days would take longer than the rest of the page."""
    match node:
        case Words():
            return voice.speech.say(node, lambda value: _text(value, voice))  # type: ignore[arg-type]  # as in Voice
        case Span():
            return "".join(_text(part, voice) for part in node.parts)
        case Number(share=False):
            return voice.speech.number(node.value, node.decimals)
        case Day():
            return voice.speech.day(node.on)
        case Text():
            return node.content
        case _:
            return voice.inline(node).striptags()


def _past(chart: StockChart) -> Iterator[list[Inline]]:
    rows = zip(_from(chart.first_day), chart.stock, chart.sales, chart.empty, strict=False)
    for on, stock, sold, empty in rows:
        units = Text("–") if stock is None else Number(stock)
        told: list[Inline] = [_("{day}: {stock} in stock, {sold} sold", day=Day(on), stock=units, sold=Number(sold))]
        if empty:
            told.append(_("No stock"))
        yield told + _events(chart, on)


def _ahead(chart: StockChart) -> Iterator[list[Inline]]:
    for on, (low, _middle, high) in zip(_from(chart.today), chart.fan, strict=False):
        told: list[Inline] = [_("{day}: {low} to {high} expected", day=Day(on), low=Number(low), high=Number(high))]
        landing = [arrival for arrival in chart.arrivals if on == (chart.today if arrival.late else arrival.on)]
        told += [_("arrival: {arrival}", arrival=labels.arrival(arrival)) for arrival in landing]
        if on == chart.stockout_on:
            told.append(_("out of stock {day}", day=Day(on)))
        yield told + _events(chart, on)


def _events(chart: StockChart, on: date) -> list[Inline]:
    running = [event.label for event in chart.events if event.since <= on <= event.until]
    return [_("promotion {label}", label=Text(label)) for label in running]


def _from(first: date) -> Iterator[date]:
    return (first + timedelta(days=number) for number in count())
