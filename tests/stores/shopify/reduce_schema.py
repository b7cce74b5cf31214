"""Reduce Shopify's introspection to the types that our operations reach, and write it as SDL.

npm pack @shopify/dev-mcp@1.16.0 && tar xzf shopify-dev-mcp-1.16.0.tgz
python -m tests.stores.shopify.reduce_schema package/dist/data/admin_2026-10.json.gz
"""

from __future__ import annotations

import gzip
import json
import sys
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from graphql import (
    GraphQLSchema,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    build_client_schema,
    parse,
    print_schema,
    visit,
)

from bot.stores.shopify.queries import BULK, OPERATIONS

TARGET = Path(__file__).parent / "admin.graphql"
_DIRECTIVES = ("include", "skip", "deprecated", "idempotent")
_ROOTS = ("QueryRoot", "Mutation")


class _Asked(Visitor):
    """Which fields of which types the operations ask."""

    def __init__(self, info: TypeInfo, fields: dict[str, set[str]]) -> None:
        super().__init__()
        self._info, self._fields = info, fields

    def enter_field(self, node: Any, *_: Any) -> None:
        parent = self._info.get_parent_type()
        if parent is not None:
            self._fields[parent.name].add(node.name.value)


def asked(schema: GraphQLSchema, operations: Iterable[str]) -> dict[str, set[str]]:
    """By type, the fields that the operations ask of it."""
    fields: dict[str, set[str]] = defaultdict(set)
    for text in operations:
        info = TypeInfo(schema)
        visit(parse(text), TypeInfoVisitor(info, _Asked(info, fields)))
    return fields


def reduce(told: dict[str, Any], fields: dict[str, set[str]]) -> dict[str, Any]:
    """The introspection with the types that are asked, their fields that lead no further, and what arguments take.

    Of the roots only the asked fields stay. All enum values and all fields of inputs stay.
    """
    types = {kind["name"]: kind for kind in told["types"]}
    kept = set(fields)
    for name, chosen in fields.items():
        kept |= {_named(field["type"]) for field in types[name]["fields"] or () if field["name"] in chosen}
    small: dict[str, dict[str, Any]] = {}
    for name in kept:
        kind = dict(types[name])
        if kind["fields"] is not None:
            chosen = fields.get(name, set())
            kind["fields"] = [
                field
                for field in kind["fields"]
                if field["name"] in chosen
                or (name not in _ROOTS and types[_named(field["type"])]["kind"] in {"SCALAR", "ENUM"})
            ]
        small[name] = kind
    directives = [kind for kind in told["directives"] if kind["name"] in _DIRECTIVES]
    _add_led_to(small, types, directives)
    for kind in small.values():
        kind["interfaces"] = [face for face in kind.get("interfaces") or () if face["name"] in kept]
        if kind.get("possibleTypes"):
            kind["possibleTypes"] = [each for each in kind["possibleTypes"] if each["name"] in small]
    return {
        **told,
        "types": [small[name] for name in sorted(small)],
        "directives": directives,
        "subscriptionType": None,
    }


def _add_led_to(small: dict[str, dict[str, Any]], types: dict[str, dict[str, Any]], directives: list[Any]) -> None:
    """Add what the kept fields, arguments and inputs name: scalars, enums, and inputs of inputs."""
    left = list(small.values())
    names = [_named(argument["type"]) for directive in directives for argument in directive["args"]]
    while left or names:
        for name in names:
            if name not in small:
                small[name] = dict(types[name])
                left.append(small[name])
        names = []
        if left:
            kind = left.pop()
            for field in kind.get("fields") or ():
                names += [_named(field["type"]), *(_named(argument["type"]) for argument in field["args"])]
            names += [_named(field["type"]) for field in kind.get("inputFields") or ()]


def _named(kind: dict[str, Any]) -> str:
    while kind.get("ofType"):
        kind = kind["ofType"]
    return str(kind["name"])


def _bare(told: Any) -> Any:
    """Without descriptions: the words are Shopify's documentation, and make nine tenths of the file."""
    if isinstance(told, dict):
        return {name: _bare(value) for name, value in told.items() if name != "description"}
    return [_bare(each) for each in told] if isinstance(told, list) else told


def main() -> None:
    """Write the reduced schema of the introspection file that is named."""
    told = json.loads(gzip.decompress(Path(sys.argv[1]).read_bytes()))
    told = told.get("data", told)["__schema"]
    # Shopify's own schema bends a rule about deprecated fields of interfaces, hence assume_valid.
    schema = build_client_schema({"__schema": told}, assume_valid=True)
    small = _bare(reduce(told, asked(schema, [*OPERATIONS.values(), *BULK.values()])))
    text = print_schema(build_client_schema({"__schema": small}, assume_valid=True)) + "\n"
    TARGET.write_text(text, encoding="utf-8")
    sys.stdout.write(f"{TARGET.name}: {len(small['types'])} types, {TARGET.stat().st_size:,} bytes\n")


if __name__ == "__main__":
    main()
