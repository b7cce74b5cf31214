"""HTTP calls to stores: to public addresses only, read again when that helps, written once."""

from __future__ import annotations

import asyncio
import ipaddress
import random
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, BinaryIO
from urllib.parse import SplitResult, urlsplit

import httpx

from bot.errors import Declined, Unanswered, Unreached
from bot.stores.saying import answered, line
from bot.words import _

TIMEOUT = httpx.Timeout(30.0, connect=10.0)  # for each step: to connect, to send, for the next bytes
PATIENCE = 120.0  # seconds that the answers to one call may take in all
_SLOWEST = 100_000  # bytes in a second, beyond that: of a file that goes on coming
MAX_BODY = 50_000_000  # bytes of one answer
TURNS = 5  # of a reading call
_LONGEST_PAUSE = 60.0  # seconds that a call waits by itself; what asks for more is come back to
_LONGEST_DETAIL = 300
_FILE = {"Accept-Encoding": "gzip"}
_OF_TRANSPORT = ("content-encoding", "content-length", "transfer-encoding")  # of the body as it came, not as it is read
_COME_AGAIN = (429, 503)  # not 502 and 504: behind a gateway that gave up the shop may well go on
# The connection was never made, or not for us: nothing was sent.
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol, httpx.ProxyError)

# IPv6 addresses whose last 32 bits are an IPv4 address: NAT64 (RFC 6052), IPv4-compatible (RFC 4291, 2.5.5.1).
_OVER_IPV4 = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("::/96"))
# So are those of a tunnel's host under any prefix (RFC 5214): its interface begins so, whatever its bits u and g say.
_ISATAP, _ISATAP_BITS = 0x5EFE, 0xFCFFFFFF
# What older or laxer tables of Python's call global: of the IANA registries of special-purpose addresses that for
# protocols, 6to4 relays, documentation and segment routing; site-local (RFC 3879) and IPv4-translated (RFC 7915) ones.
_SPECIAL = tuple(
    map(
        ipaddress.ip_network,
        ("192.0.0.0/24", "192.88.99.0/24", "fec0::/10", "::ffff:0:0:0/96", "3fff::/20", "5f00::/16"),
    )
)
_LOCAL_NAT64 = ipaddress.IPv6Network("64:ff9b:1::/48")  # RFC 8215: of a network's own, which may lead anywhere in it

Pause = Callable[[float], Awaitable[object]]


class Forbidden(Declined):
    """The address is not one that a store may have."""


class TooSlow(Unreached):
    """An answer was not all there in the time that it may take; to ask again at once would be in vain."""


class PinnedTransport(httpx.AsyncHTTPTransport):
    """Looks a name up once, refuses what is not public, and connects to the very address that was checked.

    A name that answers otherwise a moment later (DNS rebinding) is of no use to anybody. `private` allows addresses of
    local networks and of this machine.
    """

    def __init__(self, *, private: bool, verify: ssl.SSLContext) -> None:
        super().__init__(verify=verify, trust_env=False)
        self._private = private

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send to the address; certificates are checked against the name."""
        named = request.url
        address = await resolve(
            named.host, named.port or (443 if named.scheme == "https" else 80), private=self._private
        )
        request.extensions = {**request.extensions, "sni_hostname": named.host}
        request.url = named.copy_with(host=address)
        try:
            return await super().handle_async_request(request)
        finally:
            request.url = named


async def resolve(host: str, port: int, *, private: bool) -> str:
    """The address that a host's name has; Forbidden where any of its addresses is not public and none may be."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:  # also what no name can be
        raise httpx.ConnectError(f"{host} is not found") from error
    addresses = [str(entry[4][0]) for entry in found]
    if not private and not all(map(is_public, addresses)):
        raise Forbidden(
            _("{host} is in a private network; set private = true for this store if that is meant", host=host)
        )
    return addresses[0]


def is_public(address: str) -> bool:
    """Whether an address is one machine on the internet; of one that leads on to an IPv4 address, whether that is."""
    found = ipaddress.ip_address(address)
    if found.is_multicast or not found.is_global or any(found in network for network in _SPECIAL):
        return False
    if isinstance(found, ipaddress.IPv4Address):
        return True
    if found.teredo is not None or found in _LOCAL_NAT64:
        return False
    inner = [each for each in (found.sixtofour, found.ipv4_mapped) if each is not None]
    if int(found) >> 32 & _ISATAP_BITS == _ISATAP or any(found in network for network in _OVER_IPV4):
        inner.append(ipaddress.IPv4Address(int(found) & 0xFFFFFFFF))
    return all(is_public(str(each)) for each in inner)


