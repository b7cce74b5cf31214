"""What a person says beside a file: `import stock location=UK dates=dmy sku=货号`."""

from __future__ import annotations

import re
import shlex
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import get_args

from bot.errors import FileRefused
from bot.services.ingest import columns
from bot.services.ingest.contracts import ImportOptions, Kind

_OPTIONS: Mapping[str, str] = {
    "location": "location", "仓库": "location",
    "currency": "currency", "币种": "currency",
    "zone": "zone", "时区": "zone",
    "encoding": "encoding", "编码": "encoding",
    "dates": "date_order", "日期": "date_order",
    "sheet": "sheet", "工作表": "sheet",
    "delimiter": "delimiter", "分隔符": "delimiter",
}  # fmt: skip
_KINDS: Mapping[str, Kind] = {
    **{kind: kind for kind in get_args(Kind)},
    "sale": "sales", "销售": "sales", "销量": "sales",
    "inventory": "stock", "库存": "stock",
    "product": "products", "商品": "products", "产品": "products",
    "supplier": "suppliers", "供应商": "suppliers",
    "route": "routes", "线路": "routes", "交期": "routes",
    "inbound": "inbounds", "在途": "inbounds",
    "location": "locations", "仓库": "locations",
    "跟单": "orders", "receipt": "receipts", "收货": "receipts", "入库": "receipts",
}  # fmt: skip
_SPLIT = re.compile(r"[\W_\d]+")
# Where two kinds read equally many columns, the one that is sent more often.
_OFTEN: tuple[Kind, ...] = (
    "sales", "stock", "products", "inbounds", "receipts", "orders", "routes", "suppliers", "locations",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Wishes:
    """The kind of a file, None where nobody said; `given` is how to read it: options and field -> header, as text."""

    kind: Kind | None = None
    given: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def then(self, later: Wishes) -> Wishes:
        """These, and what was said later, which goes before."""
        return Wishes(later.kind or self.kind, {**self.given, **later.given})

    def options(self) -> ImportOptions:
        """As an import takes them."""
        options = {_OPTIONS[name]: value for name, value in self.given.items() if name in _OPTIONS}
        mapping = {name: value for name, value in self.given.items() if name not in _OPTIONS}
        return ImportOptions(mapping=mapping, **options)  # type: ignore[arg-type]  # the texts among its fields


def read_wishes(text: str) -> Wishes:
    """What a person wrote beside a file; words that say nothing about it are passed over."""
    try:
        words = shlex.split(text.replace("＝", "="))
    except ValueError:  # a quotation mark alone is a letter like any other
        words = text.replace("＝", "=").split()
    kind: Kind | None = None
    given: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if equals and name and value:
            given[name if name in _OPTIONS else name.casefold()] = value
        else:
            kind = kind or _KINDS.get(word.casefold())
    return Wishes(kind, given)


def likely_kinds(headers: Sequence[str], name: str, mapping: Mapping[str, str]) -> tuple[Kind, ...]:
    """The kinds that a file may be, likeliest first: by its name, then by how many of its columns each can read."""
    shapes = unicodedata.normalize("NFKC", name).casefold()
    said = [_KINDS.get(word) for word in _SPLIT.split(shapes)] + [_KINDS[word] for word in _KINDS if word in shapes]
    found: list[tuple[bool, int, int, Kind]] = []
    for place, kind in enumerate(_OFTEN):
        try:
            read = columns.mapped(kind, headers, mapping, name)
        except FileRefused:
            continue
        if not columns.missing(kind, read):
            found.append((kind in said, len(read), -place, kind))
    return tuple(kind for *_rank, kind in sorted(found, reverse=True))
