"""Discounts of the store beside its prices: codes, and what comes off in the basket; each with an end."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any


class DealRefusal(Exception):
    """Why a discount is not made or not found; `error` is one word for machines."""

    def __init__(self, status: int, error: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.error = error


@dataclass(slots=True)
class Deal:
    """A share off some products until an instant; `key` is empty where a person made it in the store itself."""

    key: str
    skus: tuple[str, ...]
    share: Decimal
    code: str
    starts_at: datetime
    ends_at: datetime
    name: str
    used: int = 0

    @classmethod
    def of(cls, key: str, told: Mapping[str, Any]) -> Deal:
        """Of its plain JSON."""
        return cls(
            key=key,
            skus=tuple(told["skus"]),
            share=Decimal(told["share"]),
            code=told["code"],
            starts_at=datetime.fromisoformat(told["starts_at"]),
            ends_at=datetime.fromisoformat(told["ends_at"]),
            name=told["name"],
        )

    def asked(self) -> dict[str, Any]:
        """What was asked for, as plain JSON."""
        return {
            "skus": list(self.skus),
            "share": f"{self.share:f}",
            "code": self.code,
            "starts_at": self.starts_at.isoformat(),
            "ends_at": self.ends_at.isoformat(),
            "name": self.name,
        }

    def told(self) -> dict[str, Any]:
        """As the API answers it."""
        return {"id": f"deal:{self.key or self.code}", **self.asked(), "used": self.used}


class Deals:
    """The discounts that stand, in the order they were made. `write` gets a line of each change for the record."""

    def __init__(self, sold: Callable[[str], object], write: Callable[[str], None]) -> None:
        self.standing: list[Deal] = []
        self._sold = sold
        self._write = write

    def grant(self, deal: Deal) -> Deal:
        """Make one, once per key; DealRefusal where the key means another one or the code is there already."""
        before = self._under(deal.key)
        if before is not None:
            if before.asked() != deal.asked():
                raise DealRefusal(409, "key_reused", "another call came with this key")
            return before
        for sku in deal.skus:
            self._sold(sku)
        if deal.ends_at <= deal.starts_at:
            raise DealRefusal(422, "no_time", "it ends before it starts")
        if deal.code and self.bearing(deal.code):
            raise DealRefusal(409, "code_taken", f"this store has the code {deal.code} already")
        return self.make(deal)

    def make(self, deal: Deal) -> Deal:
        """Put one there, whoever made it."""
        self._write(json.dumps({"deal": deal.key, **deal.asked()}, ensure_ascii=False))
        self.standing.append(deal)
        return deal

    def granted(self, key: str) -> Deal:
        """What stands under a key; DealRefusal where nothing does."""
        found = self._under(key)
        if found is None:
            raise DealRefusal(404, "unknown_key", "no discount stands under this key")
        return found

    def withdraw(self, key: str) -> Deal:
        """Take away what stands under a key; DealRefusal where nothing does."""
        found = self.granted(key)
        self._write(json.dumps({"withdrawn": key}))
        self.standing.remove(found)
        return found

    def bearing(self, code: str) -> list[Deal]:
        """Those with a code, in any case."""
        return [deal for deal in self.standing if deal.code and deal.code.casefold() == code.casefold()]

    def again(self, line: Mapping[str, Any]) -> bool:
        """Make a recorded change once more; false for a line of something else."""
        if "withdrawn" in line:
            self.withdraw(line["withdrawn"])
        elif "deal" in line:
            self.make(Deal.of(line["deal"], line))
        else:
            return False
        return True

    def _under(self, key: str) -> Deal | None:
        return next((deal for deal in self.standing if key and deal.key == key), None)
