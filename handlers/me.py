"""`me [SETTING VALUE]`: shows and sets one's own zone, language, working hours, country and working days."""

from __future__ import annotations

import re
from datetime import time
from typing import Any, Literal

from bot.chat.arguments import Rest
from bot.chat.cards import member_card, zone_card
from bot.chat.command import Command
from bot.chat.nodes import Code, Message
from bot.chat.parsing import plain
from bot.chat.values import read_clock
from bot.errors import BadArgument
from bot.language import LANGUAGES
from bot.services import Invocation
from bot.words import _

Setting = Literal["zone", "language", "hours", "country", "days"]

_LANGUAGES = {
    **dict.fromkeys(("en", "english", "英文", "英语"), "en"),
    **dict.fromkeys(("zh", "zh_cn", "zh-cn", "chinese", "中文", "简体中文", "汉语"), "zh_CN"),
}


async def me(call: Invocation, setting: Setting | None = None, value: Rest | None = None) -> Message:
    """The asker's settings, after a change if one was asked for."""
    members = call.services.members
    if setting is None:
        return member_card(await members.get(call.asker.member_id))
    if value is None:
        if setting == "zone":
            return zone_card(call.now)
        raise BadArgument(_("What should it be? For example {example}.", example=Code(_EXAMPLES[setting])), "me")
    changed = await members.update(call.asker.member_id, **_change(setting, plain(value.text).strip()))
    return member_card(changed, changed=_("Saved."))


_EXAMPLES: dict[Setting, str] = {
    "zone": "me zone Asia/Shanghai",
    "language": "me language zh",
    "hours": "me hours 09:00 18:00",
    "country": "me country CN",
    "days": "me days 12345",
}


def _change(setting: Setting, value: str) -> dict[str, Any]:
    match setting:
        case "zone":
            return {"zone": value}
        case "language":
            found = _LANGUAGES.get(value.casefold())
            if found is None:
                known = Code(", ".join(LANGUAGES))
                raise BadArgument(_("I speak {languages}, not {text}.", languages=known, text=Code(value[:40])), "me")
            return {"language": found}
        case "hours":
            return {"hours": _hours(value)}
        case "country":
            return {"country": "" if value.casefold() in {"none", "off", "-", "无"} else value}
        case "days":
            return {"workdays": value}


def _hours(value: str) -> tuple[time, time]:
    parts = [part for part in re.split(r"\s+|\s*(?:-|–|—|~|到|至)\s*", value) if part]
    if len(parts) != 2:
        raise BadArgument(
            _("Working hours are a start and an end, such as {example}.", example=Code("09:00 18:00")), "me"
        )
    return read_clock(parts[0]).at, read_clock(parts[1]).at


COMMAND = Command("me", me, summary=_("Your time zone, language, working hours and holidays"), audience="asker")
