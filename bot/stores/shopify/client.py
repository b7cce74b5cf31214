"""Calls to Shopify's Admin GraphQL API: the token, the server's own cost bucket, and errors inside a 200."""

from __future__ import annotations

import asyncio
import json
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sized
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any, BinaryIO

import httpx

from bot.errors import Declined, Unanswered, Unreached
from bot.ports import Clock, SystemClock
from bot.stores.calling import TURNS, Caller, Pause
from bot.stores.saying import says
from bot.stores.shopify.queries import API_VERSION, OPERATIONS
from bot.words import _

_PATH = f"/admin/api/{API_VERSION}/graphql.json"
_TOKEN_PATH = "/admin/oauth/access_token"  # noqa: S105  # an address
_EARLY = 600.0  # seconds before its end that a token is exchanged; one lives for a day
_LONGEST_PAUSE = 60.0
_LONGEST_DETAIL = 300
_NOTHING = 1e-6  # points; sums of fractions come to no exact zero


class TooCostly(Declined):
    """One query may not cost that much; ask for less at once."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """An error beside the data of an answer: what is wrong, Shopify's code of it, and where it stands."""

    message: str
    code: str
    path: tuple[str | int, ...]

    def __str__(self) -> str:
        return f"{self.code}: {self.message}" if self.code else self.message


@dataclass(frozen=True, slots=True)
class Answer:
    """Data, what is wrong with parts of it, when Shopify said so by its own clock, and by which version of the API."""

    data: Mapping[str, Any]
    troubles: tuple[Trouble, ...]
    at: datetime
    version: str

    def whole(self) -> Mapping[str, Any]:
        """The data where nothing of it is wrong; Declined otherwise."""
        if self.troubles:
            raise Declined(says(str(self.troubles[0])))
        return self.data


@dataclass(slots=True)
class Bucket:
    """Points that calls may cost, by the server's figures: it fills by `rate` a second up to what it holds.

    `reserved` are those of calls that are under way, of which the server has not told yet.
    """

    timer: Callable[[], float]
    points: float | None = None
    rate: float = 0.0
    most: float = 0.0
    at: float = 0.0
    reserved: float = 0.0
    costs: dict[str, float] = field(default_factory=dict)  # by call, what the last one was reckoned at

    def wait(self, call: str) -> float:
        """Seconds until it holds what the call was reckoned at last time, beside those that are under way."""
        missing = self.costs.get(call, 0.0) + self.reserved - self._now()
        if self.points is None or missing <= 0 or self.rate <= 0:
            return 0.0
        return math.ceil(missing / self.rate * 10) / 10  # a moment too early would be refused

    @contextmanager
    def spending(self, call: str) -> Iterator[None]:
        """Hold the points of a call while it is under way."""
        cost = self.costs.get(call, 0.0)
        self.reserved += cost
        try:
            yield
        finally:
            self.reserved -= cost

    def note(self, call: str, cost: Mapping[str, Any]) -> None:
        """Take over what an answer says of it. Of answers that overtook each other the lower word holds."""
        status = cost.get("throttleStatus") or {}
        if cost.get("requestedQueryCost") is not None:
            self.costs[call] = float(cost["requestedQueryCost"])
        if status.get("currentlyAvailable") is not None:
            told = float(status["currentlyAvailable"])
            alone = self.points is None or self.reserved < _NOTHING
            self.points = told if alone else min(told, self._now())
            self.at = self.timer()
            self.rate, self.most = float(status.get("restoreRate") or 0), float(status.get("maximumAvailable") or 0)

    def _now(self) -> float:
        if self.points is None:
            return 0.0
        return min(self.points + (self.timer() - self.at) * self.rate, self.most)


class Throttled(Unreached):
    """The bucket is empty; the operation was not carried out."""


