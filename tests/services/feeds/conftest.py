"""A shop on each database."""

from __future__ import annotations

import pytest

from bot.ports import MovableClock
from bot.services.audit import Audit
from bot.services.feeds.reception import Reception
from bot.services.feeds.syncing import Syncing
from bot.services.wakes import Wakes
from bot.storage.database import Database
from tests.services.feeds.calling import Caller, Counter, following_of
from tests.services.feeds.kit import NOW, SHOP, Shop, open_shop
from tests.services.feeds.script import Script


@pytest.fixture
async def shop(database: Database) -> Shop:
    """Two locations, a store with two places."""
    return await open_shop(database, MovableClock(NOW))


@pytest.fixture
def counter(shop: Shop) -> Counter:
    """A shop whose store calls."""
    caller, wakes = Caller(), Wakes(shop.database)
    reception = Reception(database=shop.database, clock=shop.clock, wakes=wakes, feeds={SHOP: caller})
    return Counter(shop, caller, reception, following_of(shop, caller, wakes))


@pytest.fixture
def script() -> Script:
    """A store that tells nothing yet."""
    return Script()


@pytest.fixture
def syncing(shop: Shop, script: Script) -> Syncing:
    """What reads it."""
    audit = Audit(database=shop.database, clock=shop.clock)
    return Syncing(database=shop.database, clock=shop.clock, audit=audit, taking=shop.taking, feeds={SHOP: script})
