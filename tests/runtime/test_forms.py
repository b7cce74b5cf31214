"""Forms in windows: opened at once, for one person; what is sent in runs as that person, where it was asked for."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.errors import MessageGone, PayloadRefused, RateLimited, Uncertain, Unreachable
from bot.ports import MovableClock
from bot.storage.database import Database
from bot.storage.tables import Button, Inbox, Outbox
from tests.runtime.conftest import IMPATIENT, says
from tests.runtime.forming import House, buttons, housed, logged, on_slack, presses, submits
from tests.runtime.recorder import Told

pytestmark = pytest.mark.databases("sqlite")  # their statements run on PostgreSQL where that is named, and elsewhere


@pytest.fixture
async def house(database: Database, clock: MovableClock) -> AsyncIterator[House]:
    """The application with a form on each kind of database."""
    made = await housed(database, clock)
    yield made
    await made.app.close()


async def opened(house: House, line: str = "edit R-12@3") -> Told:
    """The window that a line opens."""
    (told,) = await house.take(on_slack(line))
    assert told.kind == "form"
    return told


async def test_a_command_opens_its_form_for_who_asked_and_says_nothing_else(house: House) -> None:
    told = await opened(house)
    assert told.form is not None
    assert [field.name for field in told.form.fields] == ["quantity", "note", "mode"]
    assert told.reader.language == "en"


async def test_a_pressed_button_opens_its_form(house: House) -> None:
    (card,) = await house.take(on_slack("menu"))
    told = await house.take(presses(card, "Edit"))
    assert sorted(one.kind for one in told) == ["form", "notice"]


async def test_what_is_sent_in_runs_the_command_as_that_person_where_the_form_was_opened(house: House) -> None:
    window = await opened(house)
    (answer,) = await house.take(submits(window, {"quantity": "1,300", "mode": "sea", "note": "x"}))
    ((call, request, given),) = house.desk.calls
    assert (call.asker.name, call.origin.conversation, call.origin.conversation_kind) == ("Lin", "C1", "group")
    assert (request, given) == ("R-12@3", {"quantity": "1300", "mode": "sea", "note": "x"})
    assert (answer.kind, answer.conversation, answer.text, answer.private) == ("reply", "C1", "Saved", False)


async def test_what_may_be_left_as_it_is_and_was_is_left_out(house: House) -> None:
    window = await opened(house)
    await house.take(submits(window, {"quantity": "240", "mode": "sea"}))
    assert house.desk.calls[0][2] == {"quantity": "240", "mode": "sea"}


@pytest.mark.databases("sqlite", "postgres")
async def test_hostile_values_stay_one_argument_each(house: House) -> None:
    window = await opened(house)
    note = 'a=b quantity=9999999 "x\ny" ' + "z" * 2_900
    await house.take(submits(window, {"quantity": "5", "mode": "air", "note": note, "request": "R-99", "": "="}))
    assert house.desk.calls[0][1:] == ("R-12@3", {"quantity": "5", "mode": "air", "note": note})


@pytest.mark.databases("sqlite", "postgres")
async def test_a_redelivered_window_acts_once(house: House) -> None:
    sent = submits(await opened(house), {"quantity": "5", "mode": "sea"})
    await house.take(sent)
    await house.take(sent)
    assert len(house.desk.calls) == 1


@pytest.mark.parametrize(("person", "token"), [("U2", None), ("U1", "guessed"), ("U1", "")])
async def test_nobody_else_can_send_a_window_in(house: House, person: str, token: str | None) -> None:
    window = await opened(house)
    sent = submits(window, {"quantity": "5", "mode": "sea"}, person=person)
    (told,) = await house.take(sent if token is None else replace(sent, token=token))
    assert (told.kind, told.private) == ("notice", True)
    assert "no longer valid" in told.text
    assert house.desk.calls == []


@pytest.mark.parametrize("values", [{"quantity": "1.000", "mode": "sea"}, {"quantity": "5", "mode": "rocket"}, {}])
async def test_wrong_values_are_told_in_private_with_a_way_back(house: House, values: dict[str, str]) -> None:
    window = await opened(house)
    (told,) = await house.take(submits(window, values))
    assert (told.kind, told.private) == ("reply", True)
    assert house.desk.calls == []
    again = await house.take(presses(told, "Edit"))
    assert [one.kind for one in again if one.kind == "form"] == ["form"]


async def test_a_refusal_of_the_command_leads_back_to_the_form(house: House) -> None:
    window = await opened(house)
    (told,) = await house.take(submits(window, {"quantity": "99999", "mode": "sea"}))
    assert told.private
    assert [button.command for button in buttons(told)] == ["edit"]


@pytest.mark.databases("sqlite", "postgres")
@pytest.mark.parametrize(
    "fault", [MessageGone("expired"), RateLimited(30), Unreachable("no"), Uncertain("?"), TimeoutError()]
)
async def test_a_window_that_did_not_open_is_never_tried_again_but_offered_again(
    house: House, fault: Exception
) -> None:
    (card,) = await house.take(on_slack("menu"))
    house.slack.faults["form"].append(fault)
    told = [one for one in await house.take(presses(card, "Edit")) if one.kind != "notice"]
    assert [(one.kind, one.private) for one in told] == [("reply", True)]
    assert "took too long" in str(told[0].message)
    assert (await house.fetch(Outbox.state, Outbox.attempts, Outbox.kind)).count(("dropped", 1, "form")) == 1
    again = await house.take(presses(told[0], "Edit"))
    assert "form" in [one.kind for one in again]


async def test_a_line_that_brings_no_trigger_is_answered_with_the_button(house: House) -> None:
    (told,) = await house.take(on_slack("edit R-12@3", handle={}))
    assert (told.kind, told.private) == ("reply", True)
    assert [(button.command, button.arguments) for button in buttons(told)] == [("edit", ("R-12@3",))]


@pytest.mark.databases("sqlite", "postgres")
async def test_a_window_of_a_lost_sender_is_not_opened_minutes_later(house: House) -> None:
    await house.app.services.inbox.take(on_slack("edit R-12@3"))
    await house.app.dispatcher.drain()
    lane = house.app.delivery.lanes["slack"]
    (head,) = await house.fetch(Outbox.id)
    assert await house.app.delivery._claim([head[0]], house.clock.now())  # and the process is gone
    house.clock.push(IMPATIENT.lease + timedelta(seconds=1))
    await house.settle()
    assert [told.kind for told in house.slack.told] == ["reply"]
    assert lane.sending == {}


async def test_a_form_that_no_platform_could_show_is_apologised_for(house: House) -> None:
    house.slack.faults["form"].append(PayloadRefused("view_too_large"))
    told = await house.take(on_slack("edit R-12@3"))
    assert ["Sorry" in one.text for one in told] == [True]


@pytest.mark.databases("sqlite", "postgres")
async def test_a_form_waits_behind_nothing(house: House) -> None:
    window = await opened(house)
    async with house.app.services.database.transaction() as connection:
        place = (await house.fetch(Outbox.conversation_id))[0][0]
        for number in range(30):
            await house.app.services.outbox.put(connection, place, says(f"alert {number}"), subject=f"case:{number}")
    lane = house.app.delivery.lanes["slack"]
    lane.pace.hold("C1", 60)
    await house.app.services.inbox.take(on_slack("edit R-12@3"))
    await house.settle()
    assert [told.kind for told in house.slack.told] == ["form", "form"]
    assert window.token != house.slack.told[1].token


@pytest.mark.databases("sqlite", "postgres")
async def test_a_one_time_code_is_kept_nowhere(house: House) -> None:
    with logged() as log:
        window = await opened(house, "confirm R-12@3")
        (right,) = await house.take(submits(window, {"total": "5", "code": "777 000"}))
        window = await opened(house, "confirm R-12@3")
        (wrong,) = await house.take(submits(window, {"total": "5", "code": "654321"}))
    assert [given["code"] for _call, _request, given in house.desk.calls] == ["777000", "654321"]
    assert (right.text, wrong.text) == ("Saved", "That code is wrong.")
    kept = json.dumps(
        [
            *await house.fetch(Inbox.payload),
            *await house.fetch(Outbox.incoming, Outbox.message, Outbox.error),
            *await house.fetch(Button.arguments),
        ]
    )
    assert "handled" in log.getvalue()
    for secret in ("777 000", "777000", "654321"):
        assert secret not in kept
        assert secret not in log.getvalue()


async def test_an_answer_that_is_a_form_opens_by_the_trigger_of_the_window(house: House) -> None:
    window = await opened(house, "chain")
    (told,) = await house.take(submits(window, {"quantity": "240", "mode": "sea"}))
    assert (told.kind, told.conversation) == ("form", "C1")
    assert told.form is not None
    assert told.form.command == "confirm"
    await house.take(submits(told, {"total": "5", "code": "777000"}))
    assert [given for _call, _request, given in house.desk.calls] == [{"total": "5", "code": "777000"}]
