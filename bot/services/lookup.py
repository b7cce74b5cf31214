"""Finds products and locations by what people type: a code, a name, part of a name, or nearly one of these."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from babel import Locale
from rapidfuzz import fuzz, process
from rapidfuzz.distance import DamerauLevenshtein

from bot.chat.arguments import Location, Sku
from bot.errors import SeveralSkus, UnknownLocation, UnknownSku
from bot.language import LANGUAGES
from bot.storage import lookup as rows
from bot.storage.database import Database
from bot.storage.lookup import Place, Stamp

NEAREST = 3  # offered for a name that matches nothing
BEST = 5  # offered where several match
MAX_QUERY = 120  # characters compared
CODE_PREFIX = 3  # fewer characters begin too many codes
CODE_FLOOR = 0.5  # similarity, 0 to 1, below which a code is no likely meaning
NAME_FLOOR = 60  # the same for names, 0 to 100


@dataclass(frozen=True, slots=True)
class _Index:
    """Everything by its names, folded to one case; positions count in `skus`."""

    stamp: Stamp
    skus: tuple[Sku, ...]
    by_code: Mapping[str, Sku]
    codes: tuple[str, ...]
    names: tuple[str, ...]
    locations: tuple[Location, ...]
    by_place: Mapping[str, Location]


class Lookup:
    """A Resolver on the database. It keeps an index in memory and makes it anew when products or places change."""

    def __init__(self, *, database: Database) -> None:
        self._database = database
        self._index: _Index | None = None

    async def sku(self, text: str) -> Sku:
        """The product meant; SeveralSkus where several match alike, UnknownSku with the three nearest otherwise."""
        index = await self._fresh()
        query = " ".join(text.split())[:MAX_QUERY].casefold()
        exact = index.by_code.get(query)
        if exact is not None:
            return exact
        same = [position for position, name in enumerate(index.names) if name == query]
        found = same or _partly(index, query)
        if len(found) == 1:
            return index.skus[found[0]]
        if found:
            best = _ranked(index, query, found)[:BEST]
            raise SeveralSkus(text[:MAX_QUERY], [_pair(index.skus[position]) for position in best], len(found))
        nearest = _nearest(index, query)
        raise UnknownSku(text[:MAX_QUERY], [_pair(index.skus[position]) for position in nearest])

    async def location(self, text: str) -> Location:
        """The location meant: its code, its name, or its country in English or Chinese; UnknownLocation otherwise."""
        index = await self._fresh()
        query = " ".join(text.split())[:MAX_QUERY].casefold()
        found = index.by_place.get(query)
        if found is not None:
            return found
        near = sorted(
            index.locations,
            key=lambda place: -max(fuzz.ratio(query, place.code.casefold()), fuzz.WRatio(query, place.name.casefold())),
        )
        raise UnknownLocation(text[:MAX_QUERY], [(place.code, place.name) for place in near])

    async def _fresh(self) -> _Index:
        async with self._database.reading() as connection:
            stamp = await rows.stamp(connection)
            if self._index is None or self._index.stamp != stamp:
                self._index = _built(stamp, await rows.products(connection), await rows.places(connection))
            return self._index


def _built(stamp: Stamp, products: Sequence[tuple[int, str, str]], places: Sequence[Place]) -> _Index:
    skus = tuple(Sku(*product) for product in products)
    codes = tuple(sku.code.casefold() for sku in skus)
    return _Index(
        stamp,
        skus,
        dict(zip(codes, skus, strict=True)),
        codes,
        tuple(" ".join(sku.name.split()).casefold() for sku in skus),
        tuple(Location(place.id, place.code, place.name) for place in places),
        _place_names(places),
    )


def _place_names(places: Sequence[Place]) -> dict[str, Location]:
    """Every name of a place that no other place bears; codes win over names, names over countries."""
    ranks: list[list[tuple[str, Place]]] = [[], [], []]
    for place in places:
        ranks[0].append((place.code, place))
        ranks[1] += [(place.name, place), *((market, place) for market in place.markets if market != "*")]
        ranks[2] += [(name, place) for name in _countries(place.country)]
    names: dict[str, Location] = {}
    for rank in ranks:
        owners: dict[str, set[int]] = {}
        for name, place in rank:
            owners.setdefault(name.casefold(), set()).add(place.id)
        for name, place in rank:
            key = name.casefold()
            if key and len(owners[key]) == 1:
                names.setdefault(key, Location(place.id, place.code, place.name))
    return names


def _countries(code: str) -> list[str]:
    names = [Locale.parse(language).territories.get(code.upper(), "") for language in LANGUAGES]
    return [code, *names] if code else []


def _partly(index: _Index, query: str) -> list[int]:
    """Products whose code begins with the query, or whose name holds all of its words."""
    words = query.split()
    if not words:
        return []
    begun = len(query) >= CODE_PREFIX and " " not in query
    return [
        position
        for position, (code, name) in enumerate(zip(index.codes, index.names, strict=True))
        if (begun and code.startswith(query)) or all(word in name for word in words)
    ]


def _ranked(index: _Index, query: str, found: Sequence[int]) -> list[int]:
    """The likeliest first: whole words before parts of words, then the closest name, then the shortest."""
    words = query.split()

    def rank(position: int) -> tuple[bool, float, int]:
        name = index.names[position]
        whole = set(words) <= set(name.split()) or index.codes[position].startswith(query)
        return not whole, -fuzz.ratio(query, name), len(name)

    return sorted(found, key=rank)


def _nearest(index: _Index, query: str) -> list[int]:
    """The closest by code or by name, best first. A code is one slip of a finger away, a name has words in common."""
    scores: dict[int, float] = {}
    by_code = process.extract(
        query, index.codes, scorer=DamerauLevenshtein.normalized_similarity, limit=NEAREST, score_cutoff=CODE_FLOOR
    )
    by_name = process.extract(query, index.names, scorer=fuzz.WRatio, limit=NEAREST, score_cutoff=NAME_FLOOR)
    for _text, score, position in by_code:
        scores[position] = score * 100
    for _text, score, position in by_name:
        scores[position] = max(scores.get(position, 0), score)
    best = sorted(scores, key=lambda position: (-scores[position], index.codes[position]))[:NEAREST]
    if len(best) < NEAREST and index.codes:
        # Nothing is close: still offer the least far, so that a person sees what codes look like.
        spare = process.extract(query, index.codes, scorer=fuzz.WRatio, limit=NEAREST * 2)
        best += [position for _text, _score, position in spare if position not in best][: NEAREST - len(best)]
    return best


def _pair(sku: Sku) -> tuple[str, str]:
    return sku.code, sku.name
