"""What a chart shows, in words: for screen readers, and where no picture can be shown."""

from __future__ import annotations

from bot.chat.cards import labels
from bot.chat.nodes import Chart, Code, Day, Inline, Number, Text
from bot.domain.chart import ChartEvent, StockChart
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


def _promotion(ran: ChartEvent) -> Words:
    first, last = Day(ran.since), Day(ran.until)
    return _("promotion {label} from {first} to {last}", label=Text(ran.label), first=first, last=last)
