"""A strict Shopify: validates what it is asked against Shopify's schema, executes it, and reckons costs.

It refuses what the schema does not have, a connection without `first` or above 250, a search it does not know, a field
without its scope, a query that costs more than 1,000 points, and pages beyond 25,000 records. What a query costs is a
model: an object is a point, a connection multiplies by the logarithm of what is asked, a mutation is ten points.
"""

from __future__ import annotations

import base64
import json
import math
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLError,
    GraphQLResolveInfo,
    GraphQLSchema,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    build_schema,
    execute_sync,
    get_named_type,
    parse,
    validate,
    value_from_ast_untyped,
    visit,
)
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.sandbox.wire import HangUp, pause
from bot.sandbox.world import Fault
from tests.stores.shopify.store import ShopifyStore

SCHEMA: GraphQLSchema = build_schema((Path(__file__).parent / "admin.graphql").read_text(encoding="utf-8"))
_NEEDS = {
    ("QueryRoot", "products"): "read_products",
    ("QueryRoot", "productVariants"): "read_products",
    ("QueryRoot", "inventoryItems"): "read_inventory",
    ("QueryRoot", "location"): "read_locations",
    ("QueryRoot", "locations"): "read_locations",
    ("QueryRoot", "orders"): "read_orders",
    ("QueryRoot", "order"): "read_orders",
    ("QueryRoot", "inventoryTransfers"): "read_inventory_transfers",
    ("Order", "customer"): "read_customers",
    ("Order", "returns"): "read_returns",
    ("Order", "fulfillmentOrders"): "read_merchant_managed_fulfillment_orders",
    ("Mutation", "productVariantsBulkUpdate"): "write_products",
}
_TERM = re.compile(r"""(\w+):(>=|<=|>|<)?(?:'([^']*)'|"((?:[^"\\]|\\.)*)"|(\w+))""")


class Refused(GraphQLError):
    """An error with Shopify's code."""

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message, extensions={"code": code} if code else None)


def shopify_app(store: ShopifyStore) -> Starlette:
    """The shop over HTTP."""
    desk = _Desk(store)
    return Starlette(
        routes=[
            Route("/admin/oauth/access_token", desk.exchange, methods=["POST"]),
            Route("/admin/api/{version}/graphql.json", desk.answer, methods=["POST"]),
        ]
    )


class _Desk:
    def __init__(self, store: ShopifyStore) -> None:
        self.store = store
        self._documents: dict[str, tuple[DocumentNode, list[GraphQLError]]] = {}

    async def exchange(self, request: Request) -> Response:
        """Exchange an app's credentials for a token of a day."""
        async with request.form() as form:
            given = {name: str(value) for name, value in form.items()}
        self.store.calls.append(("token", given.get("client_id", ""), "ok"))
        wanted = {
            "grant_type": "client_credentials", "client_id": self.store.client, "client_secret": self.store.secret,
        }  # fmt: skip
        if given != wanted:
            return JSONResponse({"error": "application_cannot_be_found"}, 400)
        token = f"shpat_{len(self.store.tokens) + 1}"
        self.store.tokens.append((token, self.store.now + self.store.lives))
        scope = ",".join(sorted(self.store.scopes))
        return JSONResponse({"access_token": token, "scope": scope, "expires_in": int(self.store.lives)})

    async def answer(self, request: Request) -> Response:
        """One GraphQL operation, or the fault that waits for it."""
        body = json.loads(await request.body())
        name = body.get("operationName", "")
        method = re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
        fault = self.store.faults.take(method)
        if fault is not None and fault.kind in {"rate", "broken", "drop_before"}:
            self.store.calls.append((method, "", fault.kind))
            return _instead(fault)
        if not self._known(request.headers.get("x-shopify-access-token", "")):
            self.store.calls.append((method, "", "unauthorised"))
            return JSONResponse({"errors": "[API] Invalid API key or access token"}, 401)
        if request.path_params["version"] != "2026-10" or set(body) != {"query", "operationName", "variables"}:
            return JSONResponse({"errors": "Not Found"}, 404)
        told = self._execute(name, body["query"], body["variables"])
        self.store.calls.append((method, "", "errors" if told.get("errors") else "ok"))
        self.store.asked.append((name, body["variables"]))
        if fault is not None and fault.kind == "drop_after":
            return HangUp()
        if fault is not None:
            await pause(request, fault.seconds)
        headers = {
            "X-Shopify-API-Version": self.store.version, "Date": format_datetime(self.store.clock.now(), usegmt=True),
        }  # fmt: skip
        return JSONResponse(told, headers=headers)

    def _known(self, token: str) -> bool:
        exchanged = {each for each, ends in self.store.tokens if ends > self.store.now}
        return token in exchanged | {self.store.token}

    def _execute(self, name: str, query: str, variables: dict[str, Any]) -> dict[str, Any]:
        if query not in self._documents:
            document = parse(query)
            self._documents[query] = document, validate(SCHEMA, document)
        document, wrong = self._documents[query]
        if wrong:
            return {"errors": [{"message": error.message} for error in wrong]}
        cost = _cost(document, variables)
        self._fill()
        bucket = {
            "maximumAvailable": self.store.full, "currentlyAvailable": self.store.points,
            "restoreRate": self.store.rate,
        }  # fmt: skip
        extensions = {"cost": {"requestedQueryCost": cost, "actualQueryCost": None, "throttleStatus": bucket}}
        if cost > self.store.dearest:
            error = {"message": f"Query cost is {cost}", "extensions": {"code": "MAX_COST_EXCEEDED"}}
            return {"errors": [error], "extensions": extensions}
        if cost > self.store.points:
            error = {"message": "Throttled", "extensions": {"code": "THROTTLED"}}
            return {"errors": [error], "extensions": extensions}
        self.store.points -= cost
        bucket["currentlyAvailable"] = self.store.points
        found = execute_sync(
            SCHEMA, document, _Root(self.store), variable_values=variables, operation_name=name,
            field_resolver=_resolve, context_value=self.store, type_resolver=lambda value, *_: value["__typename"],
        )  # fmt: skip
        told: dict[str, Any] = {"data": found.data, "extensions": extensions}
        if found.errors:
            told["errors"] = [error.formatted for error in found.errors]
        return told

    def _fill(self) -> None:
        self.store.points = min(self.store.full, self.store.points + (self.store.now - self._last) * self.store.rate)
        self._last = self.store.now

    _last = 0.0


