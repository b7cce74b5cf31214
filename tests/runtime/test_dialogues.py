"""Forms where there are no windows: a menu and questions that survive a restart, and end after a quarter of an hour."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.chat.incoming import Incoming
from bot.ports import MovableClock
from bot.storage import inbox as inbox_rows
from bot.storage.database import Database
from bot.storage.tables import Button, Dialogue, Inbox, Outbox
from tests.runtime.forming import House, buttons, housed, label_of, logged, on_telegram, presses
from tests.runtime.recorder import Told

pytestmark = pytest.mark.databases("sqlite")  # their statements run on PostgreSQL where that is named, and elsewhere


@pytest.fixture
async def house(database: Database, clock: MovableClock) -> AsyncIterator[House]:
    """The application with forms on each kind of database; Lin has been greeted and asked where she works."""
    made = await housed(database, clock)
    await made.take(on_telegram("start"))
    made.telegram.told.clear()
    yield made
    await made.app.close()


def labels(told: Told) -> list[str]:
    return [label_of(button) for button in buttons(told)]


def only(told: list[Told], kind: str) -> Told:
    """The one message of that kind."""
    (found,) = [one for one in told if one.kind == kind and one.text]
    return found


async def menu(house: House, line: str = "edit R-12@3") -> Told:
    """The menu that a line leads to, where nothing is missing."""
    (told,) = await house.take(on_telegram(line))
    return told


async def test_a_form_is_a_menu_of_its_fields_with_their_values(house: House) -> None:
    told = await menu(house)
    assert labels(told) == ["Quantity: 240", "Note: –", "Mode: by sea", "Save", "Cancel"]
    assert told.message is not None
    assert not told.message.asks


@pytest.mark.databases("sqlite", "postgres")
async def test_a_pressed_field_is_asked_for_and_the_next_line_is_its_value(house: House) -> None:
    shown = await menu(house)
    asked = only(await house.take(presses(shown, "Quantity")), "reply")
    assert asked.message is not None
    assert asked.message.asks
    told = await house.take(on_telegram("1,300"))
    assert labels(only(told, "edit"))[0] == "Quantity: 1300"
    assert only(told, "edit").message_id == shown.message_id
    noted = only(told, "reply")
    assert labels(noted) == ["Save", "Cancel"]
    saved = await house.take(presses(noted, "Save"))
    assert house.desk.calls[0][1:] == ("R-12@3", {"quantity": "1300", "mode": "sea"})
    assert only(saved, "reply").text == "Saved"
    assert {one.message_id for one in saved if one.kind == "edit"} == {shown.message_id, noted.message_id}
    assert all(buttons(one) == [] for one in saved if one.kind == "edit")
    assert await house.fetch(Dialogue.id) == []


async def test_choices_stand_in_the_menu_in_place_of_the_fields(house: House) -> None:
    shown = await menu(house)
    chosen = only(await house.take(presses(shown, "Mode")), "edit")
    assert labels(chosen) == ["by sea", "by air", "Back"]
    back = only(await house.take(presses(chosen, "Back")), "edit")
    assert labels(back)[2] == "Mode: by sea"
    chosen = only(await house.take(presses(back, "Mode")), "edit")
    told = only(await house.take(presses(chosen, "by air")), "edit")
    assert labels(told)[2] == "Mode: by air"
    assert [one.kind for one in await house.take(presses(told, "Save")) if one.kind == "reply"] == ["reply"]
    assert house.desk.calls[0][2] == {"quantity": "240", "mode": "air"}


async def test_a_wrong_value_is_told_and_asked_for_again(house: House) -> None:
    shown = await menu(house)
    await house.take(presses(shown, "Quantity"))
    wrong = only(await house.take(on_telegram("1.000")), "reply")
    assert "no whole number" in str(wrong.message)
    assert wrong.message is not None
    assert wrong.message.asks
    told = await house.take(on_telegram("１，０００"))
    assert labels(only(told, "edit"))[0] == "Quantity: 1000"


@pytest.mark.databases("sqlite", "postgres")
async def test_what_is_missing_is_asked_for_at_once_one_after_another(house: House) -> None:
    (first,) = await house.take(on_telegram("fresh"))
    assert labels(first) == ["by sea", "by air", "Back"]
    asked = only(await house.take(presses(first, "by air")), "reply")
    assert asked.message is not None
    assert asked.message.asks
    noted = only(await house.take(on_telegram("2011-12-20")), "reply")
    await house.take(presses(noted, "Save"))
    assert house.desk.calls[0][2] == {"mode": "air", "day": "2011-12-20"}


async def test_saving_with_something_missing_asks_for_it(house: House) -> None:
    (first,) = await house.take(on_telegram("fresh"))
    back = only(await house.take(presses(first, "Back")), "edit")
    told = await house.take(presses(back, "Save"))
    assert house.desk.calls == []
    assert labels(only(told, "reply")) == ["by sea", "by air", "Back"]


@pytest.mark.parametrize("kind", ["line", "command"])
@pytest.mark.parametrize("typed", ["cancel", "取消"])
async def test_cancel_ends_it(house: House, typed: str, kind: str) -> None:
    shown = await menu(house)
    await house.take(presses(shown, "Quantity"))
    told = await house.take(on_telegram(typed, kind=kind))
    assert only(told, "reply").text == "Cancelled; nothing was changed."
    assert buttons(only(told, "edit")) == []
    stale = await house.take(presses(shown, "Save"))
    assert [one.text for one in stale] == ["This form is over. Ask for it again."]
    assert house.desk.calls == []


@pytest.mark.databases("sqlite", "postgres")
async def test_a_command_meanwhile_answers_normally_and_ends_nothing(house: House) -> None:
    shown = await menu(house)
    await house.take(presses(shown, "Quantity"))
    card = only(await house.take(on_telegram("menu", kind="command")), "reply")
    assert card.text == "Card"
    told = await house.take(on_telegram("7"))
    assert labels(only(told, "edit"))[0] == "Quantity: 7"


@pytest.mark.databases("sqlite", "postgres")
async def test_a_line_while_nothing_is_asked_for_is_a_command(house: House) -> None:
    await menu(house)
    assert only(await house.take(on_telegram("menu")), "reply").text == "Card"


@pytest.mark.databases("sqlite", "postgres")
async def test_a_newer_form_takes_the_place_of_the_older(house: House) -> None:
    older = await menu(house)
    told = await house.take(on_telegram("edit R-12@3"))
    assert buttons(only(told, "edit")) == []
    stale = await house.take(presses(older, "Save"))
    assert [one.text for one in stale] == ["This form is over. Ask for it again."]
    assert len(await house.fetch(Dialogue.id)) == 1


async def test_it_is_over_after_a_quarter_of_an_hour_without_a_step(house: House) -> None:
    shown = await menu(house)
    for _step in range(3):
        house.clock.push(timedelta(minutes=14))
        await house.take(presses(shown, "Quantity"))
    house.clock.push(timedelta(minutes=15))
    assert [one.text for one in await house.take(presses(shown, "Save"))] == ["This form is over. Ask for it again."]
    late = await house.take(on_telegram("12"))
    assert "no command" in late[0].text


@pytest.mark.databases("sqlite", "postgres")
async def test_it_survives_a_restart(house: House, database: Database, clock: MovableClock) -> None:
    shown = await menu(house)
    await house.take(presses(shown, "Quantity"))
    await house.app.close()
    again = await housed(Database(database.url.render_as_string(hide_password=False)), clock)
    told = await again.take(on_telegram("500"))
    noted = only(told, "reply")
    await again.take(presses(noted, "Save"))
    assert again.desk.calls[0][2] == {"quantity": "500", "mode": "sea"}
    await again.app.close()


@pytest.mark.databases("sqlite", "postgres")
async def test_a_value_that_was_handled_but_not_written_down_is_taken_once(house: House) -> None:
    (first,) = await house.take(on_telegram("fresh"))
    await house.take(presses(first, "by air"))
    await house.app.services.inbox.take(on_telegram("2011-12-20"))
    now = house.clock.now()
    async with house.app.services.database.transaction() as connection:
        ids = await inbox_rows.ready(connection, now)
        (event,) = await inbox_rows.claim(connection, ids, now, now + timedelta(seconds=90))
    await house.app.dispatcher._answers.to(event.incoming)  # and the process is gone
    house.clock.push(timedelta(seconds=91))
    await house.settle()
    ((answers, asking),) = await house.fetch(Dialogue.answers, Dialogue.asking)
    assert (answers["values"], asking) == ({"mode": "air", "day": "2011-12-20"}, "")


async def test_a_refusal_keeps_the_form_open_for_another_try(house: House) -> None:
    shown = await menu(house)
    await house.take(presses(shown, "Quantity"))
    noted = only(await house.take(on_telegram("99999")), "reply")
    told = await house.take(presses(noted, "Save"))
    assert only(told, "notice").text.startswith("That is more than the supplier")
    await house.take(presses(shown, "Quantity"))
    noted = only(await house.take(on_telegram("9")), "reply")
    await house.take(presses(noted, "Save"))
    assert [given["quantity"] for _call, _request, given in house.desk.calls] == ["99999", "9"]


def in_group(text: str, person: str = "71", reply_to: str = "", **more: object) -> Incoming:
    """A line in a group."""
    usual = on_telegram(text, person=person, conversation="-100", conversation_kind="group", reply_to=reply_to)
    return replace(usual, **more)  # type: ignore[arg-type]  # fields of Incoming


@pytest.mark.databases("sqlite", "postgres")
async def test_in_a_group_only_an_answer_to_the_question_by_its_addressee_is_a_value(house: House) -> None:
    (shown,) = await house.take(in_group("edit R-12@3", kind="command"))
    asked = only(await house.take(presses(shown, "Quantity")), "reply")
    assert "Mention(member_id=1" in str(asked.message)
    alert = "999"
    assert await house.take(in_group("5", reply_to=alert)) == []
    assert await house.take(in_group("5", person="72", reply_to=asked.message_id)) == []
    told = await house.take(in_group("6", reply_to=asked.message_id))
    assert labels(only(told, "edit"))[0] == "Quantity: 6"


async def test_in_a_group_nobody_else_can_press_the_buttons_of_a_form(house: House) -> None:
    (shown,) = await house.take(in_group("edit R-12@3", kind="command"))
    told = await house.take(presses(shown, "Save", person="72"))
    assert [(one.kind, one.text) for one in told] == [("notice", "This form is over. Ask for it again.")]
    assert house.desk.calls == []


async def test_a_one_time_code_is_asked_for_in_private_alone(house: House) -> None:
    told = await house.take(in_group("confirm R-12@3", kind="command"))
    assert [(one.kind, one.conversation) for one in told] == [("reply", "-100"), ("post", "D-71"), ("post", "D-71")]
    assert "private chat" in told[0].text
    assert told[2].message is not None
    assert told[2].message.asks


@pytest.mark.databases("sqlite", "postgres")
async def test_a_one_time_code_is_kept_nowhere_and_never_tried_twice(house: House) -> None:
    with logged() as log:
        shown, _question = await house.take(on_telegram("confirm R-12@3"))
        await house.take(on_telegram("5"))
        noted = only(await house.take(on_telegram("654 321")), "reply")
        assert "654" not in str(noted.message)
        wrong = await house.take(presses(noted, "Approve"))
        assert only(wrong, "notice").text == "That code is wrong."
        asked = await house.take(presses(shown, "Approve"))
        assert only(asked, "reply").message is not None, "the code is asked for anew"
        noted = only(await house.take(on_telegram("777000")), "reply")
        saved = await house.take(presses(noted, "Approve"))
        assert only(saved, "reply").text == "Saved"
    assert [given["code"] for _call, _request, given in house.desk.calls] == ["654321", "777000"]
    kept = json.dumps(
        [
            *await house.fetch(Inbox.payload),
            *await house.fetch(Outbox.incoming, Outbox.message, Outbox.error),
            *await house.fetch(Button.arguments),
            *await house.fetch(Dialogue.answers),
        ]
    )
    assert "handled" in log.getvalue()
    for secret in ("654 321", "654321", "777000"):
        assert secret not in kept
        assert secret not in log.getvalue()
