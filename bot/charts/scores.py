"""The chart of a scorecard: week by week, what quantiles held against what they promise, and how far off all was."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby

from bot.charts import svg
from bot.charts.lettering import width
from bot.charts.svg import Point
from bot.domain.chart import ScoreChart
from bot.language import Language
from bot.words import _

SIZE = (800, 400)
LEFT, RIGHT = 58.0, 690.0
TOP, BOTTOM = 64.0, 226.0  # of the shares that were held
ABOVE, BELOW = 262.0, 338.0  # of the bars of how far off
KINDS = ("curve-0", "curve-3", "curve-4")  # of lines, in the order of the levels; further ones begin anew
_LEGEND_Y, _DATES_Y = 386.0, 360.0
_APART = 15.0  # between two labels at the right edge
_BAR = 34.0
_LEAST_TOP = Decimal("0.1")  # bars of a few per cent stay small


@dataclass(frozen=True, slots=True)
class Plot:
    """One chart and where its weeks, shares and bars stand, in the drawing's units."""

    chart: ScoreChart
    farthest: Decimal  # the bias at the end of the bars' room

    def x(self, week: int) -> float:
        """The middle of a week's column."""
        return LEFT + (RIGHT - LEFT) * (week + 0.5) / len(self.chart.weeks)

    def y(self, share: Decimal) -> float:
        """Where a share from none to all stands."""
        return BOTTOM - (BOTTOM - TOP) * float(share)

    def off(self, bias: Decimal) -> float:
        """Where a bias stands: too high above the line, too low below it."""
        return (ABOVE + BELOW) / 2 - (BELOW - ABOVE) / 2 * float(bias / self.farthest)


def plot_of(chart: ScoreChart) -> Plot:
    """Room that holds every bar."""
    known = [abs(week.bias) for week in chart.weeks if week.bias is not None]
    return Plot(chart, max([*known, _LEAST_TOP]))


def draw(chart: ScoreChart, speech: Language, label: str) -> str:
    """The chart as an SVG of SIZE in a reader's language; `label` says in words what it shows."""
    plot = plot_of(chart)
    parts = [
        svg.rect("paper", 0, 0, *SIZE),
        svg.text(speech.say(_("Forecasts week by week")), (16, 30), kind="title"),
        svg.text(speech.say(_("Series within the quantile")), (16, 52)),
        svg.text(speech.say(_("Units foretold too high or too low")), (16, ABOVE - 10)),
    ]
    parts += _grid(plot, speech)
    for number in range(len(chart.levels)):
        parts += _curve(plot, number)
    parts += _ends(plot, speech)
    parts += _bars(plot, speech)
    parts += _legend(plot, speech)
    return svg.document(parts, (0, 0, *SIZE), label)


def _kind(number: int) -> str:
    return KINDS[number % len(KINDS)]


def _grid(plot: Plot, speech: Language) -> Iterator[str]:
    for share in (Decimal(0), Decimal("0.5"), Decimal(1)):
        y = plot.y(share)
        yield svg.line("grid" if share else "axis", (LEFT, y), (RIGHT, y))
        yield svg.text(speech.share(share), (LEFT - 7, y + 4), "end")
    for level in plot.chart.levels:
        yield svg.line("reorder", (LEFT, plot.y(level)), (RIGHT, plot.y(level)))
    yield svg.line("axis", (LEFT, plot.off(Decimal(0))), (RIGHT, plot.off(Decimal(0))))
    for number, week in enumerate(plot.chart.weeks):
        yield svg.text(speech.short_day(week.monday), (plot.x(number), _DATES_Y), "middle")


def _curve(plot: Plot, number: int) -> Iterator[str]:
    """A quantile's line, broken where a week was not judged, with a dot on each week that was."""
    weeks = enumerate(plot.chart.weeks)
    for known, run in groupby(weeks, key=lambda each: each[1].held[number] is not None):
        points: list[Point] = [(plot.x(at), plot.y(week.held[number] or Decimal(0))) for at, week in run]
        if known:
            yield svg.polyline(f"curve {_kind(number)}", points)
            yield from (svg.circle(f"curve {_kind(number)}", point, 2.5) for point in points)


def _ends(plot: Plot, speech: Language) -> Iterator[str]:
    """What the last week held, at the right edge; labels that would write over each other move apart."""
    last = plot.chart.weeks[-1].held
    ends = sorted((plot.y(share), number) for number, share in enumerate(last) if share is not None)
    free = TOP
    for y, number in ends:
        at = max(y, free)
        free = at + _APART
        yield svg.text(speech.share(last[number] or Decimal(0), 1), (RIGHT + 8, at + 4), kind="strong")


def _bars(plot: Plot, speech: Language) -> Iterator[str]:
    zero = plot.off(Decimal(0))
    for number, week in enumerate(plot.chart.weeks):
        if week.bias is None:
            continue
        x, y = plot.x(number), plot.off(week.bias)
        yield svg.rect("sales", x - _BAR / 2, min(y, zero), _BAR, abs(y - zero))
        sign = "+" if week.bias > 0 else ""
        beside = zero - 5 if week.bias <= 0 else zero + 15  # on the other side of the line
        yield svg.text(sign + speech.share(week.bias, 1), (x, beside), "middle")


def _legend(plot: Plot, speech: Language) -> Iterator[str]:
    x = 16.0
    entries = [
        (f"curve {_kind(number)}", speech.say(_("{share} quantile held", share=speech.share(level))))
        for number, level in enumerate(plot.chart.levels)
    ]
    for kind, said in [*entries, ("reorder", speech.say(_("As promised")))]:
        yield svg.line(kind, (x, _LEGEND_Y - 5), (x + 16, _LEGEND_Y - 5))
        yield svg.text(said, (x + 22, _LEGEND_Y))
        x += 22 + width(said, 13) + 18
