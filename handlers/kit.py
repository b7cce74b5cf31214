"""`kit SKU [PARTS | off]`: what a product that is sold as one consists of, such as `kit SET 2x85123A 1x22423`."""

from __future__ import annotations

import re

from bot.chat.arguments import Rest, Sku
from bot.chat.cards.stores import kit_card
from bot.chat.command import Command
from bot.chat.nodes import Code, Message
from bot.chat.parsing import plain
from bot.errors import BadArgument
from bot.services import Invocation
from bot.words import _

_OFF = frozenset({"off", "none", "no", "关闭", "关", "无", "不是"})
_PART = re.compile(r"(?:(?P<units>\d{1,6})\s*[x×*]\s*)?(?P<sku>.+)", re.IGNORECASE)


async def kit(call: Invocation, sku: Sku, parts: Rest | None = None) -> Message:
    """What it consists of, after a change if one was asked for."""
    kits = call.services.kits
    text = plain(parts.text).strip() if parts is not None else ""
    if not text:
        return kit_card(await kits.of(sku))
    wanted: dict[Sku, int] = {}
    for word in [] if text.casefold() in _OFF else re.split(r"[,，;；+\s]+", text):
        match = _PART.fullmatch(word)
        if match is None:
            raise BadArgument(_("Write parts such as {example}.", example=Code("2x85123A 1x22423")), "kit")
        part = await call.services.lookup.sku(match["sku"])
        wanted[part] = wanted.get(part, 0) + int(match["units"] or 1)
    return kit_card(await kits.put(sku, wanted, call.asker, call.origin.platform))


COMMAND = Command("kit", kit, summary=_("What a set that is sold as one consists of"), audience="asker")
