"""The demo's one page: Slack and Telegram side by side, as one of several people sees them."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from bot.language import language, nearest_language
from bot.ports import MovableClock
from bot.sandbox.cast import Cast, Person
from bot.sandbox.page.state import state_of
from bot.sandbox.server import Sandbox
from bot.sandbox.slack.modals import Unfilled
from bot.sandbox.slack.world import NoSuch as NoSuchInSlack
from bot.sandbox.telegram.world import NoSuch as NoSuchInTelegram
from bot.services.daysoff import DaysOff
from bot.services.mornings import Mornings
from bot.words import Words

_HERE = Path(__file__).parent
_SCRIPTS = ("page.js", "dom.js", "slack.js", "modal.js", "telegram.js", "words.js")
_FILES = {"page.css": "text/css", **dict.fromkeys(_SCRIPTS, "text/javascript")}
_MORNING = time(9)  # of whoever wants no digest
_SETTLED = timedelta(minutes=5)  # from a digest's time to the clock that a push shows
_POLL_SECONDS = 25.0
_PRESS_SECONDS = 5.0
Told = dict[str, Any]  # `notice` is shown as it stands; `unknown` is a slash command that Slack refuses
_FRESH = {"Cache-Control": "no-cache"}  # after an update the browser asks again
_POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'"


@dataclass
class Stage:
    """What the page acts on.

    `commands` are the slash commands that the Slack app has, each with its slash. `pushed` is awaited after the clock
    moved, so that due work happens at once.
    """

    sandbox: Sandbox
    cast: Cast
    clock: MovableClock
    disclosure: Words
    commands: frozenset[str]
    pushed: Callable[[], Awaitable[object]]
    days_off: DaysOff = field(default_factory=DaysOff)

    def next_morning(self) -> tuple[datetime, list[Person]]:
        """When the next working morning's digests will have come, and whose morning it is."""
        mornings = {person.key: self._morning(person) for person in self.cast.people}
        at = min(mornings.values())
        return at, [person for person in self.cast.people if mornings[person.key] == at]

    async def push(self, to: datetime) -> None:
        """Move the clock to a later instant, and do what is due by then."""
        self.clock.push(to - self.clock.now())
        await self.pushed()
        self.sandbox.pulse.beat()

    def _morning(self, person: Person) -> datetime:
        member = person.member
        workdays = frozenset(int(day) - 1 for day in member.workdays)  # stored by ISO number, Monday is 1
        mornings = Mornings(
            ZoneInfo(member.zone), member.digest_at or _MORNING, workdays, self.days_off.of(member.country)
        )
        return mornings.after(self.clock.now() - _SETTLED) + _SETTLED


