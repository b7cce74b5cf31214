"""Whether a bot has come to rest: the only thing that the proof asks its database."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from datetime import datetime

from sqlalchemy import create_engine, func, make_url, select, text

from bot.storage import tables


class Rest:
    """Whether a bot's database shows work that is not finished."""

    def __init__(self, url: str) -> None:
        plain = make_url(url)
        driver = "sqlite" if plain.get_backend_name() == "sqlite" else "postgresql+psycopg"
        self._engine = create_engine(plain.set(drivername=driver))

    def open(self, now: datetime) -> int:
        """Rows that wait and are due."""
        inbox, outbox, effects = tables.Inbox, tables.Outbox, tables.Effect
        waiting = (
            select(func.count()).where(inbox.state == "new", inbox.due_at <= now),
            select(func.count()).where(outbox.state == "pending", outbox.due_at <= now),
            select(func.count()).where(effects.state.in_(("pending", "sending")), effects.due_at <= now),
        )
        with self._engine.connect() as connection:
            return sum(connection.execute(query).scalar_one() for query in waiting)

    def halted(self) -> list[tuple[int, int]]:
        """Calls that wait for a person's word, and their requests."""
        with self._engine.connect() as connection:
            found = connection.execute(text("SELECT id, request_id FROM effects WHERE state = 'halted'"))
            return [(int(effect), int(request)) for effect, request in found]

    def states(self, table: str) -> Counter[str]:
        """How many rows are in each state."""
        with self._engine.connect() as connection:
            return Counter(dict(connection.execute(text(f"SELECT state, count(*) FROM {table} GROUP BY state")).all()))  # noqa: S608  # our own tables' names

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()


async def until(seen: Callable[[], object], seconds: float, every: float = 0.02) -> bool:
    """Whether `seen` came true in time."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while not seen():
        if loop.time() > deadline:
            return False
        await asyncio.sleep(every)
    return True
