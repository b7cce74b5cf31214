"""The local Medusa over HTTP, strict: callers are let in, parameters and bodies are known ones, fields are as asked."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import UTC
from email.utils import format_datetime
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.sandbox.wire import HangUp, pause
from bot.sandbox.world import Fault
from tests.stores.medusa.shop import EMAIL, PASSWORD, MedusaShop, Refusal, Row, key_in

_PAGING = {"fields", "limit", "offset", "order"}
_WHEN = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
_LIST = {"title", "description", "starts_at", "ends_at", "status", "type", "rules"}
_PRICE = {"currency_code", "amount", "variant_id", "min_quantity", "max_quantity", "rules"}
Work = Callable[[Request], Awaitable[Response]]


def medusa_app(shop: MedusaShop) -> Starlette:
    """The application that serves a shop."""
    desk = _Desk(shop)
    paths: list[tuple[str, str, Work, str]] = [
        ("POST", "/auth/user/emailpass", desk.login, "login"),
        ("GET", "/admin/stores", desk.stores, "stores"),
        ("GET", "/admin/stock-locations", desk.locations, "locations"),
        ("GET", "/admin/product-variants", desk.variants, "variants"),
        ("GET", "/admin/inventory-items", desk.items, "items"),
        ("GET", "/admin/reservations", desk.reservations, "reservations"),
        ("GET", "/admin/orders", desk.orders, "orders"),
        ("GET", "/admin/orders/{id}", desk.order, "orders"),
        ("GET", "/admin/orders/{id}/changes", desk.order_changes, "order_changes"),
        ("GET", "/admin/promotions", desk.promotions, "promotions"),
        ("POST", "/admin/promotions", desk.make_promotion, "grant"),
        ("GET", "/admin/promotions/{id}", desk.promotion, "promotions"),
        ("DELETE", "/admin/promotions/{id}", desk.delete_promotion, "withdraw"),
        ("GET", "/admin/campaigns", desk.campaigns, "campaigns"),
        ("DELETE", "/admin/campaigns/{id}", desk.delete_campaign, "delete_campaign"),
        ("GET", "/admin/price-lists", desk.price_lists, "price_lists"),
        ("POST", "/admin/price-lists", desk.make_list, "set_price"),
        ("POST", "/admin/price-lists/{id}", desk.change_list, "set_price"),
    ]
    return Starlette(
        routes=[Route(path, desk.serving(name, work), methods=[method]) for method, path, work, name in paths]
    )


class _Desk:
    def __init__(self, shop: MedusaShop) -> None:
        self.shop = shop

    def serving(self, name: str, work: Work) -> Callable[[Request], Awaitable[Response]]:
        """`work` behind the key, the faults, and the shop's clock on every answer."""

        async def serve(request: Request) -> Response:
            fault = self.shop.faults.take(name)
            early = _instead(fault)
            if early is not None:
                self.shop.calls.append((name, request.url.path, fault.kind if fault else ""))
                return early
            try:
                if name != "login":
                    self._admit(request)
                answer, verdict = await work(request), "ok"
            except Refusal as refusal:
                told = {"type": refusal.kind, "message": str(refusal)}
                answer, verdict = JSONResponse(told, refusal.status), refusal.kind
            self.shop.asked.append(request.query_params.multi_items())
            self.shop.calls.append((name, request.url.path, fault.kind if fault else verdict))
            if fault and fault.kind == "drop_after":
                return HangUp()
            if fault:
                await pause(request, fault.seconds)
            answer.headers["date"] = format_datetime(self.shop.clock.now().astimezone(UTC), usegmt=True)
            return answer

        return serve

    def _admit(self, request: Request) -> None:
        """A secret key is a user's name without a password."""
        kind, _, told = request.headers.get("authorization", "").partition(" ")
        good = {"Basic": {base64.b64encode(f"{self.shop.token}:".encode()).decode()}, "Bearer": self.shop.tokens}
        if told not in good.get(kind, ()):
            raise Refusal(401, "unauthorized", "Unauthorized")

    async def login(self, request: Request) -> Response:
        self.shop.logins += 1
        if await request.json() != {"email": EMAIL, "password": PASSWORD}:
            raise Refusal(401, "unauthorized", "Invalid email or password")
        self.shop.tokens.add(f"jwt-{self.shop.logins}")
        return JSONResponse({"token": f"jwt-{self.shop.logins}"})

    async def stores(self, request: Request) -> Response:
        currencies = [
            {"currency_code": "eur", "is_default": False},
            {"currency_code": self.shop.currency, "is_default": True},
        ]
        row = {"id": "store_1", "name": "Shop", "supported_currencies": currencies}
        return self._list(request, "stores", [row], {"limit"})

    async def locations(self, request: Request) -> Response:
        return self._list(request, "stock_locations", self.shop.locations.values(), _PAGING)

    async def variants(self, request: Request) -> Response:
        """`q` finds words in SKUs and titles; there is no filter by SKU."""
        rows = _named(_searched(self.shop.variants.values(), request, "sku", "title"), request)
        told = [{**row, "prices": _ruled(row["prices"])} for row in rows]
        return self._list(request, "variants", told, _PAGING | {"q", "id[]"})

    async def items(self, request: Request) -> Response:
        """Strict in the real one too: when an item changed is no filter."""
        rows = [{**row, "variants": self.shop.takers(row["id"])} for row in _named(self.shop.items.values(), request)]
        return self._list(request, "inventory_items", rows, _PAGING | {"id[]"})

    async def reservations(self, request: Request) -> Response:
        wanted = request.query_params.getlist("line_item_id[]")
        if len(wanted) > 20:  # what reads the address makes an object of them
            raise Refusal(
                400, "invalid_data", "Invalid request: Expected type: 'string, array' for field 'line_item_id'"
            )
        rows = [row for row in self.shop.reservations.values() if not wanted or row["line_item_id"] in wanted]
        return self._list(request, "reservations", rows, _PAGING | {"line_item_id[]"})

    async def orders(self, request: Request) -> Response:
        """Drafts are not among them, as long as they are marked as such."""
        since = request.query_params.get("updated_at[$gte]", "")
        if since and not _WHEN.fullmatch(since):
            raise Refusal(400, "invalid_data", "Invalid request: updated_at")
        rows = [row for row in self.shop.orders.values() if row["updated_at"] >= since and not row["is_draft_order"]]
        return self._list(request, "orders", rows, _PAGING | {"updated_at[$gte]"})

    async def order(self, request: Request) -> Response:
        row = self.shop.orders.get(request.path_params["id"])
        _known(request.query_params, {"fields"})
        if row is None:
            raise Refusal(404, "not_found", "Order id not found")
        return JSONResponse({"order": _cut(row, request)})

    async def order_changes(self, request: Request) -> Response:
        if request.path_params["id"] not in self.shop.orders:
            raise Refusal(404, "not_found", "Order not found")
        _known(request.query_params, set())
        return JSONResponse({"order_changes": self.shop.order_changes.get(request.path_params["id"], [])})

    async def promotions(self, request: Request) -> Response:
        """`q` finds parts of codes, in any case."""
        campaign = request.query_params.get("campaign_id")
        rows = _searched(self.shop.promotions.rows.values(), request, "code")
        chosen = [row for row in rows if campaign is None or (row["campaign"] or {}).get("id") == campaign]
        return self._list(request, "promotions", chosen, _PAGING | {"q", "campaign_id"})

    async def promotion(self, request: Request) -> Response:
        number = request.path_params["id"]
        _known(request.query_params, {"fields"})
        if number not in self.shop.promotions.rows:
            raise Refusal(404, "not_found", f"Promotion with id: {number} was not found")
        return JSONResponse({"promotion": _cut(self.shop.promotions.rows[number], request)})

    async def make_promotion(self, request: Request) -> Response:
        body = json.loads(await request.body())
        if wrong := self.shop.promotions.wrong(body):
            raise Refusal(400, "invalid_data", wrong)
        return JSONResponse({"promotion": self.shop.promotions.make(body)})

    async def delete_promotion(self, request: Request) -> Response:
        number, rows = request.path_params["id"], self.shop.promotions.rows
        if number not in rows:
            raise Refusal(404, "not_found", f"Promotion with id: {number} was not found")
        if not self.shop.promotions.stuck:
            del rows[number]
        return JSONResponse({"id": number, "object": "promotion", "deleted": True})

    async def campaigns(self, request: Request) -> Response:
        wanted = request.query_params.get("campaign_identifier")
        rows = self.shop.promotions.campaigns.values()
        chosen = [row for row in rows if wanted is None or row["campaign_identifier"] == wanted]
        return self._list(request, "campaigns", chosen, _PAGING | {"campaign_identifier"})

    async def delete_campaign(self, request: Request) -> Response:
        """Its promotions stay, without one."""
        number, promotions = request.path_params["id"], self.shop.promotions
        if promotions.campaigns.pop(number, None) is None:
            raise Refusal(404, "not_found", f"Campaign with id: {number} was not found")
        for row in promotions.rows.values():
            if row["campaign"] and row["campaign"]["id"] == number:
                row["campaign"] = None
        return JSONResponse({"id": number, "object": "campaign", "deleted": True})

    async def price_lists(self, request: Request) -> Response:
        status = request.query_params.getlist("status[]")
        rows = _searched(self.shop.price_lists.values(), request, "title", "description")
        chosen = [row for row in rows if not status or row["status"] in status]
        return self._list(request, "price_lists", chosen, _PAGING | {"q", "status[]"}, _as_list)

    async def make_list(self, request: Request) -> Response:
        body = json.loads(await request.body())
        _known(body, _LIST | {"prices"})
        if not isinstance(body.get("title"), str) or not isinstance(body.get("description"), str):
            raise Refusal(400, "invalid_data", "Invalid request: Field 'title' is required")
        for price in body.get("prices", ()):
            _known(price, _PRICE)
            if isinstance(price.get("amount"), str) or price.get("variant_id") not in self.shop.variants:
                raise Refusal(
                    400, "invalid_data", "Invalid request: Expected type: 'number' for field 'prices, 0, amount'"
                )
        variant = body["prices"][0]["variant_id"]
        with self.shop.noting(variant, key_in(body["description"])):
            rows = [
                self.shop.price_row(price["variant_id"], price["amount"], price["currency_code"])
                for price in body["prices"]
            ]
            given = {name: value for name, value in body.items() if name != "prices"}
            number = self.shop.list_prices(*rows, **{"status": "draft", **given})
            if self.shop.stuck:
                self.shop.price_lists[number]["status"] = "draft"
        return JSONResponse({"price_list": {"id": number, **body}})

    async def change_list(self, request: Request) -> Response:
        body = json.loads(await request.body())
        _known(body, _LIST)
        row = self.shop.price_lists.get(request.path_params["id"])
        if row is None:
            raise Refusal(404, "not_found", "Price list was not found")
        with self.shop.noting(row["prices"][0]["price_set"]["variant"]["id"], key_in(body.get("description", ""))):
            row |= body
        return JSONResponse({"price_list": {"id": row["id"]}})

    def _list(
        self,
        request: Request,
        name: str,
        rows: Iterable[Row],
        known: set[str],
        made: Callable[[Row], Row] = lambda row: row,
    ) -> Response:
        _known(request.query_params, known)
        limit, offset = (int(request.query_params.get(each, size)) for each, size in (("limit", 20), ("offset", 0)))
        found = sorted(rows, key=lambda row: str(row["id"]))
        if request.query_params.get("order", "id") != "id":
            raise Refusal(400, "invalid_data", "not served here")
        part = [made(_cut(row, request)) for row in found[offset : offset + limit]]
        answer = JSONResponse({name: part, "count": len(found), "offset": offset, "limit": limit})
        if self.shop.after_list:
            self.shop.after_list.popleft()()
        return answer


