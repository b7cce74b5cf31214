"""Bulk operations of the strict Shopify: what may be asked of one, how it is carried out, and the file it writes.

The restrictions are those of https://shopify.dev/docs/api/usage/bulk-operations/queries : one list at the root, at most
five, nested no deeper than two, none inside of a plain list, and an id wherever something is nested.
"""

from __future__ import annotations

import json
import random
from typing import Any

from graphql import (
    FieldNode,
    GraphQLList,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    get_named_type,
    get_nullable_type,
    parse,
    validate,
    visit,
)

from tests.stores.shopify.store import ShopifyStore, instant

GID = "gid://shopify/BulkOperation/"
_MOST = 5  # operations at once


class _Limits(Visitor):
    """Finds what an operation may not be asked."""

    def __init__(self, info: TypeInfo) -> None:
        super().__init__()
        self.info = info
        self.path: list[str] = []
        self.lists = 0
        self.wrong: list[str] = []

    def enter_field(self, node: FieldNode, *_: object) -> None:
        field = self.info.get_field_def()
        assert field is not None
        kind = "plain"
        if get_named_type(field.type).name.endswith("Connection"):
            kind = "connection"
            self.lists += 1
            if "list" in self.path:
                self.wrong.append("Queries that contain a connection field within a list field are not supported.")
            if self.path.count("connection") > 2:
                self.wrong.append("Queries cannot contain connections nested deeper than two levels.")
        elif isinstance(get_nullable_type(field.type), GraphQLList) and node.name.value not in {"edges", "nodes"}:
            kind = "list"
        if node.name.value == "node":
            asked = {each.name.value for each in node.selection_set.selections if isinstance(each, FieldNode)}  # type: ignore[union-attr]
            if "id" not in asked:
                self.wrong.append("Connection fields must ask for the id.")
        self.path.append(kind)

    def leave_field(self, *_: object) -> None:
        self.path.pop()


def wrong_with(query: str) -> list[str]:
    """What Shopify would not carry out of a query."""
    from tests.stores.shopify.server import SCHEMA  # noqa: PLC0415  # the server serves what this makes

    document = parse(query)
    wrong = [error.message for error in validate(SCHEMA, document)]
    if wrong:
        return wrong
    info = TypeInfo(SCHEMA)
    limits = _Limits(info)
    visit(document, TypeInfoVisitor(info, limits))
    if not 1 <= limits.lists <= 5:
        wrong.append("A bulk operation has one to five connections.")
    return wrong + limits.wrong


def begun(store: ShopifyStore, query: str) -> dict[str, Any]:
    """The payload of the mutation that begins an operation."""
    running = [each for each in store.bulks.values() if each["status"] == "RUNNING"]
    code, message = store.bulk_error, f"{store.bulk_error} of the tests"
    if wrong := wrong_with(query):
        code, message = "INVALID", "; ".join(wrong)
    elif len(running) + store.others >= _MOST:
        code, message = "OPERATION_IN_PROGRESS", "A bulk query operation for this app and shop is already in progress"
    if code:
        return {"bulkOperation": None, "userErrors": [{"code": code, "message": message, "field": ["query"]}]}
    name = store.gid("BulkOperation")
    found = {
        "__typename": "BulkOperation", "id": name, "status": "RUNNING", "errorCode": None, "query": query, "url": None,
        "createdAt": instant(store.clock.now()), "objectCount": 0, "rootObjectCount": 0, "fileSize": None, "looks": 0,
    }  # fmt: skip
    store.bulks[name] = found
    return {"bulkOperation": found, "userErrors": []}


def looked_at(store: ShopifyStore, name: str) -> dict[str, Any] | None:
    """How an operation stands; it is done after so many looks."""
    found = store.bulks.get(name)
    if found is None or found["status"] != "RUNNING":
        return found
    found["looks"] += 1
    if found["looks"] <= store.looks:
        return found
    if store.bulk_ends != "COMPLETED":
        found |= {"status": "FAILED", "errorCode": store.bulk_ends, "partialDataUrl": f"{store.address}files/none"}
        return found
    lines, roots = _carried_out(store, found["query"])
    store.files[name] = lines
    url = f"{store.address}files/{name.removeprefix(GID)}" if lines else None
    size = sum(len(line) + 1 for line in lines)
    found |= {"status": "COMPLETED", "objectCount": len(lines), "rootObjectCount": roots, "url": url, "fileSize": size}
    return found


def _carried_out(store: ShopifyStore, query: str) -> tuple[list[str], int]:
    """The lines of an operation's file, and how many of them are of no parent."""
    from tests.stores.shopify.server import executed  # noqa: PLC0415  # the server serves what this makes

    store.whole = True
    try:
        told = executed(store, parse(query))
    finally:
        store.whole = False
    assert not told.errors, told.errors
    (listed,) = (told.data or {}).values()
    levels: list[list[dict[str, Any]]] = [[], [], []]
    for edge in listed["edges"]:
        _flat(edge["node"], None, 0, levels)
    # After its parent a line may stand anywhere: those of one depth are dealt out like cards.
    lines = [*levels[0]]
    for deeper in levels[1:]:
        random.Random(len(deeper)).shuffle(deeper)  # noqa: S311  # the order means nothing
        lines += deeper
    return [json.dumps(line, default=str) for line in lines], len(levels[0])


def _flat(node: dict[str, Any], parent: str | None, depth: int, levels: list[list[dict[str, Any]]]) -> None:
    own: dict[str, Any] = {}
    levels[depth].append(own)
    for name, value in node.items():
        if isinstance(value, dict) and "edges" in value:
            for edge in value["edges"]:
                _flat(edge["node"], node["id"], depth + 1, levels)
        else:
            own[name] = value
    if parent is not None:
        own["__parentId"] = parent
