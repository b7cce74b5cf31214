"""CSV and TSV, streamed. A cell is text: a formula stays the characters it is written with."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol, TextIO

from bot.errors import Fault, FileRefused
from bot.stores.files.encoding import guess_encoding
from bot.stores.files.table import Batch, Table

_DELIMITERS = (",", "\t", ";", "|")
_LOOK = 64 * 1024
_NAMES = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|"}


class _Reader(Protocol):
    """What `csv.reader` gives; the standard library has no name for it."""

    line_num: int

    def __iter__(self) -> Iterator[list[str]]: ...


def open_delimited(path: Path, encoding: str | None = None, delimiter: str | None = None) -> Table:
    """Open a text table; what is not given is guessed. FileRefused when it is no text, or has no header line."""
    guessed = guess_encoding(path)
    codec = encoding or guessed.encoding
    head = _head(path, codec)
    mark = _NAMES.get(delimiter.lower(), delimiter) if delimiter else sniff(head)
    if len(mark) != 1:
        raise FileRefused(Fault("--delimiter", f"{delimiter!r} is not one character", "write ',' ';' '|' or 'tab'"))
    headers = next(csv.reader(head.splitlines(keepends=True), delimiter=mark), [])
    if not any(cell.strip() for cell in headers):
        raise FileRefused(Fault(f"{path.name}:1", "has no header line", "the first line must name the columns"))
    names = tuple(cell.strip() for cell in headers)
    return Table(
        format="TSV" if mark == "\t" else "CSV",
        headers=names,
        batches=lambda size: _batches(path, codec, mark, size),
        encoding=codec,
        encoding_sure=bool(encoding) or guessed.sure,
        delimiter=mark,
        lines=_count_lines(path),
    )


def sniff(head: str) -> str:
    """The delimiter that cuts the first lines into the same number of cells, more than one; a comma at a loss."""
    best, most = ",", 0.0
    for mark in _DELIMITERS:
        rows = [row for row in csv.reader(head.splitlines(keepends=True)[:50], delimiter=mark) if row]
        if not rows:
            continue
        width = len(rows[0])
        # The last line of the piece may be cut short, so it does not vote.
        alike = sum(len(row) == width for row in rows[:-1] or rows) / max(len(rows) - 1, 1)
        if width > 1 and alike * min(width, 5) > most:
            best, most = mark, alike * min(width, 5)
    return best


def _text(path: Path, codec: str) -> TextIO:
    try:
        return path.open(encoding=codec, newline="")
    except LookupError as error:
        fault = Fault("--encoding", f"{codec!r} is not known", "write utf-8, utf-16, gb18030, shift_jis or cp1252")
        raise FileRefused(fault, "encoding") from error


def _head(path: Path, codec: str) -> str:
    try:
        with _text(path, codec) as file:
            head = file.read(_LOOK)
    except UnicodeError as error:
        raise FileRefused(_undecodable(path.name, codec), "encoding") from error
    if any(letter < " " and letter not in "\t\r\n\f" for letter in head):
        raise FileRefused(Fault(path.name, "is not a text table", "give a CSV, TSV, XLSX or Parquet file"))
    return head


def _undecodable(where: str, codec: str) -> Fault:
    return Fault(where, f"is not {codec} text", "name its encoding with --encoding, such as gb18030 or shift_jis")


def _count_lines(path: Path) -> int:
    lines = 0
    with path.open("rb") as file:
        while piece := file.read(2**20):
            lines += piece.count(b"\n")
    return lines


def _batches(path: Path, codec: str, mark: str, size: int) -> Iterator[Batch]:
    with _text(path, codec) as file:
        reader = csv.reader(file, delimiter=mark)
        try:
            width = len(next(reader, []))
            yield from cut(numbered(reader), width, size)
        except UnicodeError as error:
            raise FileRefused(_undecodable(f"{path.name}, after line {reader.line_num}", codec), "encoding") from error
        except csv.Error as error:
            fault = Fault(
                f"{path.name}:{reader.line_num}",
                f"cannot be cut into cells: {error}",
                "look for a quotation mark that is never closed; the lines before it are in",
            )
            raise FileRefused(fault) from error


def numbered(reader: _Reader) -> Iterator[tuple[int, list[str]]]:
    """Rows with the lines they begin on."""
    begins = reader.line_num + 1
    for row in reader:
        yield begins, row
        begins = reader.line_num + 1


def cut(rows: Iterable[tuple[int, list[str]]], width: int, size: int) -> Iterator[Batch]:
    """Numbered rows in batches, each row as wide as the headers; empty ones are left out."""
    lines: list[int] = []
    kept: list[list[str]] = []
    odd: dict[int, str] = {}
    for line, row in rows:
        if len(row) != width:
            if not any(row):
                continue
            if len(row) > width:
                odd[len(kept)] = f"has {len(row)} cells under {width} headers"
            row = [*row[:width], *[""] * (width - len(row))]  # noqa: PLW2901  # a short row's missing cells are empty
        lines.append(line)
        kept.append(row)
        if len(kept) == size:
            yield _turned(lines, kept, odd)
            lines, kept, odd = [], [], {}
    if kept:
        yield _turned(lines, kept, odd)


def _turned(lines: list[int], rows: list[list[str]], odd: dict[int, str]) -> Batch:
    return Batch(lines, [list(column) for column in zip(*rows, strict=True)], odd)
