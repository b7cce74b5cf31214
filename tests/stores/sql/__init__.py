"""Databases of the seller's own: the connector against real SQLite and real PostgreSQL."""
