"""The other side of the kills: people on a sandbox Slack and Telegram, and the record of what reached them.

Nothing here asks the bot what it did.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from bot import settings
from bot.bootstrap import App, build
from bot.ports import MovableClock
from bot.sandbox import Sandbox
from bot.sandbox.slack.courier import Delivery
from bot.sandbox.store import LocalStore
from bot.sandbox.world import Sight
from bot.storage import tables
from tests.faults.rest import Rest
from tests.services.work.kit import add
from tests.suppliers.kit import PostOffice

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
REPEAT = "This may be a repeat"

UNITS = 1000  # the first order's, so that its number stands for nothing else
READERS = 12  # members with a digest, one each two hours of the day, round the clock
WORK = ("ask", "buy", "promote", "decide")
SHELF = 60  # products that may be promoted, each once


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
    wei: str = ""
    nok: str = ""
    folder: Path = field(default_factory=Path)
    office: PostOffice = field(default_factory=PostOffice)
    mail_port: int = 0
    store: LocalStore = field(default_factory=lambda: LocalStore(MovableClock(EPOCH), ()))
    store_url: str = ""
    lin_too: int = 0
    readers: list[str] = field(default_factory=list)
    asked: dict[str, Delivery | None] = field(default_factory=dict)  # by the word to be answered; None: cannot be lost
    promoted: dict[str, Delivery] = field(default_factory=dict)  # by product
    bought: dict[int, Delivery] = field(default_factory=dict)  # by units
    pressed: list[Delivery] = field(default_factory=list)
    answers: dict[str, list[Shown]] = field(default_factory=dict)  # what the bot showed with each word in it
    digests: dict[tuple[str, str], list[Shown]] = field(default_factory=dict)  # by the reader's name and the date
    merged: set[tuple[str, str]] = field(default_factory=set)  # mornings that a later digest says it stands in for
    _looked: int = 0
    _mailed: list[tuple[str, int]] = field(default_factory=list)
    _filed: dict[str, tuple[str, int]] = field(default_factory=dict)

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
            "approval": {"limits": {"approver": {"GBP": 100_000}}},
            "orders": {"folder": str(self.folder)},
            "stores": {"connected": {"shop": {"kind": "local", "url": self.store_url, "token": self.store.token}}},
            "mail": {
                "host": "127.0.0.1",
                "port": self.mail_port,
                "security": "none",
                "sender": "orders@acme.example",
            },
        }

    async def settle(self) -> None:
        """Let the people in, before the first process starts."""
        slack, telegram = self.sandbox.slack, self.sandbox.telegram
        mei = slack.add_user("mei", real_name="Mei Chen")
        lin = slack.add_user("lin", real_name="Lin Wei")
        lin_too = telegram.add_user("Lin")
        wei = slack.add_user("wei", real_name="Wei Zhang")
        self.mei, self.lin, self.wei, self.lin_too = mei.id, lin.id, wei.id, lin_too.id
        self.channel = slack.add_channel("stock", [mei.id, lin.id, wei.id, slack.bot.id]).id
        self.group = telegram.add_group("Stock", [lin_too.id, telegram.bot.id]).id
        app = build(settings.given(**self.settings), self.clock, [])
        members, digests = app.services.members, app.services.digests
        lin_wei = await members.add("Lin", role="approver", identities={"slack": lin.id, "telegram": str(lin_too.id)})
        mei_chen = await members.add("Mei", role="buyer", identities={"slack": mei.id})
        wei_zhang = await members.add("Wei", role="approver", identities={"slack": wei.id})
        nok = slack.add_user("nok", real_name="Nok")
        self.nok = nok.id
        manager = await members.add("Nok", role="promo_manager", identities={"slack": nok.id})
        for number in range(READERS):
            user = slack.add_user(f"reader{number}")
            self.readers.append(user.id)
            reader = await members.add(user.name, identities={"slack": user.id})
            await members.update(reader.id, workdays="1234567")
            await digests.set_time(reader.id, time(2 * number + 1))
        for view in (lin_wei, mei_chen, wei_zhang, manager):
            await members.update(view.id, workdays="1234567")
            await digests.set_time(view.id, None)
        await app.services.policies.ensure()
        await self._stock_up(app)
        await app.close()

    async def _stock_up(self, app: App) -> None:
        """One product, two suppliers (one of them takes mail), and the channel that hears of requests."""
        now = self.clock.now()
        async with app.services.database.transaction() as connection:
            product = await add(
                connection, tables.Product, sku="ZQ", name="Lantern", currency="GBP", unit_cost_minor=100,
                unit_price_minor=250, created_at=now - timedelta(days=400),
            )  # fmt: skip
            place = await add(
                connection, tables.Location, code="UK", name="London", zone="UTC", country="GB", currency="GBP",
                markets=["UK"],
            )  # fmt: skip
            for code, email in (("YIWU", ""), ("LODZ", "orders@lodz.example")):
                supplier = await add(
                    connection, tables.Supplier, code=code, name=code.title(), country="CN", currency="GBP", email=email
                )
                await add(
                    connection, tables.Route, supplier_id=supplier, product_id=None, location_id=place, mode="sea",
                    lead_time_days=Decimal(20), lead_time_sd_days=Decimal(2), minimum_order=1, pack_size=1,
                    unit_cost_minor=100, currency="GBP",
                )  # fmt: skip
            await self._sells(connection, product, place)
            await connection.execute(
                insert(tables.StockLevel).values(
                    product_id=product, location_id=place, as_of=now, on_hand=1_000, committed=0, source="count"
                )
            )
            for number in range(SHELF):
                lamp = await add(
                    connection, tables.Product, sku=f"LAMP{number}", name=f"Lamp {number}", currency="GBP",
                    unit_cost_minor=100, unit_price_minor=250, created_at=now,
                )  # fmt: skip
                await connection.execute(
                    insert(tables.StockLevel).values(
                        product_id=lamp, location_id=place, as_of=now, on_hand=40, committed=0, source="count"
                    )
                )
            channel = await add(
                connection, tables.Conversation, platform="slack", external_id=self.channel, kind="group"
            )
            await add(connection, tables.Subscription, conversation_id=channel, topic="requests", created_at=now)

    async def _sells(self, connection: AsyncConnection, product: int, place: int) -> None:
        """Ten a day, so that nothing is slow and nothing runs out."""
        today = self.clock.now().date()
        days = [
            {
                "product_id": product, "location_id": place, "day": today - timedelta(days=back), "units": 10,
                "lines": 1, "returned": 0, "shipped": 10, "revenue_minor": 2500,
            }
            for back in range(1, 100)
        ]  # fmt: skip
        await connection.execute(insert(tables.DailyDemand), days)

    def ask(self, number: int) -> None:
        """One round of what people ask, each with a word of its own that its answer repeats."""
        slack, telegram = self.sandbox.slack, self.sandbox.telegram
        before = len(slack.courier.deliveries)
        slack.say(self.mei, slack.world.direct(self.mei).id, f"stock zqm{number}x")
        self.asked[f"zqm{number}x"] = slack.courier.deliveries[before]
        self.asked[f"zqs{number}x"] = slack.command(self.mei, self.channel, "/stock", f"zqs{number}x")
        telegram.say(self.lin_too, self.lin_too, f"/stock zqt{number}x")
        self.asked[f"zqt{number}x"] = None

    def buy(self, number: int) -> None:
        """Mei orders as many units as no other order has: by folder and by mail in turns."""
        units, supplier = UNITS + number, ("YIWU", "LODZ")[number % 2]
        before = len(self.sandbox.slack.courier.deliveries)
        self.sandbox.slack.say(self.mei, self.sandbox.slack.world.direct(self.mei).id, f"buy ZQ {units} {supplier}")
        self.bought[units] = self.sandbox.slack.courier.deliveries[before]

    def promote(self) -> None:
        """Nok asks for a lower price of a product that nobody asked about before, for a day."""
        sku = f"LAMP{len(self.promoted)}"
        before = len(self.sandbox.slack.courier.deliveries)
        day = (self.clock.now() + timedelta(days=1)).date()
        self.sandbox.slack.say(self.nok, self.sandbox.slack.world.direct(self.nok).id, f"promo {sku} 20% until {day}")
        self.promoted[sku] = self.sandbox.slack.courier.deliveries[before]

    def prices(self) -> dict[str, list[str]]:
        """What the store's prices were changed to, by product, in its own record."""
        found: dict[str, list[str]] = {}
        for change in self.store.changes:
            found.setdefault(change.sku, []).append(str(change.price.amount))
        return found

    def lapsed(self, what: str) -> bool:
        """Whether the people who asked were told that the request with those words in it expired undecided."""
        slack = self.sandbox.slack
        return any(
            what in (said := slack.text_for("UTC", message)) and "expired" in said.splitlines()[0]
            for who in (self.mei, self.nok)
            for message in slack.visible(who, slack.world.direct(who).id)
        )

    def unlowered(self) -> list[str]:
        """Products whose promotion the bot took note of, and that has not begun in the store."""
        prices = self.prices()
        missing = [sku for sku, sent in self.promoted.items() if sent.state == "acknowledged" and sku not in prices]
        return [sku for sku in missing if not self.lapsed(f"units of {sku} ")]

    def decide(self) -> None:
        """Lin and Wei approve what is shown as undecided: she by typing on Telegram, he by Slack's button or typing."""
        slack = self.sandbox.slack
        waiting: set[int] = set()
        pressed: set[int] = set()
        for who, where in (
            (self.wei, self.channel),
            (self.mei, slack.world.direct(self.mei).id),
            (self.nok, slack.world.direct(self.nok).id),
        ):
            for message in slack.visible(who, where):
                buttons = [button for button in slack.buttons(message) if button["text"]["text"].startswith("Approve")]
                named = _REQUEST.search(slack.text_for("UTC", message)) if buttons else None
                if named is None:
                    continue
                waiting.add(int(named[1]))
                if who == self.wei:
                    pressed.add(int(named[1]))
                    self.pressed.append(slack.press(who, where, message.ts, buttons[0]["action_id"]))
        for number in sorted(waiting):
            self.sandbox.telegram.say(self.lin_too, self.lin_too, f"/approve R-{number}")
            if number not in pressed:  # a promotion of many needs both
                before = len(slack.courier.deliveries)
                slack.say(self.wei, slack.world.direct(self.wei).id, f"approve R-{number}")
                self.pressed.append(slack.courier.deliveries[before])

    def orders(self) -> dict[int, list[str]]:
        """What the suppliers got, by units: every message, and each file but the copy of what was mailed."""
        for envelope in self.office.taken[len(self._mailed) :]:
            (table,) = [part for part in envelope.iter_attachments() if part.get_content_type() == "text/csv"]
            number = _ORDER.search(str(envelope["Subject"]))
            assert number is not None
            self._mailed.append((number[0], _units(table.get_content())))
        for file in self.folder.glob("R-*.csv") if self.folder.exists() else ():
            if file.name not in self._filed:
                number = _ORDER.search(file.name)
                assert number is not None, file.name
                self._filed[file.name] = (number[0], _units(file.read_text("utf-8-sig")))
        found: dict[int, list[str]] = {}
        for name, units in self._mailed:
            found.setdefault(units, []).append(f"mail {name}")
        mailed = {name for name, _units in self._mailed}
        for name, units in sorted(self._filed.values()):
            if name not in mailed:
                found.setdefault(units, []).append(f"file {name}")
        return found

    def answer(self, rest: Rest) -> int:
        """Lin says what became of calls that nobody can tell of, having asked the supplier; how many there were."""
        self.orders()
        mailed = {number for number, _units in self._mailed}
        halted = rest.halted()
        for effect_id, request_id in halted:
            verdict = "done" if f"R-{request_id}" in mailed else "again"
            self.sandbox.telegram.say(self.lin_too, self.lin_too, f"/effect E-{effect_id} {verdict} asked them")
        return len(halted)

    def unordered(self) -> list[int]:
        """Units of the orders that the bot took note of, and that have not reached their supplier."""
        orders = self.orders()
        missing = [units for units, sent in self.bought.items() if sent.state == "acknowledged" and units not in orders]
        return [units for units in missing if not self.lapsed(f"{units:,} units of ZQ ")]

    def due(self) -> list[str]:
        """Words whose answers are owed: Slack took note that the bot had them, or Telegram keeps them for it."""
        return [word for word, sent in self.asked.items() if sent is None or sent.state == "acknowledged"]

    def waiting(self) -> bool:
        """Whether Slack has not heard yet what became of something it delivers."""
        sent = (*self.asked.values(), *self.bought.values(), *self.promoted.values(), *self.pressed)
        return any(one is not None and one.state == "waiting" for one in sent)

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


_REQUEST = re.compile(r"\bR-(\d+)\b")
_ORDER = re.compile(r"R-\d+")
_WORD = re.compile(r"zq[a-z]\d+x")
_DAY = re.compile(r"[A-Z][a-z]{2} \d+, \d{4}")
_MORNING = re.compile(r"Good morning, (\w+).*?([A-Z][a-z]{2} \d+, \d{4})", re.DOTALL)
_MERGED = re.compile(r"stands in for (.*) as well")


def give(town: Town, work: str, number: int) -> None:
    """Let people do one kind of work."""
    match work:
        case "ask":
            town.ask(number)
        case "buy":
            town.buy(number)
        case "promote":
            town.promote()
        case _:
            town.decide()


def _units(table: str) -> int:
    """The units of an order's only line."""
    (units,) = {int(cell) for cell in re.findall(r"\b(\d{4,6})\b", table) if UNITS <= int(cell) < 100_000}
    return units
