"""The head of the audit log, posted once a day to a conversation of choice.

Whoever reads there holds a hash that covers every entry so far: to rewrite one of them, somebody would have to rewrite
what was posted too. What was posted is also remembered here, and `Audit.verify` looks for it in the chain.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

import structlog

from bot.chat.cards import head_card
from bot.chat.incoming import ConversationKind
from bot.services.audit import POSTED, Audit, write_head
from bot.services.conversations import Conversations
from bot.services.outbox import Outbox
from bot.services.settings import ServiceSettings
from bot.storage import marks
from bot.storage.database import Database

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class HeadPost:
    """What became of a day's post: `outcome` is posted, already, closed (nobody can be told there) or off."""

    on: date
    outcome: str
    entries: int = 0
    fault: str = ""


class Heads:
    """Posts the head."""

    def __init__(
        self,
        *,
        database: Database,
        audit: Audit,
        outbox: Outbox,
        conversations: Conversations,
        settings: ServiceSettings,
    ) -> None:
        self._database = database
        self._audit = audit
        self._outbox = outbox
        self._conversations = conversations
        self._settings = settings

    async def post(self, at: datetime) -> HeadPost:
        """Walk the log and post its head and what was found, once per local day of the organisation."""
        on = at.astimezone(ZoneInfo(self._settings.default_zone)).date()
        platform, _colon, chat = self._settings.audit_post_to.partition(":")
        if not chat:
            return HeadPost(on, "off")
        key = f"{POSTED}{on.isoformat()}"
        async with self._database.reading() as connection:
            if await marks.get(connection, key) is not None:
                return HeadPost(on, "already")
        verdict = await self._audit.check()
        async with self._database.transaction() as connection:
            place, _new = await self._conversations.of(connection, platform, chat, _kind(platform, chat))
            if place.closed_at is not None:
                _log.warning("the audit log's head cannot be posted", conversation=self._settings.audit_post_to)
                return HeadPost(on, "closed", verdict.entries, verdict.fault)
            card = head_card(on, verdict.entries, verdict.head, verdict.fault, verdict.broken_at)
            await self._outbox.put(connection, place.id, card, "post", f"audit:{on}", dedupe_key=f"audit-head:{on}")
            if not verdict.fault:  # the head of a broken chain is nothing to hold anybody to
                await marks.add(connection, key, write_head(verdict.entries, verdict.head))
        return HeadPost(on, "posted", verdict.entries, verdict.fault)


def _kind(platform: str, chat: str) -> ConversationKind:
    """Whether an id is that of a private conversation: Slack's begin with D, Telegram's are positive."""
    private = chat.startswith("D") if platform == "slack" else not chat.startswith("-")
    return "direct" if private else "group"
