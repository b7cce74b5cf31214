"""Files that arrive by themselves: looked for on a schedule, and imported once they are whole.

They go through the imports of `bot.services.ingest`, not through the facts of a store's feed: a file's rows have no
ids of variants and places to be mapped, and people who fill folders need what an import gives anyway, the headers in
two languages, the rejects with line and reason, and a report. An import that is done again changes nothing, so a
process that is killed before a file is put away simply reads it once more.

What was read is remembered by name and stamp under a mark of each feed, as far as it still lies there.
"""

from __future__ import annotations

import asyncio
import fnmatch
import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

import structlog

from bot.chat.nodes import Text
from bot.errors import FileRefused, OutsideError, UnknownReference
from bot.ports import Check, Clock, FileSeen, FileSource
from bot.ports.files import Outcome
from bot.services.ingest import ImportOptions, ImportReport, Ingest, Kind
from bot.storage import facts, marks, stores
from bot.storage.database import Database
from bot.words import Words, _, verbatim

_log = structlog.get_logger(__name__)

MOST_BYTES = 100_000_000
MOST_FILES = 10  # of one look; the others wait for the next
SETTLED = timedelta(seconds=50)  # that a file must have stayed as it is; below the minute between two looks
_UNFINISHED = (".part", ".partial", ".tmp", ".filepart", ".crdownload", ".download", ".swp", "~")
_REMEMBERED = 20_000  # files of one place

End = Literal["gone", "stays", "later"]  # of a file: moved, read but where it was, to be looked at again


@dataclass(frozen=True, slots=True)
class FileFeed:
    """One place and how its files are read.

    `patterns` are (pattern of the name, kind), the first that fits counts; a file that fits none is left alone.
    `papers` is the folder for reports and rejects. `every` is the time between two looks. `limits` are the hours after
    which figures (sales, stock) are stale without newer files.
    """

    source: FileSource
    ingest: Ingest
    patterns: tuple[tuple[str, Kind], ...]
    options: ImportOptions
    papers: Path
    every: timedelta
    limits: Mapping[str, int]

    @property
    def watched(self) -> dict[str, int]:
        """The limits of what is read here."""
        return {kind: self.limits[kind] for _pattern, kind in self.patterns if kind in self.limits}


@dataclass(frozen=True, slots=True)
class FileTaken:
    """What became of one file, or (`file` is empty) why the place could not be looked into; `said` is None where all is
    well, and else what went wrong.
    """

    feed: str
    file: str
    kind: str = ""
    rows: int = 0
    added: int = 0
    updated: int = 0
    rejected: int = 0
    said: Words | None = None

    @property
    def error(self) -> str:
        """What went wrong, in English; empty where all is well."""
        return "" if self.said is None else str(self.said)


@dataclass(slots=True)
class _Memory:
    """What is known of a place: stamps of what was read, and since when each other file is as it is (ISO, UTC)."""

    taken: dict[str, str] = field(default_factory=dict)
    seen: dict[str, tuple[str, str]] = field(default_factory=dict)
    looked: str = ""
    away: bool = False  # the last look into it failed, and its figures were stale from then on

    @classmethod
    def of(cls, text: str | None) -> _Memory:
        """As `text` made it."""
        data = json.loads(text) if text else {}
        seen = {name: (stamp, since) for name, (stamp, since) in data.get("seen", {}).items()}
        return cls(dict(data.get("taken", {})), seen, str(data.get("looked", "")), bool(data.get("away")))

    def text(self) -> str:
        """As JSON."""
        known = {"taken": self.taken, "seen": self.seen, "looked": self.looked, "away": self.away}
        return json.dumps(known, ensure_ascii=False)

    def meet(self, found: Sequence[FileSeen], now: datetime) -> list[FileSeen]:
        """Note what lies there; the files that are new and have stayed as they are for long enough."""
        ready = []
        before, self.seen = self.seen, {}
        for one in found:
            if self.taken.get(one.name) == one.stamp:
                continue
            stamp, since = before.get(one.name, ("", ""))
            if stamp != one.stamp:
                since = now.isoformat()
            self.seen[one.name] = (one.stamp, since)
            if one.whole or now - datetime.fromisoformat(since) >= SETTLED:
                ready.append(one)
        return ready

    def forget(self, found: Sequence[FileSeen]) -> None:
        """Drop what lies there no more. Where nothing is listed nothing may have changed."""
        names = {one.name for one in found}
        if found:
            self.taken = {name: stamp for name, stamp in self.taken.items() if name in names}


