"""The only composition root: settings become objects here, and nowhere else."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.bootstrap.choices import ingest_settings
from bot.bootstrap.files import file_sources_of
from bot.bootstrap.outward import channels_of, outlets_of, platforms_of, room_provider_of
from bot.bootstrap.services import services_of
from bot.bootstrap.site import Doors, site_of
from bot.bootstrap.trying import Change
from bot.bootstrap.warming import load_arithmetic
from bot.chat.router import Router
from bot.platforms import HOOKS
from bot.ports import ChatPlatform, Clock, SystemClock
from bot.runtime import Runtime
from bot.services import Services
from bot.services.answers import Answers
from bot.services.buttons import Buttons
from bot.services.delivery import Delivery
from bot.services.dialogues import Dialogues
from bot.services.dispatch import Dispatcher
from bot.services.effectworker import EffectWorker
from bot.services.feeds import Taking
from bot.services.feeds.following import Following
from bot.services.feeds.reception import Reception
from bot.services.feeds.rescans import Rescans
from bot.services.ingest import Ingest
from bot.services.jobs import JobRunner
from bot.services.sessions import Address
from bot.services.wakes import Wakes
from bot.settings import Settings
from bot.settings.resealing import SettingsFile
from bot.storage.database import Database
from bot.stores.files import open_table
from bot.web.app import web_app
from bot.web.figures import metrics, readiness
from bot.web.hooks import hook_routes
from bot.web.server import WebServer
from handlers import ALIASES, COMMANDS
from jobs import JOBS

__all__ = ["App", "build", "channels_of", "file_sources_of", "outlets_of", "platforms_of", "room_provider_of"]


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
        """Leave what is under way, hang up on the stores, and close the database."""
        await _close(self.services)


async def _close(services: Services) -> None:
    await services.scorecards.close()
    await services.stores.close()
    await services.files.close()
    await services.database.close()


def build(
    settings: Settings,
    clock: Clock | None = None,
    platforms: Sequence[ChatPlatform] | None = None,
    file: SettingsFile | None = None,
) -> App:
    """Everything, wired; `platforms` stand in for those of the settings (tests), `file` is what stores are added to."""
    clock = clock or SystemClock()
    database = Database(settings.database.url)
    chosen = platforms_of(settings, database) if platforms is None else tuple(platforms)
    by_name = {platform.name: platform for platform in chosen}
    wakes = Wakes(database)
    buttons = Buttons(clock=clock)
    address = Address(settings.web.public_url)
    doors = Doors()
    changed = asyncio.Event()
    services = services_of(
        settings, clock, database, by_name, wakes, buttons, address,
        end_room=doors.shut, change=Change(file, changed.set),
    )  # fmt: skip
    renamed = {"slack": settings.slack.renamed}
    router: Router[Services] = Router(COMMANDS, lambda given: given.lookup, ALIASES, renamed)
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
    calls = services.stores.hooked
    reception = Reception(database=database, clock=clock, wakes=wakes, feeds=calls)
    following = Following(
        database=database,
        clock=clock,
        wakes=wakes,
        taking=Taking(
            database=database,
            clock=clock,
            currency=settings.organisation.currency,
            rates=services.settings.rates,
        ),
        feeds=calls,
        pages=services.stores.pages,
        lull=reception.lull,
    )
    rescans = Rescans(
        database=database,
        clock=clock,
        wakes=wakes,
        watch=services.watch,
        feeds=calls,
        lull=reception.lull,
        individual=services.settings.alerts_individual,
    )
    site = site_of(settings, clock, services, router, buttons, address, doors, chosen)
    web = WebServer(
        web_app(
            hooks,
            lambda: readiness(database, by_name, connected),
            lambda: metrics(services, job_runner),
            (*site.routes, *hook_routes(reception)),
        ),
        settings.web.host,
        settings.web.port,
        address,
        site.held,
    )

    async def prepare() -> None:
        await services.policies.ensure()
        await asyncio.to_thread(load_arithmetic)

    runtime = Runtime(
        platforms=by_name,
        connected=connected,
        inbox=services.inbox,
        dispatcher=dispatcher,
        delivery=delivery,
        effects=effect_worker,
        workers=(following, rescans),
        jobs=job_runner,
        web=web,
        wakes=wakes,
        prepare=prepare,
        close=lambda: _close(services),
        changed=changed,
    )
    ingest = Ingest(
        database,
        clock,
        ingest_settings(settings),
        open_table,
        audit=services.audit,
        orders=services.orders,
        receiving=services.receiving,
        wakes=wakes,
    )
    return App(settings, services, router, job_runner, runtime, delivery, effect_worker, dispatcher, by_name, ingest)
