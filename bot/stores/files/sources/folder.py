"""A watched folder: files come by copying or by renaming, and go to `done` or `failed` below it."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit

from bot.errors import Declined, Fault, FileRefused, Unreached
from bot.ports import Check, FileSeen
from bot.ports.files import Outcome
from bot.settings import StorePart
from bot.words import _, verbatim

PIECE = 2**20


class Folder:
    """A folder of this machine. Links, folders and hidden files in it are left alone."""

    def __init__(self, name: str, path: Path) -> None:
        self.name = name
        self.path = path

    async def listing(self, taken: Mapping[str, str]) -> tuple[FileSeen, ...]:
        """The files; what was read lies elsewhere already, so `taken` says nothing."""
        del taken
        return await asyncio.to_thread(lambda: tuple(self._files()))

    async def fetch(self, seen: FileSeen, into: Path, most: int) -> None:
        """Copy a file, so that nobody changes what is read."""
        await asyncio.to_thread(self._copy, seen, into, most)

    async def put_away(self, seen: FileSeen, outcome: Outcome) -> bool:
        """Move it below the folder; a namesake that lies there already is kept under a number."""
        await asyncio.to_thread(self._move, seen, outcome)
        return True

    async def check(self) -> tuple[Check, ...]:
        """Whether the folder is there, and files may be moved in it."""
        here = await asyncio.to_thread(os.access, self.path, os.R_OK | os.W_OK | os.X_OK)
        if here:
            return (Check(_("{name} folder", name=self.name), "ok", verbatim(str(self.path))),)
        remedy = _("make it, and let the user that runs Stocktide read and write it")
        return (Check(_("{name} folder", name=self.name), "fail", _("{path} cannot be used", path=self.path), remedy),)

    async def close(self) -> None:
        """Nothing is open."""

    def _files(self) -> Iterator[FileSeen]:
        try:
            with os.scandir(self.path) as entries:
                for entry in entries:
                    if entry.is_file(follow_symlinks=False) and not entry.name.startswith("."):
                        yield _seen(entry.name, entry.stat(follow_symlinks=False))
        except OSError as error:
            raise Declined(_("{path}: {strerror}", path=self.path, strerror=error.strerror)) from error

    def _copy(self, seen: FileSeen, into: Path, most: int) -> None:
        try:
            # Whoever may write there must not lead us elsewhere by a link.
            handle = os.open(self.path / seen.name, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
        except OSError as error:
            raise Unreached(_("{name}: {strerror}", name=seen.name, strerror=error.strerror)) from error
        with os.fdopen(handle, "rb") as source, into.open("wb") as target:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise Declined(_("{name} is no file", name=seen.name))
            copy(source.read, target.write, seen.name, most)
            if _seen(seen.name, os.fstat(handle)) != seen:
                raise Unreached(_("{name} is still being written", name=seen.name))

    def _move(self, seen: FileSeen, outcome: Outcome) -> None:
        folder = self.path / outcome
        folder.mkdir(exist_ok=True)
        target, number = folder / seen.name, 1
        while target.exists():
            number += 1
            target = folder / f"{Path(seen.name).stem}-{number}{Path(seen.name).suffix}"
        (self.path / seen.name).replace(target)


def _seen(name: str, found: os.stat_result) -> FileSeen:
    stamp = f"{found.st_mtime_ns}:{found.st_size}:{found.st_ino}"
    return FileSeen(name, found.st_size, stamp, modified=datetime.fromtimestamp(int(found.st_mtime), UTC))


def copy(read: Callable[[int], bytes], write: Callable[[bytes], object], name: str, most: int) -> None:
    """Copy in pieces; FileRefused for more than `most` bytes."""
    size = 0
    while piece := read(PIECE):
        size += len(piece)
        if size > most:
            raise too_large(name, most)
        write(piece)


def too_large(name: str, most: int) -> FileRefused:
    """What is said of a file that exceeds the limit."""
    return FileRefused(Fault(name, f"has more than {most // 1_000_000} MB", "split it"), "large")


def watch_folder(name: str, part: StorePart) -> Folder:
    """The folder that the settings name."""
    return Folder(name, Path(unquote(urlsplit(part.url).path)))
