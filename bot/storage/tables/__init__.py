"""Every table. Instants are UTC, money is integer minor units of the currency beside it, `day` is a local date."""

from bot.storage.tables.base import Base
from bot.storage.tables.books import Audit, DigestEntry, Effect, JobRun, Mark
from bot.storage.tables.facts import (
    DailyDemand,
    Feed,
    ImportRun,
    Inbound,
    Location,
    Product,
    Route,
    Sale,
    StockLevel,
    StockMovement,
    Supplier,
)
from bot.storage.tables.people import ApprovalLimit, Conversation, Identity, LinkCode, Member, Subscription
from bot.storage.tables.work import Button, Case, Inbox, Outbox, Post, Request, RequestLine

__all__ = [
    "ApprovalLimit",
    "Audit",
    "Base",
    "Button",
    "Case",
    "Conversation",
    "DailyDemand",
    "DigestEntry",
    "Effect",
    "Feed",
    "Identity",
    "ImportRun",
    "Inbound",
    "Inbox",
    "JobRun",
    "LinkCode",
    "Location",
    "Mark",
    "Member",
    "Outbox",
    "Post",
    "Product",
    "Request",
    "RequestLine",
    "Route",
    "Sale",
    "StockLevel",
    "StockMovement",
    "Subscription",
    "Supplier",
]
