"""The demo's stage: a fresh database with the sample, the sandbox, and the real bot between them."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

from bot import settings
from bot.bootstrap import App, build
from bot.chat.command import Origin
from bot.cli.common import progress_bar
from bot.domain.money import Money
from bot.domain.policy import RoleLimit, default_policy
from bot.domain.views import Topic
from bot.platforms.slack.events import UMBRELLA
from bot.ports import Clock, MovableClock
from bot.sandbox import sample
from bot.sandbox.cast import Cast, accounts_of, assemble
from bot.sandbox.page import Stage, page
from bot.sandbox.page.papers import papers
from bot.sandbox.reconstruct import DISCLOSURE
from bot.sandbox.sample import SampleReport, load_sample
from bot.sandbox.server import Sandbox
from bot.sandbox.store import Listing, LocalStore, store_app
from bot.sandbox.store.state import TOKEN
from bot.services.ingest import Progress
from bot.storage import lookup
from bot.storage.database import Database
from bot.storage.migrations import migrate
from handlers import COMMANDS

# A Monday of the sample's strongest month: Shenzhen, Bangkok and Berlin are at work, Austin sleeps.
DEMO_DAY = datetime(2011, 11, 21, 9, 0, tzinfo=UTC)
SHOWN_TOPICS: tuple[Topic, ...] = ("restock", "requests")
SAMPLE_MEMBERS = Path(sample.__file__).parent / "members.csv"
# Combined, the year's largest orders come to 24,000: two people can approve each card that the channels show at once.
APPROVER_LIMIT = Money(Decimal(50_000), "GBP")
STEP_UP_ABOVE = Money(Decimal(30_000), "GBP")  # the policy's own 10,000 would ask most of them for a one-time code
SHOP, ORDERS = "/shop", "/orders"  # where the local store and the orders' documents stand beside the page
SLASH_COMMANDS = frozenset(f"/{name}" for name in (UMBRELLA, *(command.name for command in COMMANDS if command.short)))

Loader = Callable[[Database, Clock, Progress], Awaitable[SampleReport]]
Teller = Callable[[str], None]  # takes one line for whoever waits


@dataclass
class Timings:
    """Seconds per phase since the start; each phase is told as it ends."""

    tell: Teller
    started: float = field(default_factory=time.monotonic)
    phases: dict[str, float] = field(default_factory=dict)
    _mark: float = field(default_factory=time.monotonic)

    def lap(self, name: str, done: str) -> None:
        """Close the phase that began at the last lap; `done` says what it did."""
        now = time.monotonic()
        self.phases[name] = now - self._mark
        self._mark = now
        self.tell(f"  {name:<12} {self.phases[name]:5.1f} s  {done}")

    @property
    def total(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self.started


@dataclass
class Set:
    """Everything on stage."""

    stage: Stage
    application: App
    timings: Timings
    shop: LocalStore
    orders: Path

    @property
    def sandbox(self) -> Sandbox:
        """The local Slack and Telegram."""
        return self.stage.sandbox

    @property
    def cast(self) -> Cast:
        """The people and rooms."""
        return self.stage.cast


def demo_settings(sandbox: Sandbox, file: Path) -> settings.Settings:
    """The settings that connect the real bot to the sandbox: Socket Mode, polling, the local store, and a folder."""
    slack, telegram = sandbox.slack.world, sandbox.telegram.world
    return settings.given(
        organisation={"name": "Harbour Gifts", "currency": "GBP", "zone": "Europe/London"},
        database={"url": f"sqlite+aiosqlite:///{file}"},
        slack={
            "bot_token": slack.bot_token,
            "app_token": slack.app_token,
            "signing_secret": slack.signing_secret,
            "base_url": sandbox.slack_base_url,
        },
        telegram={"token": telegram.token, "base_url": sandbox.telegram_base_url},
        orders={
            "folder": str(file.parent / "orders"),
            "address": "Harbour Gifts\nUnit 4, Albert Dock\nLiverpool L3 4BB",
        },
        stores={"connected": {"shop": {"url": f"{sandbox.url}{SHOP}", "token": TOKEN}}},
        web={"port": 0},
        log={"level": "WARNING"},
    )


@asynccontextmanager
async def staged(port: int, load: Loader = load_sample, tell: Teller = lambda _line: None) -> AsyncIterator[Set]:
    """Set the stage, and strike it at the end; when handed over, the first scan has run, its alerts are under way."""
    clock = MovableClock(DEMO_DAY)
    timings = Timings(tell)
    sandbox = Sandbox(clock)
    async with AsyncExitStack() as closing:  # also where the setting of the stage is broken off
        folder = closing.enter_context(TemporaryDirectory(prefix="stocktide-demo-", ignore_cleanup_errors=True))
        file = Path(folder) / "demo.db"
        closing.push_async_callback(sandbox.stop)
        await sandbox.start(port)
        timings.lap("sandbox", "a local Slack and Telegram listen")
        timings.lap("sample", _loaded(await _load(file, clock, load)))
        application = build(demo_settings(sandbox, file), clock)
        closing.push_async_callback(application.close)
        cast = assemble(sandbox, await application.services.members.everyone(), accounts_of(SAMPLE_MEMBERS))
        limits = (RoleLimit("approver", APPROVER_LIMIT.currency, APPROVER_LIMIT.minor),)
        policy = replace(default_policy(APPROVER_LIMIT.currency, limits), step_up_above=STEP_UP_ABOVE.minor)
        await application.services.policies.seed(policy)
        stage = Stage(sandbox, cast, clock, DISCLOSURE, SLASH_COMMANDS, application.runtime.tick)
        shop = await _shop(application, sandbox)
        sandbox.mount(SHOP, store_app(shop))
        sandbox.mount(ORDERS, papers(file.parent / "orders"))
        sandbox.mount("/", page(stage))
        await _subscribe(application, cast)
        closing.push_async_callback(application.runtime.stop)
        await application.runtime.start()
        timings.lap("bot", "started, with its real Slack and Telegram code")
        await application.runtime.tick()  # the first one, which the start began, runs the watch
        timings.lap("watch", "the whole catalogue judged, its requests drafted")
        yield Set(stage, application, timings, shop, file.parent / "orders")


async def _load(file: Path, clock: Clock, load: Loader) -> SampleReport:
    """Load the sample into a fresh database, under a progress bar where somebody watches."""
    database = Database(f"sqlite+aiosqlite:///{file}")
    try:
        await migrate(database)
        with progress_bar() as bar:
            task = bar.add_task("  Importing a real year of sales", total=None)
            return await load(database, clock, lambda done, total: bar.update(task, completed=done, total=total))
    finally:
        await database.close()


def _loaded(report: SampleReport) -> str:
    parts = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in report.phases.items())
    return f"{report.sales.rows:,} lines imported, stock reconstructed ({parts})"


async def _shop(application: App, sandbox: Sandbox) -> LocalStore:
    """A store that sells every product at its price."""
    async with application.services.database.reading() as connection:
        priced = await lookup.priced(connection)
    shelf = [Listing(sku, name, price) for sku, name, price in priced]
    return LocalStore(application.services.clock, shelf, pulse=sandbox.pulse)


async def _subscribe(application: App, cast: Cast) -> None:
    """Let both rooms be told of what runs out and of what waits for a decision."""
    first = cast.people[0]
    for origin in (
        Origin("slack", first.slack.id, cast.channel.id, "group"),
        Origin("telegram", str(first.telegram.id), str(cast.group.id), "group"),
    ):
        for topic in SHOWN_TOPICS:
            await application.services.topics.subscribe(origin, topic)
