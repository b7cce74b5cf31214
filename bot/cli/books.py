"""`stocktide audit`: what was decided, checked and exported."""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer

from bot.cli.common import counted, err, load_settings, opened, out, parse_instant, run_async, say
from bot.errors import StocktideError
from bot.services.audit import AuditVerdict, line

audit = typer.Typer(no_args_is_help=True, help="The audit log: check it, and hand it out.")

COLUMNS = ("id", "at", "member_id", "platform", "action", "subject", "data", "previous_hash", "hash")
_LEAST = 16  # signs of a hash that are enough to name an entry
_FAULTS = {
    "edited": "it was edited after it was written",
    "unchained": "it does not follow the one before; something was deleted, inserted or moved",
    "cut": "entries after it are missing",
    "rewritten": "its hash is not the one that was posted",
}


def register(app: typer.Typer) -> None:
    """Add the group to the root."""
    app.add_typer(audit, name="audit")


@audit.command("verify")
def verify(
    context: typer.Context,
    against: Annotated[
        str | None, typer.Option(metavar="HASH", help="A head that was posted: it must still be in the chain.")
    ] = None,
) -> None:
    """Walk the audit log's chain of hashes from its first entry to its last."""
    loaded = load_settings(context)
    wanted = _hash(against)

    async def work() -> AuditVerdict:
        async with opened(loaded) as application:
            return await application.services.audit.check(wanted)

    verdict = run_async(work)
    if verdict.fault == "absent":
        say(out, f"No entry of the audit log has the hash {wanted}: what was posted has been rewritten or cut off.")
    elif verdict.fault:
        say(out, f"The audit log is broken at entry {verdict.broken_at}: {_FAULTS[verdict.fault]}.")
    if verdict.fault:
        raise typer.Exit(1)
    say(out, f"The audit log is whole: {counted(verdict.entries, 'entry', 'entries')}, head {verdict.head}")
    if verdict.found is not None:
        say(
            out,
            f"The hash asked for is that of entry number {verdict.found:,}, {verdict.entries - verdict.found:,} ago.",
        )


@audit.command("export")
def export(
    context: typer.Context,
    since: Annotated[str | None, typer.Option(help="From this instant on, such as 2026-11-01T00:00Z.")] = None,
    until: Annotated[str | None, typer.Option(help="Until just before this instant.")] = None,
    form: Annotated[str, typer.Option("--format", help="jsonl or csv.")] = "jsonl",
    output: Annotated[Path | None, typer.Option(help="A new file; the standard output by default.")] = None,
) -> None:
    """Write the entries out, one per line; docs/audit.md tells how anybody checks them."""
    loaded = load_settings(context)
    if form not in {"jsonl", "csv"}:
        raise typer.BadParameter("choose jsonl or csv", param_hint="--format")
    span = parse_instant(since), parse_instant(until)

    async def work() -> int:
        async with opened(loaded) as application:
            with _opened(output) as file:
                put = putting(form, file)
                count = 0
                async for entry in application.services.audit.export(*span):
                    put(entry)
                    count += 1
            return count

    count = run_async(work)
    say(err, f"{counted(count, 'entry', 'entries')} exported{_span(*span)}. docs/audit.md tells how to check them.")


def _span(since: datetime | None, until: datetime | None) -> str:
    first = f" since {since:%Y-%m-%d %H:%M} UTC" if since else ""
    return first + (f" until {until:%Y-%m-%d %H:%M} UTC" if until else "")


def _hash(text: str | None) -> str | None:
    if text is None:
        return None
    plain = text.strip().lower()
    if not _LEAST <= len(plain) <= 64 or set(plain) - set("0123456789abcdef"):
        raise typer.BadParameter(
            f"a hash has 64 signs, 0-9 and a-f; {_LEAST} of them are enough", param_hint="--against"
        )
    return plain


@contextmanager
def _opened(path: Path | None) -> Iterator[TextIO]:
    """A new file, or the standard output; an export never takes the place of another file."""
    if path is None:
        yield sys.stdout
        return
    try:
        file = path.open("x", encoding="utf-8", newline="")
    except FileExistsError as error:
        raise StocktideError(f"{path} exists already; name a new file") from error
    except OSError as error:
        raise StocktideError(f"{path} cannot be written: {error.strerror}") from error
    with file:
        yield file


Put = Callable[[Mapping[str, Any]], None]


def putting(form: str, file: TextIO) -> Put:
    """What writes an entry into the file as csv or jsonl."""
    return _csv(file) if form == "csv" else _jsonl(file)


def _jsonl(file: TextIO) -> Put:
    def put(entry: Mapping[str, Any]) -> None:
        file.write(line(entry) + "\n")

    return put


def _csv(file: TextIO) -> Put:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)

    def put(entry: Mapping[str, Any]) -> None:
        row = {**entry, "data": line(entry["data"])}
        writer.writerow("" if row[name] is None else row[name] for name in COLUMNS)

    return put
