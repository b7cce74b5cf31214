"""The euro's reference rates, as the European Central Bank publishes them.

One XML document of a few kilobytes, renewed "around 16:00 CET" on working days:
https://www.ecb.europa.eu/stats/policy_and_exchange_rates/euro_reference_exchange_rates/. The longer ones of 90 days and
since 1999 have the same form and are read too.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import defusedxml
import httpx
from defusedxml import ElementTree

from bot.errors import Declined, Unreached
from bot.ports import Rate
from bot.words import _

BASE = "EUR"
FRANKFURT = ZoneInfo("Europe/Berlin")
STATED = time(16)
_MOST_BYTES = 16 * 2**20  # the document of all days since 1999 has about 8 MB
_CUBE = "{http://www.ecb.int/vocabulary/2002-08-01/eurofxref}Cube"


def stated_at(day: date) -> datetime:
    """When the rates of a day are stated."""
    return datetime.combine(day, STATED, FRANKFURT).astimezone(UTC)


class EcbRates:
    """Fetches one document. It follows no redirects, and reads no more than 16 MB in `seconds` altogether."""

    name = "ecb"

    def __init__(self, url: str, seconds: float = 20.0) -> None:
        self._address = url
        self._seconds = seconds

    async def fetch(self) -> tuple[Rate, ...]:
        """The rates of the document; Unreached where another time may help, Declined where the answer is none."""
        url = _url(self._address)
        host = url.host
        try:
            async with asyncio.timeout(self._seconds), httpx.AsyncClient(timeout=self._seconds) as client:
                body = await _body(client, url)
        except TimeoutError as error:
            raise Unreached(
                _("{host} did not answer within {seconds} s", host=host, seconds=format(self._seconds, "g"))
            ) from error
        except httpx.TransportError as error:
            raise Unreached(_("{host} was not reached: {name}", host=host, name=type(error).__name__)) from error
        return parse(body)


def _url(address: str) -> httpx.URL:
    try:
        url = httpx.URL(address)
    except httpx.InvalidURL as error:
        raise Declined(_("rates.url is no address")) from error
    if not url.host or (url.port or 0) > 65535:
        raise Declined(_("rates.url names no host, or a port that cannot be"))
    return url


async def _body(client: httpx.AsyncClient, url: httpx.URL) -> bytes:
    host = url.host
    headers = {"Accept": "application/xml", "Accept-Encoding": "identity"}
    async with client.stream("GET", url, headers=headers) as answer:
        _check(answer, host)
        body = bytearray()
        async for piece in answer.aiter_raw():  # unpacking is refused: a small answer could become a huge one
            body += piece
            if len(body) > _MOST_BYTES:
                raise Declined(
                    _(
                        "{host} sent more than {most} MB; that is no list of rates",
                        host=host,
                        most=_MOST_BYTES // 2**20,
                    )
                )
    return bytes(body)


def _check(answer: httpx.Response, host: str) -> None:
    status = answer.status_code
    if status == 429 or status >= 500:
        raise Unreached(_("{host} answered {status}", host=host, status=status))
    if answer.is_redirect:
        raise Declined(
            _(
                "{host} answered {status} and sent us elsewhere; set rates.url to the last address",
                host=host,
                status=status,
            )
        )
    if status != 200:
        raise Declined(_("{host} answered {status}; is rates.url right?", host=host, status=status))
    if answer.headers.get("content-encoding", "identity") != "identity":
        raise Declined(_("{host} sent a packed answer that nobody asked for", host=host))


def parse(body: bytes) -> tuple[Rate, ...]:
    """The rates of a document in the ECB's format, oldest day first; Declined says what is wrong with it."""
    try:
        root = ElementTree.fromstring(body, forbid_dtd=True)
    except ElementTree.ParseError as error:
        raise Declined(_("the answer is not XML: {error}", error=str(error))) from error
    except defusedxml.DefusedXmlException as error:
        raise Declined(_("the answer holds what no list of rates needs: {name}", name=type(error).__name__)) from error
    except (ValueError, LookupError) as error:  # an encoding that nobody knows
        raise Declined(_("the answer cannot be read: {error}", error=str(error))) from error
    found: dict[tuple[date, str], Rate] = {}
    for day, cube in _cubes(root):
        rate = _rate(day, cube)
        if found.setdefault((day, rate.currency), rate) != rate:
            raise Declined(_("{currency} stands twice on {day}, with different rates", currency=rate.currency, day=day))
    if not found:
        raise Declined(_("the answer is XML without a single rate; it is not in the ECB's format"))
    return tuple(sorted(found.values(), key=lambda rate: (rate.day, rate.currency)))


def _cubes(root: Any) -> Iterator[tuple[date, Any]]:  # noqa: ANN401  # an Element of an untyped package
    for of_day in root.iter(_CUBE):
        written = of_day.get("time")
        if written is None:
            continue
        try:
            day = date.fromisoformat(written)
        except ValueError as error:
            raise Declined(_("{written} is not a day", written=repr(written[:40]))) from error
        for cube in of_day.iter(_CUBE):
            if cube is not of_day:
                yield day, cube


def _rate(day: date, cube: Any) -> Rate:  # noqa: ANN401  # an Element of an untyped package
    currency, written = str(cube.get("currency")), str(cube.get("rate"))
    if not re.fullmatch(r"[A-Z]{3}", currency) or currency == BASE:
        raise Declined(_("{currency} on {day} is not a currency with a rate", currency=repr(currency[:40]), day=day))
    if not re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,12})?", written):
        raise Declined(
            _("{written} is not a rate of {currency} on {day}", written=repr(written[:40]), currency=currency, day=day)
        )
    rate = Decimal(written)
    if rate <= 0:
        raise Declined(_("the rate of {currency} on {day} is nothing", currency=currency, day=day))
    return Rate(BASE, currency, day, rate, stated_at(day))
