"""SQLAlchemy tables, queries, locks and migrations, on SQLite and PostgreSQL."""
