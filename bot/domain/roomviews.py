"""Video rooms as they are shown: the card, the seat, the minutes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Literal

from bot.domain.views import CaseView, MemberView, RequestView

RoomNoteKind = Literal["decision", "note", "file"]
RoomState = Literal["proposed", "planned", "open", "ended"]


@dataclass(frozen=True, slots=True)
class RoomPerson:
    """Somebody who may come: `inside` while they are in the room; `hurt` hours outside their day at its start."""

    member: MemberView
    role: str
    invited: bool
    inside: bool
    hurt: float = 0.0


@dataclass(frozen=True, slots=True)
class StockBrief:
    """What a product stands at, all places together, and where it runs out first."""

    on_hand: int
    incoming: int
    per_day: Decimal
    stockout_on: date | None
    stockout_place: str


@dataclass(frozen=True, slots=True)
class RoomView:
    """A room as its card shows it. `better` is the slot that hurts less than the one asked for.

    `people` are those inside, then those asked by name and whoever asked; without any asked by name, everybody.
    """

    id: int
    key: str
    state: RoomState
    provider: str
    title: str
    topic: str
    sku: str
    name: str
    cap: int
    recording: bool
    host: str
    starts_at: datetime
    ended_at: datetime | None
    people: tuple[RoomPerson, ...]
    brief: StockBrief | None
    cases: tuple[CaseView, ...]
    requests: tuple[RequestView, ...]
    calls: tuple[tuple[str, str], ...] = ()  # (platform, its id of the call)
    better: datetime | None = None
    login: str = ""  # the address for platforms that vouch for people themselves, empty where there is none


@dataclass(frozen=True, slots=True)
class Attendance:
    """How long somebody was in the room, their stays added up."""

    name: str
    stayed: timedelta


@dataclass(frozen=True, slots=True)
class Noted:
    """One line of the minutes."""

    kind: RoomNoteKind
    text: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Minutes:
    """What a room came to. `decided` are requests on which somebody said a word while it was open."""

    room_id: int
    title: str
    sku: str
    began_at: datetime
    ended_at: datetime
    attended: tuple[Attendance, ...]
    absent: tuple[str, ...]
    notes: tuple[Noted, ...]
    decided: tuple[RequestView, ...]