def _instead(fault: Fault) -> Response:
    if fault.kind == "rate":
        return JSONResponse({"errors": "Exceeded 2 calls per second"}, 429, {"Retry-After": str(fault.seconds)})
    return HangUp() if fault.kind == "drop_before" else JSONResponse({"errors": "Internal Server Error"}, 500)


class _Priced(Visitor):
    """Reckons a query's cost on its way through it."""

    def __init__(self, info: TypeInfo, variables: dict[str, Any]) -> None:
        super().__init__()
        self.info, self.variables = info, variables
        self.factors = [1.0]
        self.total = 0.0

    def enter_field(self, node: FieldNode, *_: object) -> None:
        field = self.info.get_field_def()
        kind = get_named_type(field.type) if field else None
        given = {
            argument.name.value: value_from_ast_untyped(argument.value, self.variables)
            for argument in node.arguments or ()
        }
        factor = self.factors[-1]
        if hasattr(kind, "fields") and node.name.value not in {"pageInfo", "nodes"}:
            parent = self.info.get_parent_type()
            self.total += factor * (10 if parent and parent.name == "Mutation" else 1)
        if kind is not None and kind.name.endswith("Connection"):
            factor *= math.ceil(1.5 * math.log2((given.get("first") or 1) + 1))
        self.factors.append(factor)

    def leave_field(self, *_: object) -> None:
        self.factors.pop()


def _cost(document: DocumentNode, variables: dict[str, Any]) -> float:
    info = TypeInfo(SCHEMA)
    priced = _Priced(info, variables)
    visit(document, TypeInfoVisitor(info, priced))
    return math.ceil(priced.total)


def _resolve(source: Any, info: GraphQLResolveInfo[ShopifyStore], **given: Any) -> Any:
    """A field of a record: checked for its scope, broken where the test says so, paged where it is a connection."""
    store = info.context
    scope = _NEEDS.get((info.parent_type.name, info.field_name))
    if scope and scope not in store.scopes:
        raise Refused(f"Access denied for {info.field_name} field. Required access: `{scope}`.", "ACCESS_DENIED")
    if isinstance(source, _Root):
        value = getattr(source, info.field_name)(**given)
    else:
        code = store.broken.get((source.get("id", ""), info.field_name))
        if code:
            raise Refused(f"{info.field_name} is broken", code)
        value = _special(store, source, info.field_name, given)
    if get_named_type(info.return_type).name.endswith("Connection") and isinstance(value, list):
        return _paged(store, value, given, lambda entry: str(value.index(entry)).zfill(9))
    return value


