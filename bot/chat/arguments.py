"""The kinds of argument a command may take; the router parses the text once, from the annotations."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import time, timedelta
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Sku:
    """A known product: found by code (case ignored), by name, or by part of a name."""

    id: int
    code: str
    name: str


@dataclass(frozen=True, slots=True)
class Location:
    """A known location: found by code or name."""

    id: int
    code: str
    name: str


@dataclass(frozen=True, slots=True)
class CaseRef:
    """A case by number; `C-12`, `c12` and `12` are the same."""

    id: int


@dataclass(frozen=True, slots=True)
class RequestRef:
    """A request by number; `R-12`, `r12` and `12` are the same. `R-12@3` names the version that a button showed."""

    id: int
    version: int | None = None


@dataclass(frozen=True, slots=True)
class Lapse:
    """A length of time: `3d`, `12h`, `2w`, `3天`."""

    length: timedelta


@dataclass(frozen=True, slots=True)
class ClockTime:
    """A time of day: `08:30`, `8:30`, `8.30`, `8:30pm`."""

    at: time


@dataclass(frozen=True, slots=True)
class Rest:
    """All remaining words, as typed (a comment; at most 500 characters).

    `words` are the values of a filled-in form, each whole as it was given; nothing where a person typed the line. See
    `bot.chat.filling.pairs`.
    """

    text: str
    words: tuple[str, ...] = field(default=(), compare=False)


class Resolver(Protocol):
    """Looks names up; raises the Refusals of `bot.errors` with the nearest matches."""

    async def sku(self, text: str) -> Sku:
        """The product meant by `text`; UnknownSku with the three nearest otherwise."""
        ...

    async def location(self, text: str) -> Location:
        """The location meant by `text`; UnknownLocation otherwise."""
        ...