def page(stage: Stage) -> Starlette:
    """The page's application, to be mounted at the root of the sandbox's server."""

    async def index(_request: Request) -> Response:
        return FileResponse(_HERE / "page.html", headers={"Content-Security-Policy": _POLICY} | _FRESH)

    async def file(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in _FILES:
            return Response(status_code=404)
        return FileResponse(_HERE / name, media_type=_FILES[name], headers=_FRESH)

    async def state(request: Request) -> Response:
        query = request.query_params
        person = _person(stage, query.get("viewer", ""), query.get("language", ""))
        after = int(query.get("after", "0"))
        beat = await stage.sandbox.pulse.after(after, _POLL_SECONDS) if after else stage.sandbox.pulse.beats
        disclosure = language(person.member.language).say(stage.disclosure)
        return JSONResponse({"beat": beat, "disclosure": disclosure} | state_of(stage, person))

    async def act(request: Request) -> Response:
        try:
            wanted = json.loads(await request.body())
            person = _person(stage, str(wanted.get("viewer", "")))
            told = await _ACTS[wanted["do"]](stage, person, wanted)
        except (NoSuchInSlack, NoSuchInTelegram) as error:
            return JSONResponse({"fault": str(error)}, status_code=410)
        except (LookupError, ValueError, TypeError, AttributeError) as error:
            return JSONResponse({"fault": repr(error)}, status_code=400)
        return JSONResponse(told)

    return Starlette(
        routes=[
            Route("/", index),
            Route("/page/state", state),
            Route("/page/act", act, methods=["POST"]),
            Route("/page/{name}", file),
        ]
    )


def _person(stage: Stage, key: str, preferred: str = "") -> Person:
    """Who is called `key`; otherwise an approver at work who reads the preferred language, or whoever comes first."""
    people = stage.cast.people
    code, now = nearest_language(preferred), stage.clock.now()
    fitting = (p for p in people if p.member.role == "approver" and p.member.language == code and p.awake(now))
    return next((person for person in people if person.key == key), None) or next(fitting, people[0])


async def _say(stage: Stage, person: Person, wanted: Mapping[str, str]) -> Told:
    text, room = wanted["text"], wanted["room"]
    if wanted["side"] == "telegram":
        stage.sandbox.telegram.say(person.telegram.id, int(room), text, reply_to=int(wanted.get("reply_to") or 0))
        return {}
    if not text.startswith("/"):
        stage.sandbox.slack.say(person.slack.id, room, text)
        return {}
    command, _, rest = text.partition(" ")
    if command not in stage.commands:  # Slack itself answers, and tells the app nothing
        return {"unknown": command}
    delivery = stage.sandbox.slack.command(person.slack.id, room, command, rest.strip())
    await delivery.settled()
    return {} if delivery.state == "acknowledged" else {"notice": f"{command}: {delivery.state}"}


async def _press(stage: Stage, person: Person, wanted: Mapping[str, str]) -> Told:
    room, message, button = wanted["room"], wanted["message"], wanted["button"]
    if wanted["side"] == "slack":
        delivery = stage.sandbox.slack.press(person.slack.id, room, message, button)
        await delivery.settled()
        return {}
    press = stage.sandbox.telegram.press(person.telegram.id, int(room), int(message), button)
    try:
        await stage.sandbox.pulse.until(lambda: press.answer is not None, _PRESS_SECONDS)
    except TimeoutError:
        return {}
    return {"notice": press.answer or ""}


async def _log_in(stage: Stage, person: Person, wanted: Mapping[str, str]) -> Told:
    """The signed address of a login button."""
    room, message = int(wanted["room"]), int(wanted["message"])
    return {"open": stage.sandbox.telegram.log_in(person.telegram.id, room, message, wanted["url"])}


async def _home(stage: Stage, person: Person, _wanted: Mapping[str, str]) -> Told:
    if opened := stage.sandbox.slack.open_home(person.slack.id):
        await opened.settled()
    return {}


async def _press_home(stage: Stage, person: Person, wanted: Mapping[str, str]) -> Told:
    home = stage.sandbox.slack.home(person.slack.id)
    if home is None:
        raise LookupError("there is no home page yet")
    await stage.sandbox.slack.press_view(person.slack.id, home.id, wanted["button"]).settled()
    return {}


async def _submit(stage: Stage, person: Person, wanted: Mapping[str, Any]) -> Told:
    """Hand in the modal; what is wrong with it, by field."""
    slack = stage.sandbox.slack
    shown = slack.modal(person.slack.id)
    if shown is None or shown.id != wanted["view"]:
        raise NoSuchInSlack(wanted["view"])
    values = {str(name): str(value) for name, value in wanted["values"].items()}
    try:
        await slack.fill_in(person.slack.id, shown.id, values).settled()
    except Unfilled as unfilled:
        return {"errors": unfilled.faults}
    return {"errors": shown.errors}


async def _close(stage: Stage, person: Person, wanted: Mapping[str, Any]) -> Told:
    stage.sandbox.slack.close_view(person.slack.id, wanted["view"])
    return {}


async def _push(stage: Stage, person: Person, wanted: Mapping[str, str]) -> Told:
    if wanted["by"] == "morning":
        to, (whose, *_others) = stage.next_morning()
    else:
        seconds = int(wanted["by"])
        if seconds <= 0:
            raise ValueError("the clock runs forward only")
        to, whose = stage.clock.now() + timedelta(seconds=seconds), person
    await stage.push(to)
    return {
        "at": stage.clock.now().timestamp(),
        "zone": whose.member.zone,
        "place": whose.place(language(person.member.language)),
    }


_ACTS: dict[str, Callable[[Stage, Person, Mapping[str, Any]], Awaitable[Told]]] = {
    "say": _say,
    "press": _press,
    "log_in": _log_in,
    "home": _home,
    "press_home": _press_home,
    "submit": _submit,
    "close": _close,
    "push": _push,
}
