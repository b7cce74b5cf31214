"""The services, put together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.bootstrap.choices import first_policy, ingest_settings, service_settings
from bot.bootstrap.files import file_feeds_of
from bot.bootstrap.outward import channels_of, feeds_of, outlets_of, room_provider_of
from bot.bootstrap.trying import Change, connecting_of
from bot.domain.promotion import PromotionSettings
from bot.domain.sourcing import SourcingSettings
from bot.ports import ChatPlatform, Clock, Guest, OpenRoom
from bot.rates import RATES
from bot.rates.ecb import parse
from bot.rooms import Supplies
from bot.rooms.embedded import End
from bot.services import Services
from bot.services.apikeys import ApiKeys
from bot.services.audit import Audit
from bot.services.batches import Batches
from bot.services.boards import Boards
from bot.services.buttons import Buttons
from bot.services.calls import Calls
from bot.services.cases import Cases
from bot.services.catalogue import Catalogue
from bot.services.conversations import Conversations
from bot.services.decisions import Decisions
from bot.services.delegations import Delegations
from bot.services.digests import Digests
from bot.services.editing import Editing
from bot.services.effects import EffectKind, Effects
from bot.services.feeds import Taking
from bot.services.feeds.kits import Kits
from bot.services.feeds.syncing import Syncing
from bot.services.filefeeds import FileFeeds
from bot.services.halts import Halts
from bot.services.heads import Heads
from bot.services.inbox import Inbox
from bot.services.ingest import Ingest, IngestSettings
from bot.services.inquiries import Inquiries
from bot.services.lookup import Lookup
from bot.services.members import Members
from bot.services.options import Options
from bot.services.orders import Orders
from bot.services.outbox import Outbox
from bot.services.outlets import Outlets
from bot.services.placing import EFFECT as ORDER_SEND
from bot.services.placing import Buyer, Placing
from bot.services.policies import Policies
from bot.services.promoting import Promoting
from bot.services.promotions import Promotions
from bot.services.promotionwatch import PromotionWatch
from bot.services.purchases import Purchases
from bot.services.ranking import Ranking
from bot.services.rates import Rates
from bot.services.receiving import Receiving
from bot.services.requests import Requests
from bot.services.roomlife import RoomLife
from bot.services.rooms import Rooms
from bot.services.roomviews import RoomViews
from bot.services.routing import Routing
from bot.services.rulings import Rulings
from bot.services.scorecards import Scorecards
from bot.services.sessions import LINK_MINUTES, Address, WebSessions
from bot.services.settings import ServiceSettings
from bot.services.settlements import Settlements
from bot.services.standings import Standings
from bot.services.stepup import Authenticators
from bot.services.targets import Targets
from bot.services.topics import Topics
from bot.services.uploads import Uploads
from bot.services.venues import RoomRules, Venues
from bot.services.wakes import Wakes
from bot.services.watch import Watch
from bot.services.whispers import Whispers
from bot.settings import Settings
from bot.storage.database import Database
from bot.stores.files import open_table
from bot.stores.files.guarded import CHAT_LIMITS, Guarded
from bot.stores.files.table import FileLimits

# A Slack workspace vouches for its people. Anybody on Telegram can write to a bot: there one links first.
ADMIT = frozenset({"slack", "terminal"})


@dataclass(frozen=True, slots=True)
class _Ground:
    """What nearly every service stands on."""

    settings: Settings
    chosen: ServiceSettings
    database: Database
    clock: Clock
    wakes: Wakes
    audit: Audit
    outbox: Outbox
    conversations: Conversations
    members: Members
    catalogue: Catalogue
    sourcing: SourcingSettings
    ranking: Ranking


@dataclass(frozen=True, slots=True)
class _Deciding:
    """Requests and who decides them, and what an approval sets off."""

    policies: Policies
    requests: Requests
    authenticators: Authenticators
    decisions: Decisions
    effects: Effects
    settlements: Settlements
    promoting: Promoting
    outlets: Outlets


def services_of(
    settings: Settings,
    clock: Clock,
    database: Database,
    platforms: Mapping[str, ChatPlatform],
    wakes: Wakes,
    buttons: Buttons,
    address: Address,
    *,
    end_room: End,
    change: Change,
) -> Services:
    """The services of one organisation; nothing runs yet."""
    ground = _ground(settings, clock, database, platforms, wakes, buttons)
    deciding = _deciding(ground)
    chosen, audit, outbox, sourcing = ground.chosen, ground.audit, ground.outbox, ground.sourcing
    requests, policies, decisions = deciding.requests, deciding.policies, deciding.decisions
    zone, language = chosen.default_zone, chosen.default_language
    taking = Taking(database=database, clock=clock, currency=settings.organisation.currency, rates=chosen.rates)
    cases = Cases(database=database, clock=clock, audit=audit, outbox=outbox, settings=chosen)
    purchases = _purchases(ground, deciding)
    orders = Orders(database=database, clock=clock, audit=audit, requests=requests)
    receiving = Receiving(database=database, clock=clock, audit=audit, requests=requests, orders=orders)

    def importer(rules: IngestSettings, limits: FileLimits) -> Ingest:
        return Ingest(
            database, clock, rules, Guarded(limits), audit=audit, orders=orders, receiving=receiving, wakes=wakes
        )

    sessions = WebSessions(database=database, clock=clock, address=address)
    calls = Calls(database=database, platforms=platforms, address=address)
    rooms = _rooms(ground, sessions, calls, end_room)
    return Services(
        clock=clock,
        database=database,
        settings=chosen,
        lookup=Lookup(database=database),
        catalogue=ground.catalogue,
        cases=cases,
        requests=requests,
        members=ground.members,
        topics=Topics(database=database, clock=clock, default_zone=zone, default_language=language),
        digests=Digests(
            database=database, clock=clock, members=ground.members, conversations=ground.conversations, outbox=outbox,
            decisions=decisions, catalogue=ground.catalogue, settings=chosen,
        ),
        conversations=ground.conversations,
        outbox=outbox,
        inbox=Inbox(database=database, clock=clock, wakes=wakes),
        watch=Watch(
            database=database, clock=clock, audit=audit, cases=cases, requests=requests, settings=chosen,
            sourcing=sourcing, ranking=ground.ranking,
        ),
        audit=audit,
        effects=deciding.effects,
        inquiries=Inquiries(
            database=database, clock=clock, audit=audit, wakes=wakes, settlements=deciding.settlements
        ),
        halts=Halts(database=database, clock=clock, audit=audit, outbox=outbox, wakes=wakes, requests=requests),
        heads=Heads(
            database=database, audit=audit, outbox=outbox, conversations=ground.conversations, settings=chosen
        ),
        rates=_rates(ground),
        purchases=purchases,
        editing=Editing(
            database=database, clock=clock, audit=audit, requests=requests, catalogue=ground.catalogue,
            sourcing=sourcing,
        ),
        options=Options(
            database=database, clock=clock, audit=audit, requests=requests, purchases=purchases,
            catalogue=ground.catalogue, settings=chosen, sourcing=sourcing,
        ),
        orders=orders,
        receiving=receiving,
        promotions=_promotions(ground, deciding),
        promotion_watch=PromotionWatch(
            database=database, audit=audit, requests=requests, promoting=deciding.promoting,
            demand=chosen.watch.demand,
        ),
        policies=policies,
        decisions=decisions,
        delegations=Delegations(database=database, clock=clock, audit=audit, policies=policies),
        authenticators=deciding.authenticators,
        routing=Routing(
            database=database, clock=clock, members=ground.members, conversations=ground.conversations, outbox=outbox,
            policies=policies, authority=decisions,
        ),
        boards=Boards(
            database=database, clock=clock, settings=chosen, catalogue=ground.catalogue, decisions=decisions,
            standings=Standings(database=database, clock=clock, settings=chosen, sourcing=sourcing),
        ),
        sessions=sessions,
        whispers=Whispers(database=database, conversations=ground.conversations, outbox=outbox),
        rooms=rooms,
        room_life=RoomLife(
            database=database, clock=clock, audit=audit, outbox=outbox, members=ground.members,
            conversations=ground.conversations, rooms=rooms, calls=calls,
        ),
        kits=Kits(database=database, audit=audit),
        stores=Syncing(
            database=database, clock=clock, audit=audit, feeds=feeds_of(settings), address=address, taking=taking,
        ),
        api_keys=ApiKeys(database=database, clock=clock, audit=audit),
        batches=Batches(
            database=database, clock=clock, taking=taking, wakes=wakes,
            limit_hours={"orders": chosen.sales_stale_hours, "stock": chosen.stock_stale_hours},
        ),
        uploads=Uploads(
            database=database, clock=clock, audit=audit, outbox=outbox, platforms=platforms,
            ingest=importer(ingest_settings(settings), CHAT_LIMITS),
        ),
        files=FileFeeds(
            database=database, clock=clock, feeds=file_feeds_of(settings, ingest_settings(settings), importer)
        ),
        connecting=connecting_of(database, audit, deciding.authenticators, settings.stores.connected, change),
        targets=Targets(database=database, clock=clock, settings=chosen, sourcing=sourcing),
        scorecards=Scorecards(
            database=database, clock=clock, outbox=outbox, settings=chosen, sourcing=sourcing,
        ),
    )  # fmt: skip


def _ground(
    settings: Settings,
    clock: Clock,
    database: Database,
    platforms: Mapping[str, ChatPlatform],
    wakes: Wakes,
    buttons: Buttons,
) -> _Ground:
    chosen = service_settings(settings)
    sourcing = SourcingSettings(
        review_days=float(settings.watch.review_days),
        fill_days=float(settings.watch.fill_days),
        join_days=float(settings.watch.join_days),
        container_least=float(settings.watch.container_least),
    )
    zone, language = chosen.default_zone, chosen.default_language
    audit = Audit(database=database, clock=clock, language=language)
    ranking = Ranking(chosen)
    return _Ground(
        settings=settings,
        chosen=chosen,
        database=database,
        clock=clock,
        wakes=wakes,
        audit=audit,
        outbox=Outbox(database=database, clock=clock, buttons=buttons, wakes=wakes),
        conversations=Conversations(
            database=database, clock=clock, platforms=platforms, default_language=language, default_zone=zone
        ),
        members=Members(
            database=database, clock=clock, audit=audit, default_zone=zone, default_language=language, admit=ADMIT
        ),
        catalogue=Catalogue(database=database, clock=clock, settings=chosen, sourcing=sourcing, ranking=ranking),
        sourcing=sourcing,
        ranking=ranking,
    )


def _deciding(ground: _Ground) -> _Deciding:
    settings, database, clock, audit = ground.settings, ground.database, ground.clock, ground.audit
    policies = Policies(database=database, clock=clock, audit=audit, initial=first_policy(settings))
    rulings = Rulings(clock=clock, policies=policies, settings=ground.chosen)
    requests = Requests(database=database, clock=clock, audit=audit, outbox=ground.outbox, rulings=rulings)
    authenticators = Authenticators(
        database=database, clock=clock, audit=audit, issuer=f"Stocktide · {settings.organisation.name}"
    )
    effects = Effects(database=database, clock=clock, wakes=ground.wakes)
    promoting = Promoting(clock=clock, audit=audit, outbox=ground.outbox, requests=requests, effects=effects)
    channels = channels_of(settings)
    placing = Placing(
        clock=clock,
        audit=audit,
        requests=requests,
        effects=effects,
        settings=ground.chosen,
        buyer=Buyer(settings.organisation.name, settings.orders.address.replace("\\n", "\n")),
        channels=channels,
    )
    outlets = outlets_of(settings)
    # each kind of call that costs money: who makes it, and what follows from it
    kinds: dict[str, EffectKind] = {
        ORDER_SEND: placing.effect(channels),
        **promoting.kinds(outlets.connectors, outlets.discounts),
    }
    return _Deciding(
        policies=policies,
        requests=requests,
        authenticators=authenticators,
        decisions=Decisions(
            database=database,
            clock=clock,
            audit=audit,
            requests=requests,
            policies=policies,
            rulings=rulings,
            authenticators=authenticators,
            fulfilments={"purchase_order": placing, "transfer": placing, "promotion": promoting},
        ),
        effects=effects,
        settlements=Settlements(
            database=database, clock=clock, audit=audit, outbox=ground.outbox, wakes=ground.wakes, kinds=kinds
        ),
        promoting=promoting,
        outlets=outlets,
    )


def _purchases(ground: _Ground, deciding: _Deciding) -> Purchases:
    return Purchases(
        database=ground.database,
        clock=ground.clock,
        audit=ground.audit,
        outbox=ground.outbox,
        requests=deciding.requests,
        catalogue=ground.catalogue,
        effects=deciding.effects,
        sourcing=ground.sourcing,
    )


def _rates(ground: _Ground) -> Rates:
    source = ground.settings.rates.source
    return Rates(
        database=ground.database,
        clock=ground.clock,
        audit=ground.audit,
        outbox=ground.outbox,
        settings=ground.chosen,
        source=RATES[source](ground.settings) if source else None,
        files=open_table,
        document=parse,
    )


def _promotions(ground: _Ground, deciding: _Deciding) -> Promotions:
    settings = ground.settings
    return Promotions(
        database=ground.database,
        clock=ground.clock,
        audit=ground.audit,
        requests=deciding.requests,
        catalogue=ground.catalogue,
        policies=deciding.policies,
        promoting=deciding.promoting,
        outlets=deciding.outlets,
        settings=PromotionSettings(
            elasticity=float(settings.promotions.elasticity), carrying_rate=float(settings.watch.carrying_cost)
        ),
    )


def _rooms(ground: _Ground, sessions: WebSessions, calls: Calls, end_room: End) -> Rooms:
    part = ground.settings.rooms

    async def issue(room: OpenRoom, guest: Guest, now: datetime) -> tuple[str, datetime]:
        token = await sessions.token(guest.member_id, f"/rooms/{room.key}")
        return token, now + timedelta(minutes=LINK_MINUTES)

    supplies = Supplies(ground.clock, issue, end_room, address=lambda: sessions.address.url)
    return Rooms(
        database=ground.database,
        clock=ground.clock,
        audit=ground.audit,
        outbox=ground.outbox,
        members=ground.members,
        conversations=ground.conversations,
        views=RoomViews(
            database=ground.database,
            clock=ground.clock,
            members=ground.members,
            catalogue=ground.catalogue,
            address=sessions.address,
        ),
        calls=calls,
        venues=Venues(
            clock=ground.clock,
            calls=calls,
            provider=room_provider_of(ground.settings, supplies),
            rules=RoomRules(part.minutes, part.most, part.recording),
        ),
    )
