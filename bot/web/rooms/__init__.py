"""The embedded video room: a page of ours, people's media straight between their browsers, our signalling between."""

from __future__ import annotations

from bot.web.rooms.hub import Hub
from bot.web.rooms.ice import IceServers
from bot.web.rooms.janus import Forwarding
from bot.web.rooms.keeper import NoteKind, RoomKeeper, Seat
from bot.web.rooms.routes import RoomSite, room_routes

__all__ = ["Forwarding", "Hub", "IceServers", "NoteKind", "RoomKeeper", "RoomSite", "Seat", "room_routes"]
