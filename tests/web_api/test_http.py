"""What is not asked rightly: each answered with its status, a problem that says what to do, and nothing taken."""

from __future__ import annotations

import gzip
import itertools
import json
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest
from sqlalchemy.exc import OperationalError

from bot.storage import apikeys
from bot.web.api.allowance import BURST, PER_SECOND, Allowance
from bot.web.api.problems import MEDIA, PROBLEMS
from bot.web.api.reading import MAX_BODY
from tests.web_api.conftest import Site, count

JSON = {"Content-Type": "application/json"}
ALLOWED = {
    "/api/v1/stock": "POST, OPTIONS",
    "/api/v1": "GET, HEAD, OPTIONS",
    "/api/v1/openapi.json": "GET, HEAD, OPTIONS",
}


def problem(answer: httpx.Response) -> tuple[int, str]:
    """Its status and kind, held to the form of a problem."""
    told = answer.json()
    assert answer.headers["content-type"] == MEDIA
    assert told["status"] == answer.status_code
    assert told["title"]
    assert told["detail"]
    kind = told["type"].removeprefix("/api/v1#")
    assert PROBLEMS[kind].status == answer.status_code
    return answer.status_code, kind


async def test_without_a_key_that_is_in_use_nobody_gets_in(quick: Site) -> None:
    live = quick.token
    for given in (
        "",
        "Basic dXNlcjpwYXNz",
        "Bearer",
        "Bearer x",
        f"Bearer {live[:-1]}_",
        f"Bearer {live}x",
        "Bearer \xe9",
    ):
        headers = {"Authorization": given.encode("latin-1")} if given else {}
        async with httpx.AsyncClient(trust_env=False) as stranger:
            answer = await stranger.post(f"{quick.url}/api/v1/stock", json={"rows": []}, headers=headers)  # type: ignore[arg-type]
        assert problem(answer) == (401, "key"), given
        assert answer.headers["WWW-Authenticate"].startswith('Bearer realm="stocktide"')
        assert live not in answer.text
    await quick.app.services.api_keys.revoke("erp")
    assert problem(await quick.send("stock", count())) == (401, "key")
    assert await quick.rows("SELECT * FROM stock_levels") == []


async def test_a_key_tells_what_its_scopes_say_and_nothing_else(quick: Site) -> None:
    token = await quick.app.services.api_keys.add("till", ["sales"])
    answer = await quick.send("stock", count(), Authorization=f"Bearer {token}")
    assert problem(answer) == (403, "scope")
    assert "stocktide keys add" in answer.json()["detail"]
    assert 'scope="stock"' in answer.headers["WWW-Authenticate"]
    assert (await quick.send("sales", Authorization=f"bearer {token}")).status_code == 200


async def test_every_address_says_which_methods_it_knows(quick: Site) -> None:
    methods = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW")
    for (path, allowed), method in itertools.product(ALLOWED.items(), methods):
        answer = await quick.client.request(method, path)
        if method == "OPTIONS":
            assert (answer.status_code, answer.headers["Allow"], answer.content) == (204, allowed, b"")
        elif method not in allowed:
            assert (answer.status_code, answer.headers["Allow"]) == (405, allowed)
            assert method == "HEAD" or problem(answer) == (405, "method")
        else:
            assert answer.status_code in {200, 415}
            assert (method != "HEAD") or answer.content == b""


async def test_an_address_that_leads_to_nothing_says_so_in_the_same_form(quick: Site) -> None:
    for path in ("/api/v1/nonsense", "/api/v2/sales", "/api/", "/api/v1/"):
        for method in ("GET", "POST", "BREW"):
            assert problem(await quick.client.request(method, path)) == (404, "nowhere")


