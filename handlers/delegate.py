"""`delegate [MEMBER until DATE [from DATE] | off]`: who may decide in one's place, for some days."""

from __future__ import annotations

import re
from datetime import datetime, time
from zoneinfo import ZoneInfo

from bot.chat.arguments import Rest
from bot.chat.cards import notice_card
from bot.chat.cards.policy import delegation_card
from bot.chat.command import Command
from bot.chat.moments import instant_until, read_until
from bot.chat.nodes import Code, Message
from bot.chat.parsing import plain
from bot.domain.localtime import instant_of
from bot.errors import BadArgument
from bot.services import Invocation
from bot.services.delegations import Standing
from bot.storage.delegations import DelegationRow
from bot.words import _

_OFF = frozenset({"off", "none", "end", "关闭", "关", "停", "取消"})
_LINE = re.compile(
    r"(?P<name>.+?)\s*(?:(?:\bfrom|从)\s*(?P<start>.+?)\s*)?(?:\buntil|\btill|直到|到|至)\s*(?P<until>.+?)"
    r"(?:\s+from\s+(?P<late>.+))?",
    re.IGNORECASE,
)


async def delegate(call: Invocation, person: Rest | None = None) -> Message:
    """Whom one has named, after a change if one was asked for."""
    delegations = call.services.delegations
    text = plain(person.text).strip() if person is not None else ""
    if text.casefold() in _OFF:
        if not await delegations.take_back(call.asker, call.origin.platform):
            return notice_card(_("Nobody stands in for you."))
        return notice_card(_("Nobody stands in for you any more."))
    if text:
        name, start, until = _read(text, call.now, call.asker.zone)
        return await _shown(call, await delegations.give(call.asker, name, until, call.origin.platform, start))
    return await _shown(call, await delegations.of(call.asker.member_id))


async def _shown(call: Invocation, standing: Standing) -> Message:
    policy = (await call.services.policies.in_force()).policy
    given = None if standing.given is None else _line(standing.given, standing.given.to_name)
    return delegation_card(given, [_line(each, each.from_name) for each in standing.taken], policy.delegation_days)


def _line(row: DelegationRow, name: str) -> tuple[str, datetime, datetime]:
    return name, row.starts_at, row.ends_at


def _read(text: str, now: datetime, zone: ZoneInfo) -> tuple[str, datetime | None, datetime]:
    """The name, the start (None: now) and the end; dates are the asker's."""
    match = _LINE.fullmatch(text)
    if match is None:
        example = Code("delegate Greta until 2011-12-01")
        raise BadArgument(_("Name somebody and an end, such as {example}.", example=example), "delegate")
    begins = match["start"] or match["late"]
    start = None
    if begins:
        day = read_until(begins).day
        if day is None:
            raise BadArgument(
                _("Write the start as a date, such as {example}.", example=Code("2011-11-25")), "delegate"
            )
        start = instant_of(zone, day, time.min)
    return match["name"].strip().removeprefix("@"), start, instant_until(read_until(match["until"]), now, zone)


COMMAND = Command("delegate", delegate, summary=_("Let somebody decide in your place for some days"), audience="asker")
