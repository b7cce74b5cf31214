"""Calls of Tryton's JSON-RPC: a session that is renewed, errors inside a 200, lists read to their end."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from bot.errors import Declined, OutsideError, Unanswered, Unreached
from bot.ports import Check
from bot.settings import StorePart
from bot.stores.calling import TURNS, Caller, Pause, clock_of, detail
from bot.stores.saying import says
from bot.stores.tryton.values import Row, dumps, loads
from bot.words import _

MOST = 500  # rows of one call
REST = 300.0  # seconds: Tryton counts failed logins of so long, and delays each next one (session.timeout)
_PATH = "/rpc/"
Domain = list[Any]


@dataclass(frozen=True, slots=True)
class Company:
    """The company that is read: what it keeps its books in, and where its days begin and end."""

    id: int
    currency: str
    zone: ZoneInfo


class Api:
    """One database of one server. Errors are those of `Caller`; Declined holds Tryton's own words."""

    def __init__(
        self,
        part: StorePart,
        *,
        turns: int = TURNS,
        pause: Pause = asyncio.sleep,
        headers: Mapping[str, str] | None = None,
        watch: Callable[[], float] = time.monotonic,
    ) -> None:
        fixed = {"Content-Type": "application/json", "Accept": "application/json", **(headers or {})}
        self._caller = Caller(part.url, private=part.private, pause=pause, turns=turns, headers=fixed)
        self._user, self._password = part.user, part.secret
        self._chosen = part.options.get("company", "")
        self._watch = watch
        self._session = ""  # as a header says it
        self._door = asyncio.Lock()
        self._refusal: tuple[float, OutsideError] | None = None  # until when nobody knocks again
        self._company: Company | None = None
        self.at = datetime.now(UTC).replace(microsecond=0)  # of the last answer, by the server's own clock
        self.url = self._caller.url

    async def close(self) -> None:
        """Hang up. The session ends by itself."""
        await self._caller.close()

    async def read(self, method: str, *params: object) -> Any:  # noqa: ANN401  # as Tryton answers
        """One call that changes nothing, made again where that helps."""
        try:
            return await self._call(self._caller.read, method, params)
        except Unanswered as error:
            raise Unreached(error.said, status=error.status) from error

    async def write(self, method: str, *params: object) -> Any:  # noqa: ANN401  # as Tryton answers
        """One call that changes something, made once. What Tryton answers with an error it has rolled back."""
        return await self._call(self._caller.write, method, params)

    async def rows(self, model: str, domain: Domain, fields: Sequence[str], **context: object) -> tuple[Row, ...]:
        """All rows of a short list."""
        return tuple([row async for leaf in self.walk(model, domain, fields, 0, MOST, **context) for row in leaf])

    async def walk(
        self, model: str, domain: Domain, fields: Sequence[str], last: int, size: int, **context: object
    ) -> AsyncIterator[tuple[Row, ...]]:
        """A list to its end by id, at least one leaf; what comes and goes meanwhile hides no other row."""
        context = await self.context(**context)
        order = [["id", "ASC"]]
        while True:
            beyond = [["id", ">", last], domain] if domain else [["id", ">", last]]
            method = f"model.{model}.search_read"
            found = rows_of(await self.read(method, beyond, 0, size, order, list(fields), context))
            yield found
            if len(found) < size:
                return
            last = found[-1]["id"]

    async def context(self, **given: object) -> dict[str, object]:
        """What calls of models are made in: the company, and what is given besides."""
        return {"company": (await self.company()).id, **given}

    async def now(self) -> datetime:
        """What time it is there, by a call that costs Tryton little."""
        await self.read("model.res.user.search_count", [["id", "=", 0]], 0, 1, {})
        return self.at

    async def company(self) -> Company:
        """The company of the settings, or the one that the user works for."""
        if self._chosen and not self._chosen.isdigit():
            raise Declined(
                _("options.company is {chosen}; it is the company's number in Tryton", chosen=repr(self._chosen))
            )
        if self._company is None:
            known = await self._preferences()
            number = int(self._chosen) if self._chosen else known.get("company")
            if not isinstance(number, int):
                raise Declined(_("the user works for no company; give it one in Tryton, or options.company here"))
            if number not in (known.get("companies") or ()):  # Tryton would count no stock at all, and not say so
                raise Declined(
                    _(
                        "the user does not work for company {number}; add it to the user's companies in Tryton",
                        number=str(number),
                    )
                )
            fields = ["timezone", "currency.code"]
            found = rows_of(await self.read("model.company.company.read", [number], fields, {"company": number}))
            zone = found[0].get("timezone")
            self._company = Company(number, found[0]["currency."]["code"], ZoneInfo(zone) if zone else ZoneInfo("UTC"))
        return self._company

    async def checked(self, name: str, *models: str) -> tuple[Check, ...]:
        """Whether the address answers and the user may read each of the models."""
        remedy = _("look at [stores.connected.{name}]: url (with the database at its end), user and secret", name=name)
        try:
            company = await self.company()
            for model in models:
                await self.read(f"model.{model}.search_count", [], 0, 1, await self.context())
        except OutsideError as error:
            return (Check(_("store {name}", name=name), "fail", error.said, remedy),)
        return (
            Check(
                _("store {name}", name=name),
                "ok",
                _(
                    "answers at {url}, company {id} in {currency}",
                    url=self.url,
                    id=str(company.id),
                    currency=company.currency,
                ),
            ),
        )

    async def _preferences(self) -> Row:
        told = await self.read("model.res.user.get_preferences", True, {})  # noqa: FBT003  # as Tryton takes it
        if not isinstance(told, dict):
            raise Declined(_("Tryton answered no preferences"))
        return told

    async def _call(self, call: Callable[..., Any], method: str, params: Sequence[object]) -> Any:  # noqa: ANN401  # as Tryton answers
        """By a session that holds; one that has ended is told before anything is done."""
        session = self._session or await self._enter("")
        try:
            return await self._once(call, session, method, params)
        except Declined as refused:
            if refused.status != 401:
                raise
        return await self._once(call, await self._enter(session), method, params)

    async def _once(self, call: Callable[..., Any], session: str, method: str, params: Sequence[object]) -> Any:  # noqa: ANN401  # as Tryton answers
        body = dumps({"id": 1, "method": method, "params": params})
        answer = await call("POST", _PATH, content=body, headers={"Authorization": session} if session else {})
        try:
            said = loads(answer.content)
        except ValueError:
            raise Unanswered(_("the answer is not Tryton's: {answer}", answer=detail(answer))) from None
        if not isinstance(said, dict) or not {"result", "error"} & set(said):
            raise Unanswered(_("the answer is not Tryton's: {answer}", answer=detail(answer)))
        if "error" in said:
            raise _refusal(said["error"])
        self.at = clock_of(answer)
        return said["result"]

    async def _enter(self, ended: str) -> str:
        """A session other than the one that ended: one login at a time, and none soon after one that was refused."""
        async with self._door:
            if self._session and self._session != ended:
                return self._session
            if self._refusal is not None and self._watch() < self._refusal[0]:
                raise self._refusal[1]
            self._session = ""
            try:
                self._session = await self._login()
            except (Declined, Unreached) as refused:
                if refused.status in (401, 429):
                    self._refusal = (self._watch() + REST, refused)
                raise
            self._refusal = None
            return self._session

    async def _login(self) -> str:
        """Log in, once: each try that fails makes Tryton slower, and a few shut the user out for a while."""
        given = [self._user, {"password": self._password.get_secret_value()}, "en"]
        try:
            told = await self._once(self._caller.write, "", "common.db.login", given)
        except Unanswered as error:
            raise Unreached(error.said, status=error.status) from error
        except Declined as refused:
            if refused.status == 401:
                raise Declined(_("Tryton knows no such user and password (401)"), status=401) from None
            raise
        if not isinstance(told, list) or len(told) < 2:
            raise Declined(_("Tryton asks for more than a password; let this user in by the password alone"))
        return "Session " + base64.b64encode(f"{self._user}:{told[0]}:{told[1]}".encode()).decode()


