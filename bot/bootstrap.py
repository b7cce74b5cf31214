"""The only composition root: settings become objects here, and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from bot.chat.router import Router
from bot.domain.ageing import AgeingSettings
from bot.domain.money import Money
from bot.domain.policy import Policy, RoleLimit, default_policy
from bot.domain.promotion import PromotionSettings
from bot.domain.replenishment import ReplenishmentSettings
from bot.domain.sourcing import SourcingSettings
from bot.domain.watch import WatchSettings
from bot.platforms import HOOKS, PLATFORMS, Supplies
from bot.ports import ChatPlatform, Clock, SupplierChannel, SystemClock
from bot.rates import RATES
from bot.rates.ecb import parse
from bot.runtime import Runtime
from bot.services import Services
from bot.services.answers import Answers
from bot.services.audit import Audit
from bot.services.buttons import Buttons
from bot.services.cases import Cases
from bot.services.catalogue import Catalogue
from bot.services.conversations import Conversations
from bot.services.decisions import Decisions
from bot.services.delegations import Delegations
from bot.services.delivery import Delivery
from bot.services.dialogues import Dialogues
from bot.services.digests import Digests
from bot.services.dispatch import Dispatcher
from bot.services.editing import Editing
from bot.services.effects import EffectKind, Effects
from bot.services.effectworker import EffectWorker
from bot.services.halts import Halts
from bot.services.heads import Heads
from bot.services.inbox import Inbox
from bot.services.ingest import Ingest, IngestSettings
from bot.services.inquiries import Inquiries
from bot.services.jobs import JobRunner
from bot.services.lookup import Lookup
from bot.services.members import Members
from bot.services.offsets import Offset
from bot.services.options import Options
from bot.services.orders import Orders
from bot.services.outbox import Outbox
from bot.services.outlets import Outlet, Outlets
from bot.services.placing import EFFECT as ORDER_SEND
from bot.services.placing import Buyer, Placing
from bot.services.policies import Policies
from bot.services.promoting import Promoting
from bot.services.promotions import Promotions
from bot.services.promotionwatch import PromotionWatch
from bot.services.purchases import Purchases
from bot.services.rates import Rates
from bot.services.receiving import Receiving
from bot.services.requests import Requests
from bot.services.routing import Routing
from bot.services.rulings import Rulings
from bot.services.settings import ServiceSettings
from bot.services.settlements import Settlements
from bot.services.stepup import Authenticators
from bot.services.topics import Topics
from bot.services.wakes import Wakes
from bot.services.watch import Watch
from bot.settings import Settings
from bot.storage.database import Database
from bot.stores import STORES
from bot.stores.files import open_table
from bot.suppliers import SUPPLIERS
from bot.web.app import web_app
from bot.web.figures import metrics, readiness
from bot.web.server import WebServer
from handlers import ALIASES, COMMANDS
from jobs import JOBS

# A Slack workspace vouches for its people. Anybody on Telegram can write to a bot: there one links first.
ADMIT = frozenset({"slack", "terminal"})


@dataclass(frozen=True, slots=True)
class App:
    """One organisation's Stocktide. Nothing runs until `runtime.start()`."""

    settings: Settings
    services: Services
    router: Router[Services]
    job_runner: JobRunner
    runtime: Runtime
    delivery: Delivery
    effect_worker: EffectWorker
    dispatcher: Dispatcher
    platforms: Mapping[str, ChatPlatform]
    ingest: Ingest

    async def close(self) -> None:
        """Close the database."""
        await self.services.database.close()


def build(settings: Settings, clock: Clock | None = None, platforms: Sequence[ChatPlatform] | None = None) -> App:
    """Everything, wired; `platforms` stand in for those of the settings (tests)."""
    clock = clock or SystemClock()
    database = Database(settings.database.url)
    chosen = platforms_of(settings, database) if platforms is None else tuple(platforms)
    by_name = {platform.name: platform for platform in chosen}
    wakes = Wakes(database)
    buttons = Buttons(clock=clock)
    services = _services(settings, clock, database, by_name, wakes, buttons)
    router: Router[Services] = Router(COMMANDS, lambda given: given.lookup, ALIASES)
    delivery = Delivery(
        database=database,
        clock=clock,
        outbox=services.outbox,
        conversations=services.conversations,
        wakes=wakes,
        platforms=by_name,
    )
    dispatcher = Dispatcher(
        database=database,
        clock=clock,
        wakes=wakes,
        answers=Answers(
            services=services,
            router=router,
            buttons=buttons,
            dialogues=Dialogues(
                database=database, clock=clock, outbox=services.outbox, conversations=services.conversations
            ),
            platforms=by_name,
        ),
        outbox=services.outbox,
        conversations=services.conversations,
    )
    effect_worker = EffectWorker(
        database=database, clock=clock, wakes=wakes, audit=services.audit, settlements=services.inquiries.settlements
    )
    job_runner = JobRunner(services=services, jobs=JOBS)
    connected: set[str] = set()
    hooks = {HOOKS[name]: platform for name, platform in by_name.items() if name in HOOKS}
    web = WebServer(
        web_app(hooks, lambda: readiness(database, by_name, connected), lambda: metrics(services, job_runner)),
        settings.web.host,
        settings.web.port,
    )
    runtime = Runtime(
        platforms=by_name,
        connected=connected,
        inbox=services.inbox,
        dispatcher=dispatcher,
        delivery=delivery,
        effects=effect_worker,
        jobs=job_runner,
        web=web,
        wakes=wakes,
        prepare=services.policies.ensure,
        close=database.close,
    )
    ingest = Ingest(
        database,
        clock,
        _ingest_settings(settings),
        open_table,
        audit=services.audit,
        orders=services.orders,
        receiving=services.receiving,
    )
    return App(settings, services, router, job_runner, runtime, delivery, effect_worker, dispatcher, by_name, ingest)


