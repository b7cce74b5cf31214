"""Promotions from the question to the report, over a real local store."""
