"""Calls of the Selling Partner API: a token that lives, the pace that Amazon allows, and errors inside a 200."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import httpx

from bot import __version__
from bot.errors import Declined, OutsideError, Unanswered, Unreached
from bot.ports import Clock, SystemClock
from bot.stores.amazon import library
from bot.stores.amazon.markets import Account
from bot.stores.amazon.pacing import LIMIT_HEADER, Bucket
from bot.stores.amazon.reading import Row
from bot.stores.amazon.tokens import Tokens
from bot.stores.calling import TURNS, Caller, Pause, TooSlow
from bot.words import _

_AGENT = f"Stocktide/{__version__} (Language=Python)"  # Amazon asks for one in this shape
_LONGEST_PAUSE = 60.0  # seconds that a call waits by itself; what asks for more is come back to


class Throttled(Unreached):
    """Amazon allows that operation no further call for a while; nothing was carried out."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An object with Decimals, what Amazon says is wrong beside it, and when it answered by its own clock."""

    told: Row
    errors: tuple[str, ...]
    at: datetime


class Api:
    """One account. Errors are those of `Caller`; Declined holds Amazon's own code and message.

    Reading is tried as often as there are `turns`; with one turn nothing is tried again, not even below.
    """

    def __init__(
        self,
        account: Account,
        *,
        turns: int = TURNS,
        headers: Mapping[str, str] | None = None,
        pause: Pause = asyncio.sleep,
        timer: Callable[[], float] = time.monotonic,
        clock: Clock | None = None,
    ) -> None:
        headers = {"User-Agent": _AGENT, **(headers or {})}
        self.account = account
        self.pause = pause
        self.clock = clock or SystemClock()
        self._turns, self._timer = turns, timer
        self._caller = Caller(account.url, headers=headers, private=account.private, pause=pause, turns=1)
        self._tokens = Tokens(account, headers=headers, pause=pause, timer=timer)
        self._buckets: dict[str, Bucket] = {}

    async def close(self) -> None:
        """Hang up."""
        await self._caller.close()
        await self._tokens.close()

    async def read(self, operation: str, *arguments: str, **given: Any) -> Answer:  # noqa: ANN401  # as JSON
        """A call that changes nothing. Throttled and Unreached once patience is at its end."""
        for turn in range(self._turns):
            last = turn == self._turns - 1
            try:
                return await self._called(operation, self._caller.read, Unreached, arguments, given)
            except Unreached as error:
                wait = error.retry_after or 2.0**turn
                if last or wait > _LONGEST_PAUSE or isinstance(error, TooSlow):
                    raise
                await self.pause(wait)
        raise AssertionError("unreachable")

    async def write(self, operation: str, *arguments: str, **given: Any) -> Answer:  # noqa: ANN401  # as JSON
        """A call that changes something: made once. Unanswered where nobody knows whether it happened."""
        return await self._called(operation, self._caller.write, Unanswered, arguments, given)

    async def pages(self, operation: str, token: str, *arguments: str, **given: Any) -> AsyncIterator[Answer]:  # noqa: ANN401
        """A list to its end, whose next page is asked for by the parameter `token`."""
        following: dict[str, str] = {}
        while True:
            answer = await self.read(operation, *arguments, **given, **following)
            yield answer
            following = {token: next_token(answer)}
            if not following[token]:
                return

    async def document(self, url: str) -> httpx.Response:
        """A file that Amazon keeps elsewhere under an address that is itself the key; no error tells it."""
        parts = urlsplit(url)
        caller = Caller(f"{parts.scheme}://{parts.netloc}", private=self.account.private, pause=self.pause)
        try:
            return await caller.read("GET", url)
        except OutsideError as error:
            # What such a host says of a refusal repeats the signature; an address that ended is simply asked for anew.
            kind = type(error) if error.status != 403 else Unreached
            said = _(
                "the document at {host}: {status}",
                host=parts.hostname,
                status=str(error.status or type(error).__name__),
            )
            raise kind(said, status=error.status) from None
        finally:
            await caller.close()

    async def _called(
        self,
        operation: str,
        call: Callable[..., Any],
        otherwise: type[Unreached | Unanswered],
        arguments: tuple[str, ...],
        given: Mapping[str, Any],
    ) -> Answer:
        bucket = self._bucket(operation)

        async def send(method: str, path: str, params: Mapping[str, Any], body: Row | None) -> Answer:
            await self._turn(operation, bucket)
            content = None if body is None else json.dumps(body, default=_number)
            try:
                response = await self._let_in(call, method, path, params, content)
            except Unreached as error:
                if error.status == 429:
                    raise Throttled(error.said, error.retry_after or bucket.refused(), status=429) from error
                raise
            bucket.told(response.headers.get(LIMIT_HEADER, ""))
            return _answer(response, otherwise)

        answer: Answer = await library.called(operation, send, *arguments, **given)
        return answer

    async def _turn(self, operation: str, bucket: Bucket) -> None:
        wait = bucket.wait()
        if wait > _LONGEST_PAUSE:
            raise Throttled(
                _("{operation} may be called again in {wait} seconds", operation=operation, wait=format(wait, ".0f")),
                wait,
            )
        if wait:
            await self.pause(wait)
        bucket.spend()

    async def _let_in(
        self, call: Callable[..., Any], method: str, path: str, params: Mapping[str, Any], content: str | None
    ) -> httpx.Response:
        """The call with a token; once more with another where Amazon says that this one expired."""
        token = await self._tokens.valid()
        try:
            return await self._sent(call, method, path, params, content, token)
        except Declined as error:
            if error.status != 403 or "expired" not in error.detail.casefold():
                raise
        self._tokens.forget(token)
        return await self._sent(call, method, path, params, content, await self._tokens.valid())

    async def _sent(
        self,
        call: Callable[..., Any],
        method: str,
        path: str,
        params: Mapping[str, Any],
        content: str | None,
        token: str,
    ) -> httpx.Response:
        headers = {"x-amz-access-token": token, "x-amz-date": self.clock.now().strftime("%Y%m%dT%H%M%SZ")}
        if content is not None:
            headers["Content-Type"] = "application/json"
        response: httpx.Response = await call(method, path, params=dict(params), content=content, headers=headers)
        return response

    def _bucket(self, operation: str) -> Bucket:
        plan = library.OPERATIONS[operation]
        return self._buckets.setdefault(operation, Bucket(self._timer, plan.rate, plan.burst))


