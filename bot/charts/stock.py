"""The chart of a series: stock and sales day by day, and what is expected of the weeks ahead."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from bot.charts import svg
from bot.charts.lettering import clipped, width
from bot.charts.scale import Days, Linear, round_top
from bot.domain.chart import StockChart
from bot.language import Language
from bot.words import Words, _

SIZE = (800, 400)
TITLE = 36  # height of its room
LEFT, RIGHT, TOP, BOTTOM = 58, 746, 64, 322  # the plot
_SALES_SHARE = 0.3  # of the plot's height: bars stay below the curve
_STEPS = 5
_LEGEND_Y, _DATES_Y = 386, 343


@dataclass(frozen=True, slots=True)
class Plot:
    """One chart and its axes, in the drawing's units; the board's script reads the same."""

    chart: StockChart
    days: Days
    stock: Linear
    sales: Linear
    step: float  # of the stock's axis
    sales_top: float


def plot_of(chart: StockChart) -> Plot:
    """Axes that hold everything drawn."""
    largest = max(
        [units for units in chart.stock if units is not None]
        + [high for _low, _middle, high in chart.fan]
        + [chart.reorder_point or 0, 1]
    )
    top, step = round_top(largest * 1.02, _STEPS)
    sales_top, _step = round_top(max(chart.sales, default=1), 2)
    height = BOTTOM - TOP
    return Plot(
        chart=chart,
        days=Days(chart.first_day, chart.last_day, LEFT, RIGHT),
        stock=Linear(top, BOTTOM, TOP),
        sales=Linear(sales_top, BOTTOM, BOTTOM - height * _SALES_SHARE),
        step=step,
        sales_top=sales_top,
    )


def draw(chart: StockChart, speech: Language, label: str) -> str:
    """The chart as an SVG of SIZE in a reader's language; `label` says in words what it shows."""
    parts = [svg.rect("paper", 0, 0, *SIZE), _title(chart), *_parts(chart, speech)]
    return svg.document(parts, (0, 0, *SIZE), label)


def draw_untitled(chart: StockChart, speech: Language, label: str) -> str:
    """The same without the title and its room, for a page that names the product itself."""
    return svg.document(_parts(chart, speech), (0, TITLE, SIZE[0], SIZE[1] - TITLE), label)


def _parts(chart: StockChart, speech: Language) -> list[str]:
    plot = plot_of(chart)
    parts = [
        svg.text(speech.say(_("Units in stock")), (16, 52)),
        svg.text(speech.say(_("Units sold a day")), (784, 52), "end"),
    ]
    parts += _spans(plot)
    parts += _grid(plot, speech)
    parts += _history(plot)
    parts += _ahead(plot)
    parts += _marks(plot, speech)
    parts += _legend(plot, speech)
    return parts


def _title(chart: StockChart) -> str:
    name = f"{chart.sku}  {chart.name}" if chart.name else chart.sku
    place = clipped(chart.place and f" – {chart.place}", 18, (RIGHT - 16) / 3)
    room = RIGHT - 16 - width(place, 18)
    return svg.text(clipped(name, 18, room) + place, (16, 30), kind="title")


def _spans(plot: Plot) -> Iterator[str]:
    days, height = plot.days, BOTTOM - TOP
    for event in plot.chart.events:
        start, end = max(event.since, days.first), min(event.until, days.last)
        if start <= end:
            left = days.start(start)
            yield svg.rect("event", left, TOP, days.start(end) + days.width - left, height)
            room = days.start(end) + days.width - left - 4
            if room > 36:
                yield svg.text(clipped(event.label, 13, room), (left + 3, TOP + 14))
    for start, end in plot.chart.empty_spans():
        left = days.start(start)
        yield svg.rect("empty", left, TOP, days.start(end) + days.width - left, height)


def _grid(plot: Plot, speech: Language) -> Iterator[str]:
    for number in range(round(plot.stock.top / plot.step) + 1):
        y = plot.stock.at(number * plot.step)
        yield svg.line("grid" if number else "axis", (LEFT, y), (RIGHT, y))
        yield svg.text(speech.compact(round(number * plot.step)), (LEFT - 7, y + 4), "end")
    for share in (0.5, 1.0):
        units = plot.sales_top * share
        if units == round(units):
            yield svg.text(speech.compact(round(units)), (RIGHT + 7, plot.sales.at(units) + 4))
    for on in plot.days.ticks(8, plot.chart.today):
        x = plot.days.middle(on)
        yield svg.line("axis", (x, BOTTOM), (x, BOTTOM + 4))
        anchor = "start" if x < LEFT + 20 else "end" if x > RIGHT - 20 else "middle"
        yield svg.text(speech.short_day(on), (x, _DATES_Y), anchor)


