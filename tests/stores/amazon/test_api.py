"""Calls: tokens that end, the pace that Amazon allows, documents elsewhere, and secrets that stay here."""

from __future__ import annotations

import asyncio
import gzip
import logging
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from functools import partial

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import Declined, Unreached
from bot.stores.amazon import library, reports
from bot.stores.amazon.api import Api, Throttled
from bot.stores.amazon.cursor import OVERLAP, Mark
from bot.stores.amazon.markets import Account
from bot.stores.amazon.pacing import Bucket
from bot.stores.amazon.reports import Broken
from bot.stores.calling import Caller
from tests.stores.amazon.account import REFRESH
from tests.stores.amazon.conftest import Amazon

MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  # bounds are naive
FIELDS = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\t\ufeff"), max_size=8)
STOCK = {"granularityType": "Marketplace", "granularityId": "A1PA6795UKMFR9", "marketplaceIds": "A1PA6795UKMFR9"}


@pytest.fixture
async def api(amazon: Amazon) -> AsyncIterator[Api]:
    """Calls to the account, by a timer of the test's own."""
    found = Api(Account.of("amz", amazon.part()), pause=amazon.pause, timer=amazon.timer, clock=amazon.account.clock)
    yield found
    await found.close()


async def stock(api: Api) -> None:
    await api.read("getInventorySummaries", details="true", **STOCK)


async def test_many_who_need_a_token_exchange_one(amazon: Amazon, api: Api) -> None:
    amazon.account.faults.add("token", "delay:0.02")
    await asyncio.gather(*(api.read("getReport", "R1") for _ in range(6)), return_exceptions=True)
    assert amazon.account.granted == 1


async def test_a_token_is_exchanged_before_it_ends(amazon: Amazon, api: Api) -> None:
    await stock(api)
    amazon.passed += 3299
    await stock(api)
    assert amazon.account.granted == 1
    amazon.passed += 2
    await stock(api)
    assert amazon.account.granted == 2
    assert amazon.called("getInventorySummaries") == ["ok"] * 3


async def test_a_token_that_amazon_calls_expired_is_exchanged_once(amazon: Amazon, api: Api) -> None:
    await stock(api)
    amazon.account.access = set()
    await stock(api)
    assert amazon.called("getInventorySummaries") == ["ok", "403", "ok"]
    amazon.account.lives = 0
    amazon.account.faults.add("getInventorySummaries", "error:403", 1)
    with pytest.raises(Declined, match="403"):  # refused for another reason: a new token would not help
        await stock(api)


async def test_the_pace_is_the_usage_plans_until_amazon_tells_another(amazon: Amazon, api: Api) -> None:
    for _ in range(4):
        await stock(api)
    assert amazon.pauses == [0.5, 0.5]  # two at once, then two a second
    amazon.account.limits["getInventorySummaries"] = "0.25"
    await stock(api)
    amazon.pauses.clear()
    await stock(api)
    assert amazon.pauses == [4.0]


async def test_what_may_be_called_much_later_is_not_waited_for(amazon: Amazon, api: Api) -> None:
    amazon.account.limits["getInventorySummaries"] = "0.0001"
    await stock(api)
    await stock(api)
    with pytest.raises(Throttled) as caught:
        await stock(api)
    assert caught.value.retry_after > 9000
    assert len(amazon.called("getInventorySummaries")) == 2


async def test_a_refusal_for_too_many_calls_is_waited_out_as_long_as_amazon_says(amazon: Amazon, api: Api) -> None:
    amazon.account.faults.add("getInventorySummaries", "429:7")
    await stock(api)
    assert amazon.pauses == [7.0]
    amazon.pauses.clear()
    amazon.account.faults.add("getInventorySummaries", "429:0")  # it does not say: then by the plan
    await stock(api)
    assert amazon.pauses[0] == 0.5


async def test_an_error_page_is_no_empty_answer(amazon: Amazon, api: Api) -> None:
    amazon.account.faults.add("getInventorySummaries", "error:200", 9)
    with pytest.raises(Unreached, match="no JSON"):
        await stock(api)


