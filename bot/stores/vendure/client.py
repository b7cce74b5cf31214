"""Calls to Vendure's Admin API: an API key or a session, the channel, and errors inside a 200."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from bot.domain.money import Money
from bot.errors import Declined, Unanswered, Unreached
from bot.settings import StorePart
from bot.stores.calling import TURNS, Caller, Pause
from bot.stores.saying import says
from bot.stores.vendure.queries import OPERATIONS
from bot.words import _

PATH = "/admin-api"
_TOKEN = "vendure-auth-token"  # noqa: S105  # a header's name
_KEY = "vendure-api-key"
_CHANNEL = "vendure-token"
_LONGEST_DETAIL = 300

Node = Mapping[str, Any]
_Call = Callable[..., Awaitable[httpx.Response]]


class Forbidden(Declined):
    """The session or key is not valid (any more), or its role may not do that; Vendure does not say which."""


class Broken(Unanswered):
    """Something went wrong inside the store while it made up the answer."""


class Stuck(Unreached):
    """The same goes wrong inside the store each time: it may be one record of what was asked for."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a channel sells in, decimals of its integers, and whether stock is counted where a variant does not say."""

    currency: str
    precision: int
    counted: bool

    @classmethod
    def of(cls, told: Node) -> Terms:
        """Of an answer that holds them."""
        settings = told["globalSettings"]
        precision = settings["serverConfig"]["moneyStrategyPrecision"]
        return cls(told["activeChannel"]["defaultCurrencyCode"], int(precision), settings["trackInventory"] is True)

    def money(self, number: object, currency: str) -> Money:
        """An amount of the API. Its decimals are the store's in every currency: 100 yen are 10000 where it has two."""
        if isinstance(number, bool) or not isinstance(number, int | Decimal):
            raise TypeError(f"{number!r} is no amount")
        return Money.rounded(Decimal(number).scaleb(-self.precision), currency)

    def units(self, amount: Money) -> int:
        """An amount as the API takes it; Declined where it has more decimals than the store keeps."""
        scaled = amount.amount.scaleb(self.precision)
        if scaled != scaled.to_integral_value():
            raise Declined(
                _("the store keeps {precision} decimals, too few for {amount}", precision=self.precision, amount=amount)
            )
        return int(scaled)


@dataclass(frozen=True, slots=True)
class Answer:
    """Data, and when it was given, by the store's own clock."""

    data: Node
    at: datetime


