"""Finding the location that a file means."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from bot.errors import Fault, FileRefused
from bot.services.ingest.values import Bad, text
from bot.storage.facts import Place

ELSEWHERE = "*"  # the market of the location that takes every market nobody else names


class Places:
    """Locations by code, name and market; `find` gives a place's number in `all`."""

    def __init__(self, known: Sequence[Place], chosen: str | None) -> None:
        if not known:
            raise FileRefused(Fault("locations", "there is none yet", "run `stocktide import locations FILE` first"))
        self.all = tuple(known)
        self.zones = tuple(ZoneInfo(place.zone) for place in known)
        self._numbers: dict[str, int] = {}
        for words in (lambda p: p.markets, lambda p: (p.name,), lambda p: (p.code,)):  # the code wins
            self._numbers.update({_fold(word): number for number, place in enumerate(known) for word in words(place)})
        self.default = self._default(chosen)

    def find(self, cell: object) -> int | Bad:
        """The location of a market; an unknown one goes to the location for everything else, if there is one."""
        word = _fold(text(cell))
        number = self._numbers.get(word) if word != ELSEWHERE else None
        if number is not None:
            return number
        return self._unknown(word) if self.default is None else self.default

    def find_named(self, cell: object) -> int | Bad:
        """The location of that very name; an empty cell means the default one."""
        word = _fold(text(cell))
        if not word and self.default is not None:
            return self.default
        return self._numbers.get(word, self._unknown(word))

    def require_default(self, where: str, field: str) -> int:
        """The location for rows that name none; FileRefused where there is no telling."""
        if self.default is None:
            codes = ", ".join(place.code for place in self.all)
            problem = f"no column for {field}, and there are several locations"
            raise FileRefused(Fault(where, problem, f"write --location CODE (of {codes}) or --map {field}=HEADER"))
        return self.default

    def _default(self, chosen: str | None) -> int | None:
        if chosen is not None:
            number = self._numbers.get(_fold(chosen))
            if number is None:
                codes = ", ".join(place.code for place in self.all)
                raise FileRefused(Fault(f"--location {chosen}", "no such location", f"write one of {codes}"))
            return number
        return self._numbers.get(ELSEWHERE, 0 if len(self.all) == 1 else None)

    def _unknown(self, word: str) -> Bad:
        if not word:
            return Bad("missing")
        return Bad(f"unknown location; known are {', '.join(place.code for place in self.all)}")


def _fold(word: str) -> str:
    return word.strip().casefold()
