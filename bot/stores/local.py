"""The local store of the sandbox, over its HTTP API; also a pattern for the API of a real one."""

from __future__ import annotations

import json
import ssl
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import quote, urlsplit

import httpx

from bot.domain.discount import Discount, Way
from bot.domain.money import Money
from bot.errors import Declined, OutsideError, Unanswered, Unreached
from bot.ports import Check, Discounts, Granted, StoreConnector, StorePrice
from bot.settings import StorePart
from bot.stores.saying import answered, line
from bot.words import _

_TIMEOUT = httpx.Timeout(10.0, connect=5.0)
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
# The connection was never made, or not for us: nothing was sent.
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol, httpx.ProxyError)
_COME_AGAIN = (429, 503)
_LONGEST_DETAIL = 200


def connect_local(name: str, part: StorePart) -> StoreConnector:
    """The store of the settings' part, under its name there."""
    return LocalConnector(name, part.url, part.token.get_secret_value())


def discounts_local(name: str, part: StorePart) -> Discounts:
    """The discounts of the store of the settings' part, under its name there."""
    return LocalDiscounts(name, part.url, part.token.get_secret_value())


class _Client:
    """A client of one store. Each call is sent once; a new connection per call leaves none to be cut off in between."""

    def __init__(self, name: str, url: str, token: str, timeout: httpx.Timeout = _TIMEOUT) -> None:
        self.name = name
        self._url = url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {token}"}
        self._timeout = timeout

    async def check(self) -> tuple[Check, ...]:
        """Try the address and the token."""
        name = _("store {name}", name=self.name)
        remedy = _("look at [stores.connected.{name}]: url and token", name=self.name)
        try:
            _good(await self._read("/products"))
        except OutsideError as error:
            return (Check(name, "fail", error.said, remedy),)
        return (Check(name, "ok", _("answers at {url}", url=self._url)),)

    async def _read(self, path: str) -> httpx.Response:
        """A reading call: asking again is always safe."""
        try:
            answer = await self._send("GET", path, None, {})
        except httpx.HTTPError as error:
            raise Unreached(line(error)) from error
        if answer.status_code >= 500:
            raise Unreached(answered(_detail(answer)), status=answer.status_code)
        return answer

    async def _write(
        self, method: str, path: str, body: Mapping[str, Any] | None, headers: dict[str, str]
    ) -> httpx.Response:
        """A call that changes something, made once."""
        try:
            answer = await self._send(method, path, body, headers)
        except _NEVER_SENT as error:
            raise Unreached(line(error)) from error
        except httpx.HTTPError as error:
            raise Unanswered(line(error)) from error
        if answer.status_code >= 500 and answer.status_code not in _COME_AGAIN:
            raise Unanswered(answered(_detail(answer)), status=answer.status_code)
        return answer

    async def _send(
        self, method: str, path: str, body: Mapping[str, Any] | None, headers: dict[str, str]
    ) -> httpx.Response:
        local = urlsplit(self._url).hostname in _LOOPBACK
        # A proxy has no business on this machine, and certificates take long to load where none are needed.
        verify = (
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if self._url.startswith("http://") else ssl.create_default_context()
        )
        async with httpx.AsyncClient(
            timeout=self._timeout, trust_env=not local, verify=verify, headers=self._headers
        ) as client:
            return await client.request(method, self._url + path, json=body, headers=headers)


class LocalConnector(_Client):
    """Changes prices in the store."""

    async def price(self, sku: str, code: str = "") -> StorePrice:  # noqa: ARG002  # it has no ids beside its SKUs
        """What the store asks for a SKU now; Declined where it does not sell it."""
        return _price(_good(await self._read(f"/products/{quote(sku, safe='')}")))

    async def set_price(
        self,
        sku: str,
        price: Money,
        compare_at: Money | None,
        key: str,
        revision: str = "",
        code: str = "",  # noqa: ARG002  # as `price`
    ) -> StorePrice:
        """Change a price, once per key, and only at `revision` where one is given (Declined otherwise)."""
        body = {
            "price": str(price.amount),
            "compare_at": None if compare_at is None else str(compare_at.amount),
            "currency": price.currency,
        }
        headers = {"Idempotency-Key": key} | ({"If-Match": f'"{revision}"'} if revision else {})
        answer = await self._write("PUT", f"/products/{quote(sku, safe='')}/price", body, headers)
        return _price(_good(answer), Unanswered)

    async def written(self, key: str) -> StorePrice | None:
        """What was written under the key; None where nothing was."""
        answer = await self._read(f"/changes/{quote(key, safe='')}")
        if answer.status_code == 404 and _error(answer) == "unknown_key":
            return None
        return _price(_good(answer))


