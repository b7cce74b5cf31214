"""Facts from stores: taken once, whatever is told twice, late or in another order."""

from __future__ import annotations

from bot.services.feeds.taken import Taken
from bot.services.feeds.taking import Taking

__all__ = ["Taken", "Taking"]
