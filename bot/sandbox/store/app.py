"""The store over HTTP: `GET /products`, `GET /products/SKU`, `PUT /products/SKU/price`, `GET /changes/KEY`, and a page.

Discounts: `GET /discounts?code=CODE`, `PUT /discounts/KEY`, `GET /discounts/KEY`, `DELETE /discounts/KEY`.

Strict on purpose: a bearer token, a key on every change, whole minor units, and no field that it does not know.
"""

from __future__ import annotations

import json
import math
import re
import secrets
from collections.abc import Awaitable, Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.domain.money import Money
from bot.sandbox.store.deals import Deal, DealRefusal
from bot.sandbox.store.page import shop_page
from bot.sandbox.store.state import LocalStore, StoreRefusal
from bot.sandbox.wire import HangUp, pause
from bot.sandbox.world import Fault

_KEY = re.compile(r"[\x21-\x7e]{1,200}")
_LISTED = 100
_DEAREST = Decimal(10_000_000)
_OF_PRICE = ("price", "compare_at", "currency")
_OF_DEAL = ("skus", "share", "code", "starts_at", "ends_at", "name")

Answer = Mapping[str, Any]
Work = Callable[[Request], Awaitable[Answer]]


def store_app(store: LocalStore) -> Starlette:
    """The application, to be served alone or mounted below a path."""
    desk = _Desk(store)
    return Starlette(
        routes=[
            Route("/", shop_page(store)),
            Route("/products", desk.serving("products", desk.products)),
            Route("/products/{sku:path}/price", desk.serving("set_price", desk.set_price), methods=["PUT"]),
            Route("/products/{sku:path}", desk.serving("price", desk.product)),
            Route("/changes/{key:path}", desk.serving("changes", desk.change)),
            Route("/discounts", desk.serving("codes", desk.codes)),
            Route("/discounts/{key:path}", desk.serving("grant", desk.grant), methods=["PUT"]),
            Route("/discounts/{key:path}", desk.serving("withdraw", desk.withdraw), methods=["DELETE"]),
            Route("/discounts/{key:path}", desk.serving("granted", desk.granted)),
        ]
    )