class LocalDiscounts(_Client):
    """Makes and withdraws discounts in the store, both by code and in the basket."""

    ways: frozenset[Way] = frozenset({"code", "basket"})

    async def taken(self, code: str) -> bool:
        """Whether the store has the code already."""
        answer = _good(await self._read(f"/discounts?code={quote(code, safe='')}"))
        try:
            return bool(answer.json()["discounts"])
        except (ValueError, TypeError, LookupError) as error:
            raise Unreached(_("the answer cannot be read: {detail}", detail=_detail(answer))) from error

    async def grant(self, discount: Discount, key: str) -> Granted:
        """Make a discount, once per key, and read it back; the store keeps it whole or not at all."""
        body = {
            "skus": list(discount.skus),
            "share": f"{discount.share:f}",
            "code": discount.code,
            "starts_at": discount.starts_at.isoformat(),
            "ends_at": discount.ends_at.isoformat(),
            "name": discount.name,
        }
        answer = await self._write("PUT", f"/discounts/{quote(key, safe='')}", body, {})
        if not (answer.status_code == 409 and _error(answer) == "key_reused"):  # then another one stands: it is told
            _granted(_good(answer), discount, Unanswered)
        try:
            stands = await self.granted(discount, key)
        except OutsideError as error:
            raise Unanswered(_("made, but it cannot be read back: {error}", error=error.said)) from error
        if stands is None:
            raise Unanswered(_("made, but it does not stand"))
        return stands

    async def granted(self, discount: Discount, key: str, number: str = "") -> Granted | None:  # noqa: ARG002  # found by the key
        """What stands under the key; None where nothing does."""
        answer = await self._read(f"/discounts/{quote(key, safe='')}")
        if answer.status_code == 404 and _error(answer) == "unknown_key":
            return None
        return _granted(_good(answer), discount)

    async def withdraw(self, discount: Discount, key: str, number: str = "") -> Granted | None:  # noqa: ARG002  # found by the key
        """Take away what stands under the key, and look that it is gone."""
        answer = await self._write("DELETE", f"/discounts/{quote(key, safe='')}", None, {})
        if answer.status_code == 404 and _error(answer) == "unknown_key":
            return None
        was = _granted(_good(answer), discount, Unanswered)
        try:
            stands = await self.granted(discount, key)
        except OutsideError as error:
            raise Unanswered(_("withdrawn, but it cannot be read back: {error}", error=error.said)) from error
        if stands is not None:
            raise Declined(_("the store keeps it all the same"))
        return was


def _good(answer: httpx.Response) -> httpx.Response:
    """The answer, where it is one; Unreached where we shall come again, Declined for what the store will not do."""
    if answer.status_code in _COME_AGAIN:
        raise Unreached(answered(_detail(answer)), status=answer.status_code)
    if not answer.is_success:
        raise Declined(answered(_detail(answer)), code=_error(answer), status=answer.status_code)
    return answer


def _price(answer: httpx.Response, otherwise: type[OutsideError] = Unreached) -> StorePrice:
    """The price in an answer; `otherwise` where it cannot be read: then nobody knows what it said."""
    try:
        told = answer.json()
        currency = told["currency"]
        compare_at = told["compare_at"]
        return StorePrice(
            sku=str(told["sku"]),
            price=Money(Decimal(told["price"]), currency),
            compare_at=None if compare_at is None else Money(Decimal(compare_at), currency),
            revision=str(told["revision"]),
        )
    except (ValueError, TypeError, LookupError, InvalidOperation) as error:
        raise otherwise(_("the answer cannot be read: {answer}", answer=_detail(answer))) from error


def _granted(answer: httpx.Response, wanted: Discount, otherwise: type[OutsideError] = Unreached) -> Granted:
    """The discount in an answer, and how it differs; `otherwise` where it cannot be read."""
    try:
        told = answer.json()
        discount = Discount(
            skus=tuple(told["skus"]),
            share=Decimal(told["share"]),
            code=str(told["code"]),
            starts_at=datetime.fromisoformat(told["starts_at"]),
            ends_at=datetime.fromisoformat(told["ends_at"]),
            name=str(told["name"]),
        )
        return Granted(str(told["id"]), discount, int(told["used"]), wanted.differs(discount))
    except (ValueError, TypeError, LookupError, InvalidOperation) as error:
        raise otherwise(_("the answer cannot be read: {answer}", answer=_detail(answer))) from error


def _error(answer: httpx.Response) -> str:
    try:
        told = json.loads(answer.content)
    except ValueError:
        return ""
    return str(told.get("error", "")) if isinstance(told, dict) else ""


def _detail(answer: httpx.Response) -> str:
    """What the store said, on one short line."""
    text = " ".join(answer.text.split())[:_LONGEST_DETAIL]
    return f"{answer.status_code} {text}".strip()