def platforms_of(settings: Settings, database: Database | None = None) -> tuple[ChatPlatform, ...]:
    """The platforms that the settings connect, not yet started."""
    offset = Offset(database=database or Database(settings.database.url), key="telegram:offset")
    found = (make(settings, Supplies(COMMANDS, offset)) for make in PLATFORMS)
    return tuple(platform for platform in found if platform is not None)


def channels_of(settings: Settings) -> dict[str, SupplierChannel]:
    """The ways to suppliers that the settings set up, by name."""
    found = (make(settings) for make in SUPPLIERS)
    return {channel.name: channel for channel in found if channel is not None}


def outlets_of(settings: Settings) -> Outlets:
    """The stores that the settings connect, by name."""
    return Outlets(
        {
            name: Outlet(STORES[part.kind](name, part), frozenset(part.locations))
            for name, part in settings.stores.connected.items()
        }
    )


def _services(
    settings: Settings,
    clock: Clock,
    database: Database,
    platforms: Mapping[str, ChatPlatform],
    wakes: Wakes,
    buttons: Buttons,
) -> Services:
    chosen = _service_settings(settings)
    sourcing = SourcingSettings(review_days=float(settings.watch.review_days))
    zone, language = chosen.default_zone, chosen.default_language
    outbox = Outbox(database=database, clock=clock, buttons=buttons, wakes=wakes)
    audit = Audit(database=database, clock=clock)
    conversations = Conversations(
        database=database, clock=clock, platforms=platforms, default_language=language, default_zone=zone
    )
    members = Members(
        database=database, clock=clock, audit=audit, default_zone=zone, default_language=language, admit=ADMIT
    )
    catalogue = Catalogue(database=database, clock=clock, settings=chosen, sourcing=sourcing)
    policies = Policies(database=database, clock=clock, audit=audit, initial=_first_policy(settings))
    rulings = Rulings(clock=clock, policies=policies, settings=chosen)
    requests = Requests(database=database, clock=clock, audit=audit, outbox=outbox, rulings=rulings)
    authenticators = Authenticators(
        database=database, clock=clock, audit=audit, issuer=f"Stocktide · {settings.organisation.name}"
    )
    cases = Cases(database=database, clock=clock, audit=audit, outbox=outbox, settings=chosen)
    effects = Effects(database=database, clock=clock, wakes=wakes)
    kinds: dict[str, EffectKind] = {}  # each kind of call that costs money: who makes it, and what follows from it
    settlements = Settlements(database=database, clock=clock, audit=audit, outbox=outbox, wakes=wakes, kinds=kinds)
    channels = channels_of(settings)
    placing = Placing(
        clock=clock,
        audit=audit,
        requests=requests,
        effects=effects,
        settings=chosen,
        buyer=Buyer(settings.organisation.name, settings.orders.address.replace("\\n", "\n")),
        channels=channels,
    )
    kinds[ORDER_SEND] = placing.effect(channels)
    outlets = outlets_of(settings)
    promoting = Promoting(clock=clock, audit=audit, outbox=outbox, requests=requests, effects=effects)
    kinds |= promoting.kinds(outlets.connectors)
    purchases = Purchases(
        database=database,
        clock=clock,
        audit=audit,
        outbox=outbox,
        requests=requests,
        catalogue=catalogue,
        effects=effects,
        sourcing=sourcing,
    )
    orders = Orders(database=database, clock=clock, audit=audit, requests=requests)
    decisions = Decisions(
        database=database,
        clock=clock,
        audit=audit,
        requests=requests,
        policies=policies,
        rulings=rulings,
        authenticators=authenticators,
        fulfilments={"purchase_order": placing, "transfer": placing, "promotion": promoting},
    )
    return Services(
        clock=clock,
        database=database,
        settings=chosen,
        lookup=Lookup(database=database),
        catalogue=catalogue,
        cases=cases,
        requests=requests,
        members=members,
        topics=Topics(database=database, clock=clock, default_zone=zone, default_language=language),
        digests=Digests(
            database=database,
            clock=clock,
            members=members,
            conversations=conversations,
            outbox=outbox,
            decisions=decisions,
            catalogue=catalogue,
            settings=chosen,
        ),
        conversations=conversations,
        outbox=outbox,
        inbox=Inbox(database=database, clock=clock, wakes=wakes),
        watch=Watch(
            database=database,
            clock=clock,
            audit=audit,
            cases=cases,
            requests=requests,
            settings=chosen,
            sourcing=sourcing,
        ),
        audit=audit,
        effects=effects,
        inquiries=Inquiries(database=database, clock=clock, audit=audit, wakes=wakes, settlements=settlements),
        halts=Halts(database=database, clock=clock, audit=audit, outbox=outbox, wakes=wakes, requests=requests),
        heads=Heads(database=database, audit=audit, outbox=outbox, conversations=conversations, settings=chosen),
        rates=Rates(
            database=database,
            clock=clock,
            audit=audit,
            outbox=outbox,
            settings=chosen,
            source=RATES[settings.rates.source](settings) if settings.rates.source else None,
            files=open_table,
            document=parse,
        ),
        purchases=purchases,
        editing=Editing(
            database=database,
            clock=clock,
            audit=audit,
            requests=requests,
            catalogue=catalogue,
            sourcing=sourcing,
        ),
        options=Options(
            database=database,
            clock=clock,
            audit=audit,
            requests=requests,
            purchases=purchases,
            catalogue=catalogue,
            settings=chosen,
            sourcing=sourcing,
        ),
        orders=orders,
        receiving=Receiving(database=database, clock=clock, audit=audit, requests=requests, orders=orders),
        promotions=Promotions(
            database=database,
            clock=clock,
            audit=audit,
            requests=requests,
            catalogue=catalogue,
            policies=policies,
            promoting=promoting,
            outlets=outlets,
            settings=PromotionSettings(
                elasticity=float(settings.promotions.elasticity), carrying_rate=float(settings.watch.carrying_cost)
            ),
        ),
        promotion_watch=PromotionWatch(
            database=database,
            audit=audit,
            requests=requests,
            promoting=promoting,
            demand=chosen.watch.demand,
        ),
        policies=policies,
        decisions=decisions,
        delegations=Delegations(database=database, clock=clock, audit=audit, policies=policies),
        authenticators=authenticators,
        routing=Routing(
            database=database,
            clock=clock,
            members=members,
            conversations=conversations,
            outbox=outbox,
            policies=policies,
            authority=decisions,
        ),
    )


