"""A town with its sandbox, store and post office, opened and closed."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

from bot.domain.money import Money
from bot.ports import MovableClock
from bot.sandbox import Sandbox
from bot.sandbox.serving import Serving
from bot.sandbox.store import Listing, LocalStore, store_app
from tests.faults.town import SHELF, Town
from tests.suppliers.kit import PostOffice, mail_server
from tests.unpaced import unpaced


@contextlib.asynccontextmanager
async def town(url: str, start: datetime, folder: Path) -> AsyncIterator[Town]:
    """A town over an empty database, with nobody's bot running yet; orders are written below `folder`."""
    clock = MovableClock(start, frozen=True)
    sandbox = Sandbox(clock)
    unpaced(sandbox)
    sandbox.slack.courier.ack_seconds = 1.0
    await sandbox.start()
    try:
        office = PostOffice()
        lamps = [Listing(f"LAMP{number}", f"Lamp {number}", Money.of_minor(250, "GBP")) for number in range(SHELF)]
        store = LocalStore(clock, lamps)
        async with mail_server(office) as port, _served(store) as store_url:
            found = Town(
                sandbox,
                clock,
                url,
                folder=folder / "orders",
                office=office,
                mail_port=port,
                store=store,
                store_url=store_url,
            )
            await found.settle()
            yield found
    finally:
        await sandbox.stop()


@contextlib.asynccontextmanager
async def _served(store: LocalStore) -> AsyncIterator[str]:
    """The address of a running store."""
    serving = Serving(store_app(store))
    url = serving.bind()
    await serving.start()
    try:
        yield url
    finally:
        await serving.stop()
