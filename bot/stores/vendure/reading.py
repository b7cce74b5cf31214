"""Lists read to their end, and fields of Vendure's records read or named as what is wrong with them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from bot.errors import Amiss, why
from bot.ports import Fault
from bot.stores.vendure.client import Admin, Node, Stuck
from bot.stores.vendure.queries import OPERATIONS
from bot.words import _

MOST = 100  # records of a page; Vendure's own limit is 1,000 where a store does not set another
_MOST_BROKEN = 20  # records that a reading leaves out before it gives up

_Read = TypeVar("_Read")


class Unreadable(Amiss):
    """A record that does not say what it must; the words say what."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """A page of a list: its records, when they were told, where to go on; `faults` of what cannot be told at all."""

    nodes: tuple[Node, ...]
    at: datetime
    offset: int
    last: str
    end: bool
    faults: tuple[Fault, ...] = ()


async def walk(
    admin: Admin, operation: str, offset: int = 0, last: str = "", **variables: object
) -> AsyncIterator[Leaf]:
    """A list to its end, by id; at least one leaf.

    Pages overlap by one record, which must be the last one of the page before. Where it is not, records before it came
    or went, and the walk steps back until it stands there, or at the beginning: told twice is better than not at all.
    A page that breaks inside the store is asked for in halves, until the record that breaks it is found and left out.
    """
    take, faults = MOST, list[Fault]()
    while True:
        over = 1 if offset and last else 0
        try:
            answer = await admin.ask(operation, skip=offset - over, take=take, **variables)
        except Stuck:
            if take > 1 + over:
                take = max(take // 2, 1 + over)
                continue
            fault = await _left_out(admin, operation, offset, variables)
            if len(faults) == _MOST_BROKEN or not (fault or over):
                raise
            if fault:  # otherwise it is the record of the overlap that breaks now
                faults.append(fault)
                offset += 1
            take, last = MOST, ""
            continue
        (told,) = answer.data.values()
        found: list[Node] = told["items"]
        ids = [str(node["id"]) for node in found]
        if over and last not in ids:
            offset = max(offset - take + 1, 0)
            continue
        fresh = found[ids.index(last) + 1 :] if over else found
        offset, last = offset - over + len(found), ids[-1] if ids else last
        end = not found or offset >= told["totalItems"]
        yield Leaf(tuple(fresh), answer.at, offset, last, end, tuple(faults))
        if end:
            return
        take, faults = MOST, []


async def _left_out(admin: Admin, operation: str, offset: int, variables: Mapping[str, object]) -> Fault | None:
    """The record that breaks its page, while the store tells other things; None where it can be told by itself."""
    name = f"{operation}Ids"
    if name not in OPERATIONS:
        return None
    await admin.terms()
    try:
        await admin.ask(operation, skip=offset, take=1, **variables)
    except Stuck as again:
        (told,) = (await admin.ask(name, skip=offset, **variables)).data.values()
        where = str(told["items"][0]["id"]) if told["items"] else f"{operation} {offset}"
        return Fault(where, _("the store cannot tell it: {error}", error=again.said))
    return None


def instant(told: object) -> datetime:
    """An aware instant in UTC."""
    try:
        found = datetime.fromisoformat(str(told))
    except ValueError:
        raise Unreadable(_("{told} is no instant", told=repr(told))) from None
    if found.tzinfo is None:
        raise Unreadable(_("{told} names no zone", told=repr(told)))
    return found.astimezone(UTC)


def whole(told: object) -> int:
    """A count."""
    if isinstance(told, bool) or not isinstance(told, int):
        raise Unreadable(_("{told} is no whole number", told=repr(told)))
    return told


def attempt(where: str, record: Node, read: Callable[[], _Read]) -> _Read | Fault:
    """What `read` makes of a record, or why it cannot; the fault holds ids and states of the record, no person."""
    try:
        return read()
    except Unreadable as error:
        problem = error.said
    except (LookupError, TypeError, AttributeError, ValueError, ArithmeticError) as error:
        problem = why(error)
    kept = {name: record[name] for name in ("id", "code", "sku", "name", "state", "updatedAt") if record.get(name)}
    return Fault(where, problem, json.dumps(kept, default=str, ensure_ascii=False))