def _known(given: Mapping[str, Any], known: set[str]) -> None:
    if wrong := [name for name in given if name not in known]:
        raise Refusal(400, "invalid_data", f"Invalid request: Unrecognized fields: '{', '.join(wrong)}'")


def _several(request: Request, name: str) -> list[str]:
    """The values of a parameter; of more than twenty, what reads the address makes an object and no list."""
    found = request.query_params.getlist(name)
    if len(found) > 20:
        raise Refusal(400, "invalid_data", f"Invalid request: Expected type: 'string, array' for field '{name}'")
    return found


def _named(rows: Iterable[Row], request: Request) -> list[Row]:
    wanted = _several(request, "id[]")
    return [row for row in rows if not wanted or row["id"] in wanted]


def _searched(rows: Iterable[Row], request: Request, *names: str) -> list[Row]:
    words = request.query_params.get("q", "").casefold()
    return [row for row in rows if any(words in str(row[name]).casefold() for name in names)]


def _ruled(prices: Iterable[Row]) -> list[Row]:
    """Rules stand with a price; what it belongs to does not."""
    return [{**price, "rules": {each["attribute"]: each["value"] for each in price["price_rules"]}} for price in prices]


def _as_list(row: Row) -> Row:
    """A price list as it is answered: rules and variants only where the fields they come from were asked for."""
    told = {name: value for name, value in row.items() if name not in ("prices", "price_list_rules")}
    if "price_list_rules" in row:
        told["rules"] = {each["attribute"]: each["value"] for each in row["price_list_rules"]}
    if "prices" in row:
        told["prices"] = [
            {
                **{name: value for name, value in price.items() if name not in ("price_set", "price_rules")},
                "variant_id": price.get("price_set", {}).get("variant", {}).get("id"),
                **(
                    {"rules": {e["attribute"]: e["value"] for e in price["price_rules"]}}
                    if "price_rules" in price
                    else {}
                ),
            }
            for price in row["prices"]
        ]
    return told


