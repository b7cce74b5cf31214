"""Demand as a distribution: what is known of many series, and what is to be expected of them."""

from bot.domain.forecasting.engine import Engine, EngineSettings
from bot.domain.forecasting.panel import Forecast, Forecaster, Freq, Panel

__all__ = ["Engine", "EngineSettings", "Forecast", "Forecaster", "Freq", "Panel"]
