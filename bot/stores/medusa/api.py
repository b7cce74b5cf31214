"""Calls of the Admin API: lists read to their end whatever happens to them meanwhile, and the store's clock."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import httpx

from bot.errors import Declined, OutsideError, Unanswered, Unreached
from bot.ports import Check
from bot.settings import StorePart
from bot.stores.calling import TURNS, Caller, Pause, clock_of, detail
from bot.stores.medusa.entering import auth_of
from bot.words import _

MOST = 100  # rows of a page: Medusa sets no limit itself, but an order is a large row
LISTED = 20  # values of one parameter: more are no list to what reads Medusa's addresses (qs)
_KNOWN = 5  # of the rows told last, by which a page is joined to the one before
_RESTARTS = 3

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered: plain JSON with Decimals, and when, by the store's own clock."""

    told: Row
    at: datetime


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a list is: the rows before `offset` were told, the last of them are `trail` (ids)."""

    offset: int = 0
    trail: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Leaf:
    """A page of a list: the rows that were not told before. `spot` goes on after it."""

    rows: tuple[Row, ...]
    at: datetime
    spot: Spot
    end: bool


class Api:
    """One store's API. Errors are those of `Caller`: Declined holds the store's own message."""

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

    async def read(self, path: str, params: Mapping[str, Any] | None = None) -> Answer:
        """One call that changes nothing."""
        answer = await self._caller.read("GET", path, params=dict(params or {}), auth=self._auth)
        return Answer(_object(answer, Declined), clock_of(answer))

    async def write(self, path: str, body: Row) -> Row:
        """One call that changes something, made once. Amounts go as numbers, as exact as JSON writes them."""
        headers = {"Content-Type": "application/json"}
        content = json.dumps(body, default=_number)
        answer = await self._caller.write("POST", path, content=content, headers=headers, auth=self._auth)
        return _object(answer, Unanswered)

    async def remove(self, path: str) -> None:
        """Delete what stands at a path; once."""
        await self._caller.write("DELETE", path, auth=self._auth)

    async def walk(
        self, path: str, name: str, params: Mapping[str, Any], spot: Spot | None = None
    ) -> AsyncIterator[Leaf]:
        """A list to its end, by id; at least one leaf. `name` is where the answer holds the rows.

        Pages overlap by a row, by which they are joined. Where it is not there, rows before it went or came: the walk
        steps back until it finds one of those told last, and tells everything again where it finds none.
        """
        spot, restarts = spot or Spot(), 0
        while True:
            answer = await self.read(path, {**params, "order": "id", "limit": MOST, "offset": spot.offset})
            rows, count = rows_of(answer.told, name)
            fresh = _fresh(rows, spot.trail)
            if fresh is None:
                if spot.offset == 0:
                    restarts += 1
                    if restarts > _RESTARTS:
                        raise Unreached(_("{path} changes faster than it can be read", path=path))
                    spot = Spot()
                else:
                    spot = replace(spot, offset=max(0, spot.offset - MOST))
                continue
            end = not rows or spot.offset + len(rows) >= count
            trail = (*spot.trail, *(row["id"] for row in fresh))[-_KNOWN:]
            spot = Spot(max(0, spot.offset + len(rows) - 1), trail)
            yield Leaf(tuple(fresh), answer.at, spot, end)
            if end:
                return

    async def all(self, path: str, name: str, params: Mapping[str, Any]) -> list[Row]:
        """A short list, whole."""
        return [row async for leaf in self.walk(path, name, params) for row in leaf.rows]

    async def named(self, path: str, name: str, params: Mapping[str, Any], ids: Iterable[str]) -> list[Row]:
        """The rows of some ids."""
        wanted = sorted(set(ids))
        found: list[Row] = []
        for start in range(0, len(wanted), LISTED):
            found += await self.all(path, name, {**params, "id[]": wanted[start : start + LISTED]})
        return found

    async def currency(self) -> tuple[str, datetime]:
        """What the store sells in unless told otherwise, and what time it is there."""
        answer = await self.read("/admin/stores", {"limit": 1})
        stores, _count = rows_of(answer.told, "stores")
        listed = stores[0].get("supported_currencies") if stores else None
        found = [
            each.get("currency_code") for each in listed or () if isinstance(each, dict) and each.get("is_default")
        ]
        if len(found) != 1 or not isinstance(found[0], str) or len(found[0]) != 3:
            raise Declined(_("the store does not tell which of its currencies is the default one"))
        return found[0].upper(), answer.at

    async def checked(self, name: str, *probes: str) -> tuple[Check, ...]:
        """Whether the address answers and what is read of `probes` may be read."""
        remedy = _("look at [stores.connected.{name}]: url, and token (a secret API key) or user and secret", name=name)
        try:
            currency, _at = await self.currency()
            for path in probes:
                await self.read(path, {"limit": 1, "fields": "id"})
        except OutsideError as error:
            return (Check(_("store {name}", name=name), "fail", error.said, remedy),)
        return (
            Check(
                _("store {name}", name=name),
                "ok",
                _("answers at {url}, sells in {currency}", url=self.url, currency=currency),
            ),
        )


def rows_of(told: Row, name: str) -> tuple[list[Row], int]:
    """The rows of a list and how many it has in all; Declined for anything else."""
    rows, count = told.get(name), told.get("count", -1)
    if not isinstance(rows, list) or not all(isinstance(row, dict) and isinstance(row.get("id"), str) for row in rows):
        raise Declined(_("the store answered no list of {name}", name=name))
    return rows, count if isinstance(count, int) else -1


def _fresh(rows: Sequence[Row], trail: Sequence[str]) -> Sequence[Row] | None:
    """The rows after the last one that was told; None where none of those told last is among them."""
    if not trail:
        return rows
    known = [at for at, row in enumerate(rows) if row["id"] in trail]
    return rows[known[-1] + 1 :] if known else None


def _object(answer: httpx.Response, otherwise: type[OutsideError]) -> Row:
    try:
        told = json.loads(answer.content, parse_float=Decimal)
    except ValueError:
        told = None
    if not isinstance(told, dict):
        raise otherwise(_("the answer is no JSON: {answer}", answer=detail(answer)))
    return told


def _number(value: object) -> float:
    """JSON knows no decimals; a double holds fifteen digits, which prices have not."""
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(f"{type(value).__name__} is no JSON")