class Caller:
    """Calls one store. Errors are OutsideErrors, whose details hold neither headers nor bodies of ours.

    `turns` is how often a reading call is made before it is given up. `patience` are the seconds that its answers may
    take, those of all turns together and without the pauses between them: a store that tells a byte a minute never
    keeps silent for long, and is to hold up nobody either.
    """

    def __init__(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        private: bool = False,
        pause: Pause = asyncio.sleep,
        timeout: httpx.Timeout = TIMEOUT,
        turns: int = TURNS,
        patience: float = PATIENCE,
    ) -> None:
        parts = _parts(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username is not None:
            raise Forbidden(_("a store's address begins with https:// and holds no password"))
        if parts.scheme == "http" and not private:
            raise Forbidden(_("a store outside the local network is called by https:// alone"))
        self.url = url.rstrip("/")
        self.headers = dict(headers or {})
        self._pause = pause
        self._turns = turns
        self._patience = patience
        # A context takes long to load, and none is needed for http.
        verify = ssl.create_default_context() if parts.scheme == "https" else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._client = httpx.AsyncClient(transport=PinnedTransport(private=private, verify=verify), timeout=timeout)

    async def close(self) -> None:
        """Hang up."""
        await self._client.aclose()

    async def read(self, method: str, path: str, **given: Any) -> httpx.Response:  # noqa: ANN401  # as httpx takes it
        """A call that changes nothing, so that it may be made again; Unreached once patience is at its end.

        Declined for what asking again does not help. The server's own word on how long to wait is obeyed.
        """
        clock, left = asyncio.get_running_loop().time, self._patience
        for turn in range(self._turns):
            began = clock()
            try:
                return await self._once(method, path, given, left)
            except Unreached as error:
                left -= clock() - began
                wait = error.retry_after or random.uniform(0.5, 1.0) * 2**turn  # noqa: S311  # so that callers part
                if turn == self._turns - 1 or wait > _LONGEST_PAUSE or left <= 0:
                    raise
                await self._pause(wait)
            except Unanswered as error:
                left -= clock() - began
                if left <= 0:
                    raise TooSlow(error.said, status=error.status) from error
                if turn == self._turns - 1:
                    raise Unreached(error.said, status=error.status) from error
                await self._pause(random.uniform(0.5, 1.0) * 2**turn)  # noqa: S311  # so that callers part
        raise AssertionError("unreachable")

    async def write(self, method: str, path: str, **given: Any) -> httpx.Response:  # noqa: ANN401  # as httpx takes it
        """A call that changes something: made once. Unanswered where nobody knows whether it happened."""
        return await self._once(method, path, given, self._patience)

    async def download(self, url: str, target: BinaryIO, most: int) -> None:
        """Write what an address holds into a file, decompressed; Unreached once patience is at its end.

        For files that a store keeps elsewhere: none of our headers goes there, the address is checked as the store's
        own, and no redirect is followed. Declined for what asking again does not help, and beyond `most` bytes.
        """
        parts = urlsplit(url)
        if parts.scheme != "https" and (parts.scheme, urlsplit(self.url).scheme) != ("http", "http"):
            raise Forbidden(_("a store's file is fetched by https:// alone"))
        for turn in range(self._turns):
            try:
                return await self._fetched(url, target, most)
            except TooSlow:
                raise
            except (Unreached, Unanswered) as error:
                if turn == self._turns - 1:
                    raise Unreached(error.said, status=error.status) from error
                await self._pause(random.uniform(0.5, 1.0) * 2**turn)  # noqa: S311  # so that callers part
        raise AssertionError("unreachable")

    async def _fetched(self, url: str, target: BinaryIO, most: int) -> None:
        target.seek(0)
        target.truncate()
        size, ends = 0, asyncio.get_running_loop().time() + self._patience
        try:
            async with asyncio.timeout_at(ends) as limit, self._client.stream("GET", url, headers=_FILE) as stream:
                if not stream.is_success:
                    _refuse(await _loaded(stream))
                async for part in stream.aiter_bytes():
                    size += len(part)
                    if size > most:
                        raise Declined(_("a file of more than {most} MB", most=most // 1_000_000))
                    target.write(part)
                    limit.reschedule(ends + size / _SLOWEST)
        except TimeoutError as error:
            said = _(
                "a file of which {size} kB came in more than {seconds} s",
                size=size // 1000,
                seconds=format(self._patience, "g"),
            )
            raise TooSlow(said) from error
        except httpx.HTTPError as error:
            raise Unreached(line(error)) from error
        except (httpx.InvalidURL, UnicodeError):
            raise _unsendable() from None
        target.flush()

    async def _once(self, method: str, path: str, given: Mapping[str, Any], seconds: float) -> httpx.Response:
        address = path if path.startswith(("http://", "https://")) else f"{self.url}{path}"
        if urlsplit(address).netloc != urlsplit(self.url).netloc:
            raise Forbidden(_("the store led to another host"))
        headers = {**self.headers, **given.get("headers", {})}
        try:
            async with (
                asyncio.timeout(seconds),
                self._client.stream(method, address, **{**given, "headers": headers}) as stream,
            ):
                answer = await _loaded(stream)
        except TimeoutError as error:
            said = _("the answer was not all there after {seconds} s", seconds=format(self._patience, "g"))
            raise Unanswered(said) from error
        except _NEVER_SENT as error:
            raise Unreached(line(error)) from error
        except httpx.HTTPError as error:
            raise Unanswered(line(error)) from error
        except (httpx.InvalidURL, UnicodeError):
            raise _unsendable() from None
        if not answer.is_success and answer.status_code != 304:  # to a condition of ours: it is as it was
            _refuse(answer)
        return answer


def _parts(url: str) -> SplitResult:
    """An address in its parts; Forbidden where it is none."""
    try:
        parts = urlsplit(url)
        httpx.URL(url)
        parts.port  # noqa: B018  # raises where it is no number
    except (ValueError, httpx.InvalidURL):
        raise Forbidden(_("a store's address cannot be read; write it as https://HOST/PATH")) from None
    return parts


def _unsendable() -> Declined:
    """What a header or an address cannot hold; which it is stays unsaid, for it may be a secret."""
    return Declined(_("the address, a secret or an option has signs that cannot be sent"))


def _refuse(answer: httpx.Response) -> None:
    """Raise what an answer without success means."""
    if answer.status_code in _COME_AGAIN:
        raise Unreached(answered(detail(answer)), _asked_pause(answer), status=answer.status_code)
    if answer.status_code >= 500:
        raise Unanswered(answered(detail(answer)), status=answer.status_code)
    if answer.is_redirect:
        target = urlsplit(answer.headers.get("location", "")).netloc
        if not target:
            raise Declined(_("it leads elsewhere; write the address it has now"), status=answer.status_code)
        elsewhere = _("it leads elsewhere ({target}); write the address it has now", target=target)
        raise Declined(elsewhere, status=answer.status_code)
    raise Declined(answered(detail(answer)), status=answer.status_code)


async def _loaded(stream: httpx.Response) -> httpx.Response:
    """The answer with its body, as far as one may be long."""
    parts, size = [], 0
    async for part in stream.aiter_bytes():
        size += len(part)
        if size > MAX_BODY:
            raise Declined(_("an answer of more than {most} MB", most=MAX_BODY // 1_000_000))
        parts.append(part)
    headers = [(name, value) for name, value in stream.headers.multi_items() if name.lower() not in _OF_TRANSPORT]
    return httpx.Response(stream.status_code, headers=headers, content=b"".join(parts), request=stream.request)


def _asked_pause(answer: httpx.Response) -> float:
    """Seconds that the server asks us to wait; 0 where it does not say."""
    told = answer.headers.get("retry-after", "").strip()
    if told.replace(".", "", 1).isdigit():
        return float(told)
    try:
        at = parsedate_to_datetime(told)
        here = parsedate_to_datetime(answer.headers.get("date", ""))
    except (TypeError, ValueError):
        return 0.0
    return max((at - here).total_seconds(), 0.0)


def detail(answer: httpx.Response) -> str:
    """What the store said, on one short line."""
    text = " ".join(answer.text.split())[:_LONGEST_DETAIL]
    return f"{answer.status_code} {text}".strip()


def clock_of(answer: httpx.Response) -> datetime:
    """The store's clock, by which its rows are dated; ours where it does not say."""
    try:
        return parsedate_to_datetime(answer.headers.get("date", "")).astimezone(UTC)
    except (TypeError, ValueError):
        return datetime.now(UTC).replace(microsecond=0)
