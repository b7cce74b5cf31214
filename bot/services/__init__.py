"""The use cases, one per file, and the container that commands and jobs are handed.

Each service takes its collaborators by keyword and lives in its own module. Their names are needed here for types
alone, so importing this package builds nothing and can close no circle.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.chat import command
from bot.ports import Clock
from bot.services.settings import ServiceSettings
from bot.storage.database import Database

if TYPE_CHECKING:
    from bot.services.apikeys import ApiKeys
    from bot.services.audit import Audit
    from bot.services.batches import Batches
    from bot.services.boards import Boards
    from bot.services.cases import Cases
    from bot.services.catalogue import Catalogue
    from bot.services.connecting import Connecting
    from bot.services.conversations import Conversations
    from bot.services.decisions import Decisions
    from bot.services.delegations import Delegations
    from bot.services.digests import Digests
    from bot.services.editing import Editing
    from bot.services.effects import Effects
    from bot.services.feeds.kits import Kits
    from bot.services.feeds.syncing import Syncing
    from bot.services.filefeeds import FileFeeds
    from bot.services.halts import Halts
    from bot.services.heads import Heads
    from bot.services.inbox import Inbox
    from bot.services.inquiries import Inquiries
    from bot.services.lookup import Lookup
    from bot.services.members import Members
    from bot.services.options import Options
    from bot.services.orders import Orders
    from bot.services.outbox import Outbox
    from bot.services.policies import Policies
    from bot.services.promotions import Promotions
    from bot.services.promotionwatch import PromotionWatch
    from bot.services.purchases import Purchases
    from bot.services.rates import Rates
    from bot.services.receiving import Receiving
    from bot.services.requests import Requests
    from bot.services.roomlife import RoomLife
    from bot.services.rooms import Rooms
    from bot.services.routing import Routing
    from bot.services.scorecards import Scorecards
    from bot.services.sessions import WebSessions
    from bot.services.stepup import Authenticators
    from bot.services.targets import Targets
    from bot.services.topics import Topics
    from bot.services.uploads import Uploads
    from bot.services.watch import Watch
    from bot.services.whispers import Whispers


@dataclass(frozen=True, slots=True)
class Services:
    """What a command or a job may use; `bot.bootstrap` builds the one of a process."""

    clock: Clock
    database: Database
    settings: ServiceSettings
    lookup: Lookup
    catalogue: Catalogue
    cases: Cases
    requests: Requests
    members: Members
    topics: Topics
    digests: Digests
    conversations: Conversations
    outbox: Outbox
    inbox: Inbox
    watch: Watch
    audit: Audit
    effects: Effects
    inquiries: Inquiries
    halts: Halts
    heads: Heads
    rates: Rates
    purchases: Purchases
    editing: Editing
    options: Options
    orders: Orders
    receiving: Receiving
    policies: Policies
    decisions: Decisions
    delegations: Delegations
    authenticators: Authenticators
    routing: Routing
    promotions: Promotions
    promotion_watch: PromotionWatch
    boards: Boards
    sessions: WebSessions
    whispers: Whispers
    rooms: Rooms
    room_life: RoomLife
    stores: Syncing
    kits: Kits
    api_keys: ApiKeys
    batches: Batches
    uploads: Uploads
    files: FileFeeds
    connecting: Connecting
    targets: Targets
    scorecards: Scorecards


Invocation = command.Invocation[Services]
