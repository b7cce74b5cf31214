"""kill -9 at every named point, on both databases: nothing lost, nothing bought twice, every repeat labelled."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import psycopg
import pytest

from bot.storage.database import Database
from bot.storage.migrations import migrate
from tests.conftest import named
from tests.faults import figures
from tests.faults.founding import town
from tests.faults.keeper import Keeper
from tests.faults.kills import START, Count, Killing

KILLS = figures.times(6, 100, 5_000)  # on each database
A_LIFE = min(KILLS, 100)  # kills before the next fresh database

_numbers = count(1)


@pytest.fixture
def yard() -> Iterator[Path]:
    """A folder, in memory where there is one: the disk's patience is not what is tried here."""
    memory = Path("/dev/shm")  # noqa: S108  # Linux's own
    place = Path(tempfile.mkdtemp(prefix="kills", dir=memory if memory.is_dir() else None))
    yield place
    shutil.rmtree(place)


@pytest.mark.timeout(0 if figures.is_long() else 900)  # two seconds a kill
@pytest.mark.xdist_group("kills-sqlite" if figures.chosen() else "nursery")  # many kills are worth a second nursery
@pytest.mark.asyncio(loop_scope="session")
async def test_no_death_loses_or_doubles_anything_on_sqlite(keeper: Keeper, yard: Path) -> None:
    async def fresh(number: int) -> str:
        url = f"sqlite+aiosqlite:///{yard / f'life-{number}.db'}"
        await _migrated(url)
        return url

    await _prove("SQLite", keeper, fresh, yard, 100)


@pytest.mark.timeout(0 if figures.is_long() else 900)  # two seconds a kill
@pytest.mark.xdist_group("nursery")
@pytest.mark.asyncio(loop_scope="session")
async def test_no_death_loses_or_doubles_anything_on_postgresql(
    keeper: Keeper, yard: Path, postgres_server: str
) -> None:
    async def fresh(number: int) -> str:
        name = f"life_{next(_numbers)}_{number}"
        with psycopg.connect(postgres_server, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        url = named(postgres_server, name)
        await _migrated(url)
        return url

    await _prove("PostgreSQL", keeper, fresh, yard, 200)


async def _migrated(url: str) -> None:
    database = Database(url)
    await migrate(database)
    await database.close()


async def _prove(kind: str, keeper: Keeper, fresh: object, yard: Path, seed: int) -> None:
    assert callable(fresh)
    total = Count()
    for life in range(KILLS // A_LIFE):
        folder = yard / f"life-{life}"
        folder.mkdir()
        done = total.kills.total()
        async with town(await fresh(life), START, folder) as found:
            killing = Killing(keeper, found, folder, seed + life)
            counted = await killing.live(
                A_LIFE,
                lambda now, done=done: figures.progress(f"kills on {kind}", done + now, KILLS),  # type: ignore[misc]  # bound now
            )
        total = total.plus(counted)
        assert not counted.faults, "\n".join([f"seed {seed + life}: see {_kept(folder)}", *counted.faults])
    _record(kind, total)
    assert total.kills.total() >= KILLS
    assert len(total.kills) > min(KILLS // 3, 30), "too few different points were met"


def _kept(folder: Path) -> Path:
    """A copy of what the processes logged, for whoever looks into a failure."""
    log = folder / "children.log"
    kept = Path(tempfile.mkdtemp(prefix="faults")) / "children.log"
    if log.exists():
        shutil.copy(log, kept)
    return kept


def _record(kind: str, total: Count) -> None:
    names = Counter(point.split(":")[0] for point in total.kills)
    kills = total.kills.total()
    figures.record(
        f"Kills: processes killed on {kind}",
        kills,
        len(total.strange),
        f"at {len(total.kills)} points of {len(names)} parts",
    )
    figures.record(f"Kills: commands answered on {kind}", total.asked, len(total.lost))
    figures.record(f"Kills: mornings told on {kind}", total.mornings, len(total.unlabelled))
    figures.record(
        f"Kills: purchases made once on {kind}",
        total.purchases,
        len(total.missed) + len(total.doubled),
        f"{total.halted} asked a person, as a mail server cannot tell; {total.expired} expired undecided",
    )
    figures.record(
        f"Kills: prices lowered and restored once on {kind}",
        total.prices,
        sum("price" in fault for fault in total.faults),
    )
    figures.record(f"Kills: labelled repeats of posts on {kind}", total.repeats, 0, "between socket write and mark")