async def test_where_the_database_is_gone_the_sender_is_told_to_come_again(
    quick: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def gone(*_given: object) -> None:
        raise OperationalError("SELECT", {}, Exception("secret of the database"))

    with monkeypatch.context() as patch:
        patch.setattr(apikeys, "live_key", gone)
        answer = await quick.send("stock", count())
    assert problem(answer) == (503, "unkept")
    assert answer.headers["Retry-After"] == "10"
    assert "secret" not in answer.text
    assert (await quick.send("stock", count())).status_code == 200


UNREADABLE: tuple[tuple[bytes, tuple[int, str]], ...] = (
    (b"", (400, "json")),
    (b"{", (400, "json")),
    (b'{"rows": [NaN]}', (400, "json")),
    (b'{"rows": [' + b"9" * 5000 + b"]}", (400, "json")),
    (b"[" * 100_000, (400, "json")),
    (b'\xff\xfe{\x00"\x00', (400, "json")),
    ('{"rows": []}'.encode("utf-16"), (400, "json")),
    (b"[]", (422, "shape")),
    (b"null", (422, "shape")),
    (b'{"rows": {}}', (422, "shape")),
    (b'{"rows": [], "more": 1}', (422, "shape")),
    (b'{"rows": [1e999999999]}', (422, "rows")),
    (b'{"rows": [null, [], "x", 1.5, {}]}', (422, "rows")),
)


async def test_a_body_that_cannot_be_read_is_refused_as_a_whole(quick: Site) -> None:
    for body, found in UNREADABLE:
        answer = await quick.client.post("/api/v1/sales", content=body, headers=JSON)
        assert problem(answer) == found, body[:30]


async def test_the_media_type_is_looked_at(quick: Site) -> None:
    for given in ("text/json", "", "application/json; charset=gb18030", "multipart/form-data"):
        answer = await quick.client.post("/api/v1/stock", content=b'{"rows":[]}', headers={"Content-Type": given})
        assert problem(answer) == (415, "media-type"), given
    for given in ("application/json; charset=utf-8", "Application/JSON;charset=UTF-8"):
        answer = await quick.client.post("/api/v1/stock", content=b'{"rows":[]}', headers={"Content-Type": given})
        assert answer.status_code == 200, given


async def test_a_packed_body_is_inflated_up_to_the_cap(quick: Site) -> None:
    async def sent(body: bytes, packed: str = "gzip") -> httpx.Response:
        headers = {**JSON, "Content-Encoding": packed}
        return await quick.client.post("/api/v1/stock", content=body, headers=headers)

    good = gzip.compress(json.dumps({"rows": [count()]}).encode())
    assert (await sent(good)).json() == {"received": 1, "changed": 1, "faults": []}
    bomb = gzip.compress(b" " * (MAX_BODY * 20))
    assert len(bomb) < MAX_BODY / 10
    assert problem(await sent(bomb)) == (413, "too-large")
    for broken in (good[:-4], good + good, good + b"x", b"plain", b""):
        assert problem(await sent(broken)) == (400, "json")
    answer = await sent(good, "br")
    assert problem(answer) == (415, "encoding")
    assert answer.headers["Accept-Encoding"] == "gzip"


async def test_a_body_beyond_the_cap_is_refused_while_it_comes(quick: Site) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _part in range(MAX_BODY // 65_536 + 2):
            yield b" " * 65_536

    answer = await quick.client.post("/api/v1/stock", content=endless(), headers=JSON)
    assert problem(answer) == (413, "too-large")


def test_each_key_has_an_allowance_of_its_own_that_grows_again_with_time() -> None:
    now = [0.0]
    allowance = Allowance(lambda: now[0])
    for used in range(BURST):
        allowed, fields = allowance.use(1)
        assert allowed
        assert fields["RateLimit"].startswith(f'"key";r={BURST - used - 1};')
        assert fields["RateLimit-Policy"] == f'"key";q={BURST};w=30'
    allowed, fields = allowance.use(1)
    assert (allowed, fields["RateLimit"], fields["Retry-After"]) == (False, '"key";r=0;t=1', "1")
    assert allowance.use(2)[0]
    now[0] += 1 / PER_SECOND
    assert allowance.use(1)[0]
    assert not allowance.use(1)[0]


async def test_a_key_that_sends_too_often_is_told_when_to_come_again(quick: Site) -> None:
    answers = [await quick.client.put("/api/v1/stock")]  # what is no batch counts for nothing
    while answers[-1].status_code != 429:
        answers.append(await quick.client.post("/api/v1/stock"))
        assert len(answers) < 2 * BURST
    assert len(answers) > BURST
    assert problem(answers[-1]) == (429, "often")
    assert int(answers[-1].headers["Retry-After"]) >= 1
    assert answers[-1].headers["RateLimit"].startswith('"key";r=0;')
    token = await quick.app.services.api_keys.add("till")
    assert (await quick.send("stock", Authorization=f"Bearer {token}")).status_code == 200


async def test_the_last_use_of_a_key_is_known_to_the_minute(quick: Site) -> None:
    async def used() -> object:
        return (await quick.app.services.api_keys.everything())[0].used_at

    assert await used() is None
    await quick.send("stock")
    assert await used() == quick.clock.now()
    before = quick.clock.now()
    quick.clock.push(timedelta(seconds=30))
    await quick.send("stock")
    assert await used() == before
    quick.clock.push(timedelta(seconds=30))
    await quick.send("stock")
    assert await used() == quick.clock.now()


async def test_the_page_tells_everything_in_both_languages_and_runs_no_script(quick: Site) -> None:
    async with httpx.AsyncClient(base_url=quick.url, trust_env=False) as anybody:
        for path, asked, tag, says in (
            ("/api/v1", "en-GB,en", "en", "What to do"),
            ("/api/v1", "zh-CN,zh;q=0.9", "zh-CN", "处理办法"),
            ("/api/v1?lang=zh-CN", "en-GB,en", "zh-CN", "处理办法"),
        ):
            answer = await anybody.get(path, headers={"Accept-Language": asked})
            assert answer.status_code == 200
            assert f'<html lang="{tag}">' in answer.text
            assert says in answer.text
            assert "<script" not in answer.text
            policy = answer.headers["Content-Security-Policy"]
            mark = policy.split("style-src 'nonce-")[1].split("'")[0]
            assert f'nonce="{mark}"' in answer.text
            for words in (*PROBLEMS, "purchase-orders", "expected_on", "10,000", "8 MB"):
                assert words in answer.text, words


async def test_an_example_of_the_page_is_taken_as_it_stands(quick: Site) -> None:
    page = (await quick.client.get("/api/v1")).text
    for kind in ("sales", "stock", "purchase-orders", "products"):
        section = page.split(f'<section id="{kind}">')[1].split("</section>")[0]
        example = section.rsplit("<p><code>", 1)[1].split("</code>")[0].replace("&#34;", '"')
        answer = await quick.client.post(f"/api/v1/{kind}", content=example, headers=JSON)
        assert answer.json() == {"received": 1, "changed": 1, "faults": []}, kind