def _history(plot: Plot) -> Iterator[str]:
    chart, days = plot.chart, plot.days
    bar = max(days.width * 0.62, 1.0)
    for number, units in enumerate(chart.sales):
        if units:
            x = days.middle(chart.first_day + timedelta(days=number)) - bar / 2
            y = plot.sales.at(units)
            yield svg.rect("sales", x, y, bar, BOTTOM - y)
    for run in _known_runs(plot):
        points = [(point_x, plot.stock.at(units)) for x, units in run for point_x in (x, x + days.width)]
        yield svg.polygon("stock-area", [(points[0][0], BOTTOM), *points, (points[-1][0], BOTTOM)])
        yield svg.polyline("stock", points)


def _known_runs(plot: Plot) -> list[list[tuple[float, int]]]:
    """Days in a row whose stock is known, as (left edge, units)."""
    runs: list[list[tuple[float, int]]] = [[]]
    for number, units in enumerate(plot.chart.stock):
        if units is None:
            runs.append([])
        else:
            runs[-1].append((plot.days.left + number * plot.days.width, units))
    return [run for run in runs if run]


def _ahead(plot: Plot) -> Iterator[str]:
    chart, days = plot.chart, plot.days
    if not chart.fan:
        return
    edges = [days.start(chart.today) + (number + 1) * days.width for number in range(len(chart.fan))]
    start = (
        days.start(chart.today),
        plot.stock.at(chart.stock[-1] if chart.stock[-1] is not None else chart.fan[0][1]),
    )
    lows, middles, highs = (
        [(x, plot.stock.at(day[level])) for x, day in zip(edges, chart.fan, strict=True)] for level in range(3)
    )
    yield svg.polygon("fan", [start, *highs, *reversed(lows)])
    yield svg.polyline("fan-middle", [start, *middles])


def _marks(plot: Plot, speech: Language) -> Iterator[str]:
    chart, days = plot.chart, plot.days
    x = days.start(chart.today)
    yield svg.line("today", (x, TOP), (x, BOTTOM))
    if chart.reorder_point:
        y = plot.stock.at(chart.reorder_point)
        yield svg.line("reorder", (LEFT, y), (RIGHT, y))
        label = speech.say(_("Reorder point {units}", units=speech.number(chart.reorder_point)))
        yield svg.text(label, (LEFT + 6, y - 5), kind="reorder-text")
    for number, arrival in enumerate(chart.arrivals):
        on = min(max(arrival.on, chart.today), days.last)
        x = days.middle(on)
        kind = "late" if arrival.late else "arrival"
        yield svg.polygon(kind, [(x - 6, BOTTOM + 9), (x + 6, BOTTOM + 9), (x, BOTTOM - 2)])
        if number < 3:  # more would write over each other
            anchor = "end" if x > RIGHT - 30 else "middle"
            yield svg.text(
                f"+{speech.compact(arrival.quantity)}", (x, BOTTOM - 7 - 14 * number), anchor, "arrival-text"
            )
    yield from _stockout(plot, speech)


def _stockout(plot: Plot, speech: Language) -> Iterator[str]:
    chart, days = plot.chart, plot.days
    if chart.stockout_on is None or not chart.today <= chart.stockout_on <= days.last:
        return
    x = days.middle(chart.stockout_on)
    yield svg.circle("stockout", (x, BOTTOM), 6)
    label = speech.say(_("Out of stock {day}", day=speech.short_day(chart.stockout_on)))
    anchor = "end" if x > (LEFT + RIGHT) * 0.6 else "start"
    yield svg.text(label, (x - 9 if anchor == "end" else x + 9, BOTTOM - 24), anchor, "bad-text")


def _legend(plot: Plot, speech: Language) -> Iterator[str]:
    chart = plot.chart
    entries: list[tuple[str, Words]] = [("stock", _("Stock")), ("sales", _("Sold"))]
    if any(chart.empty):
        entries.append(("empty", _("No stock")))
    if chart.events:
        entries.append(("event", _("Promotion")))
    if chart.fan:
        entries.append(("fan", _("Expected stock, 8 of 10 cases")))
    if any(not arrival.late for arrival in chart.arrivals):
        entries.append(("arrival", _("Arrival")))
    if any(arrival.late for arrival in chart.arrivals):
        entries.append(("late", _("Overdue")))
    x = 16.0
    for kind, words in entries:
        said = speech.say(words)
        yield (
            svg.line(kind, (x, _LEGEND_Y - 5), (x + 16, _LEGEND_Y - 5))
            if kind == "stock"
            else svg.rect(kind, x + 3, _LEGEND_Y - 11, 10, 12)
        )
        yield svg.text(said, (x + 22, _LEGEND_Y))
        x += 22 + width(said, 13) + 18
