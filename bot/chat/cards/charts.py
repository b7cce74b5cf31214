"""What a chart shows, in words: for screen readers, and where no picture can be shown."""

from __future__ import annotations

from decimal import Decimal

from bot.chat.cards import labels
from bot.chat.nodes import Chart, Code, Day, Inline, Number, Text
from bot.domain.chart import ChartEvent, ScoreChart, ScoreWeek, StockChart
from bot.domain.hindsight import LEVELS, ForecastScore
from bot.domain.scorecard import Scorecard
from bot.words import Words, _, n_

MOST = 3  # arrivals and promotions told one by one


def chart_block(chart: StockChart) -> Chart:
    """The chart with its words."""
    return Chart(chart, chart_words(chart))


def chart_words(chart: StockChart) -> Words:
    """What somebody who sees the picture would tell of it."""
    return _(
        "{sku} at {place}, {window}: {facts}.",
        sku=Code(chart.sku),
        place=Text(chart.place),
        window=n_("last {count} day", "last {count} days", len(chart.stock)),
        facts=labels.listing(_facts(chart), _("; ")),
    )


def _facts(chart: StockChart) -> list[Inline]:
    known = [units for units in chart.stock if units is not None]
    facts: list[Inline] = []
    if known:
        facts.append(
            _(
                "stock between {low} and {high}, {now} at the last close",
                low=Number(min(known)),
                high=Number(max(known)),
                now=Number(known[-1]),
            )
        )
    facts.append(_("{units} sold", units=labels.units(sum(chart.sales))))
    if any(chart.empty):
        facts.append(n_("{count} day without stock", "{count} days without stock", sum(chart.empty)))
    if chart.reorder_point:
        facts.append(_("reorder point {units}", units=Number(chart.reorder_point)))
    facts += [_("arrival: {arrival}", arrival=labels.arrival(arrival)) for arrival in chart.arrivals[:MOST]]
    facts += [_promotion(event) for event in chart.events[:MOST]]
    if chart.stockout_on is not None:
        facts.append(_("out of stock {day}", day=Day(chart.stockout_on)))
    if chart.fan:
        low, _middle, high = chart.fan[-1]
        facts.append(
            _(
                "expected on {day}: {low} to {high} left",
                day=Day(chart.last_day),
                low=Number(low),
                high=Number(high),
            )
        )
    return facts


def score_block(card: Scorecard) -> Chart | None:
    """The weeks of a scorecard as a picture, where there are two at least to look at."""
    judged = [week for week in sorted(card.forecasts, key=lambda week: week.week) if week.score.series]
    if len(judged) < 2:
        return None
    chart = ScoreChart(
        tuple(_share(level) for level in LEVELS),
        tuple(ScoreWeek(week.week, _held(week.score), _bias(week.score.bias)) for week in judged),
    )
    return Chart(chart, score_words(chart))


def score_words(chart: ScoreChart) -> Words:
    """What somebody who sees the picture would tell of it."""
    facts: list[Inline] = []
    for number, level in enumerate(chart.levels):
        known = [share for week in chart.weeks if (share := week.held[number]) is not None]
        if known:
            facts.append(
                _(
                    "the {level} quantile held between {low} and {high}",
                    level=Number(level, 1, share=True),
                    low=Number(min(known), 1, share=True),
                    high=Number(max(known), 1, share=True),
                )
            )
    off = [week.bias for week in chart.weeks if week.bias is not None]
    if off:
        facts.append(
            _(
                "units foretold between {low} and {high} off",
                low=Number(min(off), 1, share=True),
                high=Number(max(off), 1, share=True),
            )
        )
    told, count = labels.listing(facts, _("; ")), len(chart.weeks)
    return n_("Forecasts of {count} week: {facts}.", "Forecasts of {count} weeks: {facts}.", count, facts=told)


def _held(score: ForecastScore) -> tuple[Decimal | None, ...]:
    shares = {part.level: part.share for part in score.coverage}
    return tuple(None if (share := shares.get(level)) is None else _share(share) for level in LEVELS)


def _bias(bias: float | None) -> Decimal | None:
    return None if bias is None else _share(bias)


def _share(value: float) -> Decimal:
    return Decimal(str(round(value, 3)))


def _promotion(ran: ChartEvent) -> Words:
    first, last = Day(ran.since), Day(ran.until)
    return _("promotion {label} from {first} to {last}", label=Text(ran.label), first=first, last=last)
