"""The pages that people look at, the board and the video rooms, and the API that programs call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from starlette.routing import BaseRoute

from bot.chat.router import Router
from bot.ports import ChatPlatform, Clock
from bot.rooms import janus_of
from bot.services import Services
from bot.services.buttons import Buttons
from bot.services.sessions import Address
from bot.settings import Settings
from bot.web.api import api_routes
from bot.web.board.desk import Desk
from bot.web.board.live import Live
from bot.web.board.routes import BoardPages
from bot.web.board.side import SidePages
from bot.web.board.stores import StorePages
from bot.web.guard import COOKIE, Guard
from bot.web.keeper import Keeper
from bot.web.rooms import Forwarding, Hub, IceServers, RoomSite, room_routes
from bot.web.server import Closing
from bot.web.signin import signin_routes
from bot.web.throttle import Throttle


@dataclass
class Doors:
    """By which the services send people out of our own video rooms; the hub behind them stands on the services."""

    hub: Hub | None = None

    async def shut(self, key: str) -> None:
        """Send everybody out of a room."""
        if self.hub is not None:
            await self.hub.shut(key)


@dataclass(frozen=True, slots=True)
class Site:
    """Routes, and what they hold open while the server runs."""

    routes: Sequence[BaseRoute]
    held: Sequence[Closing]


def site_of(
    settings: Settings,
    clock: Clock,
    services: Services,
    router: Router[Services],
    buttons: Buttons,
    address: Address,
    doors: Doors,
    platforms: Sequence[ChatPlatform],
) -> Site:
    """The pages of one organisation."""
    part = settings.rooms
    life = timedelta(minutes=part.turn_ttl_minutes)
    servers = IceServers(part.stun_urls, part.turn_urls, part.turn_secret.get_secret_value(), life)
    hub = doors.hub = Hub(Keeper(services), clock, servers, media=Forwarding(janus_of(settings), part.janus_cap))
    live = Live(services.boards.standings.seen)
    desk = Desk(services=services, router=router, buttons=buttons)
    guard = Guard(services.sessions, address)
    throttle = Throttle()
    board = BoardPages(services=services, guard=guard, desk=desk, live=live, throttle=throttle)
    side = SidePages(services=services, pages=board, desk=desk, live=live)
    stores = StorePages(services=services, pages=board)
    rooms = room_routes(hub, RoomSite(settings.web.public_url, COOKIE), throttle)
    api = api_routes(
        keys=services.api_keys, batches=services.batches, clock=clock, currency=settings.organisation.currency
    )
    logins = signin_routes(platforms=platforms, sessions=services.sessions, guard=guard, clock=clock)
    return Site(
        (*side.routes(), *stores.routes(), *board.routes(), *rooms, *logins, *api),
        (live, services.boards.standings, hub, services.rooms),
    )
