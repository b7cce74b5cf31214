"""Small remembered facts of the platforms, such as the next Telegram update to ask for."""

from __future__ import annotations

from sqlalchemy import select

from bot.storage.database import Database
from bot.storage.dialect import insert_into
from bot.storage.tables import Mark


class Offset:
    """A number kept under a key; implements the offset store that the Telegram platform asks for."""

    def __init__(self, *, database: Database, key: str) -> None:
        self._database = database
        self._key = key

    async def load(self) -> int:
        """The number; 0 where none was kept."""
        async with self._database.reading() as connection:
            found = (await connection.execute(select(Mark.value).where(Mark.key == self._key))).scalar()
        return int(found) if found else 0

    async def save(self, offset: int) -> None:
        """Keep the number."""
        async with self._database.transaction() as connection:
            await connection.execute(
                insert_into(connection, Mark)
                .values(key=self._key, value=str(offset))
                .on_conflict_do_update(index_elements=["key"], set_={"value": str(offset)})
            )
