"""Stores: every connector against a real store over HTTP."""
