"""Which forecaster is ours."""

from __future__ import annotations

from typing import Final

from bot.domain.forecasting import Forecaster
from bot.domain.forecasting.engine import Engine

OURS: Final[Forecaster] = Engine()
