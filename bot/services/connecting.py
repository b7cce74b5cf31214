"""Stores connected, and their secrets replaced: written into the settings file, sealed, once they were tried.

The rules are those of `stocktide stores add` and of the board's page alike. Whoever comes by the board is an
administrator and does not hold the machine: what leads into its network or its folders they cannot write down.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol
from urllib.parse import urlsplit

from bot.chat.command import Asker
from bot.chat.nodes import Code
from bot.errors import NotAllowed, Refusal, UnknownReference
from bot.ports import Check
from bot.services.audit import Audit
from bot.services.stepup import Authenticators
from bot.services.storerights import require_admin
from bot.settings import Settings, StorePart, parsed
from bot.settings.resealing import SettingsFile, add_store, replace_secrets
from bot.storage import authority, catalogue, locks
from bot.storage.database import Database
from bot.words import Words, _

SECONDS = 60  # that a store may take to be tried while somebody waits
PLATFORM = "web"
ADDED, REPLACED = "store.connected", "store.secrets"  # in the audit log

# What the board connects, and by which schemes. A database and the demo's own store are for whoever holds the machine.
SCHEMES: Mapping[str, tuple[str, ...]] = {
    "amazon": ("https", ""),
    "files": ("https", "sftp"),
    "medusa": ("https",),
    "shopify": ("https",),
    "tryton": ("https",),
    "vendure": ("https",),
    "woocommerce": ("https",),
}
_OURS = frozenset({"papers"})  # options that name a folder of this machine
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")
_LONGEST = 8_000  # letters of one secret
_TELLING = 4  # letters of the shortest that is taken out of what a store says


class Trial(Protocol):
    """A store put together, to be tried."""

    async def check(self) -> tuple[Check, ...]:
        """Try all that it is for."""

    async def close(self) -> None:
        """Hang up."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A store to be connected, as it was asked for; `secrets` by their names in the settings, empty ones left out."""

    name: str
    kind: str
    url: str = ""
    user: str = ""
    private: bool = False
    locations: tuple[str, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)

    def fields(self) -> dict[str, Any]:
        """What of it is written into the settings."""
        given = {"kind": self.kind, "url": self.url, "user": self.user, "private": self.private}
        given |= {"locations": list(self.locations), "options": dict(self.options), **self.secrets}
        return {name: value for name, value in given.items() if value}

    def told(self) -> dict[str, Any]:
        """What the audit log keeps of it."""
        return {
            "kind": self.kind, "host": host_of(self.url), "locations": list(self.locations),
            "secrets": sorted(self.secrets),
        }  # fmt: skip

    def alone(self) -> Settings:
        """Settings that connect it and nothing else; SettingsError with each value of a wrong kind."""
        return parsed({"stores": {"connected": {self.name: self.fields()}}})


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks for a change, with the one-time code that they typed; `untried`: they want it untried."""

    asker: Asker
    code: str = field(default="", repr=False)
    untried: bool = False


@dataclass(frozen=True, slots=True)
class Ready:
    """An administrator: whether they have a generator of one-time codes, and the locations (code, name) there are."""

    enrolled: bool
    places: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What trying found, and whether it was written down."""

    checks: tuple[Check, ...]
    written: bool

    @property
    def passed(self) -> bool:
        """Whether nothing failed."""
        return not any(check.verdict == "fail" for check in self.checks)


@dataclass(frozen=True, slots=True)
class Connected:
    """A connected store without its secrets: which it has by their names in the settings, and its host."""

    name: str
    kind: str
    host: str
    secrets: frozenset[str]


def fit_name(name: str, taken: Sequence[str]) -> None:
    """Refuse a name that cannot be, or is there already."""
    if not _NAME.fullmatch(name):
        raise Refusal(_("A store's name has letters, digits, '-' and '_', forty at most."))
    if name in taken:
        raise Refusal(_("There is a store called {store} already; choose another name.", store=name))


def fit_kind(kind: str, kinds: Sequence[str]) -> None:
    """Refuse what is no kind of store, or not one of these."""
    if kind not in kinds:
        raise Refusal(_("{kind} is not a kind of store: write {kinds}.", kind=kind, kinds=", ".join(sorted(kinds))))


def paired(texts: Sequence[str]) -> dict[str, str]:
    """Options that are written KEY=VALUE; Refusal names the first that is not."""
    pairs = [text.partition("=") for text in texts]
    for text, (key, mark, _value) in zip(texts, pairs, strict=True):
        if not key.strip() or not mark:
            raise Refusal(_("{option}: write an option as {form}.", option=text, form="KEY=VALUE"))
    return {key.strip(): value.strip() for key, _mark, value in pairs}


