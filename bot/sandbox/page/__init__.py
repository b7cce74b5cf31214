"""The demo's one page: Slack and Telegram side by side, as one of several people sees them."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from bot.domain.localtime import instant_of
from bot.language import language
from bot.ports import MovableClock
from bot.sandbox.cast import Cast, Person
from bot.sandbox.page.state import state_of
from bot.sandbox.server import Sandbox
from bot.words import Words

_HERE = Path(__file__).parent
_FILES = {"page.css": "text/css", **dict.fromkeys(("page.js", "dom.js", "slack.js", "telegram.js"), "text/javascript")}
_MORNING = time(9, 5)
_POLL_SECONDS = 25.0
_PRESS_SECONDS = 5.0
_POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'"


@dataclass
class Stage:
    """What the page acts on. `pushed` is awaited after the clock moved, so that due work happens at once."""

    sandbox: Sandbox
    cast: Cast
    clock: MovableClock
    disclosure: Words
    pushed: Callable[[], Awaitable[object]]

    async def push(self, by: str) -> datetime:
        """Move the clock by seconds, or to the `morning` of whoever's comes next; gives the new instant."""
        now = self.clock.now()
        target = min(self._mornings(now)) if by == "morning" else now + timedelta(seconds=int(by))
        self.clock.push(target - now)
        await self.pushed()
        self.sandbox.pulse.beat()
        return self.clock.now()

    def _mornings(self, now: datetime) -> list[datetime]:
        """Each person's next 09:05, soonest for whom it comes first."""
        found = []
        for person in self.cast.people:
            zone = ZoneInfo(person.member.zone)
            today = now.astimezone(zone).date()
            days = (instant_of(zone, today + timedelta(days=ahead), _MORNING) for ahead in range(3))
            found.append(next(at for at in days if at > now))
        return found


def page(stage: Stage) -> Starlette:
    """The page's application, to be mounted at the root of the sandbox's server."""

    async def index(_request: Request) -> Response:
        return FileResponse(_HERE / "page.html", headers={"Content-Security-Policy": _POLICY})

    async def file(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in _FILES:
            return Response(status_code=404)
        return FileResponse(_HERE / name, media_type=_FILES[name])

    async def state(request: Request) -> Response:
        person = _person(stage.cast, request.query_params.get("viewer", ""))
        after = int(request.query_params.get("after", "0"))
        beat = await stage.sandbox.pulse.after(after, _POLL_SECONDS) if after else stage.sandbox.pulse.beats
        disclosure = language(person.member.language).say(stage.disclosure)
        return JSONResponse({"beat": beat, "disclosure": disclosure} | state_of(stage, person))

    async def act(request: Request) -> Response:
        wanted = json.loads(await request.body())
        person = _person(stage.cast, str(wanted.get("viewer", "")))
        try:
            notice = await _ACTS[wanted["do"]](stage, person, wanted)
        except (LookupError, ValueError) as error:
            return JSONResponse({"notice": f"Not done: {error}"}, status_code=400)
        return JSONResponse({"notice": notice})

    return Starlette(
        routes=[
            Route("/", index),
            Route("/page/state", state),
            Route("/page/act", act, methods=["POST"]),
            Route("/page/{name}", file),
        ]
    )


def _person(cast: Cast, key: str) -> Person:
    return next((person for person in cast.people if person.key == key), cast.people[0])


async def _say(stage: Stage, person: Person, wanted: dict[str, str]) -> str:
    text, room = wanted["text"], wanted["room"]
    if wanted["side"] == "telegram":
        stage.sandbox.telegram.say(person.telegram.id, int(room), text)
        return ""
    if not text.startswith("/"):
        stage.sandbox.slack.say(person.slack.id, room, text)
        return ""
    command, _, rest = text.partition(" ")
    delivery = stage.sandbox.slack.command(person.slack.id, room, command, rest.strip())
    await delivery.settled()
    return "" if delivery.state == "acknowledged" else f"{command}: {delivery.state}"


async def _press(stage: Stage, person: Person, wanted: dict[str, str]) -> str:
    room, message, button = wanted["room"], wanted["message"], wanted["button"]
    if wanted["side"] == "slack":
        delivery = stage.sandbox.slack.press(person.slack.id, room, message, button)
        await delivery.settled()
        return ""
    press = stage.sandbox.telegram.press(person.telegram.id, int(room), int(message), button)
    try:
        await stage.sandbox.pulse.until(lambda: press.answer is not None, _PRESS_SECONDS)
    except TimeoutError:
        return ""
    return press.answer or ""


async def _home(stage: Stage, person: Person, _wanted: dict[str, str]) -> str:
    if opened := stage.sandbox.slack.open_home(person.slack.id):
        await opened.settled()
    return ""


async def _press_home(stage: Stage, person: Person, wanted: dict[str, str]) -> str:
    home = stage.sandbox.slack.home(person.slack.id)
    if home is None:
        raise LookupError("there is no home page yet")
    await stage.sandbox.slack.press_view(person.slack.id, home.id, wanted["button"]).settled()
    return ""


async def _push(stage: Stage, _person: Person, wanted: dict[str, str]) -> str:
    at = await stage.push(wanted["by"])
    return f"{at:%Y-%m-%d %H:%M} UTC"


_ACTS: dict[str, Callable[[Stage, Person, dict[str, str]], Awaitable[str]]] = {
    "say": _say,
    "press": _press,
    "home": _home,
    "press_home": _press_home,
    "push": _push,
}
