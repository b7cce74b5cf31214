"""The local Amazon over HTTP, strict: a token that lives, known parameters, and shapes that the models know."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qs

from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.sandbox.wire import HangUp, pause
from bot.sandbox.world import Fault
from bot.settings import StorePart
from bot.stores.amazon.markets import MARKETS
from tests.stores.amazon.account import CLIENT, REFRESH, SELLER, AmazonAccount, Row, told
from tests.stores.amazon.shapes import Misshapen, asked, built

_BUYER = {"BUYER", "RECIPIENT"}
_OFFER = {"marketplace_id", "currency", "audience", "our_price", "discounted_price", "minimum_seller_allowed_price"}


class Refusal(Exception):
    """An answer of Amazon's that is an error."""

    def __init__(self, status: int, code: str, message: str = "", details: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.told = {"errors": [{"code": code, "message": message or code, "details": details}]}


@dataclass(frozen=True)
class Served:
    """An operation: its route, where the models' package has it, and the model of its body."""

    name: str
    method: str
    path: str
    where: str
    work: Callable[[Desk, Row], Row]
    model: str = ""


def amazon_part(url: str, secret: str, marketplaces: str = "DE", **options: str) -> StorePart:
    """The settings of the account."""
    return StorePart(
        kind="amazon",
        url=url,
        user=CLIENT,
        secret=SecretStr(secret),
        token=SecretStr(REFRESH),
        private=True,
        options={"marketplaces": marketplaces, "seller": SELLER, "login": url, **options},
    )


def amazon_app(account: AmazonAccount) -> Starlette:
    """The API and the login of an account."""
    desk = Desk(account)
    routes = [Route(each.path, desk.serving(each), methods=[each.method]) for each in OPERATIONS]
    return Starlette(routes=[*routes, Route("/auth/o2/token", desk.login, methods=["POST"])])


def documents_app(account: AmazonAccount) -> Starlette:
    """Where documents lie: another host, whose addresses are signed."""

    async def document(request: Request) -> Response:
        if "x-amz-access-token" in request.headers or request.headers.get("user-agent", "").startswith("Stocktide"):
            return Response("<Error>somebody told us what is none of our business</Error>", 400)
        account.calls.append(("document", request.url.path, ""))
        fault = account.faults.take("document")
        if fault or request.query_params.get("X-Amz-Signature") != "sig/hush+":
            return Response("<Error><StringToSign>sig/hush+</StringToSign></Error>", 403)
        content, charset = account.documents[request.path_params["name"]]
        return Response(content, headers={"content-type": f"text/plain; charset={charset}"})

    return Starlette(routes=[Route("/documents/{name}", document)])


class Desk:
    """Carries out what is asked."""

    def __init__(self, account: AmazonAccount) -> None:
        self.account = account

    async def login(self, request: Request) -> Response:
        """Login with Amazon: a refresh token for an access token."""
        form = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
        fault = self._fault("token", "/auth/o2/token")
        if isinstance(fault, Response):
            return fault
        if form.get("grant_type") != "refresh_token" or form.get("client_id") != CLIENT:
            return JSONResponse({"error": "unauthorized_client"}, 400)
        if form.get("client_secret") != self.account.token:
            failed = {"error": "invalid_client", "error_description": "Client authentication failed"}
            return JSONResponse(failed, 401)
        if form.get("refresh_token") != REFRESH:
            return JSONResponse({"error": "invalid_grant"}, 400)
        self.account.granted += 1
        token = f"Atza|{self.account.granted}"
        self.account.access = {token}
        lives = self.account.lives
        return JSONResponse({"access_token": token, "token_type": "bearer", "expires_in": lives})

    def serving(self, served: Served) -> Callable[[Request], Any]:
        """An operation behind the token, the faults, the shapes and Amazon's clock."""
        name = "set_price" if served.name == "patchListingsItem" else served.name

        async def serve(request: Request) -> Response:
            fault = self._fault(name, request.url.path)
            if isinstance(fault, Response):
                return fault
            try:
                answer, verdict = await self._answered(served, request), "ok"
            except Refusal as refusal:
                answer, verdict = JSONResponse(refusal.told, refusal.status), str(refusal.status)
            self.account.calls.append((name, request.url.path, fault.kind if fault else verdict))
            if fault and fault.kind == "drop_after":
                return HangUp()
            if fault:
                await pause(request, fault.seconds)
            answer.headers["date"] = format_datetime(self.account.clock.now().astimezone(UTC), usegmt=True)
            if limit := self.account.limits.get(served.name):
                answer.headers["x-amzn-RateLimit-Limit"] = limit
            return answer

        return serve

    def _fault(self, name: str, path: str) -> Fault | Response | None:
        fault = self.account.faults.take(name)
        early = _instead(fault)
        if early is not None:
            self.account.calls.append((name, path, fault.kind if fault else ""))
            return early
        return fault

    async def _answered(self, served: Served, request: Request) -> JSONResponse:
        token = request.headers.get("x-amz-access-token", "")
        if not request.headers.get("user-agent", "").startswith("Stocktide/"):
            raise Refusal(400, "InvalidInput", "A user agent is missing")
        if token not in self.account.access:
            why = "The access token you provided has expired." if token else "Access token is missing."
            raise Refusal(403, "Unauthorized", "Access to requested resource is denied.", why)
        if len(request.query_params) != len(request.query_params.multi_items()):
            raise Refusal(400, "InvalidInput", "A parameter stands twice")
        content = await request.body()
        body = json.loads(content) if content else None
        try:
            query = dict(request.query_params)
            shape = asked(served.where, request.path_params, query, body, served.model)
        except Misshapen as problem:
            raise Refusal(400, "InvalidInput", str(problem)) from None
        self.account.queries.append({"operation": served.name, **query})
        answer = served.work(self, {**request.path_params, **query, "body": body})
        built(shape.answer, answer, shape.models)
        return JSONResponse(answer)

    # Each of these is one operation.

    def participations(self, _asked: Row) -> Row:
        payload = [
            {
                "marketplace": {
                    "id": market.id, "name": f"Amazon {code}", "countryCode": code, "domainName": market.channel,
                    "defaultCurrencyCode": market.currency, "defaultLanguageCode": "en_US",
                },
                "participation": {"isParticipating": market.id in self.account.sells_in, "hasSuspendedListings": False},
                "storeName": "Musterladen",
            }
            for code, market in MARKETS.items()
        ]  # fmt: skip
        return {"payload": payload}

    def orders(self, asked: Row) -> Row:
        included = set(filter(None, asked.get("includedData", "").split(",")))
        if included & _BUYER:
            raise Refusal(403, "Unauthorized", "The application has no role for that")
        if included - {"PROCEEDS", "EXPENSE", "PROMOTION", "CANCELLATION", "FULFILLMENT", "PACKAGES"}:
            raise Refusal(400, "InvalidInput", "includedData")
        found = self.account.updated(asked["lastUpdatedAfter"], asked["lastUpdatedBefore"])
        size = min(int(asked["maxResultsPerPage"]), self.account.page)
        start = int(asked.get("paginationToken", "0").removeprefix("page-"))
        answer: Row = {"orders": [self.account.searched(order) for order in found[start : start + size]]}
        if start + size < len(found):
            answer["pagination"] = {"nextToken": f"page-{start + size}"}
        return answer

    def ask_report(self, asked: Row) -> Row:
        return {"reportId": self.account.ask(asked["body"])}

    def report(self, asked: Row) -> Row:
        report = self.account.reports.get(asked["reportId"])
        if report is None:
            raise Refusal(404, "NotFound", "No such report")
        state = report.states.pop(0) if len(report.states) > 1 else report.states[0]
        answer = {
            "reportId": asked["reportId"],
            "reportType": report.kind,
            "createdTime": told(self.account.clock.now()),
            "processingStatus": state,
        }
        return answer | ({"reportDocumentId": report.document} if state == "DONE" else {})

    def document(self, asked: Row) -> Row:
        name = asked["reportDocumentId"]
        url = f"{self.account.documents_url}/documents/{name}?X-Amz-Signature=sig%2Fhush%2B&X-Amz-Expires=300"
        return {"reportDocumentId": name, "url": url, "compressionAlgorithm": "GZIP"}

    def summaries(self, asked: Row) -> Row:
        if asked["granularityId"] != asked["marketplaceIds"] or asked.get("details") != "true":
            raise Refusal(400, "InvalidInput", "Ask for one marketplace, with details")
        found = self.account.stock.get(asked["granularityId"], [])
        size, start = min(50, self.account.page), int(asked.get("nextToken", "0"))
        payload = {
            "granularity": {"granularityType": asked["granularityType"], "granularityId": asked["granularityId"]},
            "inventorySummaries": found[start : start + size],
        }
        answer: Row = {"payload": payload}
        if start + size < len(found):
            answer["pagination"] = {"nextToken": str(start + size)}
        return answer | ({"errors": self.account.partial} if self.account.partial else {})

    def plans(self, asked: Row) -> Row:
        known = sorted(self.account.plans.values(), key=lambda plan: str(plan["createdAt"]), reverse=True)
        if (asked["sortBy"], asked["sortOrder"]) != ("CREATION_TIME", "DESC"):
            raise Refusal(400, "InvalidInput", "not served here")
        size, start = min(int(asked["pageSize"]), self.account.page), int(asked.get("paginationToken", "0"))
        short = [{name: value for name, value in plan.items() if name != "shipments"} for plan in known]
        answer: Row = {"inboundPlans": short[start : start + size]}
        return answer | ({"pagination": {"nextToken": str(start + size)}} if start + size < len(short) else {})

    def plan(self, asked: Row) -> Row:
        if asked["inboundPlanId"] not in self.account.plans:
            raise Refusal(404, "NotFound", "No such plan")
        return self.account.plans[asked["inboundPlanId"]]

    def shipment(self, asked: Row) -> Row:
        return self.account.shipments[asked["shipmentId"]]

    def items(self, asked: Row) -> Row:
        """The first page; a token belongs to the operation below alone."""
        return self._items(asked["shipmentId"], 0)

    def more_items(self, asked: Row) -> Row:
        if asked["QueryType"] != "NEXT_TOKEN" or asked["MarketplaceId"] != self.account.market.id:
            raise Refusal(400, "InvalidInput", "not served here")
        shipment, _, start = asked["NextToken"].partition(":")
        return self._items(shipment, int(start))

    def _items(self, shipment: str, start: int) -> Row:
        found, end = self.account.shipped[shipment], start + self.account.page
        return {
            "payload": {
                "ItemData": found[start:end], **({"NextToken": f"{shipment}:{end}"} if end < len(found) else {}),
            }
        }  # fmt: skip

    def listing(self, asked: Row) -> Row:
        known = self._listing(asked)
        if known.later:
            known.later.pop(0)()
        market, offers = self.account.market, [*known.others, known.submitted]
        answer: Row = {
            "sku": known.sku,
            "summaries": [
                {
                    "marketplaceId": market.id, "productType": "LAMP", "asin": "B000TEST01", "itemName": known.title,
                    "status": ["BUYABLE"], "createdDate": "2011-01-01T00:00:00Z",
                    "lastUpdatedDate": "2011-01-01T00:00:00Z",
                }
            ],
            "attributes": {"item_name": [{"value": known.title}], "purchasable_offer": offers},
            "issues": known.issues,
            "offers": [],
        }  # fmt: skip
        if known.shown is not None:
            price = {"amount": known.shown, "currencyCode": market.currency}
            answer["offers"] = [{"marketplaceId": market.id, "offerType": "B2C", "price": price}]
        return answer

    def patch(self, asked: Row) -> Row:
        known = self._listing(asked)
        self.account.patches.append(asked["body"])
        (operation,) = asked["body"]["patches"]
        offer, *others = operation["value"]
        wrong = _wrong(operation, offer, self.account)
        answer = {"sku": known.sku, "submissionId": "f1dc2914-75dd-11ea-bc55-0242ac130003"}
        if wrong:
            issue = {
                "code": "90220", "message": wrong, "severity": "ERROR", "attributeNames": ["purchasable_offer"],
                "categories": ["INVALID_PRICE"],
            }  # fmt: skip
            return {**answer, "status": "INVALID", "issues": [issue]}
        known.others = others
        self.account.submit(known.sku, offer)
        return {**answer, "status": "ACCEPTED", "issues": []}

    def _listing(self, asked: Row) -> Any:
        if asked["sellerId"] != SELLER or asked["sku"] not in self.account.listings:
            raise Refusal(404, "NOT_FOUND", f"SKU '{asked['sku']}' not found")
        return self.account.listings[asked["sku"]]


def _wrong(operation: Mapping[str, Any], offer: Row, account: AmazonAccount) -> str:
    """What is the matter with a patch; empty where it is good."""
    if (operation["op"], operation["path"]) != ("replace", "/attributes/purchasable_offer") or offer.keys() - _OFFER:
        return "The attribute is not known."
    if (offer["marketplace_id"], offer["currency"]) != (account.market.id, account.market.currency):
        return "The offer is of another marketplace."
    regular = offer["our_price"][0]["schedule"][0]["value_with_tax"]
    reduced = offer["discounted_price"][0]["schedule"][0] if "discounted_price" in offer else None
    if reduced and not {"start_at", "end_at"} <= reduced.keys():
        return "The discounted price needs a start and an end."
    if reduced and reduced["value_with_tax"] >= regular:
        return "The discounted price is not below the price."
    return "The price is not allowed." if regular >= 10_000 else ""


def _instead(fault: Fault | None) -> Response | None:
    match fault.kind if fault else "":
        case "rate":
            quota = {"errors": [{"code": "QuotaExceeded", "message": "You exceeded your quota."}]}
            seconds = int(fault.seconds if fault else 0)
            return JSONResponse(quota, 429, {"Retry-After": str(seconds)} if seconds else {})
        case "broken":
            return JSONResponse({"errors": [{"code": "InternalFailure", "message": "We failed."}]}, 500)
        case "drop_before":
            return HangUp()
        case "error":
            return Response("<html>gateway</html>", int(fault.detail if fault else 504))
        case _:
            return None


_INBOUND = "fulfillment_inbound_v2024_03_20.fba_inbound_api:FbaInboundApi"
_LISTINGS = "listings_items_v2021_08_01.listings_api:ListingsApi"
_REPORTS = "reports_v2021_06_30.reports_api:ReportsApi"
_LISTING_PATH = "/listings/2021-08-01/items/{sellerId}/{sku:path}"
OPERATIONS = (
    Served("getMarketplaceParticipations", "GET", "/sellers/v1/marketplaceParticipations",
           "sellers_v1.sellers_api:SellersApi.get_marketplace_participations", Desk.participations),
    Served("searchOrders", "GET", "/orders/2026-01-01/orders",
           "orders_v2026_01_01.search_orders_api:SearchOrdersApi.search_orders", Desk.orders),
    Served("createReport", "POST", "/reports/2021-06-30/reports", f"{_REPORTS}.create_report", Desk.ask_report,
           "CreateReportSpecification"),
    Served("getReport", "GET", "/reports/2021-06-30/reports/{reportId}", f"{_REPORTS}.get_report", Desk.report),
    Served("getReportDocument", "GET", "/reports/2021-06-30/documents/{reportDocumentId}",
           f"{_REPORTS}.get_report_document", Desk.document),
    Served("getInventorySummaries", "GET", "/fba/inventory/v1/summaries",
           "fba_inventory_v1.fba_inventory_api:FbaInventoryApi.get_inventory_summaries", Desk.summaries),
    Served("listInboundPlans", "GET", "/inbound/fba/2024-03-20/inboundPlans", f"{_INBOUND}.list_inbound_plans",
           Desk.plans),
    Served("getInboundPlan", "GET", "/inbound/fba/2024-03-20/inboundPlans/{inboundPlanId}",
           f"{_INBOUND}.get_inbound_plan", Desk.plan),
    Served("getShipment", "GET", "/inbound/fba/2024-03-20/inboundPlans/{inboundPlanId}/shipments/{shipmentId}",
           f"{_INBOUND}.get_shipment", Desk.shipment),
    Served("getShipmentItemsByShipmentId", "GET", "/fba/inbound/v0/shipments/{shipmentId}/items",
           "fulfillment_inbound_v0.fba_inbound_v0_api:FbaInboundV0Api.get_shipment_items_by_shipment_id", Desk.items),
    Served("getShipmentItems", "GET", "/fba/inbound/v0/shipmentItems",
           "fulfillment_inbound_v0.fba_inbound_v0_api:FbaInboundV0Api.get_shipment_items", Desk.more_items),
    Served("getListingsItem", "GET", _LISTING_PATH, f"{_LISTINGS}.get_listings_item", Desk.listing),
    Served("patchListingsItem", "PATCH", _LISTING_PATH, f"{_LISTINGS}.patch_listings_item", Desk.patch,
           "ListingsItemPatchRequest"),
)  # fmt: skip