class Admin:
    """One store's Admin API, in one of its channels.

    `token` of the settings is an API key; without it `user` and `secret` log in, once for all calls beside each other,
    and again when the session ended.
    """

    def __init__(
        self,
        part: StorePart,
        *,
        turns: int = TURNS,
        pause: Pause = asyncio.sleep,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.channel = part.options.get("channel", "")
        named = {_CHANNEL: self.channel} if self.channel else {}
        self._caller = Caller(
            part.url, headers={**(headers or {}), **named}, private=part.private, pause=pause, turns=turns
        )
        self.url = self._caller.url
        self._turns, self._pause = turns, pause
        self._key = part.token.get_secret_value()
        self._user, self._secret = part.user, part.secret.get_secret_value()
        self._session = ""
        self._login = asyncio.Lock()

    async def close(self) -> None:
        """Hang up."""
        await self._caller.close()

    async def ask(self, operation: str, **variables: object) -> Answer:
        """Read, as often as there are turns; Unreached once patience is at its end, Stuck sooner, or Declined."""
        for turn in range(self._turns):
            try:
                return await self._sent(self._caller.read, operation, variables)
            except Broken as error:
                if turn:  # what breaks twice breaks each time
                    raise Stuck(error.said) from error
                await self._again(turn, error)
            except Unanswered as error:
                await self._again(turn, error)
        raise AssertionError("unreachable")

    async def _again(self, turn: int, error: Unanswered) -> None:
        """Wait until a call may be made again; Unreached after the last turn."""
        if turn == self._turns - 1:
            raise Unreached(error.said) from error
        await self._pause(2.0**turn)

    async def ask_ours(self, field: str, operation: str, **variables: object) -> Node:
        """Read what holds a field that our plugin adds; Declined with what is missing where the store has no such."""
        try:
            told = (await self.ask(operation, **variables)).data
        except Declined as refused:
            if field in refused.detail:  # its schema does not know the field
                raise Declined(
                    _("the store has no plugin of ours, or an older one; see docs/stores/vendure.md")
                ) from None
            raise
        self.see(told)
        return told

    async def tell(self, operation: str, **variables: object) -> Node:
        """Change something, once. Unanswered where nobody knows whether it happened."""
        return (await self._sent(self._caller.write, operation, variables)).data

    async def terms(self) -> tuple[Terms, datetime]:
        """The channel's, and what time it is there; Declined where Vendure answers for another channel than ours."""
        answer = await self.ask("Terms")
        self.see(answer.data)
        return Terms.of(answer.data), answer.at

    def see(self, told: Node) -> None:
        """Look at the channel of an answer: while a store has one channel, Vendure takes any token for it."""
        if self.channel and told["activeChannel"]["token"] != self.channel:
            raise Declined(_("no channel of the store has the token of options.channel"))

    async def _sent(self, call: _Call, operation: str, variables: Mapping[str, object]) -> Answer:
        """One call; with a session that ended, one more with a new one: nothing was done for the old."""
        if self._key:
            return await self._posted(call, operation, variables, {_KEY: self._key})
        session = await self._valid("")
        try:
            return await self._posted(call, operation, variables, {"Authorization": f"Bearer {session}"})
        except Forbidden:
            session = await self._valid(session)
        return await self._posted(call, operation, variables, {"Authorization": f"Bearer {session}"})

    async def _valid(self, ended: str) -> str:
        """A session that is not the one that ended; begun by one of us, while the others wait for it."""
        async with self._login:
            if not self._session or self._session == ended:
                variables = {"username": self._user, "password": self._secret}
                body = {"query": OPERATIONS["Login"], "operationName": "Login", "variables": variables}
                try:
                    response = await self._caller.write("POST", PATH, json=body)
                    told = _data(response)["login"]
                except Unanswered as error:  # a session more or less changes nothing
                    raise Unreached(error.said) from error
                if told.get("errorCode"):
                    raise Declined(says(f"401 {told['errorCode']}: {told.get('message', '')}"), status=401)
                self._session = response.headers.get(_TOKEN, "")
                if not self._session:
                    raise Declined(_("the store gives no session; its authOptions.tokenMethod must include 'bearer'"))
            return self._session

    async def _posted(
        self, call: _Call, operation: str, variables: Mapping[str, object], headers: Mapping[str, str]
    ) -> Answer:
        body = {"query": OPERATIONS[operation], "operationName": operation, "variables": dict(variables)}
        response = await call("POST", PATH, json=body, headers=headers)
        return Answer(_data(response), _clock(response))


def _data(response: httpx.Response) -> Node:
    """The data of an answer that is whole; numbers with a point are Decimals."""
    try:
        told = json.loads(response.content, parse_float=Decimal)
    except ValueError:
        raise Unanswered(_("the answer is no JSON")) from None
    if not isinstance(told, dict):
        raise Unanswered(_("the answer is no object"))
    if told.get("errors"):
        raise _refusal(told["errors"])
    if not isinstance(told.get("data"), dict):
        raise Unanswered(_("an answer without data"))
    data: Node = told["data"]
    return data


def _refusal(errors: object) -> Exception:
    """What errors inside a 200 mean. Nearly nothing may be null in Vendure: one error takes all data along."""
    listed = errors if isinstance(errors, list) else [errors]
    first: Node = listed[0] if isinstance(listed[0], dict) else {"message": str(listed[0])}
    code = str((first.get("extensions") or {}).get("code", ""))
    message = " ".join(str(first.get("message", "")).split())
    detail = f"{code}: {message}"[:_LONGEST_DETAIL].strip(": ")
    match code:
        case "FORBIDDEN":
            return Forbidden(_("{detail} (401 or 403: Vendure does not say which)", detail=detail))
        case "INTERNAL_SERVER_ERROR" | "":
            return Broken(says(detail))
        case _:
            return Declined(says(detail))


def _clock(response: httpx.Response) -> datetime:
    """The store's clock, by which its rows are dated; ours where a proxy hides it."""
    try:
        return parsedate_to_datetime(response.headers.get("date", "")).astimezone(UTC)
    except (TypeError, ValueError):
        return datetime.now(UTC).replace(microsecond=0)
