"""Orders as files in a folder, for a supplier without mail or another system that fetches them from there."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from bot.errors import Unreached
from bot.ports import Check, Order
from bot.words import _, verbatim

if TYPE_CHECKING:
    from bot.suppliers.document import Document


class FolderChannel:
    """Writes each order's PDF and CSV, whole or not at all."""

    name = "folder"

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def send(self, order: Order, key: str) -> Mapping[str, Any]:
        """Write the files where they do not stand already; Unreached where the disk does not let us."""
        del key  # number and version name the files; the same order gives the same bytes
        return await asyncio.to_thread(lambda: self._write(_documents(order)))

    async def find(self, order: Order, key: str) -> Mapping[str, Any] | None:
        """The files, where they stand with the very content this order has."""
        del key
        return await asyncio.to_thread(lambda: self._found(_documents(order)))

    async def check(self) -> tuple[Check, ...]:
        """Whether the folder can be written."""
        return (await asyncio.to_thread(self._check),)

    def _write(self, files: tuple[Document, ...]) -> Mapping[str, Any]:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            for file in files:
                _replace(self._folder / file.name, file.content)
            _sync(self._folder)  # the names are on the disk before the order counts as written
        except OSError as error:
            raise Unreached(_("{folder}: {strerror}", folder=self._folder, strerror=error.strerror or error)) from error
        return self._receipt(files)

    def _found(self, files: tuple[Document, ...]) -> Mapping[str, Any] | None:
        try:
            there = all((self._folder / file.name).read_bytes() == file.content for file in files)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise Unreached(_("{folder}: {strerror}", folder=self._folder, strerror=error.strerror or error)) from error
        return self._receipt(files) if there else None

    def _receipt(self, files: tuple[Document, ...]) -> Mapping[str, Any]:
        return {"channel": self.name, "files": [file.name for file in files], "folder": str(self._folder)}

    def _check(self) -> Check:
        """Nothing is made: the folder comes with the first order, where one may be made."""
        folder = self._folder.resolve()
        standing = next(path for path in (folder, *folder.parents) if path.exists())
        if standing.is_dir() and os.access(standing, os.W_OK | os.X_OK):
            return Check(_("orders"), "ok", verbatim(str(self._folder)))
        remedy = _("name a folder that you may write as orders.folder")
        return Check(_("orders"), "fail", _("{folder}: cannot be written", folder=self._folder), remedy)


def _documents(order: Order) -> tuple[Document, ...]:
    from bot.suppliers.document import documents  # noqa: PLC0415  # what draws a page loads with the first order

    return documents(order)


def _replace(path: Path, content: bytes) -> None:
    """Write under another name first: whoever looks sees the whole file or none."""
    unfinished = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        with unfinished.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
