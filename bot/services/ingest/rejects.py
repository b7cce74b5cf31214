"""The rows that were not taken, in a file beside the import: line, field, reason, and the row as it was."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from bot.domain.cells import harmless
from bot.errors import Fault, FileRefused


class Rejects:
    """Writes the rejects file when the first bad row comes; without one, an older file of that name is removed."""

    def __init__(self, path: Path, headers: Sequence[str]) -> None:
        self.path = path
        self.count = 0
        self._headers = headers
        self._open = ExitStack()
        self._writer: Any = None
        path.unlink(missing_ok=True)

    def add(self, line: int, field: str, reason: str, row: Sequence[object]) -> None:
        """Note a bad row; FileRefused where the file cannot be written."""
        if self._writer is None:
            try:
                # With its mark, so that spreadsheets read it as UTF-8.
                file = self._open.enter_context(self.path.open("w", encoding="utf-8-sig", newline=""))
            except OSError as error:
                fault = Fault(
                    str(self.path), f"cannot be written: {error.strerror}", "name another place with --rejects"
                )
                raise FileRefused(fault) from error
            self._writer = csv.writer(file)
            self._writer.writerow(["line", "field", "reason", *map(harmless, self._headers)])
        self._writer.writerow([line, field, reason, *("" if cell is None else harmless(cell) for cell in row)])
        self.count += 1

    def close(self) -> None:
        """Finish the file."""
        self._open.close()
