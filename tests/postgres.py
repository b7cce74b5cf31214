"""What tests ask of a PostgreSQL server itself."""

from __future__ import annotations

import psycopg

from bot.storage.database import Database


def until_somebody_waits(database: Database) -> None:
    """Until a transaction waits for a row that another one holds; an error after twenty seconds."""
    address = database.url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("SET statement_timeout = '20s'")
        connection.execute(
            "DO $$ BEGIN WHILE NOT EXISTS (SELECT 1 FROM pg_locks WHERE NOT granted) "
            "LOOP PERFORM pg_sleep(0.01); END LOOP; END $$"
        )