async def test_the_environment_and_its_files_are_never_looked_at(
    amazon: Amazon, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SP_API_REFRESH_TOKEN", "somebody else's")
    monkeypatch.setenv("LWA_CLIENT_SECRET", "somebody else's")
    monkeypatch.setenv("SP_API_DEFAULT_MARKETPLACE", "US")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    await stock(api)
    assert amazon.account.queries[-1]["marketplaceIds"] == "A1PA6795UKMFR9"


async def test_no_secret_reaches_a_log_or_an_error(amazon: Amazon, api: Api, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    amazon.account.keep("D", "a\tb\n1\t2\n")
    rows = list(await reports.rows(api, "D"))
    assert rows == [{"a": "1", "b": "2"}]
    amazon.account.faults.add("document", "500", 9)
    with pytest.raises(Unreached) as caught:
        await reports.rows(api, "D")
    assert caught.value.detail == "the document at 127.0.0.1: 403"
    for secret in (amazon.account.token, REFRESH, "Atza|", "hush"):
        assert secret not in caplog.text.replace("sig%2Fhush%2B", ""), secret


async def test_a_document_is_fetched_from_public_addresses_alone(amazon: Amazon) -> None:
    part = amazon.part().model_copy(
        update={"private": False, "url": "https://api.example", "options": {"marketplaces": "DE"}}
    )
    api = Api(Account.of("amz", part))
    for url in ("http://documents.example/x", "https://127.0.0.1/x", "https://[::1]/x"):
        with pytest.raises(Declined):
            await api.document(url)
    await api.close()


def test_a_report_is_inflated_piece_by_piece_and_only_so_far(monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = gzip.compress(b"0" * 5_000_000)
    assert sum(map(len, reports.inflated(bomb))) == 5_000_000
    monkeypatch.setattr(reports, "MOST_INFLATED", 3_000_000)
    with pytest.raises(Declined, match="more than 3 MB"):
        list(reports.inflated(bomb))
    with pytest.raises(Unreached, match="cut off"):
        list(reports.inflated(gzip.compress(b"some rows")[:-9]))
    with pytest.raises(Unreached, match="inflated"):
        list(reports.inflated(b"\x1f\x8bnonsense, surely"))
    assert list(reports.inflated(b"plain")) == [b"plain"]


@given(
    st.lists(
        st.lists(
            st.text(st.characters(codec="utf-8", exclude_characters="\r\n\t\ufeff"), max_size=8), min_size=2, max_size=2
        ),
        max_size=8,
    ),
    st.integers(1, 9),
)
def test_rows_are_read_wherever_the_pieces_are_cut(table: list[list[str]], size: int) -> None:
    wanted = [dict(zip("ab", fields, strict=True)) for fields in table if "\t".join(fields).strip()]
    text = "".join("\t".join(line) + "\r\n" for line in (["a", "b"], *table)).encode()

    def pieces() -> Iterator[bytes]:
        yield from (text[start : start + size] for start in range(0, len(text), size))

    assert list(reports.parsed(reports.lines(pieces(), "utf-8"))) == wanted


def test_a_row_that_is_broken_is_named() -> None:
    assert list(reports.parsed(iter(["a\tb", "1\t2\t3", "", "4\t5"]))) == [Broken(2, 3, "1"), {"a": "4", "b": "5"}]


@pytest.mark.parametrize(
    ("named", "encoding"),
    [("text/plain; charset=Cp1252", "cp1252"), ("text/plain;charset=UTF-8", "utf-8"), ("text/plain", "cp1252"),
     ("text/plain; charset=windows-31j", "cp932"), ("text/plain; charset=ISO-8859-1", "cp1252")],
)  # fmt: skip
def test_a_document_says_what_it_is_written_in(named: str, encoding: str) -> None:
    assert reports.encoding(httpx.Response(200, headers={"content-type": named})) == encoding


def test_an_encoding_nobody_knows_is_not_guessed_at() -> None:
    with pytest.raises(Declined, match="klingon"):
        reports.encoding(httpx.Response(200, headers={"content-type": "text/plain; charset=klingon"}))


@given(st.floats(0.001, 50), st.integers(1, 30), st.lists(st.floats(0, 100), max_size=40))
def test_a_bucket_never_gives_more_than_it_holds_and_fills(rate: float, burst: int, waits: list[float]) -> None:
    now = 0.0
    bucket, calls = Bucket(lambda: now, rate, burst), []
    for wait in waits:
        now += wait
        now += bucket.wait()
        bucket.spend()
        calls.append(now)
    for start, begun in enumerate(calls):
        for count, at in enumerate(calls[start:], 1):
            assert count <= burst + rate * (at - begun) + 1e-6


@pytest.mark.parametrize("told", ["", "many", "nan", "inf", "-1", "0"])
def test_a_rate_that_is_none_changes_nothing(told: str) -> None:
    bucket = Bucket(lambda: 0.0, 2.0, 1.0)
    bucket.told(told)
    assert bucket.rate == 2.0


@given(
    st.builds(
        Mark,
        since=st.none() | MOMENTS,
        begun=st.none() | MOMENTS,
        part=st.integers(0, 30),
        report=st.text(max_size=9),
        done=st.integers(0, 10**7),
        token=st.text(max_size=9),
        left=st.lists(st.text(max_size=5), max_size=3).map(tuple),
        open=st.lists(st.text(max_size=5), max_size=3).map(tuple),
    )
)
def test_a_cursor_is_read_as_it_was_written(mark: Mark) -> None:
    assert Mark.of(str(mark)) == mark
    if mark.begun:
        assert mark.ended() == Mark(mark.begun - OVERLAP, open=mark.open)


@given(st.text(max_size=60) | st.sampled_from(['{"since": 1}', "null", "[]", '{"since": "2011-01-01", "begun": null}']))
def test_what_is_no_cursor_is_the_beginning(told: str) -> None:
    assert Mark.of(told) == Mark()


def test_a_library_that_cannot_be_loaded_is_said_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(name: str) -> None:
        raise ValueError(f"'prod' is not a valid AwsEnv, in {name}")

    library._method.cache_clear()
    monkeypatch.setattr("importlib.import_module", load)
    with pytest.raises(Declined, match="AWS_ENV"):
        library._method("getReport")


def test_every_operation_is_one_that_the_library_knows() -> None:
    for name in library.OPERATIONS:
        assert callable(library._method(name))


async def test_a_call_whose_answer_takes_too_long_is_not_made_again_at_once(
    amazon: Amazon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.stores.amazon.api.Caller", partial(Caller, patience=0.3))
    amazon.account.faults.add("getInventorySummaries", "delay:30", 9)
    await amazon.broken("stock", "not all there")
    assert len(amazon.called("getInventorySummaries")) == 1
