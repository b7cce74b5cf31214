"""Calls that cost money, and the kill switches before them, as they are shown and judged."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from bot.domain.money import Money
from bot.domain.views import RequestKind

EffectState = Literal["pending", "sending", "done", "failed", "halted", "cancelled"]
EffectTopic = Literal["purchases", "promotions", "restores"]
HaltTopic = Literal["purchases", "promotions"]  # what restores a price is never stopped
Answer = Literal["done", "again", "drop"]

HALT_TOPICS: tuple[HaltTopic, ...] = ("purchases", "promotions")


@dataclass(frozen=True, slots=True)
class Answered:
    """What a person said of a call of which nobody could tell whether it happened; `attempt` is the one they meant."""

    verdict: Answer
    member_id: int | None
    name: str
    at: datetime
    platform: str
    attempt: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class EffectView:
    """A call as shown. `whom` is the supplier, store or place that was called, empty where no request tells it."""

    id: int
    key: str
    kind: str
    topic: EffectTopic
    state: EffectState
    attempts: int
    created_at: datetime
    begun_at: datetime | None
    finished_at: datetime | None
    due_at: datetime
    error: str
    request_id: int | None = None
    request_kind: RequestKind | None = None
    total: Money | None = None
    whom: str = ""
    location: str = ""
    answered: Answered | None = None


@dataclass(frozen=True, slots=True)
class HaltView:
    """A kill switch that is thrown: who threw it, when and why."""

    topic: HaltTopic
    member_id: int
    name: str
    at: datetime
    reason: str = ""
