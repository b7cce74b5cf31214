"""Forecasts and order policies tried on the past."""