def _cut(row: Row, request: Request) -> Row:
    """The fields that were asked for: `a.b` of a relation, `*a` for all that stands in it but relations of its own."""
    told = request.query_params.get("fields")
    if told is None:
        return row
    wanted = [
        [*each.lstrip("*").split("."), "*"] if each.startswith("*") else each.split(".") for each in told.split(",")
    ]
    return dict(_picked(row, [["id"], *wanted]))


def _picked(row: Row, wanted: list[list[str]]) -> Row:
    found: Row = {}
    for name, value in row.items():
        inner = [path[1:] for path in wanted if path[0] == name and len(path) > 1]
        relation = isinstance(value, dict) or (isinstance(value, list) and name != "value")
        if inner and isinstance(value, dict):
            found[name] = {**_picked(value, inner), **({"rules": value["rules"]} if "rules" in value else {})}
        elif inner and isinstance(value, list):
            found[name] = [{**_picked(each, [["id"], *inner]), **_rules(each)} for each in value]
        elif [name] in wanted or (["*"] in wanted and (not relation or name == "details")):
            found[name] = value
    return found


def _rules(row: Row) -> Row:
    return {"rules": row["rules"]} if "rules" in row else {}


def _instead(fault: Fault | None) -> Response | None:
    match fault.kind if fault else "":
        case "rate":
            return Response("slow down", 429, {"Retry-After": str(int(fault.seconds if fault else 1))})
        case "broken":
            return Response("An unknown error occurred.", 500)
        case "drop_before":
            return HangUp()
        case "error":
            return Response("gateway", int(fault.detail if fault else 504))
        case _:
            return None
