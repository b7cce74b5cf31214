"""Every registered source: it reads what it should, refuses what it cannot read, and tells no secret."""

from __future__ import annotations

import gzip
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import settings
from bot.errors import Declined, OutsideError, Unreached
from bot.ports import Rate, RateSource
from bot.rates import RATES
from bot.rates.ecb import EcbRates, parse
from tests.rates.server import RATES as FIGURES
from tests.rates.server import Answer, document, serving

MONDAY = date(2011, 11, 21)


@pytest.fixture(params=sorted(RATES))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def source(name: str, url: str) -> RateSource:
    return RATES[name](settings.given(rates={"source": name, "url": url}))


async def fails(name: str, answer: Answer) -> OutsideError:
    async with serving(answer) as url:
        with pytest.raises(OutsideError) as caught:
            await source(name, url).fetch()
    assert "hush-hush" not in str(caught.value)
    return caught.value


async def test_a_source_gives_the_rates_of_its_day(name: str) -> None:
    answer = Answer(body=document({MONDAY: FIGURES}))
    async with serving(answer) as url:
        made = source(name, url)
        found = await made.fetch()
    assert made.name == name
    at = datetime(2011, 11, 21, 15, tzinfo=UTC)  # 16:00 in Frankfurt
    assert set(found) == {Rate("EUR", code, MONDAY, rate, at) for code, rate in FIGURES.items()}
    assert len(answer.asked) == 1


@pytest.mark.parametrize("status", ["500 Oh", "503 Later", "429 Slow down"])
async def test_a_server_in_trouble_may_be_asked_again(name: str, status: str) -> None:
    assert isinstance(await fails(name, Answer(status=status, body=document({MONDAY: FIGURES}))), Unreached)


@pytest.mark.parametrize("status", ["404 Gone", "403 No", "204 Nothing"])
async def test_a_server_that_refuses_is_not_asked_again(name: str, status: str) -> None:
    assert isinstance(await fails(name, Answer(status=status)), Declined)


@pytest.mark.parametrize("target", ["file:///etc/passwd", "http://127.0.0.1:1/", "/elsewhere"])
async def test_nobody_is_followed_elsewhere(name: str, target: str) -> None:
    answer = Answer(status="302 Found", headers={"Location": target})
    assert isinstance(await fails(name, answer), Declined)
    assert len(answer.asked) == 1


async def test_a_line_that_breaks_may_be_tried_again(name: str) -> None:
    assert isinstance(await fails(name, Answer(drop=True)), Unreached)


async def test_nobody_there_may_be_tried_again(name: str) -> None:
    with pytest.raises(Unreached):
        await source(name, "http://127.0.0.1:9/").fetch()


@pytest.mark.parametrize("url", ["http://[", "https://", "http://127.0.0.1:99999999/", "http://x y/"])
async def test_what_is_no_address_is_told(name: str, url: str) -> None:
    with pytest.raises(OutsideError):
        await source(name, url).fetch()


async def test_a_huge_answer_is_not_read_to_its_end(name: str) -> None:
    assert "more than" in str(await fails(name, Answer(body=b"<x>", endless=True)))


async def test_a_packed_answer_is_not_unpacked(name: str) -> None:
    body = gzip.compress(document({MONDAY: FIGURES}))
    assert isinstance(await fails(name, Answer(body=body, headers={"Content-Encoding": "gzip"})), Declined)


async def test_a_silent_server_is_not_waited_for() -> None:
    async with serving(Answer(silent=True)) as url:
        with pytest.raises(Unreached, match="did not answer"):
            await EcbRates(url, seconds=0.1).fetch()


def one(currency: str = "USD", rate: str = "1.1", day: str = "2011-11-21") -> bytes:
    made = document({MONDAY: {"XXA": Decimal("7.7")}}).decode()
    return made.replace("XXA", currency).replace("7.7", rate).replace("2011-11-21", day).encode()


RUBBISH = {
    "empty": b"",
    "html": b"<html><body>Maintenance</body></html>",
    "cut short": document({MONDAY: FIGURES})[:-30],
    "json": b'{"rates": {}}',
    "binary": bytes(range(256)),
    "no day": document({}),
    "no rate": document({MONDAY: {}}),
    "other format": document({MONDAY: FIGURES}).replace(b"eurofxref", b"other"),
    "a day that is none": one(day="2011-02-30"),
    "a code in small letters": one(currency="usd"),
    "the euro itself": one(currency="EUR"),
    "a negative rate": one(rate="-1.1"),
    "nothing": one(rate="0.0"),
    "not a number": one(rate="NaN"),
    "a power": one(rate="1e9"),
    "a comma": one(rate="1,1"),
    "an unknown encoding": b'<?xml version="1.0" encoding="klingon"?><x/>',
    "two rates of one": document({MONDAY: FIGURES}).replace(
        b"</Cube></Cube>", b"<Cube currency='USD' rate='2'/></Cube></Cube>"
    ),
    "a bomb": b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><x>&b;</x>',
    "a file": b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x>&a;</x>',
}


@pytest.mark.parametrize("kind", RUBBISH)
def test_rubbish_is_declined_with_what_is_wrong(kind: str) -> None:
    with pytest.raises(Declined) as caught:
        parse(RUBBISH[kind])
    assert str(caught.value)


def test_a_document_of_many_days_is_read_whole() -> None:
    days = {date(2011, 11, day): {"USD": Decimal(f"1.{day}")} for day in range(1, 29)}
    found = parse(document(days))
    assert [rate.day for rate in found] == sorted(days)


@given(st.binary(max_size=300))
def test_no_bytes_break_the_reader(body: bytes) -> None:
    try:
        parse(body)
    except Declined as error:
        assert str(error)  # noqa: PT017  # either outcome is right


@given(st.binary(max_size=40), st.integers(0, 600))
def test_no_damage_breaks_the_reader(damage: bytes, place: int) -> None:
    whole = document({MONDAY: FIGURES})
    try:
        found = parse(whole[:place] + damage + whole[place + len(damage) :])
    except Declined:
        return
    assert all(rate.rate > 0 for rate in found)
