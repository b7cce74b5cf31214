"""Batches of facts that sellers' own systems send: good rows are taken, the others named; a batch sent twice is one.

An Idempotency-Key is claimed in a transaction of its own, so that a second request finds the first at work. The answer
is written in the transaction of the facts: after a crash there are both or neither. A claim without an answer lapses.
"""

from __future__ import annotations

import contextlib
import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.errors import BatchAtWork, BatchDiffers
from bot.ports import Clock, Fact, FactKind, Fault, InboundFact, OrderFact, Page, ProductFact, StockFact
from bot.services.apikeys import STORE
from bot.services.feeds.taking import WATCHED, Taking, subject
from bot.services.wakes import TOUCHED, Wakes
from bot.storage import apikeys as rows
from bot.storage import facts as places
from bot.storage import locks, stores
from bot.storage.apikeys import AnswerRow
from bot.storage.database import FAILURES, Database
from bot.words import Words, _, verbatim

_log = structlog.get_logger(__name__)

LEASE = timedelta(minutes=2)  # for how long a claim holds without an answer: far longer than a batch takes
AHEAD = timedelta(minutes=5)  # by how much a sender's clock may be fast
_SHOWN = 20  # codes named in a problem
_OUTDATED = _("a state that changed later was sent before; that one stands")


@dataclass(frozen=True, slots=True)
class RowFault:
    """What is wrong with a row, counted from 0: the field (`lines[0].sku`) or none, and the problem in words."""

    row: int
    field: str
    said: Words

    @property
    def problem(self) -> str:
        """The problem in English, as senders are answered."""
        return str(self.said)


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of one kind: those that could be read as (number, fact), and those that could not.

    `subjects` says what an unreadable row is about, as far as it says so itself: that is how it is listed.
    """

    kind: FactKind
    received: int
    facts: Sequence[tuple[int, Fact]]
    faults: Sequence[RowFault] = ()
    subjects: Mapping[int, str] | None = None


@dataclass(frozen=True, slots=True)
class Once:
    """A key under which a batch is taken once, and the digest of what was sent with it."""

    key: str
    digest: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a batch: counts of rows, and the faults by row. `again`: it had been taken before."""

    received: int
    changed: int
    faults: tuple[RowFault, ...]
    again: bool = False

    @property
    def refused(self) -> int:
        """How many rows were set aside."""
        return len({fault.row for fault in self.faults})


class Batches:
    """Takes batches of facts as a store's, which is called api:SOURCE."""

    def __init__(
        self, *, database: Database, clock: Clock, taking: Taking, wakes: Wakes, limit_hours: Mapping[FactKind, int]
    ) -> None:
        self._wakes = wakes
        self._database = database
        self._clock = clock
        self._taking = taking
        self._limit_hours = limit_hours

    async def take(self, source: str, batch: Batch, once: Once | None = None) -> Outcome:
        """Take a batch in one transaction. BatchDiffers, BatchAtWork: see `bot.errors`."""
        if once is None:
            async with self._database.transaction() as connection:
                return await self._take(connection, source, batch)
        claimed = await self._claim(source, once)
        if isinstance(claimed, Outcome):
            return claimed
        try:
            async with self._database.transaction() as connection:
                outcome = await self._take(connection, source, batch)
                await _settle(connection, source, once, claimed, outcome)
        except BaseException:
            with contextlib.suppress(*FAILURES):  # where the database is gone, the claim lapses
                async with self._database.transaction() as connection:
                    await rows.release(connection, source, once.key, claimed)
            raise
        return outcome

    async def _claim(self, source: str, once: Once) -> str | Outcome:
        """The claim under which the batch is ours, or the answer that it was given before."""
        now = self._clock.now()
        fresh = AnswerRow(once.digest, secrets.token_urlsafe(16), now, None)
        async with self._database.transaction() as connection:
            if await rows.claim(connection, source, once.key, fresh):
                return fresh.claim
            known = await rows.answer(connection, source, once.key)
            if known is None:  # given back between the two questions
                raise BatchAtWork(1)
            if known.digest != once.digest:
                raise BatchDiffers
            if known.body is not None:
                return _read(known.body)
            left = known.claimed_at + LEASE - now
            if left <= timedelta() and await rows.take_over(connection, source, once.key, known.claim, fresh):
                return fresh.claim
        raise BatchAtWork(max(1, left.total_seconds()))

    async def _take(self, connection: AsyncConnection, source: str, batch: Batch) -> Outcome:
        await locks.batches(connection)
        store, now = STORE.format(source), self._clock.now()
        faults = list(batch.faults)
        good = await self._placed(connection, store, batch, faults, now)
        about = {subject(fact): row for row, fact in good.items()}
        page = Page(batch.kind, tuple(good.values()), "", tuple(_listed(batch, faults, about)))
        taken = await self._taking.take_in(connection, store, page)
        if taken.touched:
            await self._wakes.after(connection, TOUCHED)
        field = "lines" if batch.kind == "orders" else "sku"  # all that is left to be wrong is which product it is
        faults += [RowFault(about[f.where], field, f.said) for f in taken.aside if f.where in about]
        faults += [RowFault(about[order], "changed_at", _OUTDATED) for order in taken.outdated if order in about]
        await self._note(connection, store, batch, list(good.values()), now)
        outcome = Outcome(batch.received, taken.changed, tuple(sorted(faults, key=lambda fault: fault.row)))
        await rows.forget_syncs(connection, store, batch.kind)
        counts = (batch.received, taken.changed, outcome.refused, 0)
        await stores.note_sync(connection, store, batch.kind, now, counts, "")
        _log.info("batch taken", store=store, kind=batch.kind, rows=counts[0], changed=counts[1], refused=counts[2])
        return outcome

    async def _placed(
        self, connection: AsyncConnection, store: str, batch: Batch, faults: list[RowFault], now: datetime
    ) -> dict[int, Fact]:
        """The facts whose places and times can be, and of several that state the same the last one."""
        known = {place.code: place.id for place in await places.places(connection)}
        spots = await stores.spots(connection, store)
        named = {place for _, fact in batch.facts for _, place in _places(fact)}
        new = sorted((code, known[code]) for code in named if code in known and code not in spots)
        if new:
            await rows.adopt_places(connection, store, new)
            spots = await stores.spots(connection, store)
        last = {subject(fact): row for row, fact in batch.facts}
        good: dict[int, Fact] = {}
        for row, fact in batch.facts:
            wrong = [RowFault(row, *found) for found in _misplaced(fact, spots, known)]
            wrong += [RowFault(row, *found) for found in _mistimed(fact, now)]
            if not wrong and last[subject(fact)] != row:
                wrong = [
                    RowFault(
                        row, "", _("row {row} states the same anew; that one was taken", row=str(last[subject(fact)]))
                    )
                ]
            faults += wrong
            if not wrong:
                good[row] = fact
        return good

    async def _note(
        self, connection: AsyncConnection, store: str, batch: Batch, good: Sequence[Fact], now: datetime
    ) -> None:
        """The facts speak until the newest of them; an empty batch says that there was nothing new until now."""
        if batch.kind not in WATCHED or (batch.received and not good):
            return
        until = max((min(_spoken(fact), now) for fact in good), default=now)
        limit = self._limit_hours[batch.kind]
        await places.refresh_feed(connection, f"store:{store}", WATCHED[batch.kind], until, limit)


