"""Conversations: where we may speak, to whom they belong, and what becomes of them."""

from __future__ import annotations

from collections.abc import Mapping

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.chat.incoming import ConversationKind
from bot.errors import PlatformError, RateLimited, TokenRefused, Uncertain, Unreachable
from bot.ports import ChatPlatform, Clock
from bot.storage import conversations as rows
from bot.storage import outbox
from bot.storage.conversations import ConversationRow
from bot.storage.database import Database

_log = structlog.get_logger(__name__)

_AWAY = (Unreachable, RateLimited, Uncertain, TokenRefused)  # another time they may well answer


class Conversations:
    """Finds and keeps conversations; `platforms` tell the private conversation with a person."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        platforms: Mapping[str, ChatPlatform],
        default_language: str = "en",
        default_zone: str = "UTC",
    ) -> None:
        self._database = database
        self._clock = clock
        self._platforms = platforms
        self._language = default_language
        self._zone = default_zone

    async def of(
        self,
        connection: AsyncConnection,
        platform: str,
        external_id: str,
        kind: ConversationKind,
        thread: str = "",
        title: str = "",
        member_id: int | None = None,
    ) -> tuple[ConversationRow, bool]:
        """The conversation of a platform's id, and whether it is new to us; a changed title or owner is kept."""
        added = await rows.add(
            connection,
            platform,
            external_id,
            kind,
            thread=thread,
            title=title,
            language=self._language,
            zone=self._zone,
            member_id=member_id,
        )
        found = await rows.find(connection, platform, external_id, kind, thread)
        assert found is not None  # noqa: S101  # it was added just now where it was missing
        news: dict[str, object] = {}
        if title and title != found.title:
            news["title"] = title
        if member_id is not None and member_id != found.member_id:
            news["member_id"] = member_id
        if not news:
            return found, added
        await rows.change(connection, found.id, **news)
        return await rows.get(connection, found.id), added

    async def direct(self, member_id: int) -> ConversationRow | None:
        """An open private conversation with a member, on their preferred platform if possible.

        None where there is none: never linked, or every platform refused for good. Asks a platform only when it is not
        known. A PlatformError where one that may open it could not be asked now.
        """
        away: PlatformError | None = None
        async with self._database.reading() as connection:
            identities = await rows.identities(connection, member_id)
            known = {row.platform: row for row in await rows.direct_of(connection, member_id)}
        for platform, person in identities:
            row = known.get(platform)
            if row is not None and row.closed_at is None:
                return row
            if row is not None:
                continue
            try:
                opened = await self._open(platform, person, member_id)
            except _AWAY as error:
                away = error
                continue
            if opened is not None:
                return opened
        if away is not None:
            raise away
        return None

    async def elsewhere(self, member_id: int, platform: str) -> ConversationRow | None:
        """An open private conversation with a member on another platform than the one named; None where there is none.

        A platform that cannot be asked now counts as none.
        """
        async with self._database.reading() as connection:
            identities = await rows.identities(connection, member_id)
            known = {row.platform: row for row in await rows.direct_of(connection, member_id)}
        for other, person in identities:
            if other == platform:
                continue
            try:
                row = known.get(other) or await self._open(other, person, member_id)
            except _AWAY:
                continue
            if row is not None and row.closed_at is None:
                return row
        return None

    async def _open(self, platform: str, person: str, member_id: int) -> ConversationRow | None:
        chat = self._platforms.get(platform)
        if chat is None:
            return None
        try:
            external_id = await chat.direct(person)
        except _AWAY:
            raise
        except PlatformError as error:
            _log.warning("no private conversation", platform=platform, member=member_id, error=repr(error))
            return None
        async with self._database.transaction() as connection:
            row, _new = await self.of(connection, platform, external_id, "direct", member_id=member_id)
        return row if row.closed_at is None else None

    async def welcome_back(self, connection: AsyncConnection, platform: str, external_id: str) -> None:
        """Open a chat and its topics again: the bot was let in, or somebody spoke to it."""
        await rows.open_again(connection, await rows.ids_at(connection, platform, external_id))

    async def close(self, connection: AsyncConnection, platform: str, external_id: str, reason: str) -> int:
        """Close a chat and its topics: what waits for it is dead, its subscriptions fall silent; rows given up."""
        ids = await rows.ids_at(connection, platform, external_id)
        now = self._clock.now()
        await rows.close(connection, ids, now, reason)
        lost = await outbox.bury(connection, ids, reason, now)
        _log.warning(
            "conversation closed", platform=platform, conversation=external_id, reason=reason, undelivered=lost
        )
        return lost

    async def move(self, connection: AsyncConnection, platform: str, old: str, new: str) -> None:
        """A chat has a new id: subscriptions and waiting messages follow, its old posts can no longer be edited."""
        now = self._clock.now()
        for row_id in await rows.ids_at(connection, platform, old):
            before = await rows.get(connection, row_id)
            after, _added = await self.of(
                connection, platform, new, before.kind, before.thread, before.title, before.member_id
            )
            await rows.change(connection, after.id, language=before.language, zone=before.zone)
            await rows.repoint(connection, before.id, after.id)
            await rows.close(connection, [before.id], now, f"moved to {new}")
        _log.info("conversation moved", platform=platform, chat=old, moved_to=new)
