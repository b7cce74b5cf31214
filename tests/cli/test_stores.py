"""`stocktide stores`, over a store that tells what the test says."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar

import pytest

from bot.bootstrap import outward
from bot.domain.money import Money
from bot.errors import Declined
from bot.ports import Check, FactKind, OrderFact, Page, SoldLine, StorePlace
from bot.settings import StorePart
from bot.words import _
from tests.cli.terminal import stocktide

AT = datetime(2011, 11, 18, 9, tzinfo=UTC)
SETTINGS = """
[organisation]
name = "Our shop"
currency = "GBP"
[stores.connected.web]
kind = "woocommerce"
url = "https://shop.example.com"
token = "ck_hush"
"""


class Shop:
    """A store with one order, of a variant that resembles a product of ours, at a place that nobody has named."""

    kinds: tuple[FactKind, ...] = ("orders",)
    hung_up: ClassVar[list[str]] = []

    def __init__(self, name: str, part: StorePart) -> None:
        self.name = name
        self.token = part.token

    async def places(self) -> tuple[StorePlace, ...]:
        return (StorePlace("w1", "Hall 7"), StorePlace("w2", "Hall 8"))

    async def read(self, kind: FactKind, cursor: str = "") -> AsyncIterator[Page]:  # noqa: ARG002  # the port's
        line = SoldLine("a", "v9", "85-123a", "White lantern", 2, Money(Decimal("5.90"), "GBP"), "w1")
        yield Page(kind, (OrderFact("7", "#7", AT, AT, (line,)),), "c", until=AT)

    async def check(self) -> tuple[Check, ...]:
        return (
            Check(
                _("store {name}", name="web"),
                "fail",
                _("the app may not {missing}", missing="read_orders"),
                _("update Stocktide"),
            ),
        )

    async def close(self) -> None:
        self.hung_up.append(self.name)


class Shut(Shop):
    """A store that does not let us in."""

    async def places(self) -> tuple[StorePlace, ...]:
        raise Declined(_("the store answered {answer}", answer="401 the key was withdrawn"))


@pytest.fixture
def connected(shop: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The shop with a store in its settings."""
    monkeypatch.setattr(outward, "FEEDS", MappingProxyType({"woocommerce": Shop}))
    monkeypatch.setattr(outward, "STORES", MappingProxyType({}))
    (shop / "stocktide.toml").write_text(SETTINGS)
    return shop


def test_a_reading_says_what_was_told_and_what_to_do_next(connected: Path) -> None:
    assert connected.is_dir()
    Shop.hung_up.clear()
    ran = stocktide("stores", "sync", "web")
    assert (ran.code, Shop.hung_up) == (0, ["web"])
    assert ran.out.split()[-10:] == ["web", "orders", "1", "0", "1", "read", "Next:", "stocktide", "stores", "status"]
    told = stocktide("stores", "status").out
    assert "Is 85-123A (White lantern) our 85123A? 100% alike." in told
    assert "stocktide stores product web v9 85123A" in told
    assert "Which location is Hall 7?" in told
    assert "Set aside, orders 7: nobody has said yet which location the place 'w1' is" in told
    assert "hush" not in told


def test_what_a_person_says_is_taken_with_the_next_reading(connected: Path) -> None:
    assert connected.is_dir()
    stocktide("stores", "sync")
    assert "Next: stocktide stores sync web" in stocktide("stores", "product", "web", "v9", "85123A").out
    assert stocktide("stores", "place", "web", "w1", "UK").code == 0
    assert stocktide("stores", "place", "web", "w2").out.startswith("w2 is none of ours")
    assert stocktide("stores", "sync").out.split()[-6:] == ["web", "orders", "1", "1", "0", "read"]
    assert "1 change of 1 told" in stocktide("stores", "status").out


def test_a_store_that_lets_nobody_in_is_told_and_tried(connected: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert connected.is_dir()
    monkeypatch.setattr(outward, "FEEDS", MappingProxyType({"woocommerce": Shut}))
    ran = stocktide("stores", "sync")
    assert ran.code == 1
    assert "the store answered 401" in ran.out
    assert "Next: stocktide stores test NAME" in ran.out
    assert "orders: failed: the store answered 401 the key was withdrawn" in stocktide("stores", "status").out
    tried = stocktide("stores", "test", "web")
    assert (tried.code, "update Stocktide" in tried.out) == (1, True)


def test_faults_are_told_in_the_organisation_s_language(connected: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chinese = SETTINGS.replace('name = "Our shop"', 'name = "Our shop"\nlanguage = "zh_CN"')
    (connected / "stocktide.toml").write_text(chinese)
    stocktide("stores", "sync")
    assert "已搁置，orders 7：还没有人确认店铺地点 'w1' 是我们的哪个仓库" in stocktide("stores", "status").out
    monkeypatch.setattr(outward, "FEEDS", MappingProxyType({"woocommerce": Shut}))
    assert "店铺返回：401 the key was withdrawn" in stocktide("stores", "sync").out
    assert "读取失败：店铺返回：401 the key was withdrawn" in stocktide("stores", "status").out
    tried = stocktide("stores", "test", "web").out
    assert "应用没有权限 read_orders" in tried
    assert "请更新 Stocktide" in tried


@pytest.mark.parametrize(
    "line", [("sync", "elsewhere"), ("test", "elsewhere"), ("place", "web", "w7", "UK"), ("product", "web", "v1", "X")]
)
def test_what_is_not_there_is_refused_in_words(connected: Path, line: tuple[str, ...]) -> None:
    assert connected.is_dir()
    ran = stocktide("stores", *line)
    assert ran.code != 0
    assert "store" in ran.err.lower() or "has no" in ran.err


def test_where_no_store_is_connected_the_way_to_one_is_told(shop: Path) -> None:
    assert shop.is_dir()
    for line in ("sync", "status"):
        assert "docs/stores.md" in stocktide("stores", line).out


def test_the_hourly_job_reads_every_store_and_tells_what_went_wrong(
    connected: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert connected.is_dir()
    ran = stocktide("jobs", "run", "stores")
    assert ran.code == 0, ran.err
    assert all(word in ran.out for word in ("web", "facts", "changed", "faults"))
    assert "orders" in stocktide("stores", "status").out
    monkeypatch.setattr(outward, "FEEDS", MappingProxyType({"woocommerce": Shut}))
    assert "401 the key was withdrawn" in stocktide("jobs", "run", "stores").out
