"""Vendure: the connector against a strict local server, and against a real one where Node.js is."""
