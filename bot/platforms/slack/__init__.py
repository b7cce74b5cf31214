"""Slack: renderer, errors, events and the platform itself; the SDK's names stay in here."""
