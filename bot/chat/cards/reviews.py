"""What the review dates of its supplier mean for an order."""

from __future__ import annotations

from datetime import date

from bot.chat.nodes import Day, Inline, Text
from bot.domain.views import RequestView
from bot.words import Words, _


def review_notes(request: RequestView) -> list[Words]:
    """Until when a draft gathers what is due, or why an order did not wait."""
    found: list[Words] = []
    named: dict[str, Inline] = {"supplier": Text(request.supplier)}
    until, before = (request.detail.get(key) for key in ("gathers_until", "before_review"))
    if isinstance(until, str) and request.state == "draft":
        day = Day(date.fromisoformat(until))
        found.append(
            _("It gathers what is due until {day}, when orders to {supplier} go out together. Submit it to send it "
              "now.", day=day, **named)
        )  # fmt: skip
    if isinstance(before, str):
        day = Day(date.fromisoformat(before))
        found.append(
            _("Orders to {supplier} go out together on {day}. This one does not wait: a product would run out before "
              "goods ordered then are here.", day=day, **named)
        )  # fmt: skip
    return found
