"""Telegram: text with entities out, updates by polling or webhook in."""
