"""`/turnover`: how fast stock turns."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from bot.chat.cards import labels
from bot.chat.nodes import (
    MAX_ROWS,
    Action,
    Actions,
    Block,
    Bold,
    Column,
    Footnote,
    Heading,
    Inline,
    Message,
    Number,
    Paragraph,
    Table,
    Text,
)
from bot.domain.views import TurnoverLine
from bot.words import _, n_


def turnover_card(lines: Sequence[TurnoverLine], days: int | None = None) -> Message:
    """How fast stock turns, group by group; the total stands last."""
    if not lines:
        words = _("There is nothing to turn over yet: no sales or no cost is known.")
        return Message(words, (Paragraph(words),))
    window = days if days is not None else lines[0].days
    columns = (
        Column(_("Group")),
        Column(_("Cost of sales"), "end"),
        Column(_("Average stock"), "end"),
        Column(_("Turns"), "end"),
        Column(_("Days of inventory"), "end"),
        Column(_("Sell-through"), "end"),
    )
    shown = lines[:MAX_ROWS]
    blocks: list[Block] = [
        Heading(n_("Turnover of the last {count} day", "Turnover of the last {count} days", window)),
        Table(columns, tuple(_turn_row(line) for line in shown)),
    ]
    if len(lines) > len(shown):
        left = ", ".join(line.label or "*" for line in lines[len(shown) :])
        blocks.append(Footnote(_("Not in the table: {places}", places=Text(left))))
    slowest = max(
        (line for line in lines if line.label and line.days_of_inventory is not None),
        key=lambda line: line.days_of_inventory or Decimal(0),
        default=None,
    )
    if slowest is not None and len(lines) > 1:
        blocks.append(
            Paragraph(
                _(
                    "Next: {place} turns slowest, in {days}; see its slow stock.",
                    place=Text(slowest.label),
                    days=labels.days(slowest.days_of_inventory),
                )
            )
        )
        blocks.append(Actions((Action(_("Slow stock"), "slow"),)))
    blocks.append(
        Footnote(
            _("Turns: cost of sales ÷ average stock at cost, in this period. Days of inventory: the period ÷ turns.")
        )
    )
    return Message(_("Turnover"), tuple(blocks))


def _turn_row(line: TurnoverLine) -> tuple[Inline, ...]:
    return (
        Text(line.label) if line.label else Bold(_("All together")),
        labels.amount(line.cost_of_goods_sold),
        labels.amount(line.average_inventory),
        labels.NONE if line.turnover is None else Number(line.turnover, 2),
        labels.short_days(line.days_of_inventory),
        labels.share(line.sell_through),
    )
