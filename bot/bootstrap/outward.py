"""What the settings connect: chat platforms, ways to suppliers, stores."""

from __future__ import annotations

from bot.platforms import PLATFORMS, Supplies
from bot.ports import ChatPlatform, SupplierChannel
from bot.services.offsets import Offset
from bot.services.outlets import Outlet, Outlets
from bot.settings import Settings
from bot.storage.database import Database
from bot.stores import STORES
from bot.suppliers import SUPPLIERS
from handlers import COMMANDS


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
