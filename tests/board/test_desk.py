"""What is done on a page is done by the same policy, with the same words, and stands in the audit log."""

from __future__ import annotations

import dataclasses
import re
from datetime import timedelta
from typing import Any

import httpx
import pyotp
import pytest

from bot.storage import tables
from tests.board.conftest import House
from tests.board.test_pages import read, text


def buttons(answer: httpx.Response) -> dict[str, str]:
    """Labels and tokens of a card."""
    found = re.findall(r'name="token" value="([^"]+)"><button class="[^"]*">([^<]+)<', answer.text)
    return {label: token for token, label in found}


async def press(client: httpx.AsyncClient, answer: httpx.Response, label: str) -> httpx.Response:
    (token,) = [token for shown, token in buttons(answer).items() if shown.startswith(label)]
    return await client.post("/board/press", data={"token": token})


async def submit(client: httpx.AsyncClient, answer: httpx.Response, **values: str) -> httpx.Response:
    """Fill the form in as it came, with some fields changed."""
    fields: dict[str, Any] = {"line": []}
    for tag, found in read(answer).tags:
        if tag == "input" and found.get("name") == "line":
            fields["line"].append(found["value"])
        elif tag in {"input", "select"} and str(found.get("name", "")).startswith("field-"):
            fields[str(found["name"])] = found.get("value") or ""
    fields |= {f"field-{name}": value for name, value in values.items()}
    return await client.post("/board/submit", data=fields)


async def state(house: House) -> str:
    return str(next(row.state for row in await house.all(tables.Request) if row.id == 1))


async def deeds(house: House, kind: str) -> list[Any]:
    return [row for row in await house.all(tables.Audit) if row.action == kind]


async def test_an_approval_on_the_page_is_one_in_the_log_with_its_platform(house: House) -> None:
    client = await house.enter()
    card = await client.get("/board/request/1")
    assert "Board" not in buttons(card)  # they look at it already
    answer = await press(client, card, "Approve")
    assert answer.status_code == 200
    assert "approved by Lin Wei" in text(answer)
    assert "from the board" in text(answer)
    assert await state(house) in {"approved", "executing"}
    (deed,) = await deeds(house, "request.approved")
    assert deed.member_id == house.members["Lin Wei"]
    assert deed.platform == "web"


async def test_a_second_press_changes_nothing_and_says_who_was_first(house: House) -> None:
    client = await house.enter()
    card = await client.get("/board/request/1")
    await press(client, card, "Approve")
    again = await press(client, card, "Approve")
    assert "nothing was done twice" in text(again)
    assert len(await deeds(house, "request.approved")) == 1


@pytest.mark.parametrize("name", ["Vic", "Maria", "Jonas"])
async def test_whoever_may_not_approve_in_the_chat_may_not_here(house: House, name: str) -> None:
    client = await house.enter(name)
    answer = await press(client, await client.get("/board/request/1"), "Approve")
    assert await state(house) == "pending"
    assert "Lin Wei" in text(answer)  # who may
    assert not await deeds(house, "request.approved")


async def test_a_role_that_was_taken_away_counts_at_the_press(house: House) -> None:
    client = await house.enter()
    card = await client.get("/board/request/1")
    await house.change(tables.Member, house.members["Lin Wei"], role="viewer")
    await press(client, card, "Approve")
    assert await state(house) == "pending"


async def test_a_card_that_was_edited_meanwhile_is_not_approved_by_its_old_button(house: House) -> None:
    client = await house.enter()
    card = await client.get("/board/request/1")
    await house.chat("edit R-1 85123A=24", "Jonas")
    answer = await press(client, card, "Approve")
    assert await state(house) in {"draft", "pending"}
    assert "changed" in text(answer).lower()


async def test_a_rejection_on_the_page_is_told_to_the_chats(house: House) -> None:
    client = await house.enter()
    answer = await press(client, await client.get("/board/request/1"), "Reject")
    assert "rejected by Lin Wei" in text(answer)
    assert await state(house) == "rejected"
    (deed,) = await deeds(house, "request.rejected")
    assert deed.platform == "web"
    assert "rejected" in str((await house.chat("requests R-1", "Jonas")).message)


async def test_an_order_is_edited_by_a_form_that_says_what_is_wrong_with_it(house: House) -> None:
    client = await house.enter("Jonas")
    asked = await press(client, await client.get("/board/request/1"), "Edit")
    labelled = {found.get("for") for tag, found in read(asked).tags if tag == "label"}
    fields = {found["id"]: found for tag, found in read(asked).tags if tag in {"input", "select"} and found.get("id")}
    assert labelled == set(fields)
    (units,) = [name for name, found in fields.items() if found.get("value") == "792"]
    wrong = await submit(client, asked, **{str(units)[6:]: "many"})
    assert await state(house) == "pending"
    assert "792" in wrong.text or "many" in wrong.text
    right = await submit(client, asked, **{str(units)[6:]: "804"})
    assert right.status_code == 200
    assert [line.quantity for line in await house.all(tables.RequestLine) if line.request_id == 1] == [804]
    (deed,) = await deeds(house, "request.edited")
    assert (deed.platform, deed.member_id) == ("web", house.members["Jonas"])


async def test_a_form_that_was_made_up_is_refused(house: House) -> None:
    client = await house.enter("Vic")
    for line in ([], ["nonsense"], ["edit", "R-1"], ["reject", "R-1"], ["x"] * 100, ["edit", "R-999"], ["board"]):
        answer = await client.post("/board/submit", data={"line": line, "field-x": "1"})
        assert answer.status_code == 200
    assert await state(house) == "pending"
    assert (await client.post("/board/press", data={"token": "nonsense"})).status_code == 200
    assert "no longer valid" in text(await client.post("/board/press", data={"token": "x" * 300}))
    assert not await deeds(house, "request.edited")


async def test_a_file_in_a_form_is_refused(house: House) -> None:
    client = await house.enter()
    answer = await client.post("/board/press", files={"token": b"x"})
    assert answer.status_code == 400


async def test_a_large_amount_asks_for_the_one_time_code(house: House) -> None:
    services = house.app.services
    held = (await services.policies.in_force()).policy
    await services.policies.seed(dataclasses.replace(held, step_up_above=100_00))
    made = await services.authenticators.begin(house.members["Lin Wei"], "Lin Wei", "web")
    totp = pyotp.TOTP(made.secret)
    await services.authenticators.confirm(house.members["Lin Wei"], totp.at(house.clock.now()), "web")
    house.clock.push(timedelta(seconds=30))
    client = await house.enter()
    await press(client, await client.get("/board/request/1"), "Approve")  # another policy: it is looked at anew
    asked = await press(client, await client.get("/board/request/1"), "Approve")
    assert 'autocomplete="one-time-code"' in asked.text
    assert await state(house) == "pending"
    wrong = await submit(client, asked, total="793", supplier="Yiwu", code=totp.at(house.clock.now()))
    assert await state(house) == "pending"
    assert "approved by" not in text(wrong)
    right = await submit(client, asked, total="792", supplier="Yiwu", code=totp.at(house.clock.now()))
    assert "approved by Lin Wei" in text(right)
    assert await state(house) in {"approved", "executing"}
