"""What a video room asks of the rest of the bot: who may come in, and what to write down."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import time
from typing import Literal, Protocol

from bot.ports import RoomRole

NoteKind = Literal["decision", "note", "chat", "file"]


@dataclass(frozen=True, slots=True)
class Seat:
    """One person's place in one room, as it is at the moment of asking."""

    key: str
    title: str
    cap: int  # people in the room at once
    member_id: int
    name: str
    role: RoomRole
    language: Literal["en", "zh_CN"]
    zone: str  # IANA
    working_from: time
    working_to: time
    workdays: str  # ISO numbers, Monday is 1: "12345"
    recording: bool = False  # whether something outside this room records it; a notice stands there all the time
    side_url: str = ""  # a page of ours beside the video; empty shows none


class RoomKeeper(Protocol):
    """Keeps the rooms' book. Every method may raise `bot.errors.Refusal`, whose words are shown to the person."""

    async def enter(self, key: str, token: str) -> str:
        """Take a one-time token, which is worth nothing afterwards; the session's secret."""
        ...

    async def seat(self, key: str, session: str) -> Seat:
        """The seat that a session has now; a Refusal where it has none any more."""
        ...

    async def joined(self, seat: Seat, visit: str) -> None:
        """The person is in the room; `visit` names this stay, across lost connections."""
        ...

    async def left(self, seat: Seat, visit: str) -> None:
        """The person is no longer in the room."""
        ...

    async def seen(self, visits: Collection[str]) -> None:
        """The people of these stays are still in the room; one that is not named for minutes is over."""
        ...

    async def noted(self, seat: Seat, kind: NoteKind, text: str) -> None:
        """Something for the minutes."""
        ...

    async def ended(self, key: str, seat: Seat | None) -> None:
        """The room is over: `seat` ended it for everyone, or the last one left (None)."""
        ...
