"""What a database tells: products, stock, sales and purchase orders, each by a query of the settings."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import TextClause, make_url
from sqlalchemy.exc import ArgumentError

from bot.errors import Declined, OutsideError
from bot.ports import Check, Fact, FactKind, Fault, Page, StoreFeed, StorePlace
from bot.settings import StorePart
from bot.stores.sql import statement as statements
from bot.stores.sql.columns import PLACE_COLUMNS, PLACES, SHAPES, Shape
from bot.stores.sql.cursor import Cursor
from bot.stores.sql.facts import MAKERS
from bot.stores.sql.reading import Row, Terms, Unreadable, ident, text
from bot.stores.sql.source import Limits, Source
from bot.words import Words, _

PAGE = 1_000  # rows of a page, or as many more as belong to the last of them
_MOST_ROWS, _MOST_SECONDS = 1_000_000, 300.0
_KNOWN = {*SHAPES, PLACES, "zone", "times", "currency", "place", "rows", "seconds"}


def feed_sql(name: str, part: StorePart) -> StoreFeed:
    """The database of the settings' part, under its name there."""
    return SqlFeed(name, part)


@dataclass(frozen=True, slots=True)
class _Query:
    """A query as it is read: its columns as the database names them, by their names in lower case."""

    name: str
    written: str
    columns: dict[str, str]

    @property
    def shape(self) -> Shape:
        """What it is to give."""
        return SHAPES[self.name]

    @property
    def keys(self) -> tuple[str, ...]:
        """By what its rows are ordered; the first one groups them."""
        return tuple(key for key in self.shape.keys if key in self.columns)


