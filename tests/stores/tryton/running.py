"""A running Tryton of a packed SQLite file: one process for all tests."""

from __future__ import annotations

import asyncio
import lzma
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from sqlite3 import connect
from threading import Thread
from typing import Any

import pytest

from bot.ports import FactKind, Page
from bot.settings import StorePart
from bot.stores.tryton import TrytonFeed
from bot.stores.tryton.api import Api
from tests.stores.tryton.seed import ADMIN, CONFIGURATION, NAME, PACKED, PASSWORD, USER

_RUNNING = re.compile(rb"Running on (http://127\.0\.0\.1:\d+)")
KINDS: tuple[FactKind, ...] = ("products", "offers", "stock", "inbounds")


@dataclass
class Served:
    """The process, its database, and what is read of it before anybody wrote into it."""

    url: str  # with the database
    database: Path
    seeded: Path
    visits: dict[str, Api]  # by user, logged in; sessions are kept in the database, so a restored one knows them too
    readings: dict[FactKind, list[Page]]
    written: bool = False

    def enter(self, api: Api, user: str) -> None:
        """Spare a login, and what is asked first."""
        api._session, api._company = self.visits[user]._session, self.visits[user]._company

    def restore(self) -> None:
        """Make the database what it was: copied page by page, for Tryton has it open."""
        if not self.written:
            return
        self.written = False
        with closing(connect(self.seeded)) as seeded, closing(connect(self.database)) as database:
            seeded.backup(database)


def part(url: str, **given: Any) -> StorePart:
    """The settings of a database at an address."""
    return StorePart(**{"kind": "tryton", "url": url, "user": USER, "secret": PASSWORD, "private": True, **given})


@contextmanager
def serving(folder: Path) -> Iterator[Served]:
    """Tryton itself, as it is installed, on a port that the system chooses; its database lies in the folder."""
    database, seeded = folder / f"{NAME}.sqlite", folder / "seeded"
    database.write_bytes(lzma.decompress(PACKED.read_bytes()))
    configuration = folder / "trytond.conf"
    configuration.write_text(CONFIGURATION.format(path=folder))
    program = str(Path(sys.executable).with_name("trytond"))
    command = [sys.executable, program, "-c", str(configuration), "-d", NAME]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:  # noqa: S603  # our own words
        try:
            url = f"{_listening(process)}/{NAME}"
            visits, readings = asyncio.run(_visited(url))
            with closing(connect(database)) as source, closing(connect(seeded)) as target:
                source.backup(target)
            yield Served(url, database, seeded, visits, readings)
        finally:
            process.terminate()


def _listening(process: subprocess.Popen[bytes]) -> str:
    """The address, once Tryton says it."""
    assert process.stderr is not None
    said = b""
    for line in process.stderr:
        said += line
        if (found := _RUNNING.search(line)) is not None:
            Thread(target=process.stderr.read, daemon=True).start()  # a full pipe would stop it
            return found.group(1).decode()
    pytest.fail(f"Tryton does not start: {said.decode(errors='replace')}")


async def _visited(url: str) -> tuple[dict[str, Api], dict[FactKind, list[Page]]]:
    """Log in, and read everything."""
    clerk, feed = Api(part(url, user=ADMIN)), TrytonFeed("erp", part(url))
    await clerk.company()
    readings = {kind: [page async for page in feed.read(kind)] for kind in KINDS}
    await clerk.close()
    await feed.close()
    return {ADMIN: clerk, USER: feed._api}, readings
