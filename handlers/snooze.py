"""`snooze CASE 3d`: keeps a case silent for a while."""

from __future__ import annotations

from bot.chat.arguments import CaseRef, Lapse
from bot.chat.cards import snoozed_card
from bot.chat.cards.labels import ROLES
from bot.chat.command import READERS, Command
from bot.chat.nodes import Message, Text
from bot.errors import NotAllowed
from bot.services import Invocation
from bot.words import _


async def snooze(call: Invocation, case: CaseRef, length: Lapse) -> Message:
    """Silence until then, unless it gets worse."""
    if call.asker.role in READERS:
        role = ROLES.get(call.asker.role, Text(call.asker.role))
        raise NotAllowed(
            _("As {role} you may read, but not snooze. An administrator can give you another role.", role=role)
        )
    until = call.now + length.length
    return snoozed_card(await call.services.cases.snooze(case.id, until, call.asker.member_id, call.origin.platform))


COMMAND = Command("snooze", snooze, summary=_("Keep a case silent for a while"))