class Shop:
    """One shop's API. `token` is a fixed one of the shop's own app; without it `client` and `secret` are exchanged.

    Reading is tried as often as there are `turns`; with one turn nothing is tried again, not even below.
    """

    def __init__(
        self,
        url: str,
        *,
        token: str = "",
        client: str = "",
        secret: str = "",
        private: bool = False,
        turns: int = TURNS,
        headers: Mapping[str, str] | None = None,
        pause: Pause = asyncio.sleep,
        timer: Callable[[], float] = time.monotonic,
        clock: Clock | None = None,
    ) -> None:
        self.clock = clock or SystemClock()
        self._caller = Caller(url, headers=headers, private=private, pause=pause, turns=turns)
        self.url = self._caller.url
        self._fixed, self._client, self._secret = token, client, secret
        self._turns, self._pause, self._timer = turns, pause, timer
        self._token, self._ends = "", 0.0
        self._exchange = asyncio.Lock()
        self._bucket = Bucket(timer)
        self._turn = asyncio.Lock()  # of the bucket: its points are reckoned and held by one call at a time

    async def close(self) -> None:
        """Hang up."""
        await self._caller.close()

    @property
    def pause(self) -> Pause:
        """How time is let pass."""
        return self._pause

    async def download(self, url: str, target: BinaryIO, most: int) -> None:
        """Write a file that Shopify keeps for us; see `Caller.download`."""
        await self._caller.download(url, target, most)

    async def ask(self, operation: str, **variables: object) -> Answer:
        """Read, as often as the shop has turns; Unreached once patience is at its end, TooCostly, Declined."""
        for turn in range(self._turns):
            last = turn == self._turns - 1
            try:
                return await self._send(self._caller.read, operation, variables)
            except Throttled as error:
                wait = error.retry_after or 1.0
                if last or wait > _LONGEST_PAUSE:
                    raise
                await self._pause(wait)
            except Unanswered as error:
                if last:
                    raise Unreached(error.said) from error
                await self._pause(2.0**turn)
        raise AssertionError("unreachable")

    async def tell(self, operation: str, **variables: object) -> Mapping[str, Any]:
        """Change something, once. Unanswered where nobody knows whether it happened."""
        answer = await self._send(self._caller.write, operation, variables)
        if answer.troubles and answer.troubles[0].code == "ACCESS_DENIED":
            raise Declined(says(str(answer.troubles[0])))
        if answer.troubles:
            raise Unanswered(says(str(answer.troubles[0])))
        return answer.data

    async def _send(self, send: Callable[..., Any], operation: str, variables: Mapping[str, object]) -> Answer:
        """One call, once the bucket holds what it costs; one whose cost is not known yet leaves before any other."""
        body = {"query": OPERATIONS[operation], "operationName": operation, "variables": variables}
        call = _priced(operation, variables)
        with ExitStack() as under_way:
            async with self._turn:
                wait = self._bucket.wait(call)
                if wait > _LONGEST_PAUSE:
                    raise Throttled(_("too many calls at once"), wait)
                if wait:
                    await self._pause(wait)
                under_way.enter_context(self._bucket.spending(call))
                response = None if call in self._bucket.costs else await self._called(send, body)
            if response is None:
                response = await self._called(send, body)
        return self._read(call, response)

    async def _called(self, call: Callable[..., Any], body: Mapping[str, object]) -> httpx.Response:
        token = await self._valid()
        try:
            return await self._posted(call, body, token)
        except Declined as error:
            if self._fixed or error.status != 401:
                raise
        if self._token == token:  # nobody exchanged it meanwhile
            self._token = ""
        return await self._posted(call, body, await self._valid())

    async def _posted(self, call: Callable[..., Any], body: Mapping[str, object], token: str) -> httpx.Response:
        response: httpx.Response = await call("POST", _PATH, json=body, headers={"X-Shopify-Access-Token": token})
        return response

    async def _valid(self) -> str:
        """A token that still lives for a while; exchanged by one of us, while the others wait for it."""
        if self._fixed:
            return self._fixed
        async with self._exchange:
            if not self._token or self._timer() > self._ends:
                form = {"grant_type": "client_credentials", "client_id": self._client, "client_secret": self._secret}
                try:
                    response = await self._caller.write("POST", _TOKEN_PATH, data=form)
                except Unanswered as error:  # a token more or less changes nothing
                    raise Unreached(error.said) from error
                told = _json(response, Unreached)
                if not isinstance(told.get("access_token"), str):
                    raise Unreached(_("the answer to the exchange of credentials holds no token"))
                lives = float(told.get("expires_in") or 0)
                self._token, self._ends = told["access_token"], self._timer() + max(lives - _EARLY, lives / 2)
            return self._token

    def _read(self, call: str, response: httpx.Response) -> Answer:
        told = _json(response, Unanswered)
        cost = (told.get("extensions") or {}).get("cost") or {}
        self._bucket.note(call, cost)
        troubles = tuple(_trouble(each) for each in _listed(told.get("errors")))
        data = told.get("data")
        if not isinstance(data, dict):
            raise self._refusal(call, troubles)
        at = _date(response.headers.get("date", "")) or self.clock.now()
        return Answer(data, troubles, at, response.headers.get("x-shopify-api-version", ""))

    def _refusal(self, call: str, troubles: tuple[Trouble, ...]) -> Exception:
        """What an answer without data means, by the codes of https://shopify.dev/docs/api/admin-graphql ."""
        if not troubles:
            return Unanswered(_("an answer without data"))
        said = says(str(troubles[0]))
        match troubles[0].code:
            case "THROTTLED":
                return Throttled(said, self._bucket.wait(call))
            case "MAX_COST_EXCEEDED":
                return TooCostly(said)
            case "INTERNAL_SERVER_ERROR" | "TIMEOUT":
                return Unanswered(said)
            case _:
                return Declined(said)


def _priced(operation: str, variables: Mapping[str, object]) -> str:
    """Calls that are reckoned alike: an operation of as many records."""
    ids = variables.get("ids")
    return f"{operation} {len(ids) if isinstance(ids, Sized) else variables.get('first', '')}"


def _json(response: httpx.Response, otherwise: type[Unreached | Unanswered]) -> dict[str, Any]:
    """The object that an answer holds, numbers with a point as Decimals."""
    try:
        told = json.loads(response.content, parse_float=Decimal)
    except ValueError as error:
        raise otherwise(_("the answer is no JSON")) from error
    if not isinstance(told, dict):
        raise otherwise(_("the answer is no object"))
    return told


def _listed(errors: object) -> list[object]:
    """The errors as a list: for some refusals Shopify writes a text, or an object of texts."""
    if not errors:
        return []
    return errors if isinstance(errors, list) else [{"message": json.dumps(errors, default=str)}]


def _trouble(error: object) -> Trouble:
    told: dict[str, Any] = error if isinstance(error, dict) else {"message": str(error)}
    message = " ".join(str(told.get("message", "")).split())
    code = str((told.get("extensions") or {}).get("code", ""))
    if not code and message.casefold() == "throttled":
        code = "THROTTLED"
    return Trouble(message, code, tuple(told.get("path") or ()))


def _date(text: str) -> datetime | None:
    try:
        return parsedate_to_datetime(text).astimezone(UTC)
    except (TypeError, ValueError):
        return None
