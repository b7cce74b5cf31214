"""`audit [verify]`: the state of the audit log, for those who check it."""

from __future__ import annotations

from typing import Literal

from bot.chat.cards import audit_card
from bot.chat.command import Command
from bot.chat.nodes import Message
from bot.errors import NotAllowed
from bot.services import Invocation
from bot.words import _

_READERS = ("auditor", "admin")


async def audit(call: Invocation, verify: Literal["verify"] | None = None) -> Message:
    """How many entries there are, the last hash, and when the chain was walked; walks it now where asked."""
    if call.asker.role not in _READERS:
        raise NotAllowed(_("Only auditors and administrators read the audit log."))
    books = call.services.audit
    if verify is not None:
        await books.check()
    entries, head = await books.head()
    checked = await books.checked()
    return audit_card(
        entries, head, (checked.at, checked.entries, checked.fault) if checked else None, await books.posted()
    )


COMMAND = Command("audit", audit, summary=_("The audit log: entries, head, last verified"), audience="asker")