def next_token(answer: Answer) -> str:
    """What asks for the next page; empty on the last one. Each API has it elsewhere."""
    payload = answer.told.get("payload")
    for holder in (answer.told.get("pagination"), payload):
        if isinstance(holder, dict) and (token := holder.get("nextToken") or holder.get("NextToken")):
            return str(token)
    return ""


def _answer(response: httpx.Response, otherwise: type[Unreached | Unanswered]) -> Answer:
    try:
        told = json.loads(response.content, parse_float=Decimal)
    except ValueError:
        raise otherwise(_("the answer is no JSON")) from None
    if not isinstance(told, dict):
        raise otherwise(_("the answer is no object"))
    return Answer(told, tuple(_words(error) for error in told.get("errors") or ()), _clock(response))


def _words(error: object) -> str:
    if not isinstance(error, dict):
        return str(error)[:200]
    return " ".join(f"{error.get('code', '')}: {error.get('message', '')}".split())[:200]


def _number(value: object) -> float:
    """An amount as JSON writes it: the shortest figures of a double are the very digits of any price."""
    if not isinstance(value, Decimal):
        raise TypeError(f"{value!r} is not written to Amazon")
    return float(value)


def _clock(response: httpx.Response) -> datetime:
    """Amazon's clock; ours where it does not say."""
    try:
        return parsedate_to_datetime(response.headers.get("date", "")).astimezone(UTC)
    except (TypeError, ValueError):
        return datetime.now(UTC).replace(microsecond=0)
