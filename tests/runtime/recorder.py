"""A chat platform in memory: it records what reaches it, and fails as it is told."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from pathlib import Path

from bot.chat.forms import Form
from bot.chat.incoming import Incoming, MessageRef, SharedFile
from bot.chat.nodes import Message
from bot.errors import Fault, FileRefused, MessageGone
from bot.language import language
from bot.ports import CallNotice, CallPerson, Check, HttpAnswer, HttpRequest, Intake, Limits, Profile, Reader, Target
from bot.words import Words, verbatim


@dataclass(frozen=True, slots=True)
class Told:
    """One call that was carried out."""

    kind: str
    conversation: str
    text: str
    message: Message | None
    reader: Reader
    private: bool = False
    thread: str = ""
    message_id: str = ""
    at: float = 0.0
    form: Form | None = None
    token: str = ""


@dataclass
class ListedCall:
    """A call that was added, with who is there by key."""

    notice: CallNotice
    people: dict[str, CallPerson] = field(default_factory=dict)
    seconds: int | None = None


@dataclass
class Recorder:
    """Implements the ChatPlatform port. `faults[kind]` are raised one after another, before or after recording."""

    name: str = "slack"
    has_forms: bool = True
    limits: Limits = field(default_factory=lambda: Limits(1000, 1000))
    told: list[Told] = field(default_factory=list)
    faults: dict[str, deque[Exception]] = field(default_factory=lambda: defaultdict(deque))
    lost: dict[str, deque[Exception]] = field(default_factory=lambda: defaultdict(deque))  # raised after recording
    gates: dict[str, asyncio.Event] = field(default_factory=dict)  # a call of the kind waits for its gate
    entered: asyncio.Event = field(default_factory=asyncio.Event)
    calls: dict[str, ListedCall] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    zone: str = ""
    start_faults: deque[Exception] = field(default_factory=deque)
    started: int = 0
    stopped: int = 0
    intake: Intake | None = None
    _numbers: count[int] = field(default_factory=lambda: count(1))

    async def start(self, intake: Intake) -> None:
        """Keep the intake."""
        self.started += 1
        if self.start_faults:
            raise self.start_faults.popleft()
        self.intake = intake

    async def stop(self) -> None:
        """Count."""
        self.stopped += 1

    async def receive(self, request: HttpRequest) -> HttpAnswer:
        """Echo the size."""
        return HttpAnswer(200, f"{request.method} {len(request.body)}".encode(), {"X-Seen": request.path})

    async def _do(self, kind: str, told: Told) -> None:
        self.entered.set()
        if kind in self.gates:
            await self.gates[kind].wait()
        if self.faults[kind]:
            raise self.faults[kind].popleft()
        self.told.append(told)
        if self.lost[kind]:
            raise self.lost[kind].popleft()

    async def post(self, target: Target, message: Message, reader: Reader) -> MessageRef:
        """Record a post."""
        number = str(next(self._numbers))
        at = time.monotonic()
        kind = "home" if target.kind == "home" else "post"
        text = language(reader.language).say(message.summary)
        await self._do(
            "post",
            Told(kind, target.conversation, text, message, reader, thread=target.thread, message_id=number, at=at),
        )
        return MessageRef(self.name, target.conversation, number, target.thread)

    async def edit(self, ref: MessageRef, message: Message, reader: Reader) -> None:
        """Record an edit."""
        text = language(reader.language).say(message.summary)
        await self._do(
            "edit",
            Told("edit", ref.conversation, text, message, reader, thread=ref.thread, message_id=ref.message_id),
        )

    async def reply(self, incoming: Incoming, message: Message, reader: Reader, *, private: bool) -> MessageRef | None:
        """Record a reply."""
        number = str(next(self._numbers))
        text = language(reader.language).say(message.summary)
        told = Told("reply", incoming.conversation, text, message, reader, private, incoming.thread, number)
        await self._do("reply", told)
        return None if private else MessageRef(self.name, incoming.conversation, number, incoming.thread)

    async def notice(self, incoming: Incoming, words: Words, reader: Reader) -> None:
        """Record a notice."""
        text = language(reader.language).say(words)
        await self._do("notice", Told("notice", incoming.conversation, text, None, reader, private=True))

    async def open_form(self, incoming: Incoming, form: Form, token: str, reader: Reader) -> None:
        """Record a form; like Slack, only for an event that brought a trigger."""
        if not incoming.handle.get("trigger_id"):
            raise MessageGone("no trigger")
        text = language(reader.language).say(form.title)
        told = Told("form", incoming.conversation, text, None, reader, private=True, form=form, token=token)
        await self._do("form", told)

    async def profile(self, person: str) -> Profile:
        """A name made of the id."""
        return Profile(f"Person {person}", zone=self.zone, language="en")

    async def direct(self, person: str) -> str:
        """The private conversation is called after the person."""
        if self.faults["direct"]:
            raise self.faults["direct"].popleft()
        return f"D-{person}"

    async def fetch(self, file: SharedFile, person: str, into: Path, most: int) -> None:
        """Give a file that a test keeps here."""
        del person
        if self.faults["fetch"]:
            raise self.faults["fetch"].popleft()
        if len(self.files[file.id]) > most:
            raise FileRefused(Fault(file.name, "is large"), "large")
        await asyncio.to_thread(into.write_bytes, self.files[file.id])

    async def add_call(self, call: CallNotice) -> str:
        """Keep a call under its key; like Telegram, none where this platform is called so."""
        if self.name == "telegram":
            return ""
        self.calls.setdefault(f"R-{call.key}", ListedCall(call))
        return f"R-{call.key}"

    async def call_people(self, call_id: str, came: Sequence[CallPerson], went: Sequence[CallPerson]) -> None:
        """Keep who is there."""
        if call_id not in self.calls or self.calls[call_id].seconds is not None:
            raise MessageGone("the call is over or unknown")
        self.calls[call_id].people.update({person.key: person for person in came})
        for person in went:
            self.calls[call_id].people.pop(person.key, None)

    async def end_call(self, call_id: str, seconds: int) -> None:
        """Keep how long it took."""
        if call_id in self.calls and self.calls[call_id].seconds is None:
            self.calls[call_id].seconds = seconds

    def vouched(self, query: Mapping[str, str], now: datetime) -> str | None:
        """Vouch for whoever is named beside the word `recorded`, like Telegram."""
        del now
        return query.get("id") if self.name == "telegram" and query.get("hash") == "recorded" else None

    async def check(self) -> tuple[Check, ...]:
        """All is well."""
        return (Check(verbatim(self.name), "ok", verbatim("recording")),)

    def texts(self, kind: str = "") -> list[str]:
        """What was said, in order."""
        return [told.text for told in self.told if kind in {"", told.kind}]


async def until(seen: Callable[[], object], seconds: float = 5.0) -> None:
    """Give way to the loop until `seen` is true; AssertionError after `seconds`."""
    deadline = time.monotonic() + seconds
    while not seen():
        assert time.monotonic() < deadline, "not seen in time"
        await asyncio.sleep(0.005)