def since(at: datetime | None, *ways: str) -> Domain:
    """Rows that were made or changed at an instant or later, themselves or what they lead to by one of `ways`.

    A row that was never changed has no `write_date`, so both dates are asked for.
    """
    if at is None:
        return []
    prefixes = ("", *(f"{way}." for way in ways))
    return ["OR", *([f"{prefix}{name}", ">=", at] for prefix in prefixes for name in ("write_date", "create_date"))]


def rows_of(told: object) -> tuple[Row, ...]:
    """The rows of a list; Declined for anything else."""
    if not isinstance(told, list) or not all(isinstance(row, dict) and isinstance(row.get("id"), int) for row in told):
        raise Declined(_("Tryton answered no list"))
    return tuple(told)


def _refusal(error: object) -> OutsideError:
    """An error inside a 200: `[kind, what]` of Tryton's own, `[message, traceback]` of any other."""
    kind, what = (error[0], error[1]) if isinstance(error, list) and len(error) > 1 else (str(error), "")
    if kind == "ConcurrencyException":
        return Unreached(_("somebody changed it at the same time: {said}", said=what))
    if kind in {"UserError", "UserWarning", "LoginException"} and isinstance(what, list):
        words = [str(each) for each in (what[1:] if kind == "UserWarning" else what[:2]) if each]
        told = ": ".join(words)
        return Declined(says(told) if kind == "UserError" else _("Tryton asks a person: {said}", said=told))
    return Declined(_("Tryton failed: {said}", said=" ".join(str(kind).split())[:200]))
