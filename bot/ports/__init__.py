"""The Protocols that adapters implement; each has two real implementations."""

from __future__ import annotations

from bot.ports.chat import (
    CallNotice,
    CallPerson,
    ChatPlatform,
    HttpAnswer,
    HttpRequest,
    Intake,
    Limits,
    Profile,
    Reader,
    Target,
)
from bot.ports.checks import Check
from bot.ports.clock import Clock, MovableClock, SystemClock
from bot.ports.outside import (
    Call,
    Order,
    OrderLine,
    Performer,
    Rate,
    RateSource,
    StoreConnector,
    StorePrice,
    SupplierChannel,
)
from bot.ports.rooms import Admission, Guest, OpenRoom, RoomPlan, RoomProvider, RoomRole

__all__ = [
    "Admission",
    "Call",
    "CallNotice",
    "CallPerson",
    "ChatPlatform",
    "Check",
    "Clock",
    "Guest",
    "HttpAnswer",
    "HttpRequest",
    "Intake",
    "Limits",
    "MovableClock",
    "OpenRoom",
    "Order",
    "OrderLine",
    "Performer",
    "Profile",
    "Rate",
    "RateSource",
    "Reader",
    "RoomPlan",
    "RoomProvider",
    "RoomRole",
    "StoreConnector",
    "StorePrice",
    "SupplierChannel",
    "SystemClock",
    "Target",
]
