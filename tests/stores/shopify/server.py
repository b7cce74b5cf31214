"""A strict Shopify: validates what it is asked against Shopify's schema, executes it, and reckons costs.

It refuses what the schema does not have, a connection without `first` or above 250, a search it does not know, a field
without its scope, a query that costs more than 1,000 points, and pages beyond 25,000 records. What a query costs is a
model: an object is a point, a connection multiplies by the logarithm of what is asked, a mutation is ten points.
"""

from __future__ import annotations

import gzip
import json
import math
import re
from collections.abc import Mapping
from email.utils import format_datetime
from pathlib import Path
from typing import Any

from graphql import (
    DocumentNode,
    ExecutionResult,
    FieldNode,
    GraphQLError,
    GraphQLResolveInfo,
    GraphQLSchema,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    build_schema,
    execute_sync,
    get_directive_values,
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
from tests.stores.shopify import bulk
from tests.stores.shopify.lists import Root, paged, search
from tests.stores.shopify.refused import Refused
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
    ("Mutation", "inventoryTransferCreate"): "write_inventory_transfers",
    ("Mutation", "inventoryTransferCreateAsReadyToShip"): "write_inventory_transfers",
    ("QueryRoot", "discountNode"): "read_discounts",
    ("QueryRoot", "discountNodes"): "read_discounts",
    ("QueryRoot", "codeDiscountNodeByCode"): "read_discounts",
    ("Mutation", "discountCodeBasicCreate"): "write_discounts",
    ("Mutation", "discountAutomaticBasicCreate"): "write_discounts",
    ("Mutation", "discountCodeDelete"): "write_discounts",
    ("Mutation", "discountAutomaticDelete"): "write_discounts",
}


_ONCE = {"inventoryTransferCreate", "inventoryTransferCreateAsReadyToShip"}


def shopify_app(store: ShopifyStore) -> Starlette:
    """The shop over HTTP."""
    desk = _Desk(store)
    return Starlette(
        routes=[
            Route("/admin/oauth/access_token", desk.exchange, methods=["POST"]),
            Route("/admin/api/{version}/graphql.json", desk.answer, methods=["POST"]),
            Route("/files/{number}", desk.file, methods=["GET"]),
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

    async def file(self, request: Request) -> Response:
        """What a bulk operation wrote; Shopify keeps it elsewhere and knows nobody there."""
        fault = self.store.faults.take("file")
        self.store.calls.append(("file", "", fault.kind if fault else "ok"))
        assert "x-shopify-access-token" not in request.headers
        if self.store.moved:
            return Response(status_code=302, headers={"Location": "https://elsewhere.example.com/file"})
        if fault is not None:
            return _instead(fault)
        body = "".join(f"{line}\n" for line in self.store.files[f"{bulk.GID}{request.path_params['number']}"]).encode()
        if "gzip" in request.headers.get("accept-encoding", ""):
            return Response(gzip.compress(body), headers={"Content-Encoding": "gzip"})
        return Response(body)

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
        self.store.address = str(request.base_url)
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
        if cost > self.store.points + 1e-6:  # sums of fractions
            error = {"message": "Throttled", "extensions": {"code": "THROTTLED"}}
            return {"errors": [error], "extensions": extensions}
        self.store.points -= cost
        bucket["currentlyAvailable"] = self.store.points
        found = executed(self.store, document, variables, name)
        told: dict[str, Any] = {"data": found.data, "extensions": extensions}
        if found.errors:
            told["errors"] = [error.formatted for error in found.errors]
        return told

    def _fill(self) -> None:
        self.store.points = min(self.store.full, self.store.points + (self.store.now - self._last) * self.store.rate)
        self._last = self.store.now

    _last = 0.0


def executed(
    store: ShopifyStore, document: DocumentNode, variables: dict[str, Any] | None = None, name: str | None = None
) -> ExecutionResult:
    """An operation carried out by the schema."""
    return execute_sync(
        SCHEMA, document, Root(store), variable_values=variables, operation_name=name, field_resolver=_resolve,
        context_value=store, type_resolver=lambda value, *_: value["__typename"],
    )  # fmt: skip


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
    if isinstance(source, Root):
        value = _once(store, info, given) or getattr(source, info.field_name)(**given)
        if info.field_name in _ONCE and not value["userErrors"]:
            store.once[_key_of(info)] = (given, value)
    else:
        code = store.broken.get((source.get("id", ""), info.field_name))
        if code:
            raise Refused(f"{info.field_name} is broken", code)
        value = _special(store, source, info.field_name, given)
    if get_named_type(info.return_type).name.endswith("Connection") and isinstance(value, list):
        return paged(store, value, given, lambda entry: str(value.index(entry)).zfill(9))
    return value


def _key_of(info: GraphQLResolveInfo[ShopifyStore]) -> str:
    told = get_directive_values(SCHEMA.get_directive("idempotent"), info.field_nodes[0], info.variable_values)  # type: ignore[arg-type]
    if not told or not told["key"].strip():
        raise Refused("The @idempotent directive is required for this mutation but was not provided.", "BAD_REQUEST")
    return str(told["key"])


def _once(store: ShopifyStore, info: GraphQLResolveInfo[ShopifyStore], given: dict[str, Any]) -> Any:
    """The answer of a mutation that was carried out under this key; None where none was."""
    if info.field_name not in _ONCE or (key := _key_of(info)) not in store.once:
        return None
    asked, answered = store.once[key]
    if asked == given:
        return answered
    code = "IDEMPOTENCY_KEY_PARAMETER_MISMATCH"
    return {"inventoryTransfer": None, "userErrors": [{"field": None, "message": code.lower(), "code": code}]}


def _special(store: ShopifyStore, source: dict[str, Any], name: str, given: Mapping[str, Any]) -> Any:
    kind = source.get("__typename")
    if name == "metafield":
        value = store.fields.get((source["id"], given["namespace"], given["key"]))
        return None if value is None else {"__typename": "Metafield", "id": f"{source['id']}/field", "value": value}
    if kind == "InventoryLevel" and name == "quantities":
        return [
            {"id": f"{source['id']}&name={each}", "name": each, "quantity": source["counts"].get(each, 0)}
            for each in given["names"]
            if source["counts"].get(each, 0) is not None
        ]
    if name == "inventoryLevels":
        levels = [level for level in _levels(store, source) if level["isActive"] or given["includeInactive"]]
        return search(levels, given.get("query"), {"updated_at": "updatedAt"})
    return source.get(name)


def _levels(store: ShopifyStore, source: dict[str, Any]) -> list[dict[str, Any]]:
    if source["__typename"] == "InventoryItem":
        return list(source["inventoryLevels"])
    return [level for item in store.items for level in item["inventoryLevels"] if level["location"] is source]
