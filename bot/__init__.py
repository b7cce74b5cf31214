"""Stocktide: a chat-ops bot that watches stock for cross-border e-commerce teams."""

__version__ = "0.1.0"
