"""The child process that parses a file nobody vouches for: run as a script, it limits itself, then prints JSON lines.

Each row is `[number, [cells]]`; a text alone is the last word: "end", or what went wrong.
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any


def limit(memory: int, seconds: int) -> None:
    """Take away what a trap would need; systems without rlimits still have the checks of the parent."""
    try:
        import resource  # noqa: PLC0415  # absent on Windows
    except ImportError:
        return
    for kind, most in ((resource.RLIMIT_AS, memory), (resource.RLIMIT_CPU, seconds), (resource.RLIMIT_FSIZE, 0)):
        try:
            resource.setrlimit(kind, (most, most))
        except (ValueError, OSError):  # a system may refuse one of them
            continue


def text_rows(path: str, encoding: str, delimiter: str, most_rows: int, most_columns: int) -> Iterator[tuple[int, Any]]:
    """The rows of a text table with the lines they begin on; ValueError says what is wrong with it."""
    with open(path, encoding=encoding, newline="") as file:  # noqa: PTH123  # nothing more than is needed is loaded
        reader = csv.reader(file, delimiter=delimiter)
        begins = 1
        try:
            for count, cells in enumerate(reader):
                number, begins = begins, reader.line_num + 1
                if count > most_rows:
                    raise ValueError(f"it has more than {most_rows} rows")
                if len(cells) > most_columns:
                    raise ValueError(f"it has more than {most_columns} columns")
                yield number, cells
        except csv.Error as error:
            raise ValueError(f"line {reader.line_num} cannot be cut into cells ({error})") from error
        except UnicodeError as error:
            raise ValueError(f"after line {reader.line_num} it is not {encoding} text") from error


def book_rows(path: str, sheet: str | None, most_rows: int, most_columns: int) -> Iterator[tuple[int, list[Any]]]:
    """The rows that hold anything, with their numbers; ValueError says what is wrong with the workbook."""
    import openpyxl  # noqa: PLC0415  # after the limits are set
    from openpyxl import DEFUSEDXML  # noqa: PLC0415  # as above

    if not DEFUSEDXML:
        raise ValueError("defusedxml is not installed")
    book = openpyxl.load_workbook(path, read_only=True, data_only=True, keep_links=False)
    names = [found.title for found in book.worksheets]
    if not names:
        raise ValueError("it has no worksheet")
    if sheet is not None and sheet not in names:
        raise ValueError(f"it has no sheet {sheet!r}, but {', '.join(names)}")
    chosen = book[sheet] if sheet is not None else book.worksheets[0]
    chosen.reset_dimensions()  # the stated size may be a lie
    # One more of each than allowed, so that too much is noticed.
    found = chosen.iter_rows(max_row=most_rows + 2, max_col=most_columns + 1, values_only=True)
    for number, cells in enumerate(found, 1):
        if number > most_rows + 1:
            raise ValueError(f"it has more than {most_rows} rows")
        width = max((place for place, cell in enumerate(cells, 1) if cell is not None), default=0)
        if width > most_columns:
            raise ValueError(f"it has more than {most_columns} columns")
        if width or number == 1:
            yield number, list(cells[:width])


def plain(value: object) -> object:
    """What JSON has no form for: instants and days as tagged text, the rest as text."""
    if isinstance(value, datetime):
        return {"moment": value.isoformat()}
    if isinstance(value, date):
        return {"day": value.isoformat()}
    if isinstance(value, time | timedelta):
        return str(value)
    return str(value)


def main() -> None:
    """Read the wishes from standard input, print the rows."""
    wishes = json.load(sys.stdin)
    limit(wishes["memory"], wishes["seconds"])
    out = sys.stdout
    try:
        most = (wishes["rows"], wishes["columns"])
        if "delimiter" in wishes:
            found = text_rows(wishes["path"], wishes["encoding"], wishes["delimiter"], *most)
        else:
            sys.path.extend(wishes["packages"])
            found = book_rows(wishes["path"], wishes["sheet"], *most)
        for row in found:
            out.write(json.dumps(row, default=plain) + "\n")
        last = "end"
    except MemoryError:
        last = "it needs more memory than is allowed"
    except ValueError as error:
        last = str(error) or "it is damaged"
    except Exception as error:  # noqa: BLE001  # whatever a hostile file provokes is told to the parent
        last = f"it is damaged ({type(error).__name__})"
    out.write(json.dumps(last) + "\n")


if __name__ == "__main__":
    main()