async def _settle(connection: AsyncConnection, source: str, once: Once, claimed: str, outcome: Outcome) -> None:
    """Keep the answer; where another took the batch over, because we were so slow, all of ours is rolled back."""
    if not await rows.settle(connection, source, once.key, claimed, _written(outcome)):
        raise BatchAtWork(LEASE.total_seconds())


def _listed(batch: Batch, faults: Sequence[RowFault], good: Mapping[str, int]) -> Iterator[Fault]:
    """The faults of rows that say what they are about, as they are listed; what a later row stated well is none."""
    about = {row: subject(fact) for row, fact in batch.facts} | dict(batch.subjects or {})
    for fault in faults:
        if fault.row in about and about[fault.row] not in good:
            yield Fault(
                about[fault.row],
                _("{field}: {problem}", field=fault.field, problem=fault.said) if fault.field else fault.said,
            )


def _places(fact: Fact) -> Iterator[tuple[str, str]]:
    """The fields of a fact that name places, and what stands in them."""
    match fact:
        case OrderFact():
            if fact.place or not all(line.place for line in fact.lines):
                yield "location", fact.place
            for number, line in enumerate(fact.lines):
                if line.place:
                    yield f"lines[{number}].location", line.place
        case StockFact() | InboundFact():
            yield "location", fact.place
        case ProductFact():
            pass


def _misplaced(fact: Fact, spots: Mapping[str, stores.Spot], known: Mapping[str, int]) -> Iterator[tuple[str, Words]]:
    for field, place in _places(fact):
        spot = spots.get(place)
        if not place:
            yield field, _("missing: neither the order nor each of its lines names a location")
        elif spot is None:
            codes = ", ".join(sorted(known)[:_SHOWN]) or "–"
            yield field, _("we have no location {place}; ours are {codes}", place=repr(place), codes=codes)
        elif isinstance(fact, StockFact) and spot.location_id is not None and not spot.counts:
            yield field, _("another source counts the stock of {place}", place=place)


def _mistimed(fact: Fact, now: datetime) -> Iterator[tuple[str, Words]]:
    match fact:
        case OrderFact():
            stated = {"placed_at": fact.placed_at, "changed_at": fact.changed_at}
            stated |= {f"returns[{number}].at": back.at for number, back in enumerate(fact.returns)}
        case StockFact():
            stated = {"as_of": fact.as_of}
        case InboundFact() if fact.received_at is not None:
            stated = {"ordered_at": fact.ordered_at, "received_at": fact.received_at}
        case InboundFact():
            stated = {"ordered_at": fact.ordered_at}
        case _:
            stated = {}
    for field, at in stated.items():
        if at > now + AHEAD:
            yield field, _("lies in the future")


def _spoken(fact: Fact) -> datetime:
    """The instant that a fact of a watched kind speaks of."""
    if isinstance(fact, StockFact):
        return fact.as_of
    assert isinstance(fact, OrderFact)  # noqa: S101  # the other watched kind
    return fact.changed_at


def _written(outcome: Outcome) -> str:
    faults = [[fault.row, fault.field, fault.problem] for fault in outcome.faults]
    return json.dumps([outcome.received, outcome.changed, faults], ensure_ascii=False, separators=(",", ":"))


def _read(body: str) -> Outcome:
    received, changed, faults = json.loads(body)
    return Outcome(
        received, changed, tuple(RowFault(row, field, verbatim(problem)) for row, field, problem in faults), again=True
    )
