"""A store put together by its settings alone, to be tried before anything is written down."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bot.bootstrap.files import file_sources_of
from bot.bootstrap.outward import feeds_of, outlets_of, written_of
from bot.errors import Declined, Fault, SettingsError
from bot.logs import learn
from bot.ports import Check, FileSource, StoreFeed, SupplierChannel
from bot.services.audit import Audit
from bot.services.connecting import Connecting
from bot.services.outlets import Outlets
from bot.services.stepup import Authenticators
from bot.settings import Settings, StorePart
from bot.settings.resealing import SettingsFile
from bot.storage.database import Database
from bot.stores import SECRETS


@dataclass(frozen=True, slots=True)
class Change:
    """The settings file that stores may be added to, if any, and what to do once one was."""

    file: SettingsFile | None
    renew: Callable[[], None]


@dataclass(frozen=True, slots=True)
class Trial:
    """All that is made of a store's settings: what reads it, what it is written into, and where prices change."""

    read: tuple[StoreFeed | FileSource, ...]
    written: tuple[SupplierChannel, ...]
    outlets: Outlets

    async def check(self) -> tuple[Check, ...]:
        """What is found when each is tried, the same finding once."""
        found: list[Check] = []
        for feed in self.read:
            found += await feed.check()
        for channel in self.written:
            found += await channel.check()
        for connector in self.outlets.connectors.values():
            found += await connector.check()
        for discounts in self.outlets.discounts.values():
            found += await discounts.check()
        return tuple(check for number, check in enumerate(found) if check not in found[:number])

    async def close(self) -> None:
        """Hang up on what was read."""
        for feed in self.read:
            await feed.close()


def trial_of(lone: Settings) -> Trial:
    """What stands in settings, put together; SettingsError where `stocktide run` could not start with them."""
    try:
        books, transfers = written_of(lone)
        return Trial((*feeds_of(lone).values(), *file_sources_of(lone)), (*books, *transfers), outlets_of(lone))
    except Declined as refused:  # an address that no store may have
        where = ", ".join(f"stores.connected.{name}" for name in lone.stores.connected)
        raise SettingsError([Fault(where, refused.said)]) from None


def connecting_of(
    database: Database,
    audit: Audit,
    authenticators: Authenticators,
    connected: Mapping[str, StorePart],
    change: Change,
) -> Connecting:
    """The service that takes stores and secrets from administrators."""
    return Connecting(
        database=database,
        audit=audit,
        authenticators=authenticators,
        connected=connected,
        asked=SECRETS,
        file=change.file,
        connect=trial_of,
        learn=learn,
        renew=change.renew,
    )
