"""`buy`, `edit`, `options`, `submit`, `cancel` and the lists of requests, as they are typed and pressed."""

from __future__ import annotations

import pytest

from bot.chat.filling import filled
from tests.handlers.conftest import LANTERN, Office, button, buttons, text


async def test_buying_shows_what_it_comes_to_and_offers_what_fits(office: Office) -> None:
    wrong = await office.ask(f"/buy {LANTERN} 50 yiwu UK", "Jonas")
    assert "packs of 12" in text(wrong)
    assert [each.arguments for each in buttons(wrong)] == [(LANTERN, "48", "YIWU", "UK"), (LANTERN, "60", "YIWU", "UK")]
    right = await office.press(buttons(wrong)[1], "Jonas")
    said = text(right)
    assert "waits" in said.lower() or "Approve" in str(buttons(right)[0].label)
    assert f"With this order the inventory position of {LANTERN} is" in said
    over = text(await office.ask(f"采购 {LANTERN} 1200", "Jonas"))
    assert "more than is needed" in over
    assert (await office.ask(f"buy {LANTERN} 48", "Vic")).refused


@pytest.mark.parametrize(
    "line", ["buy", f"buy {LANTERN}", f"buy {LANTERN} many", f"buy {LANTERN} 48 nowhere", "buy 48"]
)
async def test_an_order_that_cannot_be_read_says_how_it_is_written(office: Office, line: str) -> None:
    answer = await office.ask(line, "Jonas")
    assert answer.refused
    assert not answer.reference  # no apology: every fault has its words


async def test_a_draft_is_submitted_and_called_off_by_its_buttons(office: Office) -> None:
    drafted = await office.ask(f"buy {LANTERN} 48", "Maria")
    assert {each.command for each in buttons(drafted)} >= {"submit", "edit", "cancel"}
    listed = await office.ask("requests drafts")
    assert "48" in text(listed)
    sent = await office.press(button(drafted, "submit"), "Jonas")
    assert "approve" in {each.command for each in buttons(sent)}
    stale = await office.press(button(drafted, "edit"), "Jonas")
    assert stale.refused
    gone = await office.press(button(sent, "cancel"), "Jonas")
    assert "cancelled by Jonas" in text(gone)
    assert "cancelled" in text(await office.ask("requests 全部"))


async def test_an_edit_asks_by_a_form_that_does_nothing_that_could_not_be_typed(office: Office) -> None:
    asked = await office.ask("edit R-1", "Jonas")
    assert asked.form is not None
    assert asked.form.command == "edit"
    words = filled(asked.form, {LANTERN: "960"})
    changed = await office.router.press(
        office.call("Jonas", "slack", "group", 1), "edit", (*asked.form.arguments, *words)
    )
    assert "960" in text(changed)
    assert "Changed since it was shown" in text(changed)
    again = await office.router.press(
        office.call("Jonas", "slack", "group", 1), "edit", (*asked.form.arguments, *words)
    )
    assert again.refused
    typed = await office.ask(f"修改 R-1 {LANTERN}=972 date=2011-12-24", "Jonas")
    assert "972" in text(typed)
    bad = await office.ask(f"edit R-1 {LANTERN}=7 date=soon colour=red", "Jonas")
    for part in ("packs of 12", "soon", "colour"):
        assert part in text(bad)
    assert (await office.ask("edit R-99", "Jonas")).refused


async def test_options_compare_and_carry_one_out(office: Office) -> None:
    compared = await office.ask("options C-1")
    said = text(compared)
    assert "Best:" in said
    assert "Stock-out days avoided" in said
    assert (await office.ask("options C-1 transfer", "Jonas")).refused
    waited = await office.ask("options C-1 wait", "Jonas")
    assert "stays silent until" in text(waited)


@pytest.mark.parametrize("which", ["", "waiting", "drafts", "orders", "all"])
async def test_every_list_answers_everybody(office: Office, which: str) -> None:
    for name in ("Lin Wei", "Vic"):
        assert not (await office.ask(f"requests {which}", name)).refused