def _special(store: ShopifyStore, source: dict[str, Any], name: str, given: Mapping[str, Any]) -> Any:
    kind = source.get("__typename")
    if name == "metafield":
        value = store.fields.get((source["id"], given["namespace"], given["key"]))
        return None if value is None else {"__typename": "Metafield", "id": f"{source['id']}/field", "value": value}
    if kind == "InventoryLevel" and name == "quantities":
        return [
            {"id": f"{source['id']}&name={each}", "name": each, "quantity": source["counts"].get(each, 0)}
            for each in given["names"]
        ]
    if name == "inventoryLevels":
        levels = [level for level in _levels(store, source) if level["isActive"] or given["includeInactive"]]
        return _search(levels, given.get("query"), {"updated_at": "updatedAt"})
    return source.get(name)


def _levels(store: ShopifyStore, source: dict[str, Any]) -> list[dict[str, Any]]:
    if source["__typename"] == "InventoryItem":
        return list(source["inventoryLevels"])
    return [level for item in store.items for level in item["inventoryLevels"] if level["location"] is source]


def _paged(
    store: ShopifyStore, entries: list[Any], given: Mapping[str, Any], key: Callable[[Any], str]
) -> dict[str, Any]:
    """A page of a list; a cursor is the place of the last entry in its order."""
    first, after = given.get("first"), given.get("after")
    if first is None or not 1 <= first <= 250:
        raise Refused("you must provide one of first or last, from 1 to 250", "BAD_USER_INPUT")
    begin = 0
    if after:
        last = base64.b64decode(after).decode()
        begin = sum(key(entry) <= last for entry in entries)
    if begin + first > store.deepest:
        raise Refused("Cannot paginate beyond 25,000 records", "BAD_USER_INPUT")
    page = entries[begin : begin + first]
    end = base64.b64encode(key(page[-1]).encode()).decode() if page else None
    return {"nodes": page, "pageInfo": {"hasNextPage": begin + first < len(entries), "endCursor": end}}


def _search(entries: list[Any], query: str | None, fields: Mapping[str, str]) -> list[Any]:
    """The entries that a search finds, by the fields that it may name."""
    if not query:
        return entries
    match = _TERM.fullmatch(query)
    if match is None or match[1] not in fields:
        raise Refused(f"this search is not understood: {query}", "BAD_USER_INPUT")
    name, sign = fields[match[1]], match[2] or "="
    wanted = match[3] if match[3] is not None else match[4] if match[4] is not None else match[5]
    return [entry for entry in entries if _fits(name, sign, str(entry[name] or ""), re.sub(r"\\(.)", r"\1", wanted))]


def _fits(name: str, sign: str, value: str, wanted: str) -> bool:
    if name == "sku":  # finds parts, in any case
        return wanted.casefold() in value.casefold()
    one: Any
    other: Any
    if name == "id":
        one, other = int(value.rsplit("/", 1)[1]), int(wanted)
    else:
        one, other = datetime.fromisoformat(value), datetime.fromisoformat(wanted)
    return bool({">=": one >= other, "<=": one <= other, ">": one > other, "<": one < other, "=": one == other}[sign])


