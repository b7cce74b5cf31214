"""A strict Vendure: validates what it is asked against a real store's schema, and executes it.

It refuses what the schema does not have, a filter that it does not know, and whoever has no valid key or session; like
the real one inside a 200.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from email.utils import format_datetime
from pathlib import Path
from typing import Any

from graphql import DocumentNode, GraphQLError, GraphQLSchema, build_schema, execute_sync, parse, validate
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.sandbox.wire import HangUp, pause
from bot.sandbox.world import Fault
from tests.stores.vendure.shop import CHANNEL, VendureShop

SCHEMA: GraphQLSchema = build_schema((Path(__file__).parent / "admin.graphql").read_text(encoding="utf-8"))
_DOCUMENTS: dict[str, tuple[DocumentNode, list[GraphQLError]]] = {}


class Refused(GraphQLError):
    """An error with Vendure's code."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message, extensions={"code": code})


def method_of(body: bytes) -> str:
    """What faults and calls name an operation by: SetPrice is set_price."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", json.loads(body)["operationName"]).lower()


def vendure_app(shop: VendureShop) -> Starlette:
    """The store over HTTP."""
    return Starlette(routes=[Route("/admin-api", _Desk(shop).answer, methods=["POST"])])


class _Desk:
    def __init__(self, shop: VendureShop) -> None:
        self.shop = shop

    async def answer(self, request: Request) -> Response:
        """One operation, or the fault that waits for it."""
        sent = await request.body()
        body = json.loads(sent)
        name, method = body["operationName"], method_of(sent)
        fault = self.shop.faults.take(method)
        if fault is not None and fault.kind in {"rate", "broken", "drop_before"}:
            self.shop.calls.append((method, "", fault.kind))
            return _instead(fault)
        self.shop.asked.append((name, body["variables"]))
        told = self._told(name, body, request.headers)
        self.shop.calls.append((method, "", "errors" if told.get("errors") else "ok"))
        headers = {"Date": format_datetime(self.shop.clock.now(), usegmt=True)}
        if name == "Login" and not told.get("errors") and not told["data"]["login"].get("errorCode"):
            headers["vendure-auth-token"] = self.shop.sessions[-1]
        if name in {"Variants", "Orders"} and self.shop.after_list:
            self.shop.after_list.pop(0)()
        if fault is not None and fault.kind == "drop_after":
            return HangUp()
        if fault is not None:
            await pause(request, fault.seconds)
        unknown = told.get("errors") and told["errors"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
        return JSONResponse(told, 400 if unknown else 200, headers)

    def _told(self, name: str, body: Mapping[str, Any], headers: Mapping[str, str]) -> dict[str, Any]:
        query = body["query"]
        if query not in _DOCUMENTS:
            document = parse(query)
            _DOCUMENTS[query] = document, validate(SCHEMA, document)
        document, wrong = _DOCUMENTS[query]
        for field, kind in (("stocktidePrices", "ProductVariant"), ("stocktideKey", "Promotion")):
            if not self.shop.plugged and field in query:
                wrong = [GraphQLError(f'Field "{field}" is not defined by type "{kind}FilterParameter".')]
        if wrong:
            code = {"code": "GRAPHQL_VALIDATION_FAILED"}
            return {"errors": [{"message": each.message, "extensions": code} for each in wrong]}
        if name != "Login" and not self._known(headers):
            message = "You are not currently authorized to perform this action"
            return {"errors": [{"message": message, "extensions": {"code": "FORBIDDEN"}}], "data": None}
        found = execute_sync(
            SCHEMA, document, Root(self.shop), variable_values=body["variables"], operation_name=name,
            type_resolver=lambda value, *_: value["__typename"],
        )  # fmt: skip
        if found.errors:
            inside = {"extensions": {"code": "INTERNAL_SERVER_ERROR"}}
            return {"errors": [{**inside, **error.formatted} for error in found.errors], "data": None}
        return {"data": found.data}

    def _known(self, headers: Mapping[str, str]) -> bool:
        session = headers.get("authorization", "").removeprefix("Bearer ")
        return session in self.shop.sessions or headers.get("vendure-api-key") == self.shop.token


def _instead(fault: Fault) -> Response:
    if fault.kind == "rate":
        return JSONResponse({}, 429, {"Retry-After": str(fault.seconds)})
    return HangUp() if fault.kind == "drop_before" else JSONResponse({}, 500)


class Root:
    """The fields of Query and Mutation, by their own names."""

    def __init__(self, shop: VendureShop) -> None:
        self.shop = shop
        self.activeChannel = {
            "token": CHANNEL, "defaultCurrencyCode": shop.currency, "defaultLanguageCode": "en",
        }  # fmt: skip
        server = {"moneyStrategyPrecision": shop.precision}
        self.globalSettings = {"trackInventory": shop.counted, "serverConfig": server}

    def login(self, _info: object, username: str, password: str) -> Any:
        if (username, password) != (self.shop.user, self.shop.password):
            wrong = {"errorCode": "INVALID_CREDENTIALS_ERROR", "message": "The provided credentials are invalid"}
            return {"__typename": "InvalidCredentialsError", **wrong}
        self.shop.begun += 1
        self.shop.sessions.append(f"session {self.shop.begun}")
        return {"__typename": "CurrentUser", "id": "1"}

    def stockLocations(self, _info: object, options: dict[str, Any]) -> Any:  # noqa: N802  # the schema's own name
        return _listed(self.shop.locations, options)

    def productVariants(self, _info: object, options: dict[str, Any]) -> Any:  # noqa: N802
        return _listed(self.shop.variants, options)

    def productVariant(self, _info: object, **given: str) -> Any:  # noqa: N802
        return next((each for each in self.shop.variants if each["id"] == given["id"]), None)

    def orders(self, _info: object, options: dict[str, Any]) -> Any:
        if "ReadOrder" not in self.shop.permissions:
            raise Refused("You are not currently authorized to perform this action", "FORBIDDEN")
        return _listed(self.shop.orders, options)

    def promotions(self, _info: object, options: dict[str, Any]) -> Any:
        self._need("ReadPromotion")
        return _listed(self.shop.promotions.nodes, options)

    def promotion(self, _info: object, **given: str) -> Any:
        self._need("ReadPromotion")
        return next((each for each in self.shop.promotions.nodes if each["id"] == given["id"]), None)

    def createPromotion(self, _info: object, **named: Any) -> Any:  # noqa: N802
        self._need("CreatePromotion")
        return self.shop.promotions.make(named["input"])

    def deletePromotion(self, _info: object, **given: str) -> Any:  # noqa: N802
        self._need("DeletePromotion")
        found = self.promotion(_info, **given)
        if found is None:
            raise Refused("No Promotion with that id could be found", "ENTITY_NOT_FOUND")
        if self.shop.stuck_promotions:
            return {"result": "NOT_DELETED", "message": "a plugin keeps it"}
        self.shop.promotions.nodes.remove(found)
        return {"result": "DELETED", "message": None}

    def deletePromotions(self, _info: object, ids: list[str]) -> Any:  # noqa: N802
        self._need("DeletePromotion")
        assert not ids
        return []

    def _need(self, permission: str) -> None:
        if permission not in self.shop.permissions:
            raise Refused("You are not currently authorized to perform this action", "FORBIDDEN")

    def getSettingsStoreValue(self, _info: object, key: str) -> Any:  # noqa: N802
        if not self.shop.plugged:
            raise Refused(f"Settings store field not registered: {key}", "INTERNAL_SERVER_ERROR")
        return self.shop.address or None

    def setSettingsStoreValue(self, _info: object, given: Any = None, **named: Any) -> Any:  # noqa: N802
        told = given or named["input"]
        if not told["value"].startswith("http"):
            return {"result": False, "error": "write an address"}
        self.shop.address = told["value"]
        return {"result": True, "error": None}

    def updateProductVariants(self, _info: object, **named: Any) -> Any:  # noqa: N802
        if "UpdateCatalog" not in self.shop.permissions:
            raise Refused("You are not currently authorized to perform this action", "FORBIDDEN")
        if not named["input"]:
            return []
        (change,) = named["input"]
        variant = next((each for each in self.shop.variants if each["id"] == change["id"]), None)
        if variant is None:
            raise Refused("No ProductVariant with that id could be found", "ENTITY_NOT_FOUND")
        (price,) = change["prices"]
        assert price["currencyCode"] == self.shop.currency
        variant["customFields"] |= change["customFields"]
        self.shop.write(variant, price["price"], self.shop.last_key(variant["customFields"]["stocktidePrices"]))
        return [variant]


def _listed(records: list[dict[str, Any]], options: dict[str, Any]) -> Any:
    """A page of a list, by id as the real one sorts it."""
    assert set(options.get("sort") or {"id"}) == {"id"}
    found = [each for each in records if _fits(each, options.get("filter") or {})]
    found.sort(key=lambda each: int(each["id"]))
    take = options["take"]
    assert 1 <= take <= 1000
    start = options.get("skip") or 0
    return {"items": found[start : start + take], "totalItems": len(found)}


def _fits(record: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    checks = []
    for name, terms in wanted.items():
        if name == "_and":
            checks.append(all(_fits(record, each) for each in terms))
        elif name == "_or":
            checks.append(any(_fits(record, each) for each in terms))
        else:
            value = record["customFields"][name] if name.startswith("stocktide") else record[name]
            checks += [_compared(sign, value, against) for sign, against in terms.items()]
    return all(checks)


def _compared(sign: str, value: Any, wanted: Any) -> bool:
    match sign:
        case "eq":
            return bool(value == wanted)
        case "in":
            return bool(value in wanted)
        case "contains":
            return wanted.casefold() in (value or "").casefold()
        case "after":  # both are written alike, so that texts compare as instants
            return bool(value is not None and value > wanted)
        case "isNull":
            return bool((value is None) == wanted)
    raise AssertionError(f"a filter that is not known: {sign}")
