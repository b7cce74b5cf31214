"""Video rooms and who provides them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from bot.ports.checks import Check

RoomRole = Literal["host", "cohost", "member", "viewer"]  # a viewer sees and hears, and sends nothing


@dataclass(frozen=True, slots=True)
class RoomPlan:
    """A video room to open. `key` is its id: 128 random bits, 22 letters of URL-safe base64."""

    key: str
    title: str
    starts_at: datetime
    minutes: int  # how long it is meant to last; a provider may close it some time after
    cap: int  # people in it at once


@dataclass(frozen=True, slots=True)
class OpenRoom:
    """A room as its provider keeps it: `reference` is the provider's own id, empty where `key` is enough.

    `url` leads everybody in where the provider knows no personal links, and is empty where it does.
    """

    key: str
    title: str
    cap: int
    reference: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Guest:
    """One person who may come in, and as what."""

    member_id: int
    name: str
    role: RoomRole


@dataclass(frozen=True, slots=True)
class Admission:
    """How one guest gets in; where `personal`, the link is for them alone and must not be shown to others."""

    url: str = field(repr=False)  # it may let its bearer in, so it is not printed by accident
    expires_at: datetime | None  # None: as long as the room is open
    personal: bool


class RoomProvider(Protocol):
    """Where people meet on video. Errors are the OutsideErrors of `bot.errors`; nothing is retried inside."""

    name: str
    cap: int  # the most people that a room of it holds

    async def open(self, plan: RoomPlan) -> OpenRoom:
        """Make the room, so that its link works from now on."""
        ...

    async def admit(self, room: OpenRoom, guest: Guest, now: datetime) -> Admission:
        """A link for one guest, short-lived where the provider can; the role is bound to it."""
        ...

    async def close(self, room: OpenRoom) -> None:
        """Send everybody out and forget the room; a room that is gone already is no error."""
        ...

    async def check(self) -> tuple[Check, ...]:
        """Try the settings, without leaving a room behind."""
        ...
