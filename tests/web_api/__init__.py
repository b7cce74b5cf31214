"""The ingest API on loopback, over SQLite and PostgreSQL."""
