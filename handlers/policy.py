"""`policy [REQUEST [MEMBER]]`: the policy in force, or who may decide a request and why; admins confirm versions."""

from __future__ import annotations

from typing import Literal

from bot.chat.arguments import RequestRef, Rest
from bot.chat.cards.policy import explanation_card, history_card, policy_card, version_card
from bot.chat.command import Command
from bot.chat.nodes import Code, Message
from bot.errors import BadArgument
from bot.services import Invocation
from bot.words import _


async def policy(
    call: Invocation,
    what: Literal["confirm", "refuse", "history"] | RequestRef | None = None,
    member: Rest | None = None,
) -> Message:
    """The policy, one of its versions after a decision, or the rules that bear on somebody and a request."""
    policies = call.services.policies
    if what is None:
        found = await policies.in_force()
        return policy_card(found.version, found.policy, await policies.proposed(), admin=call.asker.role == "admin")
    if what == "history":
        return history_card(await policies.history())
    if isinstance(what, RequestRef):
        whose = call.asker.member_id
        if member is not None:
            whose = (await call.services.members.named(member.text)).id
        return explanation_card(await call.services.decisions.explain(what.id, whose))
    number = _number(member)
    change = policies.confirm if what == "confirm" else policies.refuse
    return version_card(await change(number, call.asker.member_id, call.origin.platform))


def _number(typed: Rest | None) -> int:
    text = typed.text.strip() if typed is not None else ""
    if not text.isdecimal() or len(text) > 9:
        raise BadArgument(_("Which version? Give its number, such as {example}.", example=Code("policy confirm 3")))
    return int(text)


COMMAND = Command("policy", policy, summary=_("Who may approve what, and why"), audience="asker")