def with_secrets(name: str, part: StorePart, secrets: Mapping[str, str]) -> Settings:
    """Settings that connect a store with these secrets in place of its own, and nothing else."""
    return parsed({"stores": {"connected": {name: part.model_dump() | dict(secrets)}}})


class Connecting:
    """Takes stores and secrets from administrators, tries them, writes them down, and has the process take them up.

    `file` is None where no settings file was read: there is nothing to write into. `connect` puts a store together,
    SettingsError where that cannot be. `learn` keeps what was typed out of the logs from then on. `renew` asks for a
    process that works by the new settings.
    """

    def __init__(
        self,
        *,
        database: Database,
        audit: Audit,
        authenticators: Authenticators,
        connected: Mapping[str, StorePart],
        asked: Mapping[str, Mapping[str, Words]],
        file: SettingsFile | None,
        connect: Callable[[Settings], Trial],
        learn: Callable[[Sequence[str]], None],
        renew: Callable[[], None],
    ) -> None:
        self._database = database
        self._audit = audit
        self._authenticators = authenticators
        self._connected = connected
        self._asked = asked
        self._file = file
        self._connect = connect
        self._learn = learn
        self._renew = renew
        self._one = asyncio.Lock()

    @property
    def writable(self) -> bool:
        """Whether there is a settings file to write into."""
        return self._file is not None

    def stores(self) -> list[Connected]:
        """The stores of the settings that this process works by, in the order of their names."""
        return [
            Connected(name, part.kind, host_of(part.url), frozenset(_held(part)))
            for name, part in sorted(self._connected.items())
        ]

    def secrets(self, kind: str) -> Mapping[str, Words]:
        """The secrets that a kind takes: their names in the settings, and what the store calls them."""
        return self._asked[kind]

    async def administers(self, asker: Asker) -> bool:
        """Whether somebody is an administrator now."""
        async with self._database.reading() as connection:
            return await authority.role_of(connection, asker.member_id) == "admin"

    async def ready(self, asker: Asker) -> Ready:
        """What a form needs to know; NotAllowed for all but administrators."""
        async with self._database.reading() as connection:
            await require_admin(connection, asker)
            places = sorted((place.code, place.name) for place in (await catalogue.places(connection)).values())
            return Ready(await self._authenticators.enrolled(connection, asker.member_id), tuple(places))

    async def add(self, wanted: Wanted, by: Asked) -> Outcome:
        """Connect a store; where it was tried and failed, nothing is written.

        Raises NotAllowed, Refusal for what the page does not take, SettingsError for what the settings do not.
        """
        ready = await self.ready(by.asker)
        self._writes()
        fit_name(wanted.name, list(self._connected))
        fit_kind(wanted.kind, list(SCHEMES))
        self._fit(wanted.secrets, wanted.kind)
        _fit_place(wanted)
        if strange := set(wanted.locations) - {code for code, _name in ready.places}:
            raise Refusal(_("No location matches {query}.", query=min(strange)))
        outcome = await self._tried(wanted.alone(), by)
        if outcome.written:
            await self._write(
                by, ADDED, wanted.name, wanted.told(),
                lambda file: add_store(file.path, file.environment, wanted.name, wanted.fields()),
            )  # fmt: skip
        return outcome

    async def replace(self, name: str, secrets: Mapping[str, str], by: Asked) -> Outcome:
        """Set secrets of a connected store; those that are not given stay. Raises as `add`, and UnknownReference."""
        await self.ready(by.asker)
        self._writes()
        part = self.part(name)
        self._fit(secrets, part.kind)
        if not secrets:
            raise Refusal(_("No secret was given, so none is changed."))
        outcome = await self._tried(with_secrets(name, part, secrets), by)
        if outcome.written:
            await self._write(
                by, REPLACED, name, {"secrets": sorted(secrets)},
                lambda file: replace_secrets(file.path, file.environment, name, secrets),
            )  # fmt: skip
        return outcome

    def part(self, name: str) -> StorePart:
        """A store's settings; UnknownReference where none is called so."""
        if name not in self._connected:
            names = ", ".join(sorted(self._connected)) or "–"
            raise UnknownReference(_("No store of the settings is called {store}: {stores}.", store=name, stores=names))
        return self._connected[name]

    def _writes(self) -> None:
        if self._file is None:
            raise NotAllowed(_("This Stocktide was started without a settings file; there is nothing to write into."))

    def _fit(self, secrets: Mapping[str, str], kind: str) -> None:
        for name, secret in secrets.items():
            if name not in self._asked[kind]:
                raise Refusal(_("{kind} takes no {secret}.", kind=kind, secret=name))
            if len(secret) > _LONGEST or not secret.isprintable():
                label = self._asked[kind][name]
                raise Refusal(_("{secret}: this is no secret of one line.", secret=label))

    async def _tried(self, lone: Settings, by: Asked) -> Outcome:
        self._learn(lone.secrets())
        trial = self._connect(lone)  # also what is not to be tried must be such that the next start succeeds
        try:
            if by.untried:
                await self._prove(by)
                return Outcome((), written=True)
            if self._one.locked():
                raise Refusal(_("Another store is being tried; do this again in a minute."))
            async with self._one:
                await self._prove(by)  # before the trial: after its minute a code would be too old
                async with asyncio.timeout(SECONDS):
                    checks = await trial.check()
            outcome = Outcome(tuple(_unsaid(check, lone.secrets()) for check in checks), written=True)
        except TimeoutError:
            raise Refusal(_("The store did not answer within a minute; nothing was written.")) from None
        finally:
            await trial.close()
        return outcome if outcome.passed else Outcome(outcome.checks, written=False)

    async def _write(
        self,
        by: Asked,
        action: str,
        name: str,
        told: Mapping[str, Any],
        write: Callable[[SettingsFile], object],
    ) -> None:
        """Write the file and the entry of the audit log, or neither; then have it taken up."""
        file = self._file
        assert file is not None  # noqa: S101  # refused before
        async with self._database.transaction() as connection:
            await require_admin(connection, by.asker)  # trying may have taken a minute
            kept = {**told, "untried": by.untried}
            await self._audit.append(connection, action, f"store:{name}", kept, by.asker.member_id, PLATFORM)
            await asyncio.to_thread(write, file)
        self._renew()

    async def _prove(self, by: Asked) -> None:
        """Use a one-time code up where the administrator has a generator; NotAllowed where it is wrong."""
        wrong: Words | None = None
        async with self._database.transaction() as connection:
            await locks.members(connection, [by.asker.member_id])
            if await self._authenticators.enrolled(connection, by.asker.member_id):
                wrong = await self._authenticators.take(connection, by.asker.member_id, by.code)
        if wrong is not None:  # raised only now: the count of wrong codes is to be kept
            raise NotAllowed(wrong)


