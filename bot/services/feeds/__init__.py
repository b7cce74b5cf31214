"""Facts from stores: taken once, whatever is told twice, late or in another order."""

from __future__ import annotations

from bot.services.feeds.taking import Taken, Taking

__all__ = ["Taken", "Taking"]
