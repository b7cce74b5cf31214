"""Alembic migrations and the way to run them from code."""

from __future__ import annotations

import os
import sqlite3
from functools import cache
from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from bot.errors import StocktideError
from bot.storage.database import Database
from bot.storage.tables import Base


def config() -> Config:
    """Alembic's configuration, without an ini file."""
    made = Config()
    made.set_main_option("script_location", str(Path(__file__).parent))
    return made


async def migrate(database: Database) -> tuple[str, str]:
    """Bring the schema to the newest revision, in one transaction; gives the revisions before and after.

    StocktideError where a newer version has migrated the database.
    """
    _is_unmade(database)

    def upgrade(connection: Connection) -> tuple[str, str]:
        before = MigrationContext.configure(connection).get_current_revision() or "none"
        chosen = config()
        if before not in {"none", *(known.revision for known in ScriptDirectory.from_config(chosen).walk_revisions())}:
            problem = f"the database is at revision {before}, which this version does not know"
            raise StocktideError(f"{problem}; use the newer Stocktide that migrated it")
        chosen.attributes["connection"] = connection
        command.upgrade(chosen, "head")
        return before, MigrationContext.configure(connection).get_current_revision() or "none"

    async with database.transaction() as connection:
        return await connection.run_sync(upgrade)


async def revisions(database: Database) -> tuple[str, str]:
    """The database's revision and the newest one known here."""
    head = _head()
    if _is_unmade(database):
        return "none", head
    async with database.reading() as connection:
        current = await connection.run_sync(lambda c: MigrationContext.configure(c).get_current_revision())
    return current or "none", head


@cache  # reading the scripts takes longer than asking the database
def _head() -> str:
    return ScriptDirectory.from_config(config()).get_current_head() or "none"


async def differences(database: Database) -> list[str]:
    """What differs between the migrated schema and the declared one; empty when they agree."""

    def compare(connection: Connection) -> list[str]:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return [str(difference) for difference in compare_metadata(context, Base.metadata)]

    async with database.reading() as connection:
        return await connection.run_sync(compare)


def _is_unmade(database: Database) -> bool:
    """Whether it is a SQLite file that nobody has made yet; connecting to it would make it.

    sqlite3.OperationalError where it can be neither opened nor made: the asynchronous driver would leave a thread
    behind to say so.
    """
    path = database.url.database or ":memory:"
    if not database.is_sqlite or path == ":memory:" or path.startswith("file:"):
        return False
    file = Path(path).absolute()
    if not file.exists() and os.access(file.parent, os.W_OK):
        return True
    sqlite3.connect(f"{file.as_uri()}?mode=rw", uri=True).close()
    return False
