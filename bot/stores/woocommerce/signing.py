"""How calls of the REST API are signed: by a password over https, by OAuth 1.0a where the store is called by http.

WooCommerce takes a key and secret as a password over TLS alone; elsewhere it wants each call signed, "one-legged",
with the signature among the parameters of the address (class-wc-rest-authentication.php).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Generator, Iterable
from urllib.parse import quote

import httpx

from bot.settings import StorePart


def auth_of(part: StorePart) -> httpx.Auth:
    """What signs the calls to a store: `user` is the consumer key, `secret` the consumer secret."""
    secret = part.secret.get_secret_value()
    if part.url.startswith("https://"):
        return httpx.BasicAuth(part.user, secret)
    return OAuth1(part.user, secret)


class OAuth1(httpx.Auth):
    """OAuth 1.0a without a token (RFC 5849): each call has a nonce of its own, so none can be made again."""

    def __init__(self, key: str, secret: str) -> None:
        self._key = key
        self._secret = secret

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Sign the method, the address and every parameter."""
        ours = {
            "oauth_consumer_key": self._key,
            "oauth_nonce": secrets.token_hex(16),
            "oauth_signature_method": "HMAC-SHA256",
            "oauth_timestamp": str(int(time.time())),
        }
        pairs = [*request.url.params.multi_items(), *ours.items()]
        address = str(request.url.copy_with(query=None, fragment=None))
        ours["oauth_signature"] = signature(request.method, address, pairs, self._secret)
        request.url = request.url.copy_merge_params(ours)
        yield request


def signature(method: str, address: str, pairs: Iterable[tuple[str, str]], secret: str) -> str:
    """The signature of a call in base64; `pairs` are its parameters, not encoded."""
    encoded = sorted((quote(name, safe="~"), quote(value, safe="~")) for name, value in pairs)
    query = "&".join(f"{name}={value}" for name, value in encoded)
    base = "&".join(quote(part, safe="~") for part in (method.upper(), address, query))
    return base64.b64encode(hmac.new(f"{secret}&".encode(), base.encode(), hashlib.sha256).digest()).decode()
