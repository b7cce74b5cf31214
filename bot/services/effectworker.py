"""The worker of the effects: makes each call once, and finds out what became of those that were not answered.

What each outcome of a call leads to:

    answered          done
    Unreached         made again after a wait that grows, for a day and twenty attempts at least, then failed
    Declined          failed
    Unanswered        looked for after a pause; so is whatever ran into the time limit, broke, or lost its worker
    found             done, with what was found
    not there         it certainly did not happen: as Unreached, made again under the same key
    called off        cancelled, once it certainly did not happen
    cannot look now   looked for again later, for a day, never made again meanwhile
    nobody can tell   halted: a person is asked, and nothing is sent

The intent is written before the call: a row is `sending`, in a transaction in which no halt of its topic stands.
"""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy.exc import SQLAlchemyError

from bot.errors import Declined, OutsideError, Unanswered, Unreached, why
from bot.ports import Call, Clock
from bot.services.audit import Audit, Deed
from bot.services.effects import BELL
from bot.services.pacing import Backoff
from bot.services.settlements import Outcome, Settlements, facts
from bot.services.wakes import Wakes
from bot.storage import effects as rows
from bot.storage import locks
from bot.storage.database import Database
from bot.storage.effects import EffectRow
from bot.words import Words, _, told

_log = structlog.get_logger(__name__)

POLL_SECONDS = 1.0  # how soon calls planned by another process are found
GRACE_SECONDS = 0.5  # of a stop, for a claim under way
IN_FLIGHT = 10  # calls under way at once


@dataclass(frozen=True, slots=True)
class Persistence:
    """How long a call is tried: `call` bounds one, `age` and `attempts` together all of them.

    `lease` leaves time beyond a call to write down what came of it. `pause` lies between a call without an answer and
    the first look for it, so that the other side has finished what it may be doing.
    """

    call: timedelta = timedelta(seconds=30)
    lease: timedelta = timedelta(seconds=90)
    pause: timedelta = timedelta(seconds=5)
    attempts: int = 20
    age: timedelta = timedelta(hours=24)
    backoff: Backoff = field(default_factory=Backoff)
    jitter: Callable[[], float] = random.random

    def __post_init__(self) -> None:
        """Refuse a lease that could end while its call is under way."""
        if self.lease < 2 * self.call:
            raise ValueError("a lease must be at least twice as long as a call may take")

    def later(self, passed: timedelta) -> timedelta:
        """When to look again for what was begun `passed` ago: the wait grows with it."""
        full = min(self.backoff.ceiling, max(self.backoff.first, passed))
        return full * (1 - self.jitter() / 2)


