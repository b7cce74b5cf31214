"""Small remembered facts of the platforms, such as the next Telegram update to ask for."""

from __future__ import annotations

from bot.storage import marks
from bot.storage.database import Database


class Offset:
    """A number kept under a key; implements the offset store that the Telegram platform asks for."""

    def __init__(self, *, database: Database, key: str) -> None:
        self._database = database
        self._key = key

    async def load(self) -> int:
        """The number; 0 where none was kept."""
        async with self._database.reading() as connection:
            found = await marks.get(connection, self._key)
        return int(found) if found else 0

    async def save(self, offset: int) -> None:
        """Keep the number."""
        async with self._database.transaction() as connection:
            await marks.put(connection, self._key, str(offset))
