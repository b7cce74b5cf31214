"""Janus over its HTTP API: sessions, handles of its VideoRoom plugin, and the long poll that tells what happens."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping
from typing import Any

import httpx

from bot.errors import Declined, OutsideError, Unanswered, Unreached
from bot.ports import Check
from bot.rooms.calling import SECONDS, client_for, line_fault, unreadable
from bot.words import Words, _

WHO = "Janus"
PLUGIN = "janus.plugin.videoroom"
POLL_SECONDS = 45.0  # Janus itself answers a poll after 30 at the latest; each poll keeps the session alive
MOST_EVENTS = 20  # in one answer to a poll
LARGEST_NUMBER = 2**53 - 1  # of a room: what every reader of JSON holds exactly
_SESSION_GONE = (458, 459)  # no such session, no such handle
_HIDDEN = ("secret", "pin", "admin_key", "private_id")
_SHORTEST_HIDDEN = 5  # what is shorter is part of many words
_REMEDY_KEY = _("write the same admin_key under `general` in janus.plugin.videoroom.jcfg and as rooms.janus_admin_key")

Told = Mapping[str, Any]
Reply = tuple[Told, Told | None]  # what the plugin says, and a session description with it
Heard = Callable[[int, Told], None]  # takes the handle and the event


class JanusServer:
    """One Janus. `seconds` is how long it may take to answer."""

    def __init__(self, url: str, admin_key: str, seconds: float = SECONDS) -> None:
        self._url = url.rstrip("/")
        self._admin_key = admin_key
        self._seconds = seconds
        self._client: httpx.AsyncClient | None = None

    async def open(self) -> JanusSession:
        """A session of our own; it lives while it is listened to."""
        told = await self.call("POST", "", {"janus": "create"})
        return JanusSession(self, _number(told), self._admin_key, self._seconds)

    async def call(self, method: str, path: str, body: Told | None = None, seconds: float | None = None) -> object:
        """One call; what Janus answers, where it is no error."""
        self._client = self._client or client_for(self._url, self._seconds)
        content = None if body is None else {"transaction": secrets.token_hex(8), **body}
        timeout = httpx.Timeout(self._seconds, read=seconds or self._seconds)
        try:
            answer = await self._client.request(method, self._url + path, json=content, timeout=timeout)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise line_fault(WHO, error) from None
        if answer.status_code >= 500:
            raise Unanswered(_("{who} answered {status}", who=WHO, status=answer.status_code))
        try:
            told = answer.json()
        except ValueError:
            raise Declined(
                _(
                    "{who} answered {status} and no JSON; is rooms.janus_url right?",
                    who=WHO,
                    status=answer.status_code,
                )
            ) from None
        if isinstance(told, dict) and told.get("janus") == "error":
            raise _refused(told.get("error"))
        return told

    async def close(self) -> None:
        """Let go of the connections."""
        if self._client:
            client, self._client = self._client, None
            await client.aclose()

    async def check(self) -> tuple[Check, ...]:
        """Ask who it is, make a room with our key and none without, and leave nothing behind."""
        name = _("rooms janus")
        try:
            told = await self.call("GET", "/info")
            if not isinstance(told, dict) or told.get("janus") != "server_info":
                raise unreadable(WHO, Declined)
            if PLUGIN not in told.get("plugins", {}):
                remedy = _("load {plugin}: Debian's package `janus` has it", plugin=PLUGIN)
                return (Check(name, "fail", _("Janus runs without its VideoRoom plugin"), remedy),)
            found = Check(
                name, "ok", _("{who} answers", who=f"{told.get('name', WHO)} {told.get('version_string', '')}".strip())
            )
            return (found, *await self._try_key(name))
        except OutsideError as error:
            return (Check(name, "fail", error.said, _("see rooms.janus_url, such as http://127.0.0.1:8088/janus")),)
        finally:
            await self.close()

    async def _try_key(self, name: Words) -> tuple[Check, ...]:
        session = await self.open()
        try:
            handle = await session.attach()
            try:
                await _pass_by(session, handle, self._admin_key)
            except Declined as refusal:
                return (Check(name, "fail", refusal.said, _REMEDY_KEY),)
            try:
                await _pass_by(session, handle, secrets.token_hex(16))
            except Declined:
                return ()
            return (Check(name, "warn", _("whoever reaches Janus may make rooms there"), _REMEDY_KEY),)
        finally:
            await session.close()


class JanusSession:
    """A session at Janus, with the handles in it."""

    def __init__(self, server: JanusServer, number: int, admin_key: str, seconds: float) -> None:
        self._server = server
        self._path = f"/{number}"
        self._admin_key = admin_key
        self._seconds = seconds
        self._waiting: dict[str, asyncio.Future[Told]] = {}  # by transaction

    async def attach(self) -> int:
        """A new handle of the VideoRoom plugin."""
        return _number(await self._server.call("POST", self._path, {"janus": "attach", "plugin": PLUGIN}))

    async def detach(self, handle: int) -> None:
        """Give a handle up, with whatever connection it has."""
        await self._server.call("POST", f"{self._path}/{handle}", {"janus": "detach"})

    async def make(self, handle: int, room: Told) -> None:
        """Make a room, with the admin key."""
        key = {"admin_key": self._admin_key} if self._admin_key else {}
        await self.ask(handle, {"request": "create", **key, **room})

    async def ask(self, handle: int, body: Told, jsep: Told | None = None) -> Reply:
        """Ask the plugin; Declined where it refuses. What it answers later comes only while somebody listens."""
        transaction = secrets.token_hex(8)
        future: asyncio.Future[Told] = asyncio.get_running_loop().create_future()
        self._waiting[transaction] = future
        message = {"janus": "message", "transaction": transaction, "body": body, **({"jsep": jsep} if jsep else {})}
        try:
            told: object = await self._server.call("POST", f"{self._path}/{handle}", message)
            if isinstance(told, dict) and told.get("janus") == "ack":
                async with asyncio.timeout(self._seconds):
                    told = await future
        except TimeoutError:
            raise Unanswered(_("{who} did not answer {request}", who=WHO, request=body.get("request"))) from None
        finally:
            del self._waiting[transaction]
            future.cancel()
        return _reply(told, body)

    async def trickle(self, handle: int, candidate: Told) -> None:
        """Tell of one way to reach a browser."""
        await self._server.call("POST", f"{self._path}/{handle}", {"janus": "trickle", "candidate": candidate})

    async def listen(self, heard: Heard) -> None:
        """Hand on what nobody asked for, until the session is lost: then it raises."""
        try:
            while True:
                for event in await self._poll():
                    self._sort(event, heard)
        finally:
            for future in self._waiting.values():
                if not future.done():
                    future.set_exception(Unanswered(_("{who} lost our session", who=WHO)))

    async def close(self) -> None:
        """Give the session up; one that is gone already is no error."""
        try:
            await self._server.call("POST", self._path, {"janus": "destroy"})
        except OutsideError:
            return

    async def _poll(self) -> list[Told]:
        try:
            told = await self._server.call("GET", f"{self._path}?maxev={MOST_EVENTS}", seconds=POLL_SECONDS)
        except Unanswered:  # a connection that broke: the session may well be there
            await self._server.call("POST", self._path, {"janus": "keepalive"})
            return []
        events = told if isinstance(told, list) else [told]
        return [event for event in events if isinstance(event, dict)]

    def _sort(self, event: Told, heard: Heard) -> None:
        kind, sender = event.get("janus"), event.get("sender")
        if kind == "timeout":
            raise Unreached(_("{who} ended our session", who=WHO))
        future = self._waiting.get(str(event.get("transaction", "")))
        if kind == "event" and future and not future.done():
            future.set_result(event)
        elif isinstance(sender, int):
            heard(sender, event)


async def _pass_by(session: JanusSession, handle: int, key: str) -> None:
    """Make a room with that key, and take it down."""
    room, secret = secrets.randbelow(LARGEST_NUMBER) + 1, secrets.token_hex(16)
    body = {"request": "create", "room": room, "secret": secret, "is_private": True, "permanent": False}
    await session.ask(handle, {**body, **({"admin_key": key} if key else {})})
    await session.ask(handle, {"request": "destroy", "room": room, "secret": secret, "permanent": False})


def _reply(told: object, body: Told) -> Reply:
    """What the plugin says; its refusals name nothing that should stay hidden."""
    said = told if isinstance(told, dict) else {}
    data = said.get("plugindata", {}).get("data")
    if not isinstance(data, dict):
        raise unreadable(WHO, Unanswered)
    if "error_code" in data:
        words = str(data.get("error", ""))
        for name in _HIDDEN:
            if len(hidden := str(body.get(name, ""))) >= _SHORTEST_HIDDEN:
                words = words.replace(hidden, "[hidden]")
        reason = f"{data['error_code']} {words}"[:200]
        raise Declined(_("{who} refused {request}: {said}", who=WHO, request=body.get("request"), said=reason))
    jsep = said.get("jsep")
    return data, jsep if isinstance(jsep, dict) else None


def _refused(error: object) -> OutsideError:
    """Our error for one of Janus itself."""
    code, reason = (error.get("code"), error.get("reason")) if isinstance(error, dict) else (None, None)
    kind = Unreached if code in _SESSION_GONE else Declined
    return kind(_("{who} refused: {said}", who=WHO, said=f"{code} {reason}"[:200]))


def _number(told: object) -> int:
    data = told.get("data") if isinstance(told, dict) else None
    number = data.get("id") if isinstance(data, dict) else None
    if not isinstance(number, int):
        raise unreadable(WHO, Unanswered)
    return number
