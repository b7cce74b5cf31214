"""What an event leads to, before any of it is written down."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.chat.forms import Window
from bot.chat.incoming import Incoming
from bot.chat.nodes import Message
from bot.services.outbox import Kind

Write = Callable[[AsyncConnection], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Saying:
    """One message, or one form, to be put into the outbox."""

    conversation_id: int
    message: Message | Window
    kind: Kind = "post"
    private: bool = False
    incoming: Incoming | None = None
    post_id: int | None = None
    language: str = ""
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Sayings, and what is written with the event's end: all of it or nothing.

    `secret`: what was typed is a one-time code, and is kept nowhere once the event is handled.
    """

    sayings: tuple[Saying, ...] = ()
    writes: tuple[Write, ...] = ()
    secret: bool = False
