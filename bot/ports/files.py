"""Places where files arrive by themselves: a folder, another machine, an address."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, Protocol

from bot.ports.checks import Check

Outcome = Literal["done", "failed"]


@dataclass(frozen=True, slots=True)
class FileSeen:
    """A file as it lies there: its bare name, its size in bytes, and a stamp that is another one once it changed.

    `whole`: the place itself vouches that nobody is still writing it. `modified` is aware, None where the
    place does not say it.
    """

    name: str
    size: int
    stamp: str
    whole: bool = False
    modified: datetime | None = None


class FileSource(Protocol):
    """One such place. Errors are the OutsideErrors of `bot.errors`: Unreached (come again), Declined (look at it)."""

    name: str

    async def listing(self, taken: Mapping[str, str]) -> tuple[FileSeen, ...]:
        """The files that lie there now. `taken` are the stamps of those that were read, by name.

        A place that must fetch a file to know it may leave out what is as it was.
        """
        ...

    async def fetch(self, seen: FileSeen, into: Path, most: int) -> None:
        """Write a file into `into`; FileRefused where it has more than `most` bytes, Unreached where it changed."""
        ...

    async def put_away(self, seen: FileSeen, outcome: Outcome) -> bool:
        """The file was read, or never will be: move it aside where it is ours to move; whether it was moved.

        OSError where it cannot be moved.
        """
        ...

    async def check(self) -> tuple[Check, ...]:
        """Try the address and the credentials."""
        ...

    async def close(self) -> None:
        """Hang up."""
        ...
