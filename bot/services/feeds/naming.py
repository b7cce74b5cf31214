"""Which product a store's variant is: the one of the same SKU, or one that a person is asked about."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from rapidfuzz import fuzz, process, utils

from bot.services.ingest import values
from bot.services.ingest.values import Bad

LIKE = 90  # of 100: how alike a code or a name must be for a person to be asked, not a new product made

_SEPARATORS = re.compile(r"[\W_]+")
_DIGITS = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Named:
    """What a variant's own SKU and name come to: a SKU of ours, the suggestion of one (`score` below 100), or neither.

    `problem` says why it can be no product at all.
    """

    sku: str
    suggested: str = ""
    score: int = 0
    problem: str = ""


class Names:
    """The catalogue as a store's names are looked up in it: SKU -> name, and which of them the store sells already."""

    def __init__(self, known: Mapping[str, str], sold: Collection[str]) -> None:
        self._known = known
        # A sibling of what the store sells is another product, however alike the two are.
        self._free = {sku: name for sku, name in known.items() if sku not in sold}
        self._bare: dict[str, str] = {}
        for sku in self._free:
            self._bare.setdefault(bare(sku), sku)
        self._siblings: dict[tuple[str, ...], list[str]] = {}
        for sku in self._free:
            self._siblings.setdefault(_digits(sku), []).append(sku)
        self._told = {sku: _tokens(name) for sku, name in self._free.items()}  # once, not for each name that is sought

    def find(self, sku: str, name: str) -> Named:
        """A SKU is the same when it is written the same but for case and width; anything less is for a person to say.

        A code that differs in separators alone scores 100; else what `rapidfuzz` says of codes (ratio) and names
        (token_sort_ratio), both 0 to 100. What resembles nothing is new.
        """
        code = values.sku(sku)
        if isinstance(code, Bad):
            return Named("", problem=f"the SKU is {code.reason}")
        if code in self._known:
            return Named(code)
        if (same := self._bare.get(bare(code))) is not None:
            return Named(code, same, 100)
        best = max(self._alike(code, name), key=lambda found: found[1], default=("", 0))
        return Named(code, *best) if best[1] >= LIKE else Named(code)

    def _alike(self, code: str, name: str) -> Iterable[tuple[str, int]]:
        siblings = self._siblings.get(_digits(code), ())  # another number is another product
        found = process.extractOne(code, siblings, scorer=fuzz.ratio, score_cutoff=LIKE)
        if found is not None:
            yield found[0], min(round(found[1]), 99)
        if told := _tokens(name):
            named = process.extractOne(told, self._told, scorer=fuzz.ratio, score_cutoff=LIKE)
            if named is not None:
                yield str(named[2]), min(round(named[1]), 99)


def _digits(code: str) -> tuple[str, ...]:
    return tuple(_DIGITS.findall(code))


def _tokens(name: str) -> str:
    """A name as `rapidfuzz.fuzz.token_sort_ratio` compares it, with `default_process`."""
    return " ".join(sorted(utils.default_process(name).split()))


def bare(sku: str) -> str:
    """The code without what parts it: `AB-12 c` and `ab12C` are written alike."""
    return _SEPARATORS.sub("", sku).casefold()
