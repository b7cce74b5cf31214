"""Proof: forecasts and order policies tried on the past that a file of sales holds."""
