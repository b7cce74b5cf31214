"""The other side of the kills: people on a sandbox Slack and Telegram, and the record of what reached them.

Nothing here asks the bot what it did, but for whether it has come to rest.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Any

from sqlalchemy import create_engine, make_url, text
from starlette.routing import Mount, Route

from bot import settings
from bot.bootstrap import build
from bot.ports import MovableClock
from bot.sandbox import Sandbox
from bot.sandbox.slack.api import WebApi
from bot.sandbox.slack.courier import Delivery
from bot.sandbox.world import Pace, Sight

REPEAT = "This may be a repeat"
FAST = 1e6  # a second: the kills count facts, not rates

READERS = 12  # members with a digest, one each two hours of the day, round the clock
ROUND = timedelta(hours=2)
HALF = ROUND / 2


@dataclass(frozen=True, slots=True)
class Shown:
    """One thing that appeared before a person."""

    text: str
    labelled: bool


@dataclass
class Town:
    """A sandbox and the people in it; `plan` holds the settings by which a bot process reaches it."""

    sandbox: Sandbox
    clock: MovableClock
    url: str
    channel: str = ""
    group: int = 0
    mei: str = ""
    lin: str = ""
    lin_too: int = 0
    readers: list[str] = field(default_factory=list)
    asked: dict[str, Delivery | None] = field(default_factory=dict)  # by the word to be answered; None: cannot be lost
    answers: dict[str, list[Shown]] = field(default_factory=dict)  # what the bot showed with each word in it
    digests: dict[tuple[str, str], list[Shown]] = field(default_factory=dict)  # by the reader's name and the date
    merged: set[tuple[str, str]] = field(default_factory=set)  # mornings that a later digest says it stands in for
    _looked: int = 0

    @property
    def settings(self) -> dict[str, Any]:
        """The settings of a bot that works here."""
        slack, telegram = self.sandbox.slack.world, self.sandbox.telegram.world
        return {
            "organisation": {"currency": "GBP"},
            "database": {"url": self.url},
            "slack": {
                "bot_token": slack.bot_token,
                "app_token": slack.app_token,
                "signing_secret": slack.signing_secret,
                "base_url": self.sandbox.slack_base_url,
            },
            "telegram": {"token": telegram.token, "base_url": self.sandbox.telegram_base_url},
            "web": {"port": 0},
            "watch": {"scan_at": ("03:17",)},
        }

    async def settle(self) -> None:
        """Let the people in, before the first process starts."""
        slack, telegram = self.sandbox.slack, self.sandbox.telegram
        mei = slack.add_user("mei", real_name="Mei Chen")
        lin = slack.add_user("lin", real_name="Lin Wei")
        lin_too = telegram.add_user("Lin")
        self.mei, self.lin, self.lin_too = mei.id, lin.id, lin_too.id
        self.channel = slack.add_channel("stock", [mei.id, lin.id, slack.bot.id]).id
        self.group = telegram.add_group("Stock", [lin_too.id, telegram.bot.id]).id
        app = build(settings.given(**self.settings), self.clock, [])
        members, digests = app.services.members, app.services.digests
        lin_wei = await members.add("Lin", role="approver", identities={"slack": lin.id, "telegram": str(lin_too.id)})
        mei_chen = await members.add("Mei", role="operator", identities={"slack": mei.id})
        for number in range(READERS):
            user = slack.add_user(f"reader{number}")
            self.readers.append(user.id)
            reader = await members.add(user.name, identities={"slack": user.id})
            await members.update(reader.id, workdays="1234567")
            await digests.set_time(reader.id, time(2 * number + 1))
        for view in (lin_wei, mei_chen):
            await digests.set_time(view.id, None)
        await app.close()

    def ask(self, number: int) -> None:
        """One round of what people ask, each with a word of its own that its answer repeats."""
        slack, telegram = self.sandbox.slack, self.sandbox.telegram
        before = len(slack.courier.deliveries)
        slack.say(self.mei, slack.world.direct(self.mei).id, f"stock zqm{number}x")
        self.asked[f"zqm{number}x"] = slack.courier.deliveries[before]
        self.asked[f"zqs{number}x"] = slack.command(self.mei, self.channel, "/stock", f"zqs{number}x")
        telegram.say(self.lin_too, self.lin_too, f"/stock zqt{number}x")
        self.asked[f"zqt{number}x"] = None

    def due(self) -> list[str]:
        """Words whose answers are owed: Slack took note that the bot had them, or Telegram keeps them for it."""
        return [word for word, sent in self.asked.items() if sent is None or sent.state == "acknowledged"]

    def answered(self) -> bool:
        """Whether everything owed was answered by now."""
        self.look()
        return all(word in self.answers for word in self.due())

    def look(self) -> None:
        """Take in what was shown since the last look."""
        entries = self.sandbox.record.entries
        homes = {self.sandbox.slack.world.direct(user).id for user in self.readers}
        for entry in entries[self._looked :]:
            if not isinstance(entry, Sight) or entry.kind not in ("message", "ephemeral"):
                continue
            shown = Shown(entry.text, REPEAT in entry.text)
            if entry.conversation in homes and (morning := _MORNING.search(entry.text)):
                self.digests.setdefault((morning[1], morning[2]), []).append(shown)
                if stands_for := _MERGED.search(entry.text):
                    self.merged |= {(morning[1], day) for day in _DAY.findall(stands_for[1])}
            elif self._by_bot(entry):
                for word in _WORD.findall(entry.text):
                    self.answers.setdefault(word, []).append(shown)
        self._looked = len(entries)

    def _by_bot(self, sight: Sight) -> bool:
        if sight.platform == "slack":
            said = self.sandbox.slack.world.message(sight.conversation, sight.message_id)
            return said.user == self.sandbox.slack.bot.id
        message = self.sandbox.telegram.world.message(int(sight.conversation), int(sight.message_id))
        return message.sender == self.sandbox.telegram.bot.id

    def links(self) -> bool:
        """Whether a bot is connected on both platforms."""
        return bool(self.sandbox.slack.courier.links) and self.sandbox.telegram.updates.polling


_WORD = re.compile(r"zq[a-z]\d+x")
_DAY = re.compile(r"[A-Z][a-z]{2} \d+, \d{4}")
_MORNING = re.compile(r"Good morning, (\w+).*?([A-Z][a-z]{2} \d+, \d{4})", re.DOTALL)
_MERGED = re.compile(r"stands in for (.*) as well")


class Rest:
    """Whether a bot's database shows work that is not finished."""

    _OPEN = (
        "SELECT (SELECT count(*) FROM inbox WHERE state = 'new')"
        " + (SELECT count(*) FROM outbox WHERE state = 'pending')"
        " + (SELECT count(*) FROM effects WHERE state IN ('pending', 'sending'))"
        " + (SELECT count(*) FROM job_runs WHERE state = 'running' AND started_at > :since)"
    )

    def __init__(self, url: str) -> None:
        plain = make_url(url)
        driver = "sqlite" if plain.get_backend_name() == "sqlite" else "postgresql+psycopg"
        self._engine = create_engine(plain.set(drivername=driver))

    def open(self) -> int:
        """Rows that wait."""
        with self._engine.connect() as connection:
            return int(connection.execute(text(self._OPEN), {"since": "9999-01-01"}).scalar_one())

    def states(self, table: str) -> Counter[str]:
        """How many rows are in each state."""
        with self._engine.connect() as connection:
            return Counter(dict(connection.execute(text(f"SELECT state, count(*) FROM {table} GROUP BY state")).all()))  # noqa: S608  # our own tables' names

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()


