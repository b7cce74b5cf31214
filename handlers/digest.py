"""`digest [now|08:30|off]`: the morning message, now or at another time."""

from __future__ import annotations

from typing import Literal

from bot.chat.arguments import ClockTime
from bot.chat.cards import digest_card, member_card
from bot.chat.cards.people import clock
from bot.chat.command import Command
from bot.chat.nodes import Message
from bot.services import Invocation
from bot.words import _


async def digest(call: Invocation, when: Literal["now", "off"] | ClockTime | None = None) -> Message:
    """The digest of this moment; with a time or `off`, when it comes by itself from now on."""
    digests, member_id = call.services.digests, call.asker.member_id
    if when is None or when == "now":
        return digest_card(await digests.view(member_id, call.now))
    at = when.at if isinstance(when, ClockTime) else None
    await digests.set_time(member_id, at)
    words = _("Your digest comes at {time} on your working days.", time=clock(at)) if at else _("No more digests.")
    return member_card(await call.services.members.get(member_id), changed=words)


COMMAND = Command(
    "digest", digest, summary=_("Your morning digest: now, or at another time"), audience="asker", short=True
)
