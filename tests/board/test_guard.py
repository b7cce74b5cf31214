"""What changes something comes from our own pages; every answer says what may run in it."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import httpx
import pytest

from bot.services.sessions import Address
from bot.storage import tables
from bot.web.guard import MAX_FORM, Guard
from tests.board.conftest import House, opened, shut
from tests.handlers.conftest import Seeded

CHANGING = ("/board/press", "/board/submit", "/board/leave", "/board/enter")
PAGES = (
    "/board", "/board/stock", "/board/slow", "/board/sku?code=85123A", "/board/suppliers", "/board/requests",
    "/board/request/1", "/board/case/1", "/board/export/stock.csv", "/board/events",
)  # fmt: skip


async def test_no_page_shows_anything_to_a_stranger(house: House) -> None:
    client = house.stranger()
    for page in PAGES:
        answer = await client.get(page)
        assert answer.status_code == 401, page
        assert "85123A" not in answer.text
        assert "看板" in answer.text
        assert "/board" in answer.text


FOREIGN: tuple[dict[str, str], ...] = (
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://["},
    {"Origin": "null", "Sec-Fetch-Site": "cross-site"},
    {"Origin": "", "Sec-Fetch-Site": "same-site"},
)


async def test_what_comes_from_another_site_is_refused(house: House) -> None:
    client = await house.enter()
    for address in CHANGING:
        for headers in FOREIGN:
            answer = await client.post(address, data={"token": "x"}, headers=headers)
            assert (answer.status_code, answer.text) == (403, "from elsewhere"), (address, headers)
    assert (await client.get("/board/requests")).status_code == 200  # and the session stands


async def test_a_browser_that_names_no_origin_may_say_that_it_is_ours(house: House) -> None:
    client = await house.enter()
    answer = await client.post("/board/leave", data={}, headers={"Origin": "", "Sec-Fetch-Site": "same-origin"})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("public", "origin", "host", "own"),
    [
        ("https://board.example", "https://board.example", "10.0.0.1:8080", True),
        ("https://board.example:443", "https://board.example", "10.0.0.1:8080", True),
        ("https://Board.Example/", "https://board.example", "board.example", True),
        ("https://board.example", "http://board.example", "board.example", False),
        ("https://board.example", "https://board.example.evil.example", "board.example", False),
        ("https://board.example", "http://10.0.0.1:8080", "10.0.0.1:8080", False),
        ("", "http://10.0.0.1:8080", "10.0.0.1:8080", True),
        ("", "http://10.0.0.1:8080", "127.0.0.1:8080", False),
    ],
)
def test_an_origin_is_ours_by_the_address_that_people_use(public: str, origin: str, host: str, *, own: bool) -> None:
    guard = Guard(None, Address(public, "http://127.0.0.1:9"))  # type: ignore[arg-type]  # no session is asked for
    assert guard.own({"origin": origin, "host": host}) is own


async def test_nothing_is_changed_by_looking(house: House) -> None:
    client = await house.enter()
    for address in CHANGING[:3]:
        assert (await client.get(address)).status_code in {404, 405}


SIZES: tuple[tuple[dict[str, str], int], ...] = (
    ({"Content-Length": str(MAX_FORM + 1)}, 413),
    ({"Content-Length": "9" * 18}, 413),
    ({"Content-Length": "99999999999"}, 413),
    ({"Transfer-Encoding": "chunked"}, 411),
)


async def test_a_form_is_held_to_its_size_before_it_is_read(house: House) -> None:
    secret = (await house.enter()).cookies["stocktide"]
    head = {"Host": house.url.removeprefix("http://"), "Origin": house.url, "Cookie": f"stocktide={secret}"}
    for headers, status in SIZES:
        assert await told(house, "POST /board/press HTTP/1.1", {**head, **headers}) == status, headers


async def told(house: House, line: str, headers: dict[str, str]) -> int:
    """The status of an answer to a head alone, as no client that counts for itself would send it."""
    port = int(house.url.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    writer.write(f"{line}\r\n{head}\r\n".encode())
    await writer.drain()
    status = int((await reader.readline()).split()[1])
    writer.close()
    await writer.wait_closed()
    return status


async def test_only_what_bears_the_mark_of_this_answer_runs(house: House) -> None:
    client = await house.enter()
    marks = set()
    for page in ("/board", "/board/stock", "/board/sku?code=85123A", "/board/request/1", "/board/enter"):
        answer = await client.get(page)
        policy = answer.headers["content-security-policy"]
        (mark,) = re.findall(r"script-src 'nonce-([^']+)'", policy)
        marks.add(mark)
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'self'" in policy
        assert "unsafe" not in policy
        scripts = re.findall(r"<script[^>]*>", answer.text)
        assert scripts
        assert all(f'nonce="{mark}"' in script for script in scripts)
        assert not re.search(r"<[^>]* (?:on\w+|style)=", answer.text)
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "camera=()" in answer.headers["permissions-policy"]
    assert len(marks) == 5  # never the same twice


async def test_the_cookie_is_out_of_reach_of_scripts_and_of_other_sites(house: House) -> None:
    answer = await house.stranger().post("/board/enter", json={"token": await house.token()})
    name, *flags = (part.strip() for part in answer.headers["set-cookie"].split(";"))
    assert name.startswith("stocktide=")
    assert {flag.lower() for flag in flags} >= {"httponly", "samesite=lax", "path=/", "max-age=43200"}
    assert "Secure" not in flags  # http on this machine: a browser would not send it back
    assert answer.headers["cache-control"] == "no-store"


async def test_over_https_the_browser_holds_the_cookie_to_this_host(seeded: Seeded, tmp_path: Path) -> None:
    path = tmp_path / "shop.db"
    path.write_bytes(seeded.content)
    public = {"port": 0, "public_url": "https://board.example"}
    house = await opened(f"sqlite+aiosqlite:///{path}", tmp_path, dict(seeded.ids["members"]), web=public)
    link = await house.app.services.sessions.link(house.members["Lin Wei"], "/board")
    assert link.startswith("https://board.example/board/enter#")
    client = house.stranger(Origin="https://board.example")
    answer = await client.post("/board/enter", json={"token": link.partition("#")[2]})
    name, *flags = (part.strip() for part in answer.headers["set-cookie"].split(";"))
    assert name.startswith("__Host-stocktide=")
    assert {"Secure", "HttpOnly", "Path=/"} <= set(flags)
    assert not any(flag.startswith("Domain") for flag in flags)
    seen = await client.get("/board", headers={"Cookie": name})
    assert seen.status_code == 200
    assert (await house.stranger().post("/board/enter", json={"token": "x"})).status_code == 403
    await shut(house)


async def test_a_cookie_of_another_is_worth_nothing(house: House) -> None:
    client = house.stranger()
    for secret in ("", "x", "y" * 500, "é"):
        answer = await client.get("/board", headers=httpx.Headers({b"Cookie": f"stocktide={secret}".encode("latin-1")}))
        assert answer.status_code == 401
    assert await house.all(tables.WebSession) == []


async def test_our_own_files_are_served_as_what_they_are_and_no_others(house: House) -> None:
    client = house.stranger()
    for name in ("board.css", "board.js", "enter.js"):
        answer = await client.get(f"/board/static/{name}")
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/css" if name.endswith("css") else "text/javascript")
    for other in ("routes.py", "..%2froutes.py", "%2e%2e/voice.py", ""):
        assert (await client.get(f"/board/static/{other}")).status_code in {401, 404}
