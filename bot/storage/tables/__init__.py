"""Every table. Instants are UTC, money is integer minor units of the currency beside it, `day` is a local date."""

from bot.storage.tables import guards
from bot.storage.tables.api import ApiAnswer, ApiKey
from bot.storage.tables.base import Base
from bot.storage.tables.books import Audit, DigestEntry, Effect, Halt, JobRun, Lesson, Mark
from bot.storage.tables.facts import (
    DailyDemand,
    Feed,
    ForeignRevenue,
    ImportRun,
    Inbound,
    Location,
    Product,
    Route,
    Sale,
    StockAge,
    StockLevel,
    StockMovement,
    Supplier,
)
from bot.storage.tables.files import Upload
from bot.storage.tables.forecasts import Forecast
from bot.storage.tables.packs import DemandPack, DemandPacked
from bot.storage.tables.people import Conversation, Identity, LinkCode, Member, Subscription
from bot.storage.tables.policy import Authenticator, Delegation, ExchangeRate, MemberScope, PolicyVersion
from bot.storage.tables.stores import (
    Kit,
    StoreCode,
    StoreCursor,
    StoreDelivery,
    StoreFault,
    StorePlace,
    StoreShelf,
    StoreSync,
    TouchedProduct,
)
from bot.storage.tables.trade import Offer, Promotion, Receipt, Request, RequestLine, Vote
from bot.storage.tables.web import Room, RoomGuest, RoomNote, RoomVisit, WebPass, WebSession
from bot.storage.tables.work import Button, Case, CasePrint, Dialogue, Inbox, Outbox, Post

__all__ = [
    "ApiAnswer",
    "ApiKey",
    "Audit",
    "Authenticator",
    "Base",
    "Button",
    "Case",
    "CasePrint",
    "Conversation",
    "DailyDemand",
    "Delegation",
    "DemandPack",
    "DemandPacked",
    "Dialogue",
    "DigestEntry",
    "Effect",
    "ExchangeRate",
    "Feed",
    "Forecast",
    "ForeignRevenue",
    "Halt",
    "Identity",
    "ImportRun",
    "Inbound",
    "Inbox",
    "JobRun",
    "Kit",
    "Lesson",
    "LinkCode",
    "Location",
    "Mark",
    "Member",
    "MemberScope",
    "Offer",
    "Outbox",
    "PolicyVersion",
    "Post",
    "Product",
    "Promotion",
    "Receipt",
    "Request",
    "RequestLine",
    "Room",
    "RoomGuest",
    "RoomNote",
    "RoomVisit",
    "Route",
    "Sale",
    "StockAge",
    "StockLevel",
    "StockMovement",
    "StoreCode",
    "StoreCursor",
    "StoreDelivery",
    "StoreFault",
    "StorePlace",
    "StoreShelf",
    "StoreSync",
    "Subscription",
    "Supplier",
    "TouchedProduct",
    "Upload",
    "Vote",
    "WebPass",
    "WebSession",
    "guards",
]
