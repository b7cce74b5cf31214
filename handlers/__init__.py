"""Chat commands, one per file. A new one is a new file and one line here."""

from __future__ import annotations

from bot.chat.command import Command
from handlers import (
    approve,
    audit,
    authenticator,
    buy,
    cancel,
    cases,
    delegate,
    digest,
    edit,
    effect,
    halt,
    link,
    me,
    options,
    order,
    policy,
    promo,
    receive,
    reject,
    requests,
    restock,
    resume,
    slow,
    snooze,
    stock,
    stop,
    submit,
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
    options.COMMAND,
    buy.COMMAND,
    requests.COMMAND,
    edit.COMMAND,
    submit.COMMAND,
    cancel.COMMAND,
    approve.COMMAND,
    reject.COMMAND,
    policy.COMMAND,
    delegate.COMMAND,
    authenticator.COMMAND,
    promo.COMMAND,
    stop.COMMAND,
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
