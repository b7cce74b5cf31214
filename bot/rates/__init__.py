"""Where exchange rates come from, one source per file. A new one is a new file and one entry of RATES."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from bot.ports import RateSource
from bot.settings import Settings


def make_ecb(settings: Settings) -> RateSource:
    """The reference rates of the European Central Bank, or whatever answers in their format."""
    from bot.rates.ecb import EcbRates

    return EcbRates(settings.rates.url)


RATES: Mapping[str, Callable[[Settings], RateSource]] = MappingProxyType({"ecb": make_ecb})