def _fit_place(wanted: Wanted) -> None:
    """Refuse an address or an option that leads into this machine or its network."""
    schemes = SCHEMES[wanted.kind]
    if wanted.private:
        raise Refusal(_LOCAL)
    if _scheme_of(wanted.url) not in schemes:
        begin = " / ".join(f"{scheme}://" for scheme in schemes if scheme)
        raise Refusal(_("The address begins with {begin} here.", begin=Code(begin)))
    if own := sorted(_OURS & wanted.options.keys()):
        raise Refusal(
            _("{option} names a folder of the machine: {command} takes it there.", option=Code(own[0]), command=_ADD)
        )


def host_of(url: str) -> str:
    """The host of an address; empty where it has none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _unsaid(check: Check, secrets: Sequence[str]) -> Check:
    """What was found without the secrets: a store may quote them as it refuses them."""
    longest = sorted((secret for secret in secrets if len(secret) >= _TELLING), key=len, reverse=True)

    def cleared(words: Words) -> Words:
        return replace(words, values={name: value_of(each) for name, each in words.values.items()})

    def value_of(value: object) -> object:
        if isinstance(value, Words):
            return cleared(value)
        if isinstance(value, str):
            for secret in longest:
                value = value.replace(secret, "[…]")
        return value

    return replace(check, found=cleared(check.found))


def _scheme_of(url: str) -> str | None:
    """What an address begins with, in small letters; None where it cannot be read."""
    try:
        return urlsplit(url).scheme
    except ValueError:
        return None


def _held(part: StorePart) -> list[str]:
    given = {"token": part.token, "secret": part.secret, "hook_secret": part.hook_secret}
    return [name for name, secret in given.items() if secret.get_secret_value()]


_ADD = Code("stocktide stores add")
_LOCAL = _("A store in a local network is connected at the terminal: {command}", command=_ADD)
