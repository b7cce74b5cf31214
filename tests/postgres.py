"""PostgreSQL for tests: databases that go from test to test as empty as new ones, and what tests ask of a server."""

from __future__ import annotations

from collections import defaultdict
from itertools import count
from typing import Any

import psycopg
from psycopg import AsyncConnection, pq, sql
from psycopg.pq import TransactionStatus
from sqlalchemy import event

from bot.storage.database import Database
from bot.storage.tables import Base

QUICK = (
    ("fsync", "off"),
    ("synchronous_commit", "off"),
    ("full_page_writes", "off"),
    ("autovacuum", "off"),
    ("max_wal_size", "256MB"),
    ("checkpoint_timeout", "1h"),
)  # no test cuts the power, and no database lives long
USES = 25  # what was deleted still lies in the tables' files: after so many tests a database is dropped
# A test that changes the schema leaves a row, and its database serves no other.
TRACES = """
    CREATE SCHEMA tests;
    CREATE TABLE tests.changes (at timestamptz);
    CREATE FUNCTION tests.trace() RETURNS event_trigger LANGUAGE plpgsql
        AS 'BEGIN INSERT INTO tests.changes VALUES (now()); END';
    CREATE EVENT TRIGGER changes ON ddl_command_end EXECUTE FUNCTION tests.trace();
    CREATE EVENT TRIGGER drops ON sql_drop EXECUTE FUNCTION tests.trace()
"""
TABLES = ("tests.changes", *Base.metadata.tables)
LOOK = " UNION ALL ".join(f"SELECT '{name}' WHERE EXISTS (SELECT FROM {name})" for name in TABLES)  # noqa: S608  # ours
RESTART = (
    "SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false) "
    "FROM pg_sequences WHERE last_value IS NOT NULL"
)
LEAVE = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> ALL(%s)"


class Kept:
    """Connections that their users closed: a new one would be a process that reads the catalogue anew.

    To psycopg it is the pool that a connection goes back to. The next user gets the connection without anything that a
    session holds.
    """

    close_returns = True

    def __init__(self) -> None:
        """Nothing is kept yet."""
        self._idle: dict[str, list[pq.abc.PGconn]] = defaultdict(list)

    def serve(self, database: Database) -> None:
        """Let a database's engine open its connections here."""
        key = str(database.url.database)

        async def opened(*parts: Any, **options: Any) -> AsyncConnection:  # as psycopg takes them
            if self._idle[key]:
                found = AsyncConnection(self._idle[key].pop())
            else:
                found = await AsyncConnection.connect(*parts, **options)
            found._pool = self  # of a pool a closing connection asks no more
            return found

        @event.listens_for(database.engine.sync_engine, "do_connect")
        def connect(_dialect: object, _record: object, _parts: object, options: dict[str, Any]) -> None:
            options["async_creator_fn"] = opened

    async def putconn(self, connection: AsyncConnection) -> None:
        """Keep a connection that is closed; one that is in the middle of something is closed indeed."""
        link, kept = connection.pgconn, False
        try:
            if link.transaction_status == TransactionStatus.INTRANS:
                await connection.rollback()
            if link.transaction_status == TransactionStatus.IDLE:
                await connection.set_autocommit(True)
                await connection.execute("DISCARD ALL")
                kept = True
        finally:
            if not kept:
                link.finish()
        if kept:
            connection.pgconn = pq.PGconn()  # to whoever holds it still it is closed
            self._idle[link.db.decode()].append(link)

    def pids(self, name: str) -> list[int]:
        """The server's processes of the connections to a database."""
        return [link.backend_pid for link in self._idle[name]]

    def forget(self, name: str) -> None:
        """Close the connections to a database."""
        for link in self._idle.pop(name, ()):
            link.finish()


class Shelf:
    """Databases of one server, for one test after the other: each finds the declared tables, and nothing in them."""

    def __init__(self, address: str, kept: Kept, prefix: str = "test") -> None:
        """Everything is made when it is asked for."""
        self._address = address
        self._prefix = prefix
        self.kept = kept
        self._desk = psycopg.connect(address, autocommit=True)
        self._hands: dict[str, psycopg.Connection] = {}  # those that empty a database, by its name
        self._uses: dict[str, int] = defaultdict(int)
        self._ready: list[str] = []
        self._numbers = count(1)

    def take(self) -> str:
        """The name of a database that nobody uses."""
        if self._ready:
            return self._ready.pop()
        name = f"{self._prefix}_{next(self._numbers)}"
        self._desk.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE declared STRATEGY file_copy").format(sql.Identifier(name))
        )
        hand = psycopg.connect(self._address, dbname=name, autocommit=True)
        hand.execute("SET session_replication_role = replica")  # neither foreign keys nor refusals to delete
        hand.execute("SET lock_timeout = '10s'")
        self._hands[name] = hand
        return name

    def give_back(self, name: str) -> None:
        """Empty a database for the next test; one that is worn, or not as declared any more, is dropped."""
        hand = self._hands[name]
        hand.execute(LEAVE, ([hand.info.backend_pid, *self.kept.pids(name)],))
        filled = [row[0] for row in hand.execute(LOOK)]
        self._uses[name] += 1
        if self._uses[name] == USES or "tests.changes" in filled:
            self.drop(name)
            return
        if filled:
            hand.execute(";".join(f"DELETE FROM {table}" for table in filled))  # noqa: S608  # ours
        hand.execute(RESTART)
        self._ready.append(name)

    def names(self) -> set[str]:
        """The databases that there are."""
        return set(self._hands)

    def drop(self, name: str) -> None:
        """Do away with a database."""
        self.kept.forget(name)
        self._hands.pop(name).close()
        self._desk.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def close(self) -> None:
        """Hang up."""
        for name in self._hands:
            self.kept.forget(name)
        for connection in (*self._hands.values(), self._desk):
            connection.close()


def until_somebody_waits(database: Database, many: int = 1) -> None:
    """Until so many transactions wait for rows that others hold; an error after twenty seconds."""
    address = database.url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("SET statement_timeout = '20s'")
        connection.execute(
            f"DO $$ BEGIN WHILE (SELECT COUNT(DISTINCT pid) FROM pg_locks WHERE NOT granted) < {many:d} "  # noqa: S608  # a number
            "LOOP PERFORM pg_sleep(0.01); END LOOP; END $$"
        )