@contextlib.asynccontextmanager
async def town(url: str, start: datetime) -> AsyncIterator[Town]:
    """A town over an empty database, with nobody's bot running yet."""
    clock = MovableClock(start, frozen=True)
    sandbox = Sandbox(clock)
    _unpaced(sandbox)
    sandbox.slack.courier.ack_seconds = 1.0
    await sandbox.start()
    try:
        found = Town(sandbox, clock, url)
        await found.settle()
        yield found
    finally:
        await sandbox.stop()


def _unpaced(sandbox: Sandbox) -> None:
    """Take the sandbox's rates away: a bot that starts anew every second asks for more than Slack would grant."""
    free = Pace(FAST, FAST)
    sandbox.slack.pace = free
    sandbox.telegram.overall = sandbox.telegram.per_chat = sandbox.telegram.per_group = free
    for mount in sandbox._app.router.routes:
        for route in mount.routes if isinstance(mount, Mount) else ():
            api = getattr(route.endpoint, "__self__", None) if isinstance(route, Route) else None
            if isinstance(api, WebApi):
                api.tiers = {tier: Pace(FAST, FAST) for tier in api.tiers}


async def until(seen: Callable[[], object], seconds: float, every: float = 0.01) -> bool:
    """Whether `seen` came true in time."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while not seen():
        if loop.time() > deadline:
            return False
        await asyncio.sleep(every)
    return True
