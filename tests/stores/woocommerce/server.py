"""The local WooCommerce over HTTP, strict: calls are signed by OAuth, parameters are known ones, limits hold."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import time
from collections.abc import Awaitable, Callable, Collection, Iterable
from datetime import UTC, datetime
from email.utils import format_datetime
from urllib.parse import quote, urlencode

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.sandbox.wire import HangUp, pause
from bot.sandbox.world import Fault
from tests.stores.woocommerce.coupons import KNOWN
from tests.stores.woocommerce.shop import KEY, TOPICS, Refusal, Row, WooShop

ROOT = "/wp-json/wc/v3"
_OAUTH = {f"oauth_{name}" for name in ("consumer_key", "nonce", "signature", "signature_method", "timestamp")}
_PAGING = {"page", "per_page", "offset", "order", "orderby", "_fields", "status"}
_DATED = _PAGING | {"modified_after", "dates_are_gmt", "include"}
_ORDERS_BY = {"date", "id", "include", "title", "slug", "modified"}
_WHEN = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)?")
_PRICES = {"regular_price", "sale_price", "date_on_sale_from", "date_on_sale_to"}
_ORDER_STATUSES = {"pending", "processing", "on-hold", "completed", "cancelled", "refunded", "failed", "trash", "any"}
_GOOD_STATUSES = {"any", "future", "trash", "draft", "pending", "private", "publish"}
Work = Callable[[Request], Awaitable[Response]]


def shop_app(shop: WooShop) -> Starlette:
    """The application that serves a shop."""
    desk = _Desk(shop)
    paths: list[tuple[str, str, Work, str]] = [
        ("GET", "/data/currencies/current", desk.currency, "currency"),
        ("GET", "/products", desk.products, "products"),
        ("POST", "/products/batch", desk.no_batch, "batch"),
        ("GET", "/products/{id:int}", desk.product, "products"),
        ("PUT", "/products/{id:int}", desk.price, "set_price"),
        ("GET", "/products/{parent:int}/variations", desk.variations, "variations"),
        ("GET", "/products/{parent:int}/variations/{id:int}", desk.variation, "variations"),
        ("PUT", "/products/{parent:int}/variations/{id:int}", desk.variation_price, "set_price"),
        ("GET", "/coupons", desk.coupons, "coupons"),
        ("POST", "/coupons", desk.make_coupon, "grant"),
        ("POST", "/coupons/batch", desk.no_batch, "batch"),
        ("GET", "/coupons/{id:int}", desk.coupon, "coupons"),
        ("DELETE", "/coupons/{id:int}", desk.delete_coupon, "withdraw"),
        ("GET", "/settings/general/woocommerce_enable_coupons", desk.switch, "settings"),
        ("GET", "/orders", desk.orders, "orders"),
        ("GET", "/orders/{id:int}", desk.order, "orders"),
        ("GET", "/orders/{id:int}/refunds", desk.refunds, "refunds"),
        ("GET", "/webhooks", desk.webhooks, "webhooks"),
        ("POST", "/webhooks/batch", desk.webhook_batch, "webhook_batch"),
    ]
    return Starlette(
        routes=[Route(ROOT + path, desk.serving(name, work), methods=[method]) for method, path, work, name in paths]
    )


class _Desk:
    def __init__(self, shop: WooShop) -> None:
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
                self._admit(request)
                answer, verdict = await work(request), "ok"
            except Refusal as refusal:
                answer, verdict = JSONResponse(refusal.told(), refusal.status), refusal.code
            self.shop.asked.append({k: v for k, v in request.query_params.items() if k not in _OAUTH})
            self.shop.calls.append((name, request.url.path, fault.kind if fault else verdict))
            if fault and fault.kind == "drop_after":
                return HangUp()
            if fault:
                await pause(request, fault.seconds)
            answer.headers["date"] = format_datetime(self.shop.clock.now().astimezone(UTC), usegmt=True)
            return answer

        return serve

    def _admit(self, request: Request) -> None:
        """One-legged OAuth 1.0a, as WooCommerce wants it where there is no TLS: a password is not even looked at."""
        given = dict(request.query_params)
        if missing := _OAUTH - given.keys():
            code = "missing_parameter" if len(missing) < len(_OAUTH) else "cannot_view"
            raise Refusal(401, f"woocommerce_rest_{code}", ", ".join(sorted(missing)))
        theirs = given.pop("oauth_signature")
        pairs = sorted((quote(name, safe="~"), quote(value, safe="~")) for name, value in given.items())
        query = "%26".join(quote(f"{name}={value}", safe="~") for name, value in pairs)
        address = quote(f"http://{request.headers['host']}{request.url.path}", safe="~")
        ours = hmac.new(f"{self.shop.token}&".encode(), f"{request.method}&{address}&{query}".encode(), hashlib.sha256)
        if given["oauth_consumer_key"] != KEY:
            raise Refusal(401, "woocommerce_rest_authentication_error", "Consumer key is invalid.")
        if not hmac.compare_digest(base64.b64encode(ours.digest()).decode(), theirs):
            raise Refusal(401, "woocommerce_rest_authentication_error", "Invalid signature - provided does not match.")
        if abs(int(given["oauth_timestamp"]) - time.time()) > 900:
            raise Refusal(401, "woocommerce_rest_authentication_error", "Invalid timestamp.")
        if given["oauth_nonce"] in self.shop.nonces:
            raise Refusal(401, "woocommerce_rest_authentication_error", "Invalid nonce - it has been used.")
        self.shop.nonces.add(given["oauth_nonce"])
        if request.method != "GET" and not self.shop.may_write:
            raise Refusal(401, "woocommerce_rest_authentication_error", "The key does not have write permissions.")

    async def currency(self, _request: Request) -> Response:
        return JSONResponse({"code": self.shop.currency, "name": "", "symbol": ""})

    async def products(self, request: Request) -> Response:
        """Variations are among them where a SKU is asked for."""
        rows: Iterable[Row] = self.shop.products.values()
        if sku := request.query_params.get("sku"):
            wanted = {*sku.split(","), sku}
            rows = [row for row in (*rows, *self.shop.variations.values()) if row["sku"] in wanted]
        return self._list(request, [self.shop.told(row) for row in rows], _DATED | {"sku"}, _GOOD_STATUSES)

    async def product(self, request: Request) -> Response:
        number = request.path_params["id"]
        row = self.shop.products.get(number) or self.shop.variations.get(number)
        return self._one(request, row and self.shop.told(row), "product")

    async def variations(self, request: Request) -> Response:
        parent = self._parent(request)
        rows = [self.shop.told(row) for row in self.shop.variations.values() if row["parent_id"] == parent["id"]]
        return self._list(request, [_variation(row) for row in rows], _DATED, _GOOD_STATUSES)

    async def variation(self, request: Request) -> Response:
        return self._one(request, _variation(self.shop.told(self._variation(request))), "product_variation")

    async def price(self, request: Request) -> Response:
        if request.path_params["id"] in self.shop.variations:
            raise Refusal(404, "woocommerce_rest_invalid_product_id", "Variations have an endpoint of their own.")
        row = self.shop.products.get(request.path_params["id"])
        if row is None:
            raise Refusal(400, "woocommerce_rest_product_invalid_id")
        return await self._priced(request, row)

    async def variation_price(self, request: Request) -> Response:
        return await self._priced(request, self._variation(request))

    async def no_batch(self, request: Request) -> Response:
        if await request.json():
            raise Refusal(400, "not_served_here")
        return JSONResponse([])

    async def switch(self, _request: Request) -> Response:
        return JSONResponse({"id": "woocommerce_enable_coupons", "value": self.shop.coupons.enabled})

    async def coupons(self, request: Request) -> Response:
        box = self.shop.coupons
        code = request.query_params.get("code")
        rows = list(box.rows.values()) if code is None else box.bearing(code)
        since = request.query_params.get("after")
        if since is not None:
            if not _WHEN.fullmatch(since):
                raise Refusal(400, "rest_invalid_param", "Invalid parameter(s): after")
            rows = [row for row in rows if self._created(row) > self._local(since)]
        return self._list(request, [box.told(row) for row in rows], _PAGING - {"status"} | {"code", "after"})

    async def coupon(self, request: Request) -> Response:
        row = self.shop.coupons.rows.get(request.path_params["id"])
        return self._one(request, row and self.shop.coupons.told(row), "shop_coupon")

    async def make_coupon(self, request: Request) -> Response:
        body = json.loads(await request.body())
        if wrong := set(body) - KNOWN:
            raise Refusal(400, "rest_invalid_param", f"Invalid parameter(s): {', '.join(sorted(wrong))}")
        if not isinstance(body.get("amount"), str) or body.get("discount_type") not in {"percent", "fixed_cart"}:
            raise Refusal(400, "rest_invalid_param", "Invalid parameter(s): amount, discount_type")
        if not body.get("code"):
            raise Refusal(400, "woocommerce_rest_empty_coupon_code", "The coupon code cannot be empty.")
        if self.shop.coupons.bearing(body["code"]):
            raise Refusal(400, "woocommerce_rest_coupon_code_already_exists", "The coupon code already exists")
        return JSONResponse(self.shop.coupons.told(self.shop.coupons.make(body)), 201)

    async def delete_coupon(self, request: Request) -> Response:
        """For good alone: this shop's bin is switched off."""
        row = self.shop.coupons.rows.get(request.path_params["id"])
        if row is None:
            raise Refusal(404, "woocommerce_rest_shop_coupon_invalid_id", "Invalid ID.")
        if request.query_params.get("force") != "true":
            raise Refusal(501, "woocommerce_rest_trash_not_supported", "The shop_coupon does not support trashing.")
        del self.shop.coupons.rows[row["id"]]
        return JSONResponse(self.shop.coupons.told(row))

    async def orders(self, request: Request) -> Response:
        return self._list(request, list(self.shop.orders.values()), _DATED, _ORDER_STATUSES)

    async def order(self, request: Request) -> Response:
        return self._one(request, self.shop.orders.get(request.path_params["id"]), "shop_order")

    async def refunds(self, request: Request) -> Response:
        if request.path_params["id"] not in self.shop.orders:
            raise Refusal(404, "woocommerce_rest_invalid_order_id")
        return self._list(request, self.shop.refunds.get(request.path_params["id"], []), _PAGING)

    async def webhooks(self, request: Request) -> Response:
        rows = [{name: value for name, value in row.items() if name != "secret"} for row in self.shop.webhooks.values()]
        return self._list(request, rows, _PAGING - {"offset"})

    async def webhook_batch(self, request: Request) -> Response:
        """What is wrong with one of them stands inside a 200."""
        body = await request.json()
        if sum(len(rows) for rows in body.values()) > 100:
            raise Refusal(413, "woocommerce_rest_request_entity_too_large", "Unable to accept more than 100 items.")
        answer: dict[str, list[Row]] = {}
        for row in body.get("create", ()):
            answer.setdefault("create", []).append(self._hooked(row))
        for row in body.get("update", ()):
            answer.setdefault("update", []).append(self._hooked(row))
        return JSONResponse(answer)

    def _hooked(self, given: Row) -> Row:
        known = self.shop.webhooks.get(given.get("id", 0))
        topic = given.get("topic") or (known or {}).get("topic", "")
        if topic not in TOPICS or topic in self.shop.refused_topics:
            error = {"code": "woocommerce_rest_shop_webhook_invalid_topic", "message": "It must be valid.", "data": {}}
            return {"id": given.get("id", 0), "error": error}
        if known is None:
            number = max(self.shop.webhooks, default=0) + 1
            known = self.shop.webhooks[number] = {"id": number, "failure_count": 0}
            self.shop.pings.append(f"webhook_id={number}".encode())
        known |= {**given, "id": known["id"]}
        if self.shop.stuck_webhooks:
            known["status"] = "disabled"
        return {name: value for name, value in known.items() if name != "secret"}

    async def _priced(self, request: Request, row: Row) -> Response:
        body = json.loads(await request.body())
        for name, value in body.items():
            if name not in _PRICES | {"meta_data"} or (name in _PRICES and not isinstance(value, str)):
                raise Refusal(400, "rest_invalid_param", f"Invalid parameter(s): {name}")
        records = [meta["value"] for meta in body.get("meta_data", ())]
        self.shop.change(row, body, records[0][-1]["key"] if records else "")
        return JSONResponse(self.shop.told(row))

    def _parent(self, request: Request) -> Row:
        row = self.shop.products.get(request.path_params["parent"])
        if row is None:
            raise Refusal(404, "woocommerce_rest_product_invalid_id", "Invalid ID.")
        return row

    def _variation(self, request: Request) -> Row:
        parent, row = self._parent(request), self.shop.variations.get(request.path_params["id"])
        if row is None or row["parent_id"] != parent["id"]:
            raise Refusal(404, "woocommerce_rest_product_variation_invalid_id", "Invalid ID.")
        return row

    def _one(self, request: Request, row: Row | None, kind: str) -> Response:
        if row is None:
            raise Refusal(404, f"woocommerce_rest_{kind}_invalid_id", "Invalid ID.")
        return JSONResponse(_cut(row, request))

    def _list(
        self, request: Request, rows: list[Row], known: set[str], statuses: Collection[str] = ("all",)
    ) -> Response:
        """A page; rows that may not be seen are counted and left out. Its link repeats the call's own signature."""
        asked = dict(request.query_params)
        page, size = int(asked.get("page", 1)), int(asked.get("per_page", 10))
        offset = int(asked["offset"]) if asked.get("offset") else (page - 1) * size
        wrong = [name for name in asked if name not in known | _OAUTH]
        wrong += ["per_page"] * (not 1 <= size <= 100) + ["orderby"] * (asked.get("orderby", "id") not in _ORDERS_BY)
        wrong += ["status"] * ("status" in asked and asked["status"] not in statuses)
        wrong += ["modified_after"] * (not _WHEN.fullmatch(asked.get("modified_after", "2011-11-21T09:00:00")))
        if wrong:
            raise Refusal(400, "rest_invalid_param", f"Invalid parameter(s): {', '.join(wrong)}")
        chosen = [row for row in rows if self._chosen(row, asked)]
        chosen.sort(key=lambda row: row["id"], reverse=asked.get("order", "desc") == "desc")
        part = [_cut(row, request) for row in chosen[offset : offset + size] if row["id"] not in self.shop.unreadable]
        pages = -(-len(chosen) // size)
        answer = JSONResponse(part, headers={"X-WP-Total": str(len(chosen)), "X-WP-TotalPages": str(pages)})
        if page < pages:
            following = urlencode({**asked, "page": page + 1})
            answer.headers["Link"] = f'<{request.url.replace(query=following)}>; rel="next"'
        if self.shop.after_list:
            self.shop.after_list.popleft()()
        return answer

    def _chosen(self, row: Row, asked: dict[str, str]) -> bool:
        status, after = asked.get("status", "any"), asked.get("modified_after")
        if "include" in asked and str(row["id"]) not in asked["include"].split(","):
            return False
        if status == "any" and row.get("status") == "trash":
            return False
        if status not in ("any", "all") and row.get("status") != status:
            return False
        return after is None or self._modified(row, asked) > self._local(after)

    def _modified(self, row: Row, asked: dict[str, str]) -> datetime:
        at = datetime.fromisoformat(row["date_modified_gmt"])
        if asked.get("dates_are_gmt") == "true":
            return at
        return at.replace(tzinfo=UTC).astimezone(self.shop.zone).replace(tzinfo=None)

    def _created(self, row: Row) -> datetime:
        """When it was made, in the shop's own zone, as a list compares it."""
        at = datetime.fromisoformat(row["date_created_gmt"])
        return at.replace(tzinfo=UTC).astimezone(self.shop.zone).replace(tzinfo=None)

    def _local(self, told: str) -> datetime:
        """A time as WP_Date_Query takes it: turned into the shop's own zone, whatever it is compared with."""
        at = datetime.fromisoformat(told)
        at = at.replace(tzinfo=self.shop.zone) if at.tzinfo is None else at
        return at.astimezone(UTC).astimezone(self.shop.zone).replace(tzinfo=None)


def _cut(row: Row, request: Request) -> Row:
    wanted = request.query_params.get("_fields")
    return row if wanted is None else {name: value for name, value in row.items() if name in wanted.split(",")}


def _variation(row: Row) -> Row:
    """Among its product's variations one is told without type and parent."""
    return {name: value for name, value in row.items() if name not in ("type", "parent_id")}


def _instead(fault: Fault | None) -> Response | None:
    match fault.kind if fault else "":
        case "rate":
            return Response("slow down", 429, {"Retry-After": str(int(fault.seconds if fault else 1))})
        case "broken":
            return Response("Fatal error", 500)
        case "drop_before":
            return HangUp()
        case "error":
            return Response("gateway", int(fault.detail if fault else 504))
        case _:
            return None