class EffectWorker:
    """Carries out what `Effects.plan` wrote down; several processes may do so from one database."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        wakes: Wakes,
        audit: Audit,
        settlements: Settlements,
        persistence: Persistence | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._audit = audit
        self._settlements = settlements
        self._persistence = persistence or Persistence()
        self._bell = wakes.bell(BELL)
        self._calls: dict[int, asyncio.Task[None]] = {}
        self._loop: asyncio.Task[None] | None = None
        self._stopping = False

    def start(self) -> None:
        """Begin to work; needs a running loop."""
        self._stopping = False
        self._loop = asyncio.create_task(self._run(), name="effects")

    async def stop(self, seconds: float) -> None:
        """Begin nothing more, and let what is under way end, for at most that long.

        A call cut off is looked for after its lease: it is not made again unless it certainly did not happen.
        """
        self._stopping = True
        self._bell.set()
        try:
            async with asyncio.timeout(seconds + GRACE_SECONDS):
                if self._loop is not None:
                    await self._loop
                if self._calls:
                    await asyncio.wait(self._calls.values(), timeout=seconds)
        except TimeoutError:
            _log.warning("the database answers too late")
        cut = list(self._calls.values())
        if cut:
            _log.warning("calls were cut off; they are looked for after their lease", calls=len(cut))
            for task in cut:
                task.cancel()
            await asyncio.gather(*cut, return_exceptions=True)

    async def drain(self, seconds: float = math.inf) -> None:
        """Work until nothing is left that is due now."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            await self._round()
            if not self._calls:
                return
            await asyncio.wait(
                self._calls.values(),
                timeout=None if math.isinf(left) else left,
                return_when=asyncio.FIRST_COMPLETED,
            )

    async def _run(self) -> None:
        while not self._stopping:
            self._bell.clear()
            try:
                pause = await self._round()
            except Exception:  # noqa: BLE001  # the loop must outlive a database that is away for a while
                _log.exception("the effects cannot be read")
                pause = POLL_SECONDS
            try:
                async with asyncio.timeout(pause):  # wait_for may lose a cancellation (Python 3.11)
                    await self._bell.wait()
            except TimeoutError:
                continue

    async def _round(self) -> float:
        """Take up what is due; seconds until it is worth looking again."""
        now = self._clock.now()
        kinds = tuple(self._settlements.kinds)
        room = IN_FLIGHT - len(self._calls)
        async with self._database.reading() as connection:
            ids = await rows.ready(connection, now, kinds, tuple(self._calls), room) if room > 0 else []
            next_due = await rows.next_due(connection, now, kinds)
        if ids:
            await self._claim(ids)
        pause = POLL_SECONDS if next_due is None else min(POLL_SECONDS, (next_due - now).total_seconds())
        return max(pause, 0.001)

    async def _claim(self, ids: list[int]) -> None:
        """Write the intent of what begins, no halt standing, and take up what is in doubt."""
        now = self._clock.now()
        since = time.monotonic()
        async with self._database.transaction() as connection:
            await locks.gate(connection)
            begun, doubtful = await rows.claim(
                connection, ids, now, now + self._persistence.lease, tuple(self._settlements.kinds)
            )
            if begun:
                deeds = [Deed("effect.begun", f"effect:{held.id}", facts(held)) for held in begun]
                await self._audit.append_all(connection, deeds)
        for held in begun:
            self._start(held, self._perform, since)
        for held in doubtful:
            self._start(held, self._kept if held.result is not None else self._look, since)

    def _start(self, held: EffectRow, find: Callable[[EffectRow, float], Awaitable[Outcome]], since: float) -> None:
        task = asyncio.create_task(self._settled(held, find, since), name=f"effect-{held.id}")
        self._calls[held.id] = task

        def done(_task: asyncio.Task[None]) -> None:
            del self._calls[held.id]
            self._bell.set()

        task.add_done_callback(done)

    async def _settled(
        self, held: EffectRow, find: Callable[[EffectRow, float], Awaitable[Outcome]], since: float
    ) -> None:
        with structlog.contextvars.bound_contextvars(
            effect=held.id, request=held.request_id, effect_kind=held.kind, fence=held.fence
        ):
            outcome = await find(held, since)
            _log.info(
                "a call came to an outcome", state=outcome.state, error=str(outcome.error or ""), attempt=held.attempts
            )
            await self._write(held, outcome, since)

    async def _perform(self, held: EffectRow, since: float) -> Outcome:
        if self._lapsing(since):  # this process stood still since it wrote the intent, and nothing was sent
            return Outcome("pending", _("the worker stood still before the call"))
        performer = self._settlements.kinds[held.kind].performer
        try:
            async with asyncio.timeout(self._persistence.call.total_seconds()):
                result = await performer.perform(_call(held))
        except Unreached as error:
            return self._again(held, error.said, error.retry_after)
        except Declined as error:
            return Outcome("failed", error.said)
        except (Unanswered, TimeoutError) as error:
            return Outcome("sending", _unanswered(error), self._persistence.pause)
        except Exception as error:  # noqa: BLE001  # whatever broke, the call may have been made
            _log.exception("a call broke")
            return Outcome("sending", why(error), self._persistence.pause)
        return Outcome("done", result=result)

    async def _look(self, held: EffectRow, since: float) -> Outcome:  # noqa: ARG002  # looking late does no harm
        performer = self._settlements.kinds[held.kind].performer
        try:
            async with asyncio.timeout(self._persistence.call.total_seconds()):
                result = await performer.look(_call(held))
        except Unanswered as error:
            return Outcome("halted", error.said)
        except (Unreached, Declined, TimeoutError) as error:  # a refusal to tell may end, as with a token put right
            return self._unseen(held, _unanswered(error))
        except Exception as error:  # noqa: BLE001  # a defect must not make it be sent again
            _log.exception("looking for a call broke")
            return Outcome("halted", why(error))
        if result is None:
            return self._again(held, told(held.error) if held.error else _("it was not there when looked for"))
        return Outcome("done", result=result)

    async def _kept(self, held: EffectRow, since: float) -> Outcome:  # noqa: ARG002  # nothing is called
        """An outcome that is known and could not be carried out before."""
        kept: Mapping[str, Any] = (held.result or {})["kept"]
        return Outcome(kept["state"], told(kept["error"]) if kept["error"] else None, result=kept["result"])

    def _again(self, held: EffectRow, reason: Words, retry_after: float = 0.0) -> Outcome:
        """What certainly did not happen is made again, unless it was tried for long enough."""
        old = self._clock.now() - held.created_at > self._persistence.age
        if old and held.attempts >= self._persistence.attempts:
            return Outcome("failed", reason)
        asked = timedelta(seconds=min(retry_after, self._persistence.age.total_seconds()))
        return Outcome("pending", reason, max(self._persistence.backoff.after(held.attempts), asked))

    def _unseen(self, held: EffectRow, reason: Words) -> Outcome:
        passed = self._since_begun(held)
        if passed > self._persistence.age:
            return Outcome("halted", reason)
        return Outcome("sending", reason, self._persistence.later(passed))

    def _since_begun(self, held: EffectRow) -> timedelta:
        return self._clock.now() - (held.begun_at or held.created_at)

    def _lapsing(self, since: float) -> bool:
        """Whether what began at `since` (monotonic) has too little of its lease left for a call."""
        left = self._persistence.lease.total_seconds() - (time.monotonic() - since)
        return left < self._persistence.call.total_seconds()

    async def _write(self, held: EffectRow, outcome: Outcome, since: float) -> None:
        """Settle; where the database is away, again until the lease is over, for what is known must not be lost."""
        failures = 0
        while True:
            try:
                if not await self._settlements.settle(held, outcome):
                    _log.warning("taken over meanwhile: this outcome is not acted upon", state=outcome.state)
            except (SQLAlchemyError, OSError):
                failures += 1
                if self._lapsing(since):
                    _log.exception("an outcome cannot be written; the call is looked for", outcome=outcome.state)
                    return
                _log.warning("an outcome cannot be written yet", outcome=outcome.state, failures=failures)
                await asyncio.sleep(self._persistence.backoff.after(failures).total_seconds())
            except Exception as error:  # noqa: BLE001  # a defect of what follows must not lose what is known
                _log.exception("what follows from a call cannot be carried out", outcome=outcome.state)
                wait = self._persistence.later(self._since_begun(held))
                await self._settlements.keep(held, outcome, wait, why(error))
                return
            else:
                return


def _unanswered(error: OutsideError | TimeoutError) -> Words:
    """Why nothing was heard."""
    return error.said if isinstance(error, OutsideError) else _("no answer in time")


def _call(held: EffectRow) -> Call:
    return Call(held.key, held.kind, held.payload)
