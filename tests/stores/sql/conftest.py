"""A seller's own database, of SQLite and of PostgreSQL, and a feed that reads it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import psycopg
import pytest

from bot.ports import FactKind, MovableClock, Page
from bot.settings import StorePart
from bot.stores.sql import SqlFeed

FactT = TypeVar("FactT")


@dataclass
class Seller:
    """A database: `run` changes it, `feed` reads it by the queries of the options."""

    kind: str
    url: str
    run: Callable[[str], None]
    clock: MovableClock

    def part(self, **options: str) -> StorePart:
        """Settings with these options."""
        return StorePart(kind="sql", url=self.url, private=True, options=options)

    def feed(self, **options: str) -> SqlFeed:
        """A feed with these options."""
        return SqlFeed("erp", self.part(**options), now=self.clock.now)

    async def read(self, kind: FactKind, cursor: str = "", **options: str) -> list[Page]:
        """A whole reading."""
        return [page async for page in self.feed(**options).read(kind, cursor)]


def facts(pages: Iterable[Page], kind: type[FactT]) -> list[FactT]:
    """The facts of pages."""
    return [fact for page in pages for fact in page.facts if isinstance(fact, kind)]


def faults(pages: Iterable[Page]) -> dict[str, str]:
    """What was wrong, by where."""
    return {fault.where: fault.problem for page in pages for fault in page.faults}


@pytest.fixture
def sqlite_seller(tmp_path: Path, clock: MovableClock) -> Seller:
    """A file of SQLite, in a folder whose name must be quoted."""
    path = tmp_path / "shop #1%20.db"

    def run(script: str) -> None:
        connection = sqlite3.connect(path)
        connection.executescript(script)
        connection.close()

    run("CREATE TABLE empty (x)")
    return Seller("sqlite", f"sqlite:///{str(path).replace('#', '%23').replace('%20', '%2520')}", run, clock)


@pytest.fixture(scope="session")
def postgres_address(postgres_server: str) -> str:
    """A database of PostgreSQL, by its socket."""
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute("CREATE DATABASE seller STRATEGY file_copy")
    base, _, query = postgres_server.partition("?")
    return f"{base.rsplit('/', 1)[0]}/seller?{query}"


@pytest.fixture
def postgres_seller(postgres_address: str, clock: MovableClock) -> Iterator[Seller]:
    """That database, with nothing in it."""
    with psycopg.connect(postgres_address, autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")

        def run(script: str) -> None:
            connection.execute(script.encode())

        url = postgres_address.replace("postgresql://", "postgresql+psycopg://").replace("postgres:@", "postgres@")
        yield Seller("postgres", url, run, clock)


@pytest.fixture(params=["sqlite", "postgres"])
def seller(request: pytest.FixtureRequest) -> Any:
    """Each of the two."""
    return request.getfixturevalue(f"{request.param}_seller")
