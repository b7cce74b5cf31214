"""Queries of the settings: one that reads, and nothing after it."""

from __future__ import annotations

import re

from sqlalchemy import TextClause, text

from bot.errors import Declined
from bot.words import _

SINCE, AFTER = "since", "stocktide_after"
_ROWS = "stocktide_rows"
_READS = ("select", "with")
# What hides a semicolon: comments, texts in quotes of each kind, and PostgreSQL's texts between dollars.
_HIDDEN = re.compile(
    r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|`[^`]*`|(\$\w*\$).*?\1",
    re.DOTALL,
)


def plain(name: str, written: str) -> str:
    """A query without its last semicolon; Declined for anything but one SELECT (or WITH ... SELECT)."""
    bare = _HIDDEN.sub(" ", written).strip()
    if not bare.lower().startswith(_READS):
        raise Declined(_("options.{name}: a query begins with SELECT or WITH", name=name))
    if ";" in bare.rstrip("; \t\r\n"):
        raise Declined(_("options.{name}: it is more than one statement", name=name))
    # Everything after the last semicolon is comments and blanks; the query ends before it.
    query = written
    while ";" in _HIDDEN.sub(lambda found: " " * len(found[0]), query):
        query = query[: _HIDDEN.sub(lambda found: " " * len(found[0]), query).rindex(";")]
    return query


def columns_of(name: str, query: str) -> TextClause:
    """A statement that gives no rows, and the query's columns."""
    return _bound(name, f"SELECT * FROM (\n{query}\n) {_ROWS} WHERE 1 = 0")  # noqa: S608  # the seller's own, checked


def distinct_of(name: str, query: str, column: str) -> TextClause:
    """A statement that gives each value of a column (quoted) once."""
    written = f"SELECT DISTINCT {column} FROM (\n{query}\n) {_ROWS} ORDER BY {column}"  # noqa: S608  # as above
    return _bound(name, written)


def rows_of(name: str, query: str, keys: tuple[str, ...], *, after: bool) -> TextClause:
    """A statement that gives the query's rows by its keys (quoted columns); those behind a first key where `after`.

    Inside brackets a statement that writes is no statement at all, in any database.
    """
    first = keys[0]
    where = f" WHERE {first} > :{AFTER} OR {first} IS NULL" if after else ""
    written = f"SELECT * FROM (\n{query}\n) {_ROWS}{where} ORDER BY {', '.join(keys)}"  # noqa: S608  # as above
    return _bound(name, written)


def _bound(name: str, written: str) -> TextClause:
    statement = text(written)
    unknown = sorted(set(statement._bindparams) - {SINCE, AFTER})  # noqa: SLF001  # there is no other way to ask
    if unknown:
        raise Declined(
            _("options.{name}: only :since is filled in, not :{unknown}", name=name, unknown=", :".join(unknown))
        )
    return statement


def takes(statement: TextClause, parameter: str) -> bool:
    """Whether a statement has a parameter to be filled in."""
    return parameter in statement._bindparams  # noqa: SLF001  # as above