class FileFeeds:
    """Looks into the places of the settings, by name."""

    def __init__(self, *, database: Database, clock: Clock, feeds: Mapping[str, FileFeed]) -> None:
        self._database = database
        self._clock = clock
        self._feeds = feeds
        self._turns = {name: asyncio.Lock() for name in feeds}
        self.away: frozenset[str] = frozenset()  # the places that could not be looked into, as of the last `tick`

    @property
    def names(self) -> tuple[str, ...]:
        """The places that are looked into."""
        return tuple(sorted(self._feeds))

    async def tick(self) -> list[FileTaken]:
        """Look into the places whose time has come; what became of the files."""
        found = []
        for name in self.names:
            memory = await self._memory(name)
            last = datetime.fromisoformat(memory.looked) if memory.looked else None
            if last is None or self._clock.now() - last >= self._feeds[name].every:
                found += await self.look(name)
        self.away = frozenset([name for name in self.names if (await self._memory(name)).away])
        return found

    async def look(self, name: str) -> list[FileTaken]:
        """Look into one place and import what is new and whole; one file's fault stops no other."""
        feed = self._feed(name)
        async with self._turns[name]:
            memory = await self._memory(name)
            now = self._clock.now()
            memory.looked = now.isoformat()
            try:
                listed = await feed.source.listing(memory.taken)
            except OutsideError as error:
                _log.warning("a place of files cannot be looked into", feed=name, error=error.detail)
                return await self._stopped(name, feed, memory, error.said)
            found = sorted((one for one in listed if _kind(feed, one.name)), key=lambda one: one.name)
            if len(found) > _REMEMBERED:
                problem = _("more than {count} files lie there; move old ones away", count=_REMEMBERED)
                return await self._stopped(name, feed, memory, problem)
            if memory.away:
                await self._goes_on(name, feed, memory)
            memory.forget(found)
            ready = memory.meet(found, now)
            await self._keep(name, memory)
            done = []
            for seen in ready[:MOST_FILES]:
                taken, end = await self._take(name, feed, seen)
                done.append(taken)
                if end != "later":
                    memory.seen.pop(seen.name, None)
                if end == "stays":
                    memory.taken[seen.name] = seen.stamp
                await self._keep(name, memory)
            return done

    async def check(self, name: str) -> tuple[Check, ...]:
        """Try a place."""
        feed = self._feed(name)
        if not feed.patterns:
            fault = Check(
                _("{name} patterns", name=name),
                "fail",
                _("no pattern is set"),
                _("write options such as stock = 'stock*.csv'"),
            )
            return (fault, *await feed.source.check())
        return await feed.source.check()

    async def close(self) -> None:
        """Hang up on every place."""
        for feed in self._feeds.values():
            await feed.source.close()

    async def _take(self, name: str, feed: FileFeed, seen: FileSeen) -> tuple[FileTaken, End]:
        """Import one file and put it away."""
        kind = _kind(feed, seen.name)
        assert kind is not None  # noqa: S101  # the others were left out
        with tempfile.TemporaryDirectory(prefix="stocktide-") as folder:
            path = Path(folder) / seen.name
            try:
                await feed.source.fetch(seen, path, MOST_BYTES)
                options = feed.options
                if feed.options.as_of is None:
                    options = replace(options, as_of=await self._true_at(name, seen))
                report = await feed.ingest.run(kind, path, options)
            except FileRefused as refused:
                problem = str(refused.fault).replace(f"{folder}/", "")
                taken = FileTaken(name, seen.name, kind, said=verbatim(problem))
                return taken, await self._put_away(feed, seen, taken, None)
            except OutsideError as error:
                return FileTaken(name, seen.name, kind, said=error.said), "later"
            except Exception as error:  # noqa: BLE001  # one file must not keep the others from being read
                _log.exception("a file cannot be imported", feed=name, file=seen.name)
                return FileTaken(
                    name,
                    seen.name,
                    kind,
                    said=_("something went wrong: {error}", error=type(error).__name__),
                ), "later"
            taken = FileTaken(name, seen.name, kind, report.rows, report.added, report.updated, report.rejected)
            return taken, await self._put_away(feed, seen, taken, report)

    async def _put_away(self, feed: FileFeed, seen: FileSeen, taken: FileTaken, report: ImportReport | None) -> End:
        outcome: Outcome = "failed" if taken.error else "done"
        try:
            await asyncio.to_thread(_write_papers, feed.papers / outcome, taken, report, self._clock.now())
            return "gone" if await feed.source.put_away(seen, outcome) else "stays"
        except OSError as error:  # a full disk, a folder that may not be written: read again, which doubles nothing
            _log.error("a file cannot be put away", feed=taken.feed, file=taken.file, error=str(error))
            return "later"

    async def _true_at(self, name: str, seen: FileSeen) -> datetime:
        """When a file without dates of its own was true, the same however often it is read.

        When it was written, as far as the place says so; a clock there that is ahead does not count.
        """
        _stamp, since = (await self._memory(name)).seen[seen.name]
        met = datetime.fromisoformat(since)
        return met if seen.modified is None else min(seen.modified, met)

    async def _stopped(self, name: str, feed: FileFeed, memory: _Memory, problem: Words) -> list[FileTaken]:
        """Keep that a place cannot be looked into: what it told is stale at once."""
        memory.away = True
        async with self._database.transaction() as connection:
            await marks.put(connection, _mark(name), memory.text())
            for kind in feed.watched:
                await stores.break_off(connection, feed.options.source, kind, self._clock.now())
        return [FileTaken(name, "", said=problem)]

    async def _goes_on(self, name: str, feed: FileFeed, memory: _Memory) -> None:
        """Keep that a place can be looked into again: what it told is as fresh as it is old."""
        memory.away = False
        async with self._database.transaction() as connection:
            await marks.put(connection, _mark(name), memory.text())
            for kind, hours in feed.watched.items():
                await facts.limit_feed(connection, feed.options.source, kind, hours)

    async def _memory(self, name: str) -> _Memory:
        async with self._database.reading() as connection:
            return _Memory.of(await marks.get(connection, _mark(name)))

    async def _keep(self, name: str, memory: _Memory) -> None:
        async with self._database.transaction() as connection:
            await marks.put(connection, _mark(name), memory.text())

    def _feed(self, name: str) -> FileFeed:
        if name not in self._feeds:
            names = ", ".join(self.names) or "–"
            raise UnknownReference(_("Which place of files? I look into {names}.", names=Text(names)))
        return self._feeds[name]


def _mark(name: str) -> str:
    return f"files:{name}"


def _kind(feed: FileFeed, name: str) -> Kind | None:
    if name.casefold().endswith(_UNFINISHED):
        return None
    return next((kind for pattern, kind in feed.patterns if fnmatch.fnmatch(name.casefold(), pattern.casefold())), None)


def _write_papers(folder: Path, taken: FileTaken, report: ImportReport | None, now: datetime) -> None:
    """The report and the rejects of a file, beside where it goes."""
    folder.mkdir(parents=True, exist_ok=True)
    if report is not None and report.rejects_path is not None:
        shutil.copyfile(report.rejects_path, folder / f"{taken.file}.rejects.csv")
    lines = [f"{taken.file}, read as {taken.kind}, {now:%Y-%m-%d %H:%M} UTC"]
    if taken.error:
        lines.append(f"not imported: {taken.error}")
    else:
        unchanged = taken.rows - taken.added - taken.updated - taken.rejected
        lines.append(
            f"rows {taken.rows}: {taken.added} added, {taken.updated} updated, {unchanged} unchanged, "
            f"{taken.rejected} rejected"
        )
    (folder / f"{taken.file}.report.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
