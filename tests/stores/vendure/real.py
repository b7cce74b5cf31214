"""A real Vendure as its customers and its staff use it: what the tests do in it, by its own APIs."""

from __future__ import annotations

import os
import select
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

PASSWORD, HOOK_SECRET = "of the superadmin", "of the hooks"
_PERSON = {"firstName": "Ada", "lastName": "Lovelace", "emailAddress": "ada@example.com"}
_HOME = {"fullName": "Ada Lovelace", "streetLine1": "12 St James's Square", "city": "London", "countryCode": "GB"}
_WRONG = "... on ErrorResult { errorCode message }"


_HERE = Path(__file__).parent
_SERVER = _HERE / "server"
_PLUGIN = _HERE.parents[2] / "deploy" / "vendure" / "stocktide.js"
_PATIENCE = 120.0  # seconds; it takes ten where nothing else runs


@contextmanager
def started() -> Iterator[str]:
    """A store of its own on a free port, from the packages of `server/`, and its address; stopped at the end."""
    node = shutil.which("node")
    if node is None or not (_SERVER / "node_modules").is_dir():
        raise RuntimeError("no Node.js, or no packages in tests/stores/vendure/server: run make test-stores")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    given = {
        "PORT": str(port), "PASSWORD": PASSWORD, "HOOK_SECRET": HOOK_SECRET, "PLUGIN": str(_PLUGIN),
        "NODE_PATH": str(_SERVER / "node_modules"), "VENDURE_DISABLE_TELEMETRY": "true", "PATH": os.environ["PATH"],
    }  # fmt: skip
    store = subprocess.Popen(  # noqa: S603  # our own server
        [node, str(_SERVER / "main.js")], env=given, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    try:
        _wait(store)
        yield f"http://127.0.0.1:{port}"
    finally:
        store.terminate()
        try:
            store.wait(10)
        except subprocess.TimeoutExpired:
            store.kill()
            store.wait()
        assert store.stdout is not None
        store.stdout.close()


def _wait(store: subprocess.Popen[bytes]) -> None:
    """Until it says that it is ready; what it said otherwise is the error."""
    assert store.stdout is not None
    said, until = b"", time.monotonic() + _PATIENCE
    while b"READY" not in said:
        left = until - time.monotonic()
        some = (
            os.read(store.stdout.fileno(), 65536)
            if left > 0 and select.select([store.stdout], [], [], left)[0]
            else b""
        )
        if not some:
            raise RuntimeError(f"Vendure does not start: {said[-2000:].decode(errors='replace')}")
        said += some


class RealStore:
    """One running store. Calls that are refused fail the test."""

    def __init__(self, url: str, session: str = "") -> None:
        self.url = url
        self._http = httpx.AsyncClient(trust_env=False, timeout=30)
        self._token = session

    async def session(self) -> str:
        """The superadmin's; begun by the first call, for each takes half a second."""
        if not self._token:
            login = 'mutation ($p: String!) { login(username: "superadmin", password: $p) { __typename } }'
            answer = await self._http.post(f"{self.url}/admin-api", json={"query": login, "variables": {"p": PASSWORD}})
            self._token = answer.headers["vendure-auth-token"]
        return self._token

    async def close(self) -> None:
        await self._http.aclose()

    async def admin(self, query: str, channel: str = "", **variables: Any) -> Any:
        """What the superadmin is told."""
        headers = {"Authorization": f"Bearer {await self.session()}"} | ({"vendure-token": channel} if channel else {})
        return await self._told("admin-api", query, variables, headers)

    async def _told(self, api: str, query: str, variables: dict[str, Any], headers: dict[str, str]) -> Any:
        answer = await self._http.post(
            f"{self.url}/{api}", json={"query": query, "variables": variables}, headers=headers
        )
        told = answer.json()
        assert not told.get("errors"), told
        for found in told["data"].values():
            assert not (isinstance(found, dict) and found.get("errorCode")), found
        return told["data"], answer.headers

    async def ask(self, query: str, channel: str = "", **variables: Any) -> Any:
        """The only field of an answer."""
        data, _ = await self.admin(query, channel, **variables)
        return next(iter(data.values()))

    async def variant(self, sku: str) -> dict[str, Any]:
        """A variant of the sample."""
        query = (
            "query ($sku: String!) { productVariants(options: {filter: {sku: {eq: $sku}}}) { items { id product { id }"
            " prices { currencyCode price } stockLevels { stockLocationId stockOnHand stockAllocated } } } }"
        )
        found: dict[str, Any] = (await self.ask(query, sku=sku))["items"][0]
        return found

    async def sell(self, sku: str, price: int, on_hand: int = 100, channel: str = "", **given: Any) -> str:
        """A product with one variant, and its id; sold in a channel beside the first, if one is given."""
        words = [{"languageCode": "en", "name": sku, "slug": sku.lower(), "description": ""}]
        make = "mutation ($p: CreateProductInput!) { createProduct(input: $p) { id } }"
        product = await self.ask(make, channel, p={"enabled": True, "translations": words})
        variant = {
            "productId": product["id"], "sku": sku, "price": price, "stockOnHand": on_hand,
            "translations": [{"languageCode": "en", "name": sku}],
        } | given  # fmt: skip
        made = await self.ask(
            "mutation ($v: [CreateProductVariantInput!]!) { createProductVariants(input: $v) { id } }",
            channel,
            v=[variant],
        )
        return str(made[0]["id"])

    async def change(self, variant: str, **given: Any) -> None:
        """Somebody changes a variant."""
        query = "mutation ($v: [UpdateProductVariantInput!]!) { updateProductVariants(input: $v) { id } }"
        await self.ask(query, v=[{"id": variant, **given}])

    async def place(self, *goods: tuple[str, int], channel: str = "", currency: str = "") -> dict[str, Any]:
        """An order that was paid, as staff see it."""
        headers = {"vendure-token": channel} if channel else {}
        api = f"shop-api?currencyCode={currency}" if currency else "shop-api"

        async def shop(query: str, **variables: Any) -> Any:
            data, told = await self._told(api, query, variables, headers)
            if told.get("vendure-auth-token"):
                headers["Authorization"] = f"Bearer {told['vendure-auth-token']}"
            return next(iter(data.values()))

        for variant, units in goods:
            add = (
                "mutation ($v: ID!, $n: Int!) { addItemToOrder(productVariantId: $v, quantity: $n) { __typename %s } }"
            )
            await shop(add % _WRONG, v=variant, n=units)
        who = "mutation ($c: CreateCustomerInput!) { setCustomerForOrder(input: $c) { __typename %s } }"
        await shop(who % _WRONG, c=_PERSON)
        where = "mutation ($a: CreateAddressInput!) { setOrderShippingAddress(input: $a) { __typename %s } }"
        await shop(where % _WRONG, a=_HOME)
        methods = await shop("{ eligibleShippingMethods { id } }")
        how = "mutation ($m: [ID!]!) { setOrderShippingMethod(shippingMethodId: $m) { __typename %s } }"
        await shop(how % _WRONG, m=[methods[0]["id"]])
        step = 'mutation { transitionOrderToState(state: "ArrangingPayment") { __typename %s } }'
        await shop(step % _WRONG)
        pay = "mutation ($p: PaymentInput!) { addPaymentToOrder(input: $p) { __typename ... on Order { id code } %s } }"
        made = await shop(pay % _WRONG, p={"method": "standard-payment", "metadata": {}})
        placed = await self.order(made["id"])
        settle = "mutation ($id: ID!) { settlePayment(id: $id) { __typename %s } }"
        await self.ask(settle % _WRONG, id=placed["payments"][0]["id"])
        return await self.order(made["id"])

    async def basket(self, variant: str, code: str = "") -> int:
        """What a piece of a variant costs in a new basket, in minor units without tax, with a code if one is given."""
        headers: dict[str, str] = {}
        add = "mutation ($v: ID!) { addItemToOrder(productVariantId: $v, quantity: 1) { __typename %s } }"
        _, told = await self._told("shop-api", add % _WRONG, {"v": variant}, headers)
        headers["Authorization"] = f"Bearer {told['vendure-auth-token']}"
        if code:
            use = "mutation ($c: String!) { applyCouponCode(couponCode: $c) { __typename %s } }"
            await self._told("shop-api", use % _WRONG, {"c": code}, headers)
        lines, _ = await self._told("shop-api", "{ activeOrder { lines { discountedUnitPrice } } }", {}, headers)
        price: int = lines["activeOrder"]["lines"][0]["discountedUnitPrice"]
        return price

    async def offer(self, code: str, percent: int, variant: str, channel: str = "", **given: Any) -> str:
        """Somebody makes a code, and its id."""
        action = {
            "code": "products_percentage_discount",
            "arguments": [
                {"name": "discount", "value": str(percent)}, {"name": "productVariantIds", "value": f'["{variant}"]'},
            ],
        }  # fmt: skip
        promotion = {
            "enabled": True, "couponCode": code, "conditions": [], "actions": [action],
            "translations": [{"languageCode": "en", "name": code, "description": ""}],
        } | given  # fmt: skip
        query = "mutation ($p: CreatePromotionInput!) { createPromotion(input: $p) { ... on Promotion { id } %s } }"
        return str((await self.ask(query % _WRONG, channel, p=promotion))["id"])

    async def order(self, number: str) -> dict[str, Any]:
        """An order as staff see it."""
        query = (
            "query ($id: ID!) { order(id: $id) { id code state updatedAt orderPlacedAt lines { id quantity"
            " productVariant { id } } payments { id refunds { id state } } fulfillments { id state } } }"
        )
        found: dict[str, Any] = await self.ask(query, id=number)
        return found

    async def fulfil(self, *lines: tuple[str, int]) -> str:
        """Send units of lines away."""
        given = {
            "lines": [{"orderLineId": line, "quantity": units} for line, units in lines],
            "handler": {"code": "manual-fulfillment", "arguments": [{"name": "method", "value": "post"}]},
        }
        query = (
            "mutation ($i: FulfillOrderInput!) { addFulfillmentToOrder(input: $i) { ... on Fulfillment { id } %s } }"
        )
        made = await self.ask(query % _WRONG, i=given)
        await self.move(made["id"], "Shipped")
        return str(made["id"])

    async def move(self, fulfilment: str, state: str) -> None:
        query = "mutation ($f: ID!, $s: String!) { transitionFulfillmentToState(id: $f, state: $s) { __typename %s } }"
        await self.ask(query % _WRONG, f=fulfilment, s=state)

    async def cancel(self, order: str, *lines: tuple[str, int]) -> None:
        """Take units off an order; of no lines, all of it."""
        given: dict[str, Any] = {"orderId": order, "reason": "changed their mind", "cancelShipping": not lines}
        if lines:
            given["lines"] = [{"orderLineId": line, "quantity": units} for line, units in lines]
        query = "mutation ($i: CancelOrderInput!) { cancelOrder(input: $i) { __typename %s } }"
        await self.ask(query % _WRONG, i=given)

    async def refund(self, order: dict[str, Any], *lines: tuple[str, int], amount: int = 100) -> str:
        """Pay back for units."""
        given = {
            "lines": [{"orderLineId": line, "quantity": units} for line, units in lines],
            "paymentId": order["payments"][0]["id"], "amount": amount, "reason": "broken",
            "adjustment": 0, "shipping": 0,
        }  # fmt: skip
        query = "mutation ($i: RefundOrderInput!) { refundOrder(input: $i) { ... on Refund { id state } %s } }"
        return str((await self.ask(query % _WRONG, i=given))["id"])

    async def settle(self, refund: str) -> None:
        query = 'mutation ($id: ID!) { settleRefund(input: {id: $id, transactionId: "t"}) { __typename %s } }'
        await self.ask(query % _WRONG, id=refund)

    async def modify(self, order: dict[str, Any], **given: Any) -> None:
        """Staff edit an order; what it costs less is paid back."""
        step = "mutation ($o: ID!, $s: String!) { transitionOrderToState(id: $o, state: $s) { __typename %s } }"
        await self.ask(step % _WRONG, o=order["id"], s="Modifying")
        change = {
            "dryRun": False, "orderId": order["id"], "refund": {"paymentId": order["payments"][0]["id"], "amount": 1},
        } | given  # fmt: skip
        query = "mutation ($i: ModifyOrderInput!) { modifyOrder(input: $i) { __typename %s } }"
        await self.ask(query % _WRONG, i=change)
        await self.ask(step % _WRONG, o=order["id"], s="PaymentSettled")

    async def end(self, session: str) -> None:
        """A session is logged out."""
        headers = {"Authorization": f"Bearer {session}"}
        await self._told("admin-api", "mutation { logout { success } }", {}, headers)

    async def shown(self, variant: str) -> dict[str, Any]:
        """The fields of a variant that the storefront may see."""
        query = '{ __type(name: "ProductVariantCustomFields") { fields { name } } }'
        kinds, _ = await self._told("shop-api", query, {}, {})
        names = " ".join(each["name"] for each in kinds["__type"]["fields"])
        find = (
            "query ($id: String!) { products(options: {filter: {id: {eq: $id}}}) {"
            " items { variants { customFields { %s } } } } }"
        )
        product = (await self.ask("query ($id: ID!) { productVariant(id: $id) { product { id } } }", id=variant))[
            "product"
        ]
        told, _ = await self._told("shop-api", find % names, {"id": product["id"]}, {})
        found: dict[str, Any] = told["products"]["items"][0]["variants"][0]["customFields"]
        return found
