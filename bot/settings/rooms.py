"""The settings of video rooms: which provider, and what each of them needs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr

from bot.errors import Fault
from bot.settings.parts import Part

MESH_CAP = 6  # each camera is sent to everybody: beyond this, home lines give in
_PEM = "-----BEGIN"
_LOOPBACK = ("127.0.0.1", "localhost", "::1")

StunUrl = Annotated[str, Field(pattern=r"^stuns?:[^\s/]+$")]
TurnUrl = Annotated[str, Field(pattern=r"^turns?:[^\s/]+$")]
_HTTP = r"^(https?://[^\s?#]+)?$"
_HEX = r"^([0-9A-Fa-f]{32})?$"


class RoomsPart(Part):
    """Video rooms. `embedded` is our own page and needs no account; the bot itself records nothing."""

    provider: Literal["embedded", "agora", "livekit", "jitsi", "zoom", "slack_huddle"] = Field(
        "embedded", description="'embedded', 'agora', 'livekit', 'jitsi', 'zoom' or 'slack_huddle'"
    )
    minutes: int = Field(60, ge=5, le=1440, description="Minutes a room is meant to last, such as 60")
    cap: int = Field(MESH_CAP, ge=2, le=1000, description="People in a room at once, such as 6; see docs/rooms.md")

    stun_urls: tuple[StunUrl, ...] = Field((), description="For 'embedded': ['stun:stun.example.com:3478']")
    turn_urls: tuple[TurnUrl, ...] = Field((), description="For 'embedded': ['turns:turn.example.com:5349']")
    turn_secret: SecretStr = Field(SecretStr(""), description="The TURN server's static-auth-secret")
    turn_ttl_minutes: int = Field(120, ge=5, le=1440, description="Minutes a TURN login is good for, such as 120")
    janus_url: str = Field(
        "",
        pattern=_HTTP,
        description="Janus's HTTP API, for larger rooms: 'http://127.0.0.1:8088/janus', or nothing for a mesh",
    )
    janus_admin_key: SecretStr = Field(SecretStr(""), description="The admin_key of Janus's VideoRoom plugin")
    janus_cap: int = Field(25, ge=2, le=1000, description="People in a room at once with Janus, such as 25")
    recording: bool = Field(
        default=False,
        description="true where something of yours records rooms: all see a notice. This bot records nothing",
    )

    agora_app_id: str = Field("", pattern=_HEX, description="The App ID of the Agora console: 32 hexadecimal digits")
    agora_certificate: SecretStr = Field(SecretStr(""), description="The App Certificate: 32 hexadecimal digits")
    agora_page: str = Field(
        "",
        description="Your page: 'https://video.example.com/?appid={app_id}&channel={channel}&uid={uid}#token={token}'",
    )

    livekit_url: str = Field(
        "", pattern=r"^((https?|wss?)://[^\s?#]+)?$", description="The server: 'wss://shop.livekit.cloud'"
    )
    livekit_key: str = Field("", description="The API key")
    livekit_secret: SecretStr = Field(SecretStr(""), description="The API secret")
    livekit_page: str = Field(
        "https://meet.livekit.io/custom?liveKitUrl={url}&token={token}",
        description="The page people use, with {token} and, where it is needed, {url}",
    )

    jitsi_url: str = Field("", pattern=_HTTP, description="'https://meet.example.com', or 'https://8x8.vc' for JaaS")
    jitsi_app_id: str = Field("", description="The app_id of Prosody's token module, or the AppID of JaaS")
    jitsi_secret: SecretStr = Field(SecretStr(""), description="The app_secret of a server of your own")
    jitsi_audience: str = Field("jitsi", min_length=1, description="An audience that your own server accepts: 'jitsi'")
    jitsi_key_id: str = Field("", description="For JaaS, the key's id: 'vpaas-magic-cookie-.../4f4910' or '4f4910'")
    jitsi_private_key: SecretStr = Field(SecretStr(""), description="For JaaS, the key itself: a PEM text")
    jitsi_link: Literal["fragment", "query"] = Field(
        "fragment", description="Where links hold the token: 'fragment', or 'query' for a Jitsi from before May 2024"
    )

    zoom_account_id: str = Field("", description="The Account ID of a Server-to-Server OAuth app")
    zoom_client_id: str = Field("", description="Its Client ID")
    zoom_client_secret: SecretStr = Field(SecretStr(""), description="Its Client Secret")
    zoom_host: str = Field(
        "", pattern=r"^([^\s/?#]+)?$", description="Whose meetings they are: the mail address or id of a Zoom user"
    )
    zoom_waiting_room: bool = Field(default=False, description="true: people wait until the Zoom host lets them in")
    zoom_api_url: str = Field(
        "https://api.zoom.us/v2", pattern=_HTTP, min_length=1, description="Zoom's address; only tests change it"
    )
    zoom_token_url: str = Field(
        "https://zoom.us/oauth/token", pattern=_HTTP, min_length=1, description="As zoom_api_url, for tokens"
    )

    slack_team: str = Field("", pattern=r"^([TE][A-Z0-9]+)?$", description="The workspace's id, such as 'T0123ABCD'")
    slack_channel: str = Field("", pattern=r"^([CGD][A-Z0-9]+)?$", description="A channel's id, such as 'C0123ABCD'")

    @property
    def most(self) -> int:
        """How many people a new room holds: with Janus as many as it is meant for, unless `cap` was written down."""
        if self.provider != "embedded" or not self.janus_url:
            return self.cap
        return min(self.cap, self.janus_cap) if "cap" in self.model_fields_set else self.janus_cap


NEEDED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "embedded": (),
        "agora": ("agora_app_id", "agora_certificate", "agora_page"),
        "livekit": ("livekit_url", "livekit_key", "livekit_secret", "livekit_page"),
        "jitsi": ("jitsi_url", "jitsi_app_id"),
        "zoom": ("zoom_account_id", "zoom_client_id", "zoom_client_secret", "zoom_host"),
        "slack_huddle": ("slack_team", "slack_channel"),
    }
)


def room_faults(part: RoomsPart) -> Iterator[Fault]:
    """What cannot work together; a provider that was not chosen may be set up by half."""
    for name in NEEDED[part.provider]:
        if not _text(part, name):
            yield _fault(name, f"is missing while rooms.provider is {part.provider}")
    if part.provider == "embedded":
        yield from _embedded_faults(part)
    elif part.provider == "agora":
        yield from _agora_faults(part)
    elif part.provider == "livekit":
        yield from _page_faults("livekit_page", part.livekit_page, {"url", "token"})
    elif part.provider == "jitsi":
        yield from _jitsi_faults(part)


def _embedded_faults(part: RoomsPart) -> Iterator[Fault]:
    if not part.janus_url and part.cap > MESH_CAP:
        remedy = f"write at most {MESH_CAP}, or give janus_url"
        yield _fault("cap", f"is more than {MESH_CAP} people without Janus", remedy)
    if part.turn_urls and not _text(part, "turn_secret"):
        yield _fault("turn_secret", "is missing while rooms.turn_urls is given")
    if _text(part, "turn_secret") and not part.turn_urls:
        yield _fault("turn_urls", "is missing while rooms.turn_secret is given")


def _agora_faults(part: RoomsPart) -> Iterator[Fault]:
    certificate = _text(part, "agora_certificate")
    if certificate and not re.fullmatch(r"[0-9A-Fa-f]{32}", certificate):
        yield _fault("agora_certificate", "is not an App Certificate")
    if part.agora_page:
        yield from _page_faults("agora_page", part.agora_page, {"app_id", "channel", "uid", "token"})
        if "{token}" in part.agora_page.partition("#")[0]:
            yield _fault("agora_page", "has {token} before the #, where servers and their logs would see it")


def _jitsi_faults(part: RoomsPart) -> Iterator[Fault]:
    private = _text(part, "jitsi_private_key")
    if bool(private) != bool(part.jitsi_key_id):
        missing = "jitsi_key_id" if private else "jitsi_private_key"
        yield _fault(missing, "is missing: JaaS needs jitsi_key_id and jitsi_private_key")
    elif private and _text(part, "jitsi_secret"):
        yield _fault("jitsi_secret", "is given beside a key of JaaS", "keep one of the two")
    elif not private and not _text(part, "jitsi_secret"):
        remedy = "give jitsi_secret for a server of your own, or jitsi_key_id and jitsi_private_key for JaaS"
        yield _fault("jitsi_secret", "is missing while rooms.provider is jitsi", remedy)
    if private and not private.lstrip().startswith(_PEM):
        yield _fault("jitsi_private_key", "is not a PEM text", "copy the whole file, from -----BEGIN to the end")


def _page_faults(name: str, template: str, known: set[str]) -> Iterator[Fault]:
    """A page's address must be https, hold {token} once, and nothing else in braces but what is known."""
    if not template:
        return
    if not _https(template):
        yield _fault(name, "is not an https address")
    if template.count("{token}") != 1:
        yield _fault(name, "does not hold {token} once")
    if set(re.findall(r"{([^{}]*)}", template)) - known or re.search(r"[{}]", re.sub(r"{[^{}]*}", "", template)):
        yield _fault(name, f"may hold only {', '.join(f'{{{one}}}' for one in sorted(known))} in braces")


def _https(template: str) -> bool:
    """Whether it is an https address, or one of this machine, with nothing to fill in before its path."""
    try:
        parts = urlsplit(template)
        host, place = parts.hostname or "", parts.netloc
    except ValueError:
        return False
    plain = bool(host) and "{" not in place and not re.search(r"\s", template)
    return plain and (parts.scheme == "https" or (parts.scheme == "http" and host in _LOOPBACK))


def _text(part: RoomsPart, name: str) -> str:
    value = getattr(part, name)
    return str(value.get_secret_value() if isinstance(value, SecretStr) else value)


def _fault(name: str, problem: str, remedy: str = "") -> Fault:
    return Fault(f"rooms.{name}", problem, remedy or f"write: {RoomsPart.model_fields[name].description}")