class _Root:
    """The fields of QueryRoot and Mutation, by their own names."""

    def __init__(self, store: ShopifyStore) -> None:
        self.store = store

    def shop(self) -> Any:
        return {
            "__typename": "Shop",
            "id": "gid://shopify/Shop/1",
            "currencyCode": "GBP",
            "myshopifyDomain": "a.myshopify.com",
        }

    def currentAppInstallation(self) -> Any:  # noqa: N802  # the schema's own name
        scopes = [{"handle": scope, "description": scope} for scope in sorted(self.store.scopes)]
        return {"__typename": "AppInstallation", "id": "gid://shopify/AppInstallation/1", "accessScopes": scopes}

    def location(self, **given: Any) -> Any:
        return next((each for each in self.store.locations if given.get("id") in (None, each["id"])), None)

    def locations(self, **_given: Any) -> Any:
        return self.store.locations

    def products(self, query: str | None = None, sortKey: str = "ID", **given: Any) -> Any:  # noqa: N803
        return self._changed(self.store.products, query, sortKey, given)

    def orders(self, query: str | None = None, sortKey: str = "PROCESSED_AT", **given: Any) -> Any:  # noqa: N803
        return self._changed(self.store.orders, query, sortKey, given)

    def _changed(self, entries: list[Any], query: str | None, sort: str, given: Mapping[str, Any]) -> Any:
        assert sort == "UPDATED_AT", "a list that changes while it is read is read in the order of changes"
        found = _search(entries, query, {"updated_at": "updatedAt"})

        def key(entry: dict[str, Any]) -> str:
            return f"{entry['updatedAt']} {entry['id']}"

        return _paged(self.store, sorted(found, key=key), given, key)

    def inventoryItems(self, query: str | None = None, **given: Any) -> Any:  # noqa: N802
        found = _search(self.store.items, query, {"id": "id"})
        return _paged(self.store, found, given, lambda entry: entry["id"].rsplit("/", 1)[1].zfill(20))

    def inventoryTransfers(self, query: str | None = None, sortKey: str = "ID", **given: Any) -> Any:  # noqa: N802, N803
        assert sortKey == "CREATED_AT"
        found = _search(self.store.transfers, query, {"created_at": "dateCreated"})

        def key(entry: dict[str, Any]) -> str:
            return f"{entry['dateCreated']} {entry['id']}"

        return _paged(self.store, sorted(found, key=key), given, key)

    def productVariants(self, query: str | None = None, **given: Any) -> Any:  # noqa: N802
        variants = [variant for product in self.store.products for variant in product["variants"]]
        return _paged(self.store, _search(variants, query, {"sku": "sku"}), given, lambda entry: str(entry["id"]))

    def node(self, **given: Any) -> Any:
        return next((each for each in self._all() if each["id"] == given["id"]), None)

    def nodes(self, ids: list[str]) -> Any:
        return [self.node(id=each) for each in ids]

    def product(self, **given: Any) -> Any:
        return self.node(**given)

    def productVariant(self, **given: Any) -> Any:  # noqa: N802
        return self.node(**given)

    def order(self, **given: Any) -> Any:
        return self.node(**given)

    def inventoryTransfer(self, **given: Any) -> Any:  # noqa: N802
        return self.node(**given)

    def _all(self) -> list[Any]:
        store = self.store
        found = [*store.products, *store.items, *store.orders, *store.transfers]
        found += [variant for product in store.products for variant in product["variants"]]
        for order in store.orders:
            found += [*order["fulfillments"], *order["fulfillmentOrders"], *order["refunds"], *order["returns"]]
        return found + [shipment for transfer in store.transfers for shipment in transfer["shipments"]]

    def webhookSubscriptions(self, uri: str | None = None, **_given: Any) -> Any:  # noqa: N802
        return [each for each in self.store.subscriptions if uri in (None, each["uri"])]

    def webhookSubscriptionCreate(self, topic: str, webhookSubscription: dict[str, Any]) -> Any:  # noqa: N802, N803
        uri = webhookSubscription["uri"]
        problem = self.store.refused.get(topic, "")
        if any((each["topic"], each["uri"]) == (topic, uri) for each in self.store.subscriptions):
            problem = "Address for this topic has already been taken"
        if problem:
            return {"userErrors": [{"field": ["webhookSubscription"], "message": problem}]}
        found = {
            "__typename": "WebhookSubscription", "id": self.store.gid("WebhookSubscription"), "topic": topic,
        } | webhookSubscription  # fmt: skip
        self.store.subscriptions.append(found)
        return {"webhookSubscription": found, "userErrors": []}

    def metafieldsSet(self, metafields: list[dict[str, Any]]) -> Any:  # noqa: N802
        for each in metafields:
            self._keep(each["ownerId"], each)
        return {"metafields": [], "userErrors": []}

    def _keep(self, owner: str, given: Mapping[str, Any]) -> None:
        if not re.fullmatch(r"[A-Za-z0-9_-]{2,64}", given["key"]) or not re.fullmatch(
            r"[A-Za-z0-9_-]{3,255}", given["namespace"]
        ):
            raise Refused("this is no key of a metafield", "BAD_USER_INPUT")
        json.loads(given["value"])
        assert given["type"] == "json"
        self.store.fields[(owner, given["namespace"], given["key"])] = given["value"]

    def productVariantsBulkUpdate(self, productId: str, variants: list[dict[str, Any]], **_given: Any) -> Any:  # noqa: N802, N803
        changed = []
        for given in variants:
            variant = self.node(id=given["id"])
            if variant is None or variant["product"]["id"] != productId:
                error = {"field": ["variants", "0", "id"], "message": "Product variant does not exist", "code": None}
                return {"productVariants": None, "userErrors": [error]}
            for each in given.get("metafields", ()):
                self._keep(variant["id"], each)
            self.store.price(variant, given["price"], given["compareAtPrice"], self.store.last_key(variant))
            changed.append(variant)
        return {"productVariants": changed, "userErrors": []}
