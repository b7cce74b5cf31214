"""People as a platform mentions them, found on either database."""

from __future__ import annotations

from sqlalchemy import update

from bot.storage import members as rows
from bot.storage import tables
from tests.services.rooms.kit import Floor


async def test_somebody_is_found_by_their_id_before_another_ones_name(floor: Floor) -> None:
    async with floor.database.transaction() as connection:
        named = tables.Identity.external_id == "U-Lin Wei"
        await connection.execute(update(tables.Identity).where(named).values(handle="u-JONAS"))
    async with floor.database.reading() as connection:
        found = [await rows.by_mention(connection, "slack", word) for word in ("U-Jonas", "U-jonas", "U-Nobody")]
    assert found == [floor.members["Jonas"], floor.members["Lin Wei"], None]


async def test_who_left_the_team_is_not_found(floor: Floor) -> None:
    async with floor.database.transaction() as connection:
        gone = tables.Member.id == floor.members["Jonas"]
        await connection.execute(update(tables.Member).where(gone).values(active=False))
    async with floor.database.reading() as connection:
        assert await rows.by_mention(connection, "slack", "U-Jonas") is None