def _ingest_settings(settings: Settings) -> IngestSettings:
    return IngestSettings(
        currency=settings.organisation.currency,
        sales_limit_hours=settings.watch.sales_stale_hours,
        stock_limit_hours=settings.watch.stock_stale_hours,
    )


def _service_settings(settings: Settings) -> ServiceSettings:
    watch, organisation = settings.watch, settings.organisation
    high, middle, low = (float(level) for level in watch.service_levels)
    idle = AgeingSettings().slow_idle_days
    return ServiceSettings(
        watch=WatchSettings(
            replenishment=ReplenishmentSettings(
                service_levels=(high, middle, low),
                assumed_lead_time_days=float(watch.lead_time_days),
                assumed_lead_time_sd=float(watch.lead_time_sd_days),
            ),
            ageing=AgeingSettings(
                slow_idle_days=(min(idle[0], watch.slow_days), watch.slow_days, max(idle[2], watch.slow_days)),
                slow_cover_days=float(watch.cover_limit_days),
                carrying_rate=float(watch.carrying_cost),
            ),
        ),
        organisation_currency=organisation.currency,
        default_zone=organisation.zone,
        default_language=organisation.language,
        rates=organisation.rates,
        alerts_individual=watch.alerts_individual,
        least_minor=Money.rounded(watch.least_money, organisation.currency).minor,
        scan_at=watch.scan_at,
        sales_stale_hours=watch.sales_stale_hours,
        stock_stale_hours=watch.stock_stale_hours,
        audit_post_to=settings.audit.post_to,
        audit_post_at=settings.audit.post_at,
    )


def _first_policy(settings: Settings) -> Policy:
    """The policy of a database that has none yet; from then on the database's is the one in force."""
    limits = (
        RoleLimit(role, currency, Money.rounded(Decimal(whole), currency).minor)
        for role, by_currency in settings.approval.limits.items()
        for currency, whole in by_currency.items()
    )
    return default_policy(settings.organisation.currency, tuple(limits), settings.approval.expire_hours)
