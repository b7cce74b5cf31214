"""What `stocktide check` prints of each part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bot.words import Words


@dataclass(frozen=True, slots=True)
class Check:
    """One line of `stocktide check`: `what` was tried, what was `found`, and what to do; said in a reader's language.

    `name`, `detail` and `remedy` are the same in English, for logs and programs.
    """

    what: Words
    verdict: Literal["ok", "warn", "fail"]
    found: Words
    do: Words | None = None

    @property
    def name(self) -> str:
        """What was tried."""
        return str(self.what)

    @property
    def detail(self) -> str:
        """What was found."""
        return str(self.found)

    @property
    def remedy(self) -> str:
        """What to do about it, empty for nothing."""
        return "" if self.do is None else str(self.do)