class _Desk:
    """Answers calls, or lets them meet the fault that waits for them."""

    def __init__(self, store: LocalStore) -> None:
        self.store = store

    def serving(self, method: str, work: Work) -> Callable[[Request], Awaitable[Response]]:
        """`work` behind the token and the faults."""

        async def serve(request: Request) -> Response:
            about = request.path_params.get("sku") or request.path_params.get("key", "")
            fault = self.store.faults.take(method) or (self.store.weather.strikes() if self.store.weather else None)
            early = _instead(fault)
            if early is not None:
                self.store.called(method, about, fault.kind if fault else "")
                return early
            try:
                self._admit(request)
                answer = JSONResponse(await work(request))
                verdict: str = fault.kind if fault else "ok"
            except (StoreRefusal, DealRefusal) as refusal:
                verdict = refusal.error
                answer = JSONResponse({"error": verdict, "detail": str(refusal)}, status_code=refusal.status)
            self.store.called(method, about, verdict)
            if fault and fault.kind == "drop_after":
                return HangUp()
            if fault:
                await pause(request, fault.seconds)
            return answer

        return serve

    def _admit(self, request: Request) -> None:
        given = request.headers.get("authorization", "")
        if not secrets.compare_digest(given.encode(), f"Bearer {self.store.token}".encode()):
            raise StoreRefusal(401, "unauthorised", "send the token as 'Authorization: Bearer ...'")

    async def products(self, request: Request) -> Answer:
        """One page of what is sold, by SKU: `after` is the last one of the page before."""
        after = request.query_params.get("after", "")
        skus = sorted(sku for sku in self.store.items if sku > after)
        return {
            "products": [self.store.items[sku].told() for sku in skus[:_LISTED]],
            "more": len(skus) > _LISTED,
        }

    async def product(self, request: Request) -> Answer:
        """One product."""
        return self.store.item(request.path_params["sku"]).told()

    async def change(self, request: Request) -> Answer:
        """What was answered under a key."""
        return self.store.written(request.path_params["key"])

    async def codes(self, request: Request) -> Answer:
        """Whether the store has discounts with a code, whoever made them."""
        return {"discounts": [deal.told() for deal in self.store.deals.bearing(request.query_params.get("code", ""))]}

    async def granted(self, request: Request) -> Answer:
        """What stands under a key."""
        return self.store.deals.granted(request.path_params["key"]).told()

    async def withdraw(self, request: Request) -> Answer:
        """Take away what stands under a key."""
        return self.store.deals.withdraw(request.path_params["key"]).told()

    async def grant(self, request: Request) -> Answer:
        """Make a discount, once per key."""
        key = request.path_params["key"]
        if not _KEY.fullmatch(key):
            raise StoreRefusal(400, "no_key", "a key is 1 to 200 visible ASCII characters")
        return self.store.deals.grant(_deal(key, await _object(request, _OF_DEAL))).told()

    async def set_price(self, request: Request) -> Answer:
        """Change a price; `If-Match` names the revision that it must still have."""
        key = request.headers.get("idempotency-key", "")
        if not _KEY.fullmatch(key):
            raise StoreRefusal(400, "no_key", "send 1 to 200 visible ASCII characters as 'Idempotency-Key'")
        body = await _object(request, _OF_PRICE)
        price = _money(body["price"], body["currency"])
        compare_at = None if body["compare_at"] is None else _money(body["compare_at"], body["currency"])
        if compare_at is not None and compare_at <= price:
            raise StoreRefusal(422, "compare_at_too_low", "compare_at is a higher price, struck through, or null")
        revision = request.headers.get("if-match", "").strip('"')
        return self.store.set_price(request.path_params["sku"], price, compare_at, key, revision)


async def _object(request: Request, fields: tuple[str, ...]) -> dict[str, Any]:
    """The body: an object of just these fields."""
    try:
        body = json.loads(await request.body())
    except ValueError:
        raise StoreRefusal(400, "not_json", "the body is no JSON") from None
    if not isinstance(body, dict) or set(body) != set(fields):
        raise StoreRefusal(422, "wrong_fields", f"send {', '.join(fields[:-1])} and {fields[-1]}, and nothing else")
    return body


def _deal(key: str, body: Mapping[str, Any]) -> Deal:
    wrong = StoreRefusal(422, "no_discount", "a share is text such as '0.2', below one, and both instants have a zone")
    try:
        deal = Deal.of(key, body)
    except (ValueError, TypeError, InvalidOperation):
        raise wrong from None
    exact = isinstance(body["share"], str) and 0 < deal.share < 1
    if not exact or not deal.skus or None in (deal.starts_at.tzinfo, deal.ends_at.tzinfo):
        raise wrong
    return deal


def _instead(fault: Fault | None) -> Response | None:
    """What a call gets that is not carried out."""
    match fault.kind if fault else "":
        case "rate":
            seconds = max(1, math.ceil(fault.seconds if fault else 1))
            return JSONResponse({"error": "ratelimited"}, 429, {"Retry-After": str(seconds)})
        case "broken" | "error":
            return JSONResponse({"error": "broken"}, 500)
        case "drop_before":
            return HangUp()
        case _:
            return None


def _money(amount: object, currency: object) -> Money:
    wrong = StoreRefusal(422, "no_price", "a price is text such as '1.99', above nothing and in whole minor units")
    if not isinstance(amount, str) or not isinstance(currency, str) or not re.fullmatch(r"[0-9.]{1,12}", amount):
        raise wrong
    try:
        money = Money(Decimal(amount), currency)
    except (ValueError, TypeError, InvalidOperation):
        raise wrong from None
    if not 0 < money.amount <= _DEAREST:
        raise wrong
    return money
