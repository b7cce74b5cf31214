"""Video rooms, one provider per file, loaded when it is chosen. A new one is a new file and one entry of ROOMS."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from bot.ports import Clock, RoomProvider
from bot.rooms.calling import SECONDS, Line
from bot.rooms.embedded import EmbeddedOptions, EmbeddedRooms, End, Issue
from bot.settings import Settings

if TYPE_CHECKING:
    from bot.rooms.janus import JanusServer


@dataclass(frozen=True, slots=True)
class Supplies:
    """What a provider is handed besides its settings.

    `issue` makes a one-time token for our own page, `end` ends a room there; `seconds` is how long a call may take.
    `address` tells where our pages are, once the server listens; without it only web.public_url does.
    """

    clock: Clock
    issue: Issue
    end: End
    seconds: float = SECONDS
    address: Callable[[], str] | None = None


def make_embedded(settings: Settings, supplies: Supplies) -> RoomProvider:
    """Our own page."""
    part = settings.rooms
    address = supplies.address or (lambda: settings.web.public_url)
    options = EmbeddedOptions(address, part.most, relayed=bool(part.turn_urls))
    return EmbeddedRooms(options, supplies.issue, supplies.end, janus_of(settings, supplies.seconds))


def janus_of(settings: Settings, seconds: float = SECONDS) -> JanusServer | None:
    """The Janus for rooms that are larger than a mesh, where there is one."""
    part = settings.rooms
    if part.provider != "embedded" or not part.janus_url:
        return None
    from bot.rooms.janus import JanusServer

    return JanusServer(part.janus_url, part.janus_admin_key.get_secret_value(), seconds)


def make_agora(settings: Settings, supplies: Supplies) -> RoomProvider:
    """Agora, on a page of your own."""
    from bot.rooms.agora import AgoraOptions, AgoraRooms

    del supplies
    part = settings.rooms
    return AgoraRooms(
        AgoraOptions(
            app_id=part.agora_app_id,
            certificate=part.agora_certificate.get_secret_value(),
            page=part.agora_page,
            minutes=part.minutes,
            cap=part.cap,
        )
    )


def make_livekit(settings: Settings, supplies: Supplies) -> RoomProvider:
    """LiveKit's cloud, or a server of your own."""
    from bot.rooms.livekit import LiveKitOptions, LiveKitRooms, http_address

    part = settings.rooms
    secret = part.livekit_secret.get_secret_value()
    options = LiveKitOptions(part.livekit_url, part.livekit_key, secret, part.livekit_page, part.cap)
    line = Line("LiveKit", http_address(part.livekit_url), supplies.clock, (secret,), supplies.seconds)
    return LiveKitRooms(options, line, supplies.clock)


def make_jitsi(settings: Settings, supplies: Supplies) -> RoomProvider:
    """Jitsi Meet on a server of your own, or JaaS."""
    from bot.rooms.jitsi import JitsiOptions, JitsiRooms

    part = settings.rooms
    options = JitsiOptions(
        url=part.jitsi_url,
        app_id=part.jitsi_app_id,
        cap=part.cap,
        secret=part.jitsi_secret.get_secret_value(),
        audience=part.jitsi_audience,
        key_id=part.jitsi_key_id,
        private_key=part.jitsi_private_key.get_secret_value(),
        link=part.jitsi_link,
    )
    return JitsiRooms(options, Line("Jitsi", part.jitsi_url, supplies.clock, (options.secret,), supplies.seconds))


def make_zoom(settings: Settings, supplies: Supplies) -> RoomProvider:
    """Zoom meetings of one user."""
    from bot.rooms.zoom import ZoomOptions, ZoomRooms
    from bot.rooms.zoom_token import ZoomApp, ZoomTokens

    part, clock = settings.rooms, supplies.clock
    app = ZoomApp(part.zoom_account_id, part.zoom_client_id, part.zoom_client_secret.get_secret_value())
    secrets = (app.client_secret,)
    tokens = ZoomTokens(app, Line("Zoom", part.zoom_token_url, clock, secrets, supplies.seconds), clock)
    options = ZoomOptions(part.zoom_host, part.minutes, part.cap, part.zoom_waiting_room)
    return ZoomRooms(options, Line("Zoom", part.zoom_api_url, clock, secrets, supplies.seconds), tokens, clock)


def make_slack_huddle(settings: Settings, supplies: Supplies) -> RoomProvider:
    """The huddle of one Slack channel."""
    from bot.rooms.slack_huddle import SlackHuddleRooms

    del supplies
    part = settings.rooms
    return SlackHuddleRooms(part.slack_team, part.slack_channel, part.cap)


ROOMS: Mapping[str, Callable[[Settings, Supplies], RoomProvider]] = MappingProxyType(
    {
        "embedded": make_embedded,
        "agora": make_agora,
        "livekit": make_livekit,
        "jitsi": make_jitsi,
        "zoom": make_zoom,
        "slack_huddle": make_slack_huddle,
    }
)
