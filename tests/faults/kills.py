"""kill -9 at every named point, and what the other side counted afterwards.

A life is one fresh database and some rounds. In each round a process starts, comes to rest, becomes mortal, and is
given work of one kind; it dies at the round's point, and the next process finishes what it left. The kinds of work take
turns: people ask things on both platforms while a morning falls due, and promotions end; somebody buys; somebody wants
a price lowered; two people approve, the order goes out and the price is changed. The points are those that each kind of
work has reached in a round without a death.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from itertools import cycle
from pathlib import Path
from signal import SIGUSR1

from tests.faults.child import Plan
from tests.faults.keeper import Keeper, Life
from tests.faults.rest import Rest, until
from tests.faults.town import WORK, Town, give

START = datetime.fromisoformat("2011-11-21T00:00:00+00:00")
MORNINGS = timedelta(hours=2)  # apart; each reader's is at an odd hour
BETWEEN = timedelta(minutes=5)  # a death and the next start: longer than every lease
SOON = timedelta(minutes=1)  # a process's clock runs on while it lives; what is due later waits for the next one
START_SECONDS = 30.0
ROUND_SECONDS = 20.0
LOOKS_EVERY = 2.0  # seconds between two looks of the approvers at what waits


@dataclass
class Count:
    """What a life came to."""

    kills: Counter[str] = field(default_factory=Counter)  # by point
    unmet: Counter[str] = field(default_factory=Counter)  # rounds whose point was not reached
    asked: int = 0
    purchases: int = 0
    prices: int = 0  # changes of prices in the store
    mornings: int = 0
    repeats: int = 0  # labelled ones
    expired: int = 0  # requests that two deaths kept from being decided in time; nothing came of them
    halted: int = 0  # calls of which a person had to say what became of them
    unacknowledged: int = 0  # what Slack could not deliver, and said so to its people
    lost: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    unlabelled: list[str] = field(default_factory=list)
    strange: list[str] = field(default_factory=list)

    @property
    def faults(self) -> list[str]:
        """Everything that must not be."""
        return [*self.lost, *self.missed, *self.doubled, *self.unlabelled, *self.strange]

    def plus(self, other: Count) -> Count:
        """Both together."""
        return Count(**{each.name: getattr(self, each.name) + getattr(other, each.name) for each in fields(self)})


class Killing:
    """One life."""

    def __init__(self, keeper: Keeper, town: Town, folder: Path, seed: int) -> None:
        self._keeper = keeper
        self._town = town
        self._folder = folder
        self._dice = random.Random(seed)  # noqa: S311  # reproducible on purpose
        self._rest = Rest(town.url)
        self._now = town.clock.now()
        self._rounds = 0
        self._looked = 0.0
        self._points: dict[str, Counter[str]] = {}
        self._mornings_until = datetime.max.replace(tzinfo=UTC)
        self.count = Count()

    async def live(self, kills: int, progress: Callable[[int], None] = lambda _kills: None) -> Count:
        """Kill that often, come to rest, and count."""
        await self._learn()
        queues: dict[str, list[tuple[str, int]]] = {work: [] for work in WORK}
        for attempt, work in enumerate(cycle(WORK)):
            if self.count.kills.total() >= kills or attempt > 3 * kills:
                break
            queues[work] = queues[work] or self._order(work)
            await self._kill(work, *queues[work].pop())
            progress(self.count.kills.total())
        last = await self._start()
        await self._at_rest()
        self._later(timedelta(minutes=6))  # Slack's last retry
        self._give("decide")
        await until(lambda: self._satisfied("decide"), ROUND_SECONDS)
        await self._keeper.stop(last)
        self._mornings_until = self._now
        self._now += timedelta(days=2)  # every promotion is over
        last = await self._start()
        await until(
            lambda: self._satisfied("decide") and all(len(seen) > 1 for seen in self._town.prices().values()), 60
        )
        exit_code = await self._keeper.stop(last)
        if exit_code != 0:
            self.count.strange.append(f"the last process ended with {exit_code}")
        self._tally()
        self._rest.close()
        return self.count

    async def _learn(self) -> None:
        """A round of each kind without a death: what it reaches."""
        for work in WORK:
            life = await self._start(push=self._until_morning(work))
            await self._at_rest()
            before = len(life.reached)
            await self._wake(life, work)
            self._give(work)
            if not await until(lambda work=work: self._satisfied(work), ROUND_SECONDS):  # type: ignore[misc]  # bound now
                raise AssertionError(f"a round of {work} without a death came to no end: {self._open()}")
            self._points[work] = Counter(life.reached[before:])
            await self._keeper.kill(life)
            self._now += BETWEEN

    def _order(self, work: str) -> list[tuple[str, int]]:
        """Every point of a kind of work, each at one of the times it is reached, shuffled."""
        order = [(name, self._dice.randrange(times)) for name, times in sorted(self._points[work].items())]
        self._dice.shuffle(order)
        return [each for each in order if self.count.unmet[each[0]] < 3]

    async def _kill(self, work: str, point: str, skip: int) -> None:
        life = await self._start(point, skip, self._until_morning(work))
        await self._at_rest()
        await self._wake(life, work)
        self._give(work)
        if not await until(lambda: life.exit is not None or self._satisfied(work), ROUND_SECONDS):
            self.count.strange.append(f"round {self._rounds} ({work}, {point}) came to no end: {self._open()}")
        if life.exit is None:
            await until(lambda: life.exit is not None, 0.1)
        if life.exit is None:
            self.count.unmet[point] += 1
            await self._keeper.kill(life)
        elif life.died == point and life.exit == -9:
            self.count.kills[point] += 1
        else:
            self.count.strange.append(f"a process ended by itself with {life.exit}")
        self._now += BETWEEN

    def _until_morning(self, work: str) -> timedelta:
        """How far the clock is pushed: to the next morning where one is to fall due."""
        if work != "ask":
            return timedelta(0)
        passed = (self._now - START - timedelta(hours=1)) % MORNINGS
        return MORNINGS - passed

    async def _start(self, point: str = "", skip: int = 0, push: timedelta = timedelta(0)) -> Life:
        plan = Plan(
            settings=self._town.settings,
            now=self._now.isoformat(),
            armed=point,
            skip=skip,
            dormant=True,
            push=push.total_seconds(),
            log=str(self._folder / "children.log"),
        )
        life = self._keeper.fork(plan)
        if not await until(lambda: life.exit is not None or (life.started and self._town.links()), START_SECONDS):
            raise AssertionError("a process did not start")
        assert life.exit is None, f"a process ended with {life.exit}; see its log"
        self._later(timedelta(0))
        return life

    async def _wake(self, life: Life, work: str) -> None:
        self._keeper.signal(life, SIGUSR1)
        assert await until(lambda: life.awake or life.exit is not None, START_SECONDS)
        self._later(self._until_morning(work))

    def _give(self, work: str) -> None:
        """Give the process its work."""
        self._looked = time.monotonic()
        self._rounds += 1
        give(self._town, work, self._rounds)

    def _later(self, by: timedelta) -> None:
        """Move the sandbox's clock, which never runs ahead of a process that starts."""
        self._now += by
        if self._now > self._town.clock.now():
            self._town.clock.push(self._now - self._town.clock.now())

    def _satisfied(self, work: str) -> bool:
        """Whether everything given so far has come to its end, and the bot has nothing left to do."""
        if self._town.waiting() or not self._town.answered() or self._untold():
            return False
        if self._rest.open(self._now + SOON):
            return False
        return work != "decide" or self._decided()

    def _decided(self) -> bool:
        """Whether nothing waits for a decision; what Slack delivered again after the last look is decided now."""
        if not self._town.unordered() and not self._town.unlowered():
            return True
        if time.monotonic() - self._looked > LOOKS_EVERY:
            self._give("decide")
        return False

    def _open(self) -> str:
        """What has come to no end."""
        self._town.look()
        missing = [word for word in self._town.due() if word not in self._town.answers]
        town = self._town
        return (
            f"unanswered {missing}, untold {self._untold()}, rows open {self._rest.open(self._now + SOON)}, "
            f"not ordered {town.unordered()}, not lowered {town.unlowered()}"
        )

    async def _at_rest(self) -> None:
        """Wait until the last process's work is finished; a person says what nobody else can tell."""
        if not await until(lambda: self._rest.open(self._now + SOON) == 0, ROUND_SECONDS):
            self.count.strange.append(f"no rest: {self._open()}")
        if asked := self._town.answer(self._rest):
            self.count.halted += asked
            if not await until(
                lambda: not self._rest.halted() and self._rest.open(self._now + SOON) == 0, ROUND_SECONDS
            ):
                self.count.strange.append("a person's word changed nothing")

    def _tally(self) -> None:
        town, count = self._town, self.count
        town.look()
        due = set(town.due())
        count.asked = len(due)
        count.unacknowledged = len(town.asked) - len(due)
        count.lost = sorted(due - set(town.answers))
        count.mornings = len(town.digests)
        count.missed += [f"no digest for {morning}" for morning in self._untold()]
        told = {**town.answers, **{" on ".join(morning): shown for morning, shown in town.digests.items()}}
        for what, shown in told.items():
            plain = [one.labelled for one in shown].count(False)
            count.repeats += len(shown) - 1
            if plain > 1:
                count.unlabelled.append(f"{what}: shown {len(shown)} times, {plain} times without a label")
        orders = town.orders()
        for units, sent in town.bought.items():
            reached = orders.pop(units, [])
            count.purchases += bool(reached)
            if sent.state == "acknowledged" and not reached and town.lapsed(f"{units:,} units of ZQ "):
                count.expired += 1
            elif sent.state == "acknowledged" and not reached:
                count.missed.append(f"the order of {units} never reached its supplier")
            if len(reached) > 1:
                count.doubled.append(f"the order of {units} reached its supplier as {', '.join(reached)}")
        count.strange += [f"nobody ordered {units}: {reached}" for units, reached in orders.items()]
        self._tally_prices()

    def _tally_prices(self) -> None:
        """Each promotion lowers one price once, and once it has ended raises it again, once."""
        town, count = self._town, self.count
        prices = town.prices()
        for sku, sent in town.promoted.items():
            seen = prices.pop(sku, [])
            count.prices += len(seen)
            if not seen and town.lapsed(f"units of {sku} "):
                count.expired += 1
            elif sent.state == "acknowledged" and seen != ["2.00", "2.50"]:
                (count.missed if len(seen) < 2 else count.doubled).append(f"the price of {sku} went {seen}")
        count.strange += [f"nobody touched {sku}: {seen}" for sku, seen in prices.items()]

    def _untold(self) -> list[str]:
        """Mornings that fell due and were not told, by reader and day."""
        missed = []
        seen = set(self._town.digests) | self._town.merged
        for number in range(len(self._town.readers)):
            morning = START.replace(hour=2 * number + 1)
            while morning <= min(self._town.clock.now(), self._mornings_until):
                day = f"{morning:%b} {morning.day}, {morning.year}"
                if (f"reader{number}", day) not in seen:
                    missed.append(f"reader{number} on {day}")
                morning += timedelta(days=1)
        return missed
