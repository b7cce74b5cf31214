"""Calls that cost money, and their kill switches."""
