"""Files that members send in a chat, as cards show them."""

from __future__ import annotations

from dataclasses import dataclass

LIFE_HOURS = 24  # that a file waits to be imported after it was sent


@dataclass(frozen=True, slots=True)
class ReadColumn:
    """A column of a file: its header, the field it is read as (empty: nothing), and the first cells as text."""

    header: str
    field: str
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UploadView:
    """What an import would make of a file. Nothing is written yet.

    `kind` is what it looks like or was said to be, `others` what it could be besides; `missing` the fields without
    which it cannot be imported. `encoding` is empty where the format has none, and not `sure` where it was guessed.
    """

    id: int
    name: str
    kind: str
    others: tuple[str, ...]
    format: str
    encoding: str
    sure: bool
    rows: int
    columns: tuple[ReadColumn, ...]
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UploadReport:
    """What an import did, in rows of the file; `by` is the member who sent and imported it."""

    id: int
    name: str
    kind: str
    by: str
    rows: int
    added: int
    updated: int
    unchanged: int
    rejected: int
