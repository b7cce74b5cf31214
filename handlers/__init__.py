"""Chat commands, one per file. A new one is a new file and one line here."""

from __future__ import annotations

from bot.chat.command import Command
from handlers import (
    approve,
    audit,
    cases,
    digest,
    effect,
    halt,
    link,
    me,
    order,
    receive,
    reject,
    requests,
    restock,
    resume,
    slow,
    snooze,
    stock,
    subscribe,
    turnover,
    unsubscribe,
    who,
    why,
)
from handlers.aliases import ALIASES
from handlers.help import help_of

_COMMANDS: tuple[Command, ...] = (
    stock.COMMAND,
    restock.COMMAND,
    slow.COMMAND,
    turnover.COMMAND,
    cases.COMMAND,
    why.COMMAND,
    snooze.COMMAND,
    requests.COMMAND,
    approve.COMMAND,
    reject.COMMAND,
    order.COMMAND,
    receive.COMMAND,
    halt.COMMAND,
    resume.COMMAND,
    effect.COMMAND,
    digest.COMMAND,
    audit.COMMAND,
    who.COMMAND,
    me.COMMAND,
    link.COMMAND,
    subscribe.COMMAND,
    unsubscribe.COMMAND,
)
COMMANDS: tuple[Command, ...] = (*_COMMANDS, help_of(_COMMANDS, ALIASES.commands))

__all__ = ["ALIASES", "COMMANDS"]
