"""`help [COMMAND]`: what there is, and how it is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot.chat.cards import command_card, help_card
from bot.chat.command import Command
from bot.chat.nodes import Code, Inline, Message
from bot.chat.parsing import grammar, usage
from bot.chat.router import written
from bot.errors import UnknownReference
from bot.services import Invocation
from bot.words import _

EXAMPLES: Mapping[str, tuple[str, ...]] = {
    "stock": ("stock 85123A", "stock 85123A UK", "stock white hanging heart"),
    "restock": ("restock", "restock UK"),
    "slow": ("slow", "slow DE"),
    "turnover": ("turnover", "turnover UK", "turnover 85123A"),
    "why": ("why C-12",),
    "snooze": ("snooze C-12 3d", "snooze C-12 12h"),
    "approve": ("approve R-7", "approve R-7 before the holidays"),
    "reject": ("reject R-7 too dear",),
    "halt": ("halt", "halt purchases wrong prices from the supplier", "halt all"),
    "resume": ("resume purchases", "resume"),
    "effect": (
        "effect",
        "effect E-5",
        "effect E-5 done they confirmed by phone",
        "effect E-5 again",
        "effect E-5 drop",
    ),
    "digest": ("digest", "digest now", "digest 08:30", "digest off"),
    "me": ("me", "me zone Asia/Shanghai", "me language zh", "me hours 09:00 18:00", "me country CN", "me days 12345"),
    "link": ("link", "link ABCDE-23456"),
    "subscribe": ("subscribe restock", "subscribe restock UK"),
    "unsubscribe": ("unsubscribe restock",),
}


def help_of(commands: Sequence[Command], aliases: Mapping[str, str]) -> Command:
    """The help command over `commands`, and over itself."""

    async def help_(call: Invocation, name: str | None = None) -> Message:
        """All commands, or one with examples."""
        if name is None:
            return help_card([(_usage(each, call), each.summary) for each in everything])
        bare = name.lstrip("/").casefold()
        for each in everything:
            if bare == call.names.get(each.name) or each.name == aliases.get(bare, bare):
                return command_card(_usage(each, call), each.summary, EXAMPLES.get(each.name, ()))
        raise UnknownReference(
            _("I know no command {word}. Write {help} to see all.", word=Code(name[:40]), help=Code("help"))
        )

    command = Command("help", help_, summary=_("What I can do"), audience="asker", strangers=True)
    everything = (*commands, command)
    return command


def _usage(command: Command, call: Invocation) -> Inline:
    return usage(written(command, call), grammar(command.run))
