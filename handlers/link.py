"""`link [CODE]`: joins one's identities on two platforms, by a code from each."""

from __future__ import annotations

from typing import Literal

from bot.chat.cards import answer_back_card, code_card, confirm_link_card, linked_card
from bot.chat.command import Command
from bot.chat.nodes import Message
from bot.errors import NotAllowed
from bot.services import Invocation
from bot.services.linking import AnswerBack, AskFirst
from bot.words import _


async def link(call: Invocation, code: str | None = None, sure: Literal["yes"] | None = None) -> Message:
    """A one-time code to enter elsewhere; or, with a code, the next step: a second code, or the joining itself."""
    members = call.services.members
    if call.origin.platform == "terminal":
        raise NotAllowed(_("The command line needs no link."))
    if call.origin.conversation_kind == "group" and call.origin.platform != "slack":
        # Slack shows an answer to the asker alone; elsewhere it might fall back to the whole group.
        raise NotAllowed(_("A code is for your eyes alone: ask me for it in a private chat."))
    if code is None:
        return code_card(*await members.issue_code(call.asker, call.origin))
    outcome = await members.redeem(call.asker, call.origin, code, confirmed=sure is not None)
    if isinstance(outcome, AskFirst):
        return confirm_link_card(code, outcome.name, outcome.platform, outcome.role)
    if isinstance(outcome, AnswerBack):
        return answer_back_card(outcome.code, outcome.platform, outcome.expires_at)
    return linked_card(await members.get(outcome.member_id))


COMMAND = Command("link", link, summary=_("Be one person on Slack and Telegram"), audience="asker", strangers=True)
