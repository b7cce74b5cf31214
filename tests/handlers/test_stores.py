"""`stores` and `kit`: what a team sees of its stores in the chat, and what it may say of them."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from decimal import Decimal

import pytest

from bot.chat.command import Asker
from bot.chat.nodes import Link, Message, Paragraph
from bot.chat.router import Answer
from bot.domain.money import Money
from bot.errors import Declined
from bot.ports import Check, FactKind, Page, StorePlace
from bot.services.audit import Audit
from bot.services.feeds import Taking
from bot.services.feeds.kits import Kits
from bot.services.feeds.syncing import Syncing
from bot.words import _
from tests.handlers.conftest import CANDLE, LANTERN, MUG, START, Office, buttons, text
from tests.services.feeds.kit import order, sold


@dataclass
class Till:
    """A store with one order of a variant that resembles the lantern, at a place that nobody has named."""

    name: str = "web"
    kinds: tuple[FactKind, ...] = ("orders",)
    read_so_far: list[str] = field(default_factory=list)
    away: bool = False

    async def places(self) -> tuple[StorePlace, ...]:
        if self.away:
            raise Declined(_("the store answered {answer}", answer="401 the key was withdrawn"))
        return (StorePlace("w 1", "Hall 7"),)

    async def read(self, kind: FactKind, cursor: str = "") -> AsyncIterator[Page]:
        self.read_so_far.append(cursor)
        line = replace(sold("a", "85-123a", 2, place="w 1"), amount=Money(Decimal("5.90"), "GBP"))
        yield Page(kind, (order("7", line, placed_at=START, changed_at=START),), "c")

    async def check(self) -> tuple[Check, ...]:
        return (
            Check(
                _("store {name}", name="web"),
                "fail",
                _("the app may not {missing}", missing="read_orders"),
                _("grant these scopes and install it again"),
            ),
        )

    async def close(self) -> None:
        self.read_so_far.clear()


@dataclass
class Desk:
    """The office with a store, and ways to look."""

    office: Office
    till: Till

    async def ask(self, line: str, name: str = "Maria") -> Answer:
        return await self.office.ask(line, name)

    async def text(self, line: str, name: str = "Maria") -> str:
        return text(await self.ask(line, name))

    async def chinese(self, line: str) -> str:
        return text(await self.ask(line), "zh_CN")


@pytest.fixture
def desk(office: Office) -> Desk:
    """The small shop with a store connected."""
    till, shop = Till(), office.shop
    audit = Audit(database=shop.database, clock=shop.clock)
    taking = Taking(database=shop.database, clock=shop.clock, currency="GBP")
    syncing = Syncing(database=shop.database, clock=shop.clock, audit=audit, taking=taking, feeds={"web": till})
    office.services = dataclasses.replace(
        office.services, stores=syncing, kits=Kits(database=shop.database, audit=audit)
    )
    return Desk(office, till)


async def test_stores_are_listed_with_what_waits_and_no_secret(desk: Desk) -> None:
    assert "never" in await desk.text("stores", "Vic")
    await desk.office.services.stores.sync("web")
    told = await desk.text("stores", "Vic")
    assert "1 variant to name · 1 place to name · 1 record set aside" in told
    assert "待" in await desk.chinese("店铺")
    one = await desk.ask("stores web")
    assert "orders" in text(one)
    assert [button.arguments for button in buttons(one)] == [("web", "read"), ("web", "waiting")]


async def test_why_something_was_set_aside_is_said_in_the_language_of_who_asks(desk: Desk) -> None:
    await desk.office.services.stores.sync("web")
    english = "nobody has said yet which location the place 'w 1' is"
    assert english in await desk.text("stores web waiting")
    told = await desk.chinese("stores web waiting")
    assert "还没有人确认店铺地点 'w 1' 是我们的哪个仓库" in told
    assert "nobody" not in told


async def test_a_suggested_variant_is_confirmed_by_a_press_and_its_sales_count_then(desk: Desk) -> None:
    await desk.office.services.stores.sync("web")
    waiting = await desk.ask("stores web waiting")
    assert "Is 85-123A (85-123A) our 85123A? 100% alike" in text(waiting)
    yes = next(button for button in buttons(waiting) if LANTERN in button.arguments)
    refused = text(await desk.office.press(yes, "Vic"))
    assert "only reads" in refused
    told = text(await desk.office.press(yes, "Maria"))
    assert "Noted." in told
    assert "85-123A (" not in told
    assert "Only administrators" in await desk.text("stores web place 'w 1' UK")
    assert "Noted." in await desk.text("stores web place 'w 1' UK", "Ada")
    (report,) = await desk.office.services.stores.sync("web")
    assert (report.changed, report.faults) == (1, 0)
    assert "Nothing in web waits for you" in await desk.text("stores web waiting")
    async with desk.office.shop.database.reading() as connection:
        rows = (await connection.exec_driver_sql("SELECT action, member_id, platform FROM audit ORDER BY id")).all()
    assert [tuple(row) for row in rows if row[0].startswith("store.")] == [
        ("store.product", desk.office.shop.members["Maria"], "slack"),
        ("store.place", desk.office.shop.members["Ada"], "slack"),
    ]


async def test_what_is_none_of_ours_is_said_by_a_press_too(desk: Desk) -> None:
    await desk.office.services.stores.sync("web")
    waiting = await desk.ask("stores web waiting", "Ada")
    for button in [button for button in buttons(waiting) if len(button.arguments) == 3]:
        await desk.office.press(button, "Ada")
    assert "variant" not in await desk.text("stores")
    (report,) = await desk.office.services.stores.sync("web")
    assert (report.changed, report.faults) == (0, 0)


async def test_a_reading_is_begun_from_the_chat_and_a_store_that_is_away_is_said_to_be(desk: Desk) -> None:
    assert "only reads" in await desk.text("stores web read", "Vic")
    assert "I am reading web" in await desk.text("stores web read")
    await desk.office.services.stores._asked["web"]  # it runs by itself
    assert desk.till.read_so_far == [""]
    desk.till.away = True
    await desk.ask("stores web sync")
    await desk.office.services.stores._asked["web"]
    assert "cannot be read" in await desk.text("stores web")
    assert "401 the key was withdrawn" in await desk.text("stores web")
    assert "Only administrators" in await desk.text("stores web test")
    assert "does not work" in await desk.text("stores web test", "Ada")


async def test_a_store_s_faults_are_said_in_the_language_of_who_asks_and_its_own_words_are_quoted(desk: Desk) -> None:
    desk.till.away = True
    await desk.office.services.stores.sync("web")
    assert "orders cannot be read: the store answered 401 the key was withdrawn" in await desk.text("stores web")
    assert "无法读取订单：店铺返回：401 the key was withdrawn" in await desk.chinese("stores web")
    tried = await desk.ask("stores web test", "Ada")
    assert "store web: the app may not read_orders. To do: grant these scopes and install it again." in text(tried)
    assert "店铺 web：应用没有权限 read_orders。处理办法：请授予这些权限并重新安装应用。" in text(tried, "zh_CN")


async def test_a_fault_of_before_that_was_kept_in_english_still_shows(desk: Desk) -> None:
    await desk.office.services.stores.sync("web")
    async with desk.office.shop.database.transaction() as connection:
        await connection.exec_driver_sql("UPDATE store_syncs SET error = '503 come again'")
        await connection.exec_driver_sql("UPDATE store_faults SET problem = 'its place ''w 1'' is not known yet'")
    assert "503 come again" in await desk.chinese("stores web")
    told = await desk.chinese("stores web waiting")
    assert "is not known" not in told
    assert "'w 1'" in told


async def test_the_verb_may_come_first_as_on_the_command_line(desk: Desk) -> None:
    assert await desk.text("stores status") == await desk.text("stores") == await desk.text("店铺 状态")
    assert await desk.text("stores status web") == await desk.text("stores web")
    assert "I am reading web" in await desk.text("stores sync web")
    await desk.office.services.stores._asked["web"]
    assert "does not work" in await desk.text("stores test web", "Ada")
    assert "Noted." in await desk.text("stores place web 'w 1' UK", "Ada")


@pytest.mark.parametrize("line", ["stores add", "stores connect web kind=shopify token=shpat_1f2e3d", "店铺 添加"])
async def test_who_would_connect_a_store_is_told_where_and_that_no_secret_is_written_here(
    desk: Desk, line: str
) -> None:
    told = await desk.text(line, "Ada")
    assert "stocktide stores add" in told
    assert "make a new one" in told
    assert "shpat" not in told


def links(answer: Answer) -> list[Link]:
    return [
        block.content
        for block in answer.message.blocks
        if isinstance(block, Paragraph) and isinstance(block.content, Link)
    ]


class Letters:
    """Letters to one person, who can be reached or not."""

    def __init__(self) -> None:
        self.reach = True
        self.sent: list[int] = []

    async def send(self, member_id: int, message: Message) -> bool:
        assert message.blocks
        self.sent.append(member_id)
        return self.reach


class Door:
    """The page for secrets, open to Ada."""

    writable = True

    def __init__(self, ada: int) -> None:
        self._ada = ada

    async def administers(self, asker: Asker) -> bool:
        return asker.member_id == self._ada


@pytest.mark.parametrize(
    ("line", "target"),
    [
        ("stores add", "/board/stores/add"),
        ("stores add web token=shpat_1f2e3d", "/board/stores/add"),
        ("stores secrets web", "/board/stores/secrets?store=web"),
        ("店铺 web 密钥", "/board/stores/secrets?store=web"),
    ],
)
async def test_an_administrator_is_led_to_the_page_for_secrets_and_nobody_else_is(
    desk: Desk, line: str, target: str
) -> None:
    office = desk.office
    ada = office.shop.members["Ada"]
    letters = Letters()
    office.services = dataclasses.replace(office.services, connecting=Door(ada), whispers=letters)  # type: ignore[arg-type]  # their parts
    office.services.sessions.address.local = "http://board"
    answer = await office.ask(line, "Ada", kind="direct")
    (link,) = links(answer)
    entered = await office.services.sessions.enter(link.url.partition("#")[2])
    assert (entered.member_id, entered.target) == (ada, target)
    assert "make a new one" in text(answer)
    group = await office.ask(line, "Ada", kind="group")
    assert links(group) == []
    assert "I have sent you the link in private" in text(group)
    assert letters.sent == [ada]
    letters.sent.clear()
    letters.reach = False
    assert (await office.ask(line, "Ada", platform="telegram")).refused
    for other in ("Maria", "Vic"):
        assert "stocktide stores add" in text(await office.ask(line, other, kind="direct"))
    assert "http://board" not in text(group)


async def test_a_store_that_is_called_as_a_verb_is_that_store(desk: Desk) -> None:
    desk.office.services.stores._feeds = {"add": desk.till}
    assert "stocktide stores add" not in await desk.text("stores add")


@pytest.mark.parametrize(
    "line",
    ["stores nowhere", "stores web dance", "stores web product", "stores web place a b c", "stores web product v9 X"],
)
async def test_what_makes_no_sense_is_refused_in_words(desk: Desk, line: str) -> None:
    told = await desk.ask(line, "Ada")
    assert told.refused
    assert "went wrong" not in text(told)


async def test_where_no_store_is_connected_the_way_to_one_is_told(office: Office) -> None:
    assert "stocktide stores add" in text(await office.ask("stores"))


async def test_a_set_is_told_changed_and_dissolved(desk: Desk) -> None:
    assert "is sold as itself" in await desk.text(f"kit {MUG}")
    assert "only reads" in await desk.text(f"kit {MUG} {LANTERN}", "Vic")
    told = await desk.text(f"kit {MUG} 2x{LANTERN}, {CANDLE}")
    assert "takes from the shelf" in told
    assert await desk.office.services.kits.everything() == {MUG: ((LANTERN, 2), (CANDLE, 1))}
    assert "RED HANGING HEART" in await desk.text(f"套装 {MUG}")
    assert "is sold as itself" in await desk.text(f"kit {MUG} off")
    assert await desk.office.services.kits.everything() == {}


async def test_a_set_within_a_set_and_one_within_itself_are_refused(desk: Desk) -> None:
    await desk.ask(f"kit {MUG} 2x{LANTERN}")
    for line in (f"kit {LANTERN} {CANDLE}", f"kit {CANDLE} {MUG}"):
        assert "holds no other kit" in await desk.text(line)
    assert "part of itself" in await desk.text(f"kit {CANDLE} 2x{CANDLE}")
    assert "10000" in (await desk.text(f"kit {CANDLE} 20000x{LANTERN}")).replace(",", "")


async def test_what_was_sold_as_a_set_counts_as_its_parts_with_the_next_reading(desk: Desk) -> None:
    services = desk.office.services
    await services.stores.sync("web")
    await services.stores.product("web", "v-85-123a", MUG)
    await services.stores.place("web", "w 1", "UK")
    await services.stores.sync("web")
    await desk.ask(f"kit {MUG} 3x{CANDLE}")
    (report,) = await services.stores.sync("web")
    assert report.changed == 1
    async with desk.office.shop.database.reading() as connection:
        rows = await connection.exec_driver_sql(
            "SELECT p.sku, s.quantity FROM sales s JOIN products p ON p.id = s.product_id WHERE s.source = 'store:web'"
        )
        assert [tuple(row) for row in rows] == [(CANDLE, 6)]
