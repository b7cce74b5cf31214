"""Forms as modals, in a workspace that refuses what Slack refuses."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from typing import Any, Literal, cast
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.chat.forms import Field, Form
from bot.chat.incoming import Incoming
from bot.chat.nodes import Text
from bot.errors import MessageGone, PayloadRefused, PlatformError
from bot.platforms.slack import events
from bot.platforms.slack.app import SlackPlatform
from bot.platforms.slack.forms import render_form, values_of
from bot.ports import MovableClock, Reader
from bot.sandbox.slack.check import check_blocks
from bot.sandbox.slack.modals import Unfilled
from bot.sandbox.slack.world import SlackView
from bot.words import _
from tests.platforms.sample_forms import code_form, edit_form, largest_form
from tests.platforms.slack.office import Office
from tests.platforms.slack.server import Slack, error


async def opened(office: Office, form: Form, reader: Reader | None = None) -> SlackView:
    """A form that Mei has before her."""
    office.slack.command(office.mei.id, office.room.id, "/stock", "85123A")
    asked = await office.taken_next()
    await office.platform.open_form(asked, form, "tok3n", reader or office.reader)
    view = office.slack.modal(office.mei.id)
    assert view is not None
    return view


def inputs(view: SlackView) -> dict[str, dict[str, Any]]:
    return {block["block_id"]: block for block in view.content["blocks"] if block["type"] == "input"}


async def test_every_kind_of_field_has_its_own_input_and_stands_filled_in(office: Office) -> None:
    view = await opened(office, edit_form())
    fields = inputs(view)
    assert {name: block["element"]["type"] for name, block in fields.items()} == {
        "quantity": "number_input",
        "supplier": "plain_text_input",
        "arrives": "datepicker",
        "mode": "static_select",
        "total": "plain_text_input",
    }
    assert fields["quantity"]["element"]["initial_value"] == "240"
    assert fields["arrives"]["element"]["initial_date"] == "2011-12-20"
    assert fields["mode"]["element"]["initial_option"]["value"] == "sea"
    assert [name for name, block in fields.items() if block["optional"]] == ["supplier", "arrives"]
    assert view.content["title"]["text"] == "Edit"
    # Rich text and plain text: a name can neither ping nor be emphasised.
    assert view.content["blocks"][0]["type"] == "rich_text"
    assert fields["supplier"]["label"] == {"type": "plain_text", "text": "Supplier *of* choice", "emoji": False}


async def test_a_window_speaks_its_readers_language(office: Office) -> None:
    form = Form(_("Supplier"), Text(""), (Field("s", _("Supplier"), "text"),), "approve", (), _("Reject"))
    view = await opened(office, form, Reader("zh_CN", ZoneInfo("UTC")))
    assert view.content["title"]["text"] == "供应商"
    assert inputs(view)["s"]["label"]["text"] == "供应商"
    assert len(view.content["blocks"]) == 1, "an empty intro takes no room"


async def test_what_is_sent_in_comes_back_with_its_token_and_the_window_closes(office: Office) -> None:
    view = await opened(office, edit_form())
    hostile = 'a=b supplier=Evil "quoted" <!channel>'
    sent = office.slack.fill_in(office.mei.id, view.id, {"quantity": "300", "total": "1,200.00", "supplier": hostile})
    submitted = await office.taken_next()
    assert (await sent.settled()).answer == {"response_action": "clear"}
    assert (submitted.kind, submitted.token, submitted.person) == ("submit", "tok3n", office.mei.id)
    assert submitted.values == {
        "quantity": "300",
        "supplier": hostile,
        "arrives": "2011-12-20",
        "mode": "sea",
        "total": "1,200.00",
    }
    assert submitted.handle["trigger_id"]
    assert office.slack.modal(office.mei.id) is None


async def test_the_same_window_sent_twice_is_the_same_event(office: Office) -> None:
    view = await opened(office, edit_form())
    sent = await office.slack.fill_in(office.mei.id, view.id, {"total": "5"}).settled()
    await office.slack.courier.redeliver(sent)
    first, second = await office.taken_next(), await office.taken_next()
    assert first.event_id == second.event_id


async def test_what_slack_itself_refuses_never_reaches_the_bot(office: Office) -> None:
    view = await opened(office, edit_form())
    for typed in ({"quantity": "-1", "total": "5"}, {"quantity": "1.5", "total": "5"}, {"quantity": "5"}):
        with pytest.raises(Unfilled):
            office.slack.fill_in(office.mei.id, view.id, typed)
    assert office.taken.empty()


async def test_a_wrong_value_is_told_at_its_field_in_the_language_of_the_window_and_can_be_mended(
    office: Office,
) -> None:
    view = await opened(office, edit_form())
    sent = await office.slack.fill_in(office.mei.id, view.id, {"total": "plenty"}).settled()
    assert list(sent.answer["errors"]) == ["total"]
    assert "1234.50" in view.errors["total"]
    assert office.taken.empty()
    office.slack.fill_in(office.mei.id, view.id, {"total": "5"})
    assert (await office.taken_next()).values["total"] == "5"


async def test_a_one_time_code_may_have_spaces_and_is_never_logged(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        view = await opened(office, code_form())
        refused = await office.slack.fill_in(office.mei.id, view.id, {"total": "5", "code": "12345a78"}).settled()
        assert "12345a78" not in str(refused.answer)
        office.slack.fill_in(office.mei.id, view.id, {"total": "5", "code": "765 432"})
        assert (await office.taken_next()).values["code"] == "765 432"
    assert "765 432" not in caplog.text
    assert "12345a78" not in caplog.text


async def test_a_trigger_that_is_too_old_or_missing_or_used_opens_nothing(office: Office) -> None:
    office.slack.command(office.mei.id, office.room.id, "/stock")
    asked = await office.taken_next()
    await office.platform.open_form(asked, edit_form(), "t", office.reader)
    with pytest.raises(MessageGone):
        await office.platform.open_form(asked, edit_form(), "t", office.reader)
    office.slack.command(office.mei.id, office.room.id, "/stock")
    late = await office.taken_next()
    cast("MovableClock", office.slack.world.clock).push(timedelta(seconds=4))
    with pytest.raises(MessageGone):
        await office.platform.open_form(late, edit_form(), "t", office.reader)
    channel = await office.platform.direct(office.mei.id)
    office.slack.say(office.mei.id, channel, "edit R-12")
    with pytest.raises(MessageGone):
        await office.platform.open_form(await office.taken_next(), edit_form(), "t", office.reader)


async def test_the_largest_form_opens(office: Office) -> None:
    for letter in ("界", "𝄞", "w", "&"):
        view = await opened(office, largest_form(letter))
        assert len(inputs(view)) == 24
        office.slack.close_view(office.mei.id, view.id)


@pytest.mark.parametrize("kind", ["text", "money"])
def test_a_value_that_slack_would_cut_is_not_shown_at_all(kind: Literal["text", "money"]) -> None:
    form = Form(_("Edit"), Text(""), (Field("note", _("Note"), kind, "x" * 3001),), "edit", (), _("Save"))
    with pytest.raises(PayloadRefused):
        render_form(form, "t", Reader("en", ZoneInfo("UTC")))


@given(
    st.lists(st.text(min_size=1), min_size=1, max_size=3),
    st.text(),
)
def test_no_text_makes_a_window_that_slack_refuses(texts: list[str], value: str) -> None:
    form = largest_form("".join(texts)[:40])
    view = render_form(form, value[:100], Reader("en", ZoneInfo("UTC")))
    check_blocks(view["blocks"], "modal")
    assert len(view["title"]["text"]) <= 24
    assert len(view["submit"]["text"]) <= 24
    assert len(view["private_metadata"]) <= 3000


@pytest.mark.parametrize("view", [{}, {"state": None}, {"state": {"values": {"a": {"b": {"type": "x"}}}}}])
def test_an_empty_window_has_no_values(view: dict[str, Any]) -> None:
    assert values_of(view) == {}


@pytest.mark.parametrize("metadata", ["", "{", "[]", '{"token": 5}'])
def test_a_window_of_nobody_has_a_token_that_nobody_knows(metadata: str) -> None:
    view = {"id": "V1", "hash": "1.a", "private_metadata": metadata}
    submitted = events.of_submission({"user": {"id": "U1"}, "view": view})
    assert submitted.token in {"", "5"}
    assert submitted.event_id == "V1:1.a"


@pytest.mark.parametrize(
    ("code", "kind"),
    [("expired_trigger_id", MessageGone), ("trigger_expired", MessageGone), ("exchanged_trigger_id", MessageGone)],
)
async def test_slacks_refusals_of_a_window_are_our_own_errors(
    platform: SlackPlatform, slack: Slack, reader: Reader, code: str, kind: type[PlatformError]
) -> None:
    slack.answers["views.open"].append(error(code))
    asked = Incoming("slack", "e1", "press", "U1", "C1", "group", handle={"trigger_id": "1.2.3"})
    with pytest.raises(kind):
        await platform.open_form(asked, edit_form(), "t", reader)
    (call,) = slack.of("views.open")
    assert call["trigger_id"] == "1.2.3"


async def test_a_window_that_cannot_be_stored_is_not_acknowledged(office: Office) -> None:
    view = await opened(office, edit_form())
    office.slack.courier.ack_seconds = 0.3

    async def broken(_incoming: Incoming) -> None:
        raise RuntimeError("the database is away")

    office.platform._intake = broken
    sent = await office.slack.fill_in(office.mei.id, view.id, {"total": "5"}).settled()
    await asyncio.sleep(0)
    assert sent.state == "failed" or not isinstance(sent.answer, dict)
    assert office.slack.modal(office.mei.id) is not None
