"""What the settings connect: chat platforms, ways to suppliers, stores."""

from __future__ import annotations

from datetime import datetime

from bot.platforms import PLATFORMS
from bot.platforms import Supplies as PlatformSupplies
from bot.ports import ChatPlatform, Guest, OpenRoom, RoomProvider, StoreFeed, SupplierChannel, SystemClock
from bot.rooms import ROOMS, Supplies
from bot.services.offsets import Offset
from bot.services.outlets import Outlet, Outlets
from bot.settings import Settings
from bot.storage.database import Database
from bot.stores import BOOKS, DISCOUNTS, FEEDS, STORES, TRANSFERS
from bot.suppliers import SUPPLIERS
from bot.suppliers.filed import FiledChannel
from bot.suppliers.folder import FolderChannel
from handlers import COMMANDS


def platforms_of(settings: Settings, database: Database | None = None) -> tuple[ChatPlatform, ...]:
    """The platforms that the settings connect, not yet started."""
    offset = Offset(database=database or Database(settings.database.url), key="telegram:offset")
    found = (make(settings, PlatformSupplies(COMMANDS, offset)) for make in PLATFORMS)
    return tuple(platform for platform in found if platform is not None)


def channels_of(settings: Settings) -> dict[str, SupplierChannel]:
    """The ways to suppliers that the settings set up, by name; what keeps books is told with the folder."""
    made = (make(settings) for make in SUPPLIERS)
    channels = {channel.name: channel for channel in made if channel is not None}
    books, transfers = written_of(settings)
    if books or transfers:
        channels[FolderChannel.name] = FiledChannel(channels[FolderChannel.name], books, transfers)
    return channels


def written_of(settings: Settings) -> tuple[list[SupplierChannel], list[SupplierChannel]]:
    """The stores that purchases are written into, and those that transfers are, where their settings ask for it."""
    books, transfers = (
        [book for name, part in settings.stores.connected.items()
         if part.kind in made_by and (book := made_by[part.kind](name, part)) is not None]
        for made_by in (BOOKS, TRANSFERS)
    )  # fmt: skip
    return books, transfers


def outlets_of(settings: Settings) -> Outlets:
    """The stores that the settings connect and that can change prices, by name, with the discounts that they have."""
    return Outlets(
        {
            name: Outlet(
                STORES[part.kind](name, part),
                frozenset(part.locations),
                DISCOUNTS[part.kind](name, part) if part.kind in DISCOUNTS else None,
            )
            for name, part in settings.stores.connected.items()
            if part.kind in STORES
        }
    )


def feeds_of(settings: Settings) -> dict[str, StoreFeed]:
    """The stores that the settings connect and that tell facts, by name."""
    return {
        name: FEEDS[part.kind](name, part) for name, part in settings.stores.connected.items() if part.kind in FEEDS
    }


def room_provider_of(settings: Settings, supplies: Supplies | None = None) -> RoomProvider:
    """The video provider of the settings; without `supplies` one that can be checked, but opens no door of ours."""

    async def issue(_room: OpenRoom, _guest: Guest, now: datetime) -> tuple[str, datetime]:
        return "", now

    async def end(_key: str) -> None:
        pass

    return ROOMS[settings.rooms.provider](settings, supplies or Supplies(SystemClock(), issue, end))
