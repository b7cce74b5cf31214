"""`authenticator [CODE]`: sets up the app whose one-time codes large approvals need; in a private chat only."""

from __future__ import annotations

from bot.chat.cards import notice_card
from bot.chat.cards.policy import enrolment_card
from bot.chat.command import Command
from bot.chat.nodes import Message
from bot.errors import NotAllowed
from bot.services import Invocation
from bot.words import _


async def authenticator(call: Invocation, code: str | None = None) -> Message:
    """A new secret, or its confirmation by the first code."""
    if call.origin.conversation_kind not in {"direct", "terminal"}:
        raise NotAllowed(_("A secret is for your eyes alone: ask me for it in a private chat."))
    service, member = call.services.authenticators, call.asker.member_id
    if code is None:
        made = await service.begin(member, call.asker.name, call.origin.platform)
        return enrolment_card(made.secret, made.link, made.png)
    await service.confirm(member, code, call.origin.platform)
    return notice_card(_("Your authenticator works. Large approvals ask for its codes from now on."))


COMMAND = Command(
    "authenticator", authenticator, summary=_("Set up one-time codes for large approvals"), audience="asker"
)
