"""Calls of the REST API v3: lists read to their end whatever happens to them meanwhile, batches, the store's clock."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import httpx

from bot.errors import Declined, OutsideError, Unanswered
from bot.ports import Check
from bot.settings import StorePart
from bot.stores.calling import TURNS, Caller, Pause, clock_of, detail
from bot.stores.woocommerce.signing import auth_of
from bot.words import _

ROOT = "/wp-json/wc/v3"
MOST = 100  # of a list's page and of a batch; of more the API answers 400 and 413

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered: plain JSON with Decimals, and when, by the store's own clock."""

    told: Any
    at: datetime
    total: int  # of the whole list; -1 where it is not said
    pages: int


@dataclass(frozen=True, slots=True)
class Leaf:
    """A page of a list: the rows that were not told before. `offset` and `last` go on after it."""

    rows: tuple[Row, ...]
    at: datetime
    offset: int
    last: int
    end: bool


class Api:
    """One store's API. Errors are those of `Caller`: Declined holds the store's own code and message."""

    def __init__(
        self,
        part: StorePart,
        *,
        turns: int = TURNS,
        pause: Pause = asyncio.sleep,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self._caller = Caller(part.url, private=part.private, pause=pause, turns=turns, headers=headers)
        self._auth = auth_of(part)
        self.url = self._caller.url

    async def close(self) -> None:
        """Hang up."""
        await self._caller.close()

    async def read(self, path: str, **params: str | int) -> Answer:
        """One call that changes nothing."""
        answer = await self._caller.read("GET", ROOT + path, params=params, auth=self._auth)
        try:
            told = json.loads(answer.content, parse_float=Decimal)
        except ValueError:
            raise Declined(_("the answer is no JSON: {detail}", detail=detail(answer))) from None
        headers = answer.headers
        return Answer(told, clock_of(answer), _number(headers, "x-wp-total"), _number(headers, "x-wp-totalpages"))

    async def find(self, path: str, **params: str | int) -> Answer | None:
        """As `read`; None for what is not there."""
        try:
            answer = await self.read(path, **params)
        except Declined as refused:
            if is_absent(refused):
                return None
            raise
        if not isinstance(answer.told, dict) or not isinstance(answer.told.get("id"), int):
            raise Declined(_("the store answered no record"))
        return answer

    async def write(self, method: str, path: str, body: Row) -> Any:  # noqa: ANN401  # as the store answers
        """One call that changes something, made once."""
        answer = await self._caller.write(method, ROOT + path, json=dict(body), auth=self._auth)
        try:
            return json.loads(answer.content, parse_float=Decimal)
        except ValueError:
            raise Unanswered(_("the answer is no JSON: {detail}", detail=detail(answer))) from None

    async def batch(self, path: str, create: Sequence[Row] = (), update: Sequence[Row] = ()) -> tuple[str, ...]:
        """Create and update many: what was refused, which a batch says inside its 200."""
        items = [("create", row) for row in create] + [("update", row) for row in update]
        refused: list[str] = []
        for start in range(0, len(items), MOST):
            body: dict[str, list[Row]] = {}
            for deed, row in items[start : start + MOST]:
                body.setdefault(deed, []).append(row)
            told = await self.write("POST", f"{path}/batch", body)
            answered = [row for deed in body for row in told.get(deed, ())] if isinstance(told, dict) else []
            refused += [_refusal(row) for row in answered if "error" in row]
        return tuple(refused)

    async def walk(self, path: str, offset: int = 0, last: int = 0, **params: str | int) -> AsyncIterator[Leaf]:
        """A list to its end, by id; at least one leaf.

        Pages overlap by one row, which must be the last one of the page before: where it is not, rows before it were
        deleted and the others moved up, so the walk steps back; once, for rows that the key's owner may not see are
        missing for ever. What is added or deleted meanwhile hides no other row.
        Links to the next page are not followed: they repeat the signature of a call that was made.
        """
        stepped: set[tuple[int, int]] = set()
        while True:
            answer = await self.read(
                path, **params, orderby="id", order="asc", per_page=MOST, **({"offset": offset} if offset else {})
            )
            rows = rows_of(answer)
            if answer.total < 0:
                raise Declined(_("a list tells no X-WP-Total; a proxy or a cache may hide it"))
            vanished = rows[0]["id"] > last if rows else offset >= answer.total
            if offset and vanished and (offset, answer.total) not in stepped:
                stepped.add((offset, answer.total))
                offset = max(0, offset - MOST)
                continue
            fresh = tuple(row for row in rows if row["id"] > last)
            end = offset + MOST >= answer.total
            offset += MOST - 1
            last = max((row["id"] for row in fresh), default=last)
            yield Leaf(fresh, answer.at, offset, last, end)
            if end:
                return

    async def chosen(
        self, path: str, numbers: Collection[int], **params: str | int
    ) -> tuple[list[Row], datetime | None]:
        """The rows of a list by their ids, and since when they were so; those that are not there are left out.

        A list tells neither what lies in the bin nor variations: what it leaves out is asked for by itself.
        """
        rows: dict[int, Row] = {}
        asked = sorted(numbers)
        at: datetime | None = None
        for start in range(0, len(asked) if len(asked) > 1 else 0, MOST):
            part = ",".join(map(str, asked[start : start + MOST]))
            answer = await self.read(path, **params, include=part, status="any", per_page=MOST)
            rows |= {row["id"]: row for row in rows_of(answer)}
            at = at or answer.at
        for number in asked:
            if number not in rows and (found := await self.find(f"{path}/{number}", **params)) is not None:
                rows[number] = found.told
                at = at or found.at
        return [rows[number] for number in asked if number in rows], at

    async def all(self, path: str, **params: str | int) -> list[Row]:
        """A short list, page by page."""
        found: list[Row] = []
        page = 1
        while True:
            answer = await self.read(path, **params, per_page=MOST, page=page)
            found += rows_of(answer)
            if page >= answer.pages:
                return found
            page += 1

    async def currency(self) -> tuple[str, datetime]:
        """What the shop sells in, and what time it is there."""
        answer = await self.read("/data/currencies/current")
        code = answer.told.get("code") if isinstance(answer.told, dict) else None
        if not isinstance(code, str) or len(code) != 3:
            raise Declined(_("the store does not tell its currency"))
        return code, answer.at

    async def checked(self, name: str, *probes: str) -> tuple[Check, ...]:
        """Whether the address answers and the key may read each list of `probes`."""
        remedy = _(
            "look at [stores.connected.{name}]: url, user (consumer key) and secret (consumer secret)", name=name
        )
        try:
            currency, _at = await self.currency()
            for path in probes:
                await self.read(path, per_page=1, _fields="id")
        except OutsideError as error:
            return (Check(_("store {name}", name=name), "fail", error.said, remedy),)
        return (
            Check(
                _("store {name}", name=name),
                "ok",
                _("answers at {url}, sells in {currency}", url=self.url, currency=currency),
            ),
        )


def is_absent(refused: Declined) -> bool:
    """Whether what was asked for is not there (any more)."""
    return refused.status == 404


def rows_of(answer: Answer) -> list[Row]:
    """The rows of a list; Declined for anything else."""
    if not isinstance(answer.told, list) or not all(
        isinstance(row, dict) and isinstance(row.get("id"), int) for row in answer.told
    ):
        raise Declined(_("the store answered no list"))
    return answer.told


def naive(at: datetime) -> str:
    """An instant as a filter of the API takes it with `dates_are_gmt`.

    Without a zone: one with Z is turned into the shop's local time before it is compared with GMT (WP_Date_Query).
    """
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _refusal(row: Row) -> str:
    error = row["error"]
    told = f"{error.get('code', '')}: {error.get('message', '')}" if isinstance(error, dict) else str(error)
    return f"{row.get('id') or 'new'}: {told}"


def _number(headers: httpx.Headers, name: str) -> int:
    told = headers.get(name, "")
    return int(told) if told.isdigit() else -1
