"""What each query is to give: its columns, which of them must be there, and by which rows are one fact."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from bot.ports import FactKind


@dataclass(frozen=True, slots=True)
class Shape:
    """A query's kind of facts and its columns. The first of `keys` that is there groups rows, the others order them."""

    kind: FactKind
    needed: tuple[str, ...]
    allowed: tuple[str, ...]
    keys: tuple[str, ...]

    def missing(self, names: Sequence[str]) -> tuple[str, ...]:
        """The columns that must be there and are not."""
        return tuple(name for name in self.needed if name not in names)

    def unknown(self, names: Sequence[str]) -> tuple[str, ...]:
        """The columns that nobody looks at."""
        return tuple(name for name in names if name not in (*self.needed, *self.allowed))


SHAPES: Mapping[str, Shape] = MappingProxyType(
    {
        "products": Shape("products", ("code",), ("sku", "name", "price", "currency", "active", "category"), ("code",)),
        "purchase_orders": Shape(
            "inbounds",
            ("id", "code", "quantity", "ordered_at", "expected_on"),
            ("sku", "place", "received_at", "supplier"),
            ("id",),
        ),
        "stock": Shape(
            "stock", ("code", "on_hand"), ("sku", "place", "as_of", "committed", "incoming"), ("code", "place")
        ),
        "sales": Shape(
            "orders",
            ("line_id", "code", "quantity", "amount", "sold_at"),
            ("order_id", "number", "changed_at", "sku", "name", "place", "currency", "customer", "returns"),
            ("order_id", "line_id"),
        ),
    }
)
PLACES = "places"
PLACE_COLUMNS = ("id", "name", "country")