class SqlFeed:
    """Reads one database. What is wrong with the settings is told when it is tried or read, and stops nothing else."""

    def __init__(self, name: str, part: StorePart, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.name = name
        self.kinds: tuple[FactKind, ...] = tuple(SHAPES[query].kind for query in SHAPES if query in part.options)
        self._part = part
        self._now = now

    async def close(self) -> None:
        """Nothing is held between readings."""

    async def places(self) -> tuple[StorePlace, ...]:
        """What the query `places` gives; without one the places of `stock`, and the one of the options."""
        terms = Terms.of(self._part)
        source = self._source()
        if PLACES in self._part.options:
            return await self._named_places(source, terms)
        found = [terms.place]
        if "stock" in self._part.options:
            query = await self._query(source, terms, "stock")
            if "place" in query.columns:
                (column,) = await source.quoted([query.columns["place"]])
                statement = statements.distinct_of("stock", query.written, column)
                found = [text(row, "place") or terms.place for row in await self._all(source, statement, terms)]
        return tuple(StorePlace(place, place) for place in dict.fromkeys(found))

    async def check(self) -> tuple[Check, ...]:
        """Try the address, and whether each query can be asked and gives the columns that it is to."""
        remedy = _("look at [stores.connected.{name}]: url, user, secret, private and options", name=self.name)
        if not self.kinds:
            said = _("no query is named; options takes {shapes}", shapes=", ".join(SHAPES))
            return (Check(_("store {name}", name=self.name), "fail", said, remedy),)
        found = [await self._tried(query, remedy) for query in SHAPES if query in self._part.options]
        if PLACES in self._part.options:
            found.append(await self._tried_places(remedy))
        unknown = sorted(set(self._part.options) - _KNOWN)
        if unknown:
            said = _("options takes no {unknown}", unknown=", ".join(unknown))
            found.append(Check(_("store {name}", name=self.name), "warn", said, remedy))
        return tuple(found)

    async def read(self, kind: FactKind, cursor: str = "") -> AsyncIterator[Page]:
        """The facts of a kind; see `StoreFeed.read`. Pages end where a key ends, and go on behind it."""
        terms, source = Terms.of(self._part), self._source()
        name = next(query for query, shape in SHAPES.items() if shape.kind == kind)
        at = Cursor.of(cursor).begin(self._now())
        query = await self._query(source, terms, name)
        keys = await source.quoted([query.columns[key] for key in query.keys])
        statement = statements.rows_of(name, query.written, keys, after=at.after is not None)
        values = self._values(terms, at.since) | ({statements.AFTER: at.after} if at.after is not None else {})
        values = {each: value for each, value in values.items() if statements.takes(statement, each)}
        pending: list[Row] = []
        async with contextlib.aclosing(source.rows(statement, values)) as batches:
            async for batch in batches:
                pending += batch
                if len(pending) < PAGE:
                    continue
                page, pending = _cut(pending, query.keys[0])
                if page:
                    yield _page(query, page, terms, at, at.behind(page[-1][query.keys[0]]))
        yield _page(query, pending, terms, at, at.ended(), until=at.begun)

    async def _tried(self, name: str, remedy: Words) -> Check:
        where = _("store {name}: {query}", name=self.name, query=name)
        try:
            query = await self._query(self._source(), Terms.of(self._part), name)
        except OutsideError as error:
            return Check(where, "fail", error.said, remedy)
        shape = query.shape
        if "currency" not in (*query.columns, *self._part.options) and {"amount", "price"} & {*query.columns}:
            said = _("no currency: name a column currency, or set options.currency")
            return Check(where, "fail", said, remedy)
        if unknown := shape.unknown(tuple(query.columns)):
            return Check(
                where,
                "warn",
                _("nobody looks at the columns {unknown}", unknown=", ".join(unknown)),
                _("it takes {takes}", takes=_takes(shape)),
            )
        return Check(where, "ok", _("gives {columns}", columns=", ".join(query.columns)))

    async def _tried_places(self, remedy: Words) -> Check:
        where = _("store {name}: {query}", name=self.name, query=PLACES)
        try:
            places = await self.places()
        except OutsideError as error:
            return Check(where, "fail", error.said, remedy)
        return Check(where, "ok", _("gives {places}", places=", ".join(place.id for place in places)))

    async def _query(self, source: Source, terms: Terms, name: str) -> _Query:
        """A query with its columns; Declined where some are missing."""
        written = statements.plain(name, self._part.options[name])
        statement = statements.columns_of(name, written)
        values = self._values(terms, None) if statements.takes(statement, statements.SINCE) else {}
        given = await source.columns(statement, values)
        columns = {column.lower(): column for column in given}
        if len(columns) < len(given):
            raise Declined(_("options.{name}: two of its columns have one name", name=name))
        if missing := SHAPES[name].missing(tuple(columns)):
            raise Declined(
                _(
                    "options.{name}: it gives no column {missing}, but {columns}; it takes {takes}",
                    name=name,
                    missing=", ".join(missing),
                    columns=", ".join(columns),
                    takes=_takes(SHAPES[name]),
                )
            )
        return _Query(name, written, columns)

    async def _named_places(self, source: Source, terms: Terms) -> tuple[StorePlace, ...]:
        written = statements.plain(PLACES, self._part.options[PLACES])
        columns = await source.columns(statements.columns_of(PLACES, written), {})
        found = {column.lower(): column for column in columns}
        if "id" not in found:
            raise Declined(
                _(
                    "options.{places}: it gives no column id; it takes {columns}",
                    places=PLACES,
                    columns=", ".join(PLACE_COLUMNS),
                )
            )
        keys = await source.quoted([found["id"]])
        rows = await self._all(source, statements.rows_of(PLACES, written, keys, after=False), terms)
        try:
            return tuple(
                StorePlace(ident(row, "id"), text(row, "name") or ident(row, "id"), text(row, "country").upper())
                for row in rows
            )
        except Unreadable as problem:
            raise Declined(_("options.{places}: {problem}", places=PLACES, problem=problem.said)) from None

    async def _all(self, source: Source, statement: TextClause, terms: Terms) -> list[Row]:
        values = self._values(terms, None) if statements.takes(statement, statements.SINCE) else {}
        async with contextlib.aclosing(source.rows(statement, values)) as batches:
            return [row async for batch in batches for row in batch]

    def _values(self, terms: Terms, since: datetime | None) -> dict[str, object]:
        return {statements.SINCE: terms.since(since, self._dialect())}

    def _dialect(self) -> str:
        try:
            return make_url(self._part.url).get_backend_name()
        except ArgumentError:  # the address is refused, and said why, where it is called
            return ""

    def _source(self) -> Source:
        options = self._part.options
        try:
            limits = Limits(int(options.get("rows", _MOST_ROWS)), float(options.get("seconds", _MOST_SECONDS)))
        except ValueError:
            raise Declined(_("options.rows and options.seconds are numbers")) from None
        return Source(self._part, limits, options.get("zone", "UTC"))


def _cut(rows: list[Row], key: str) -> tuple[list[Row], list[Row]]:
    """Whole groups, and the last one, of which more may come. Rows without a key belong to no group."""
    last = rows[-1][key]
    if last is None:
        return rows, []
    split = len(rows)
    while split and rows[split - 1][key] == last:
        split -= 1
    return rows[:split], rows[split:]


def _page(
    query: _Query, rows: Sequence[Row], terms: Terms, at: Cursor, following: Cursor, until: datetime | None = None
) -> Page:
    facts: list[Fact] = []
    faults: list[Fault] = []
    assert at.begun is not None  # noqa: S101  # a reading that goes on has begun
    for told in MAKERS[query.name](rows, terms, at.begun):
        if isinstance(told, Fault):
            faults.append(told)
        else:
            facts.append(told)
    return Page(query.shape.kind, tuple(facts), str(following), tuple(faults), until)


def _takes(shape: Shape) -> str:
    return f"{', '.join(shape.needed)} and may give {', '.join(shape.allowed)}"
