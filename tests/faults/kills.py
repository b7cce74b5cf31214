"""kill -9 at every named point, and what the other side counted afterwards.

A life is one fresh database and some rounds. In each round a process starts, comes to rest, becomes mortal, and is
asked things on both platforms while a morning falls due; it dies at the round's point, and the next process finishes
what it left. The points are those that a first round without a death has reached.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from signal import SIGUSR1

from tests.faults.child import Plan
from tests.faults.keeper import Keeper, Life
from tests.faults.town import HALF, Rest, Town, until

START_SECONDS = 20.0
ROUND_SECONDS = 8.0


@dataclass
class Count:
    """What a run of kills came to."""

    kills: Counter[str] = field(default_factory=Counter)  # by point
    unmet: Counter[str] = field(default_factory=Counter)  # rounds whose point was not reached
    asked: int = 0
    lost: list[str] = field(default_factory=list)
    repeats: int = 0  # labelled ones
    unlabelled: list[str] = field(default_factory=list)
    mornings: int = 0
    missed: list[str] = field(default_factory=list)
    unacknowledged: int = 0
    strange: list[str] = field(default_factory=list)

    @property
    def faults(self) -> list[str]:
        """Everything that must not be."""
        return [*self.lost, *self.unlabelled, *self.missed, *self.strange]


class Killing:
    """One life."""

    def __init__(self, keeper: Keeper, town: Town, folder: Path, seed: int) -> None:
        self._keeper = keeper
        self._town = town
        self._folder = folder
        self._dice = random.Random(seed)  # noqa: S311  # reproducible on purpose
        self._rest = Rest(town.url)
        self._now = town.clock.now()
        self._round = 0
        self.count = Count()

    async def live(self, kills: int, progress: object = None) -> Count:
        """Kill that often, come to rest, and count."""
        points = await self._points()
        order: list[tuple[str, int]] = []
        attempts = 0
        while self.count.kills.total() < kills and attempts < 2 * kills:
            attempts += 1
            if not order:
                order = [(name, self._dice.randrange(times)) for name, times in sorted(points.items())]
                self._dice.shuffle(order)
            await self._kill(*order.pop())
            if callable(progress):
                progress()
        last = await self._start()
        await self._at_rest()
        self._later(timedelta(minutes=6))  # Slack's last retry
        await until(self._satisfied, ROUND_SECONDS)
        exit_code = await self._keeper.stop(last)
        if exit_code != 0:
            self.count.strange.append(f"the last process ended with {exit_code}")
        self._tally()
        self._rest.close()
        return self.count

    async def _points(self) -> Counter[str]:
        """A round without a death: what it reaches after waking."""
        life = await self._start()
        before = len(life.reached)
        await self._wake(life)
        self._ask()
        if not await until(self._satisfied, ROUND_SECONDS):
            raise AssertionError(f"a round without a death did not end: {self._open()}")
        await self._at_rest()
        found = Counter(life.reached[before:])
        await self._keeper.kill(life)
        self._pass()
        return found

    async def _kill(self, point: str, skip: int) -> None:
        life = await self._start(point, skip)
        await self._at_rest()
        await self._wake(life)
        self._ask()
        if not await until(lambda: life.exit is not None or self._satisfied(), ROUND_SECONDS):
            self.count.strange.append(f"round {self._round} at {point} came to no end: {self._open()}")
        if life.exit is None:
            await until(lambda: life.exit is not None, 0.1)
        if life.exit is None:
            self.count.unmet[point] += 1
            await self._keeper.kill(life)
        elif life.died == point and life.exit == -9:
            self.count.kills[point] += 1
        else:
            self.count.strange.append(f"a process ended by itself with {life.exit}")
        self._pass()

    async def _start(self, point: str = "", skip: int = 0) -> Life:
        plan = Plan(
            settings=self._town.settings,
            now=self._now.isoformat(),
            armed=point,
            skip=skip,
            dormant=True,
            push=HALF.total_seconds(),
            log=str(self._folder / "children.log"),
        )
        life = self._keeper.fork(plan)
        if not await until(lambda: life.exit is not None or (life.started and self._town.links()), START_SECONDS):
            raise AssertionError("a process did not start")
        assert life.exit is None, f"a process ended with {life.exit}; see its log"
        self._later(timedelta(0))
        return life

    async def _wake(self, life: Life) -> None:
        self._keeper.signal(life, SIGUSR1)
        assert await until(lambda: life.awake or life.exit is not None, START_SECONDS)
        self._later(HALF)

    def _ask(self) -> None:
        self._round += 1
        self._town.ask(self._round)

    def _later(self, by: timedelta) -> None:
        """Move the sandbox's clock."""
        self._now += by
        if self._now > self._town.clock.now():
            self._town.clock.push(self._now - self._town.clock.now())

    def _pass(self) -> None:
        """The next process starts an hour later; the sandbox's clock follows once it runs."""
        self._now += HALF

    def _satisfied(self) -> bool:
        """Whether everything asked so far was answered, every morning told, and the bot has nothing left to do."""
        sent = [one for one in self._town.asked.values() if one is not None]
        if any(one.state == "waiting" for one in sent):
            return False
        return self._town.answered() and not self._missed() and self._rest.open() == 0

    def _open(self) -> str:
        self._town.look()
        missing = [word for word in self._town.due() if word not in self._town.answers]
        return f"unanswered {missing}, untold {self._missed()}, rows open {self._rest.open()}"

    async def _at_rest(self) -> None:
        if not await until(lambda: self._rest.open() == 0, ROUND_SECONDS * 2):
            self.count.strange.append(f"no rest: {self._open()}")

    def _tally(self) -> None:
        self._town.look()
        answers, digests = self._town.answers, self._town.digests
        due = set(self._town.due())
        self.count.asked = len(due)
        self.count.unacknowledged = len(self._town.asked) - len(due)
        self.count.lost = sorted(due - set(answers))
        for word, shown in answers.items():
            self._repeats(word, [one.labelled for one in shown])
        self.count.mornings = len(digests)
        for (reader, day), shown in digests.items():
            self._repeats(f"{reader} on {day}", [one.labelled for one in shown])
        self.count.missed = self._missed()

    def _repeats(self, what: str, labelled: list[bool]) -> None:
        """One of them may be plain; every other one must say that it may be a repeat."""
        self.count.repeats += len(labelled) - 1
        if labelled.count(False) > 1:
            self.count.unlabelled.append(f"{what}: {len(labelled)} times, {labelled.count(False)} plain")

    def _missed(self) -> list[str]:
        """Mornings that fell due and were not told, by reader and day."""
        missed = []
        seen = set(self._town.digests) | self._town.merged
        for number in range(len(self._town.readers)):
            morning = START.replace(hour=2 * number + 1)
            while morning <= self._town.clock.now():
                day = f"{morning:%b} {morning.day}, {morning.year}"
                if (f"reader{number}", day) not in seen:
                    missed.append(f"reader{number} on {day}")
                morning += timedelta(days=1)
        return missed


START = datetime.fromisoformat("2011-11-21T00:00:00+00:00")
