"""`scan` and `ask`: the watch and the chat commands from a terminal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot.chat import nodes
from bot.chat.codec import decode, decode_message, encode
from bot.chat.forms import Form
from tests.cli import files
from tests.cli.terminal import program, stocktide


@pytest.fixture
def watched(shop: Path) -> Path:
    """The shop after one scan."""
    assert stocktide("scan", "--at", files.AT).code == 0
    return shop


@pytest.mark.usefixtures("shop")
def test_a_scan_finds_what_will_run_out_and_what_lies_idle() -> None:
    ran = stocktide("scan", "--at", files.AT)
    assert ran.code == 0
    assert "3 cases opened" in ran.out
    assert "2 requests drafted" in ran.out
    again = stocktide("scan", "--at", files.AT)
    assert "0 cases opened, 0 worsened, 0 resolved; 0 requests drafted." in again.out


@pytest.mark.usefixtures("watched")
def test_an_answer_is_printed_as_text() -> None:
    ran = stocktide("ask", "/stock 85123A", "--at", files.AT)
    assert (ran.code, ran.err) == (0, "")
    said = " ".join(ran.out.split())
    assert said.startswith("85123A WHITE HANGING HEART T-LIGHT HOLDER United Kingdom")
    assert "On hand 30 units, 25 of them free" in said
    assert "Lead time 30 days" in said


@pytest.mark.usefixtures("watched")
@pytest.mark.parametrize("line", ["/stock 85123A", "stock 85123A", "/STOCK 85123a", "/stock hanging heart"])
def test_a_command_is_read_however_it_is_written(line: str) -> None:
    assert "85123A WHITE HANGING HEART" in stocktide("ask", line, "--at", files.AT).out


@pytest.mark.usefixtures("watched")
@pytest.mark.parametrize("line", ["/stock 85123A", "/restock", "/help", "/why C-1", "/stock 85123Q"])
def test_the_neutral_message_is_printed_as_json_that_reads_back(line: str) -> None:
    ran = stocktide("ask", line, "--json", "--at", files.AT)
    data = json.loads(ran.out)
    message = decode_message(data)
    assert isinstance(message, nodes.Message)
    assert encode(message) == data


@pytest.mark.usefixtures("watched")
def test_an_answer_is_given_as_of_the_instant_that_was_asked_for() -> None:
    late, early = (
        decode_message(json.loads(stocktide("ask", "/stock 85123A", "--json", "--at", at).out))
        for at in (files.AT, "2011-10-01T17:00+08:00")
    )
    assert late != early
    assert "2011-10-01T09:00:00+00:00" in json.dumps(encode(early))


@pytest.mark.usefixtures("watched")
def test_a_form_is_printed_with_its_fields_and_the_line_to_type() -> None:
    ran = stocktide("ask", "/edit R-1", "--at", files.AT)
    assert ran.code == 0, ran.out
    said = " ".join(ran.out.split())
    assert "Type it like this: edit R-1" in said
    assert "date=2011-12-20" in said
    form = decode(json.loads(stocktide("ask", "/edit R-1", "--json", "--at", files.AT).out))
    assert isinstance(form, Form)
    assert form.command == "edit"
    assert all(f"{field.name}=" in said for field in form.fields)


@pytest.mark.usefixtures("watched")
def test_an_unknown_sku_is_refused_with_the_nearest() -> None:
    ran = stocktide("ask", "/stock 85123Q", "--at", files.AT)
    assert ran.code == 1
    said = " ".join(ran.out.split())
    assert "No product matches 85123Q. Did you mean one of these?" in said
    assert said.index("/stock 85123A") < said.index("/stock 22423")
    assert "Write it so: stock SKU [LOCATION]" in said


@pytest.mark.usefixtures("watched")
@pytest.mark.parametrize(
    "line", ["/nonsense", "/stock", "/why C-999", "/snooze C-1 soon", "/approve R-999", "/stock 85123A MOON"]
)
def test_a_malformed_command_is_refused_in_words(line: str) -> None:
    ran = stocktide("ask", line, "--at", files.AT)
    assert ran.out.strip()
    assert ran.code == 1


@pytest.mark.usefixtures("shop")
def test_a_request_is_approved_from_the_terminal_once() -> None:
    assert "waits for a second" in stocktide("members", "limit", "approver", "5000", "GBP").out
    assert stocktide("members", "add", "Ada", "--role", "admin").code == 0
    assert stocktide("policy", "confirm", "2", "--as", "Ada").code == 0
    assert stocktide("scan", "--at", files.AT).code == 0
    first = stocktide("ask", "/approve R-1 looks right", "--at", files.AT)
    assert first.code == 0, first.out
    entries = stocktide("audit", "verify").out
    second = stocktide("ask", "/approve R-1", "--at", files.AT)
    assert "nothing was done twice" in second.out
    assert stocktide("audit", "verify").out == entries
    other = stocktide("ask", "/reject R-1", "--at", files.AT)
    assert other.code == 1
    assert "Owner" in other.out
    assert stocktide("audit", "verify").code == 0


@pytest.mark.parametrize(
    ("at", "said"),
    [
        ("2011-11-21T09:00", "needs a zone"),
        ("tomorrow", "write an instant such as 2011-11-21T09:00Z"),
        ("2011-13-41T09:00Z", "write an instant such as 2011-11-21T09:00Z"),
    ],
)
@pytest.mark.parametrize("words", [("ask", "/help"), ("scan",), ("jobs", "run", "watch")], ids=" ".join)
def test_an_instant_that_cannot_be_is_refused(words: tuple[str, ...], at: str, said: str) -> None:
    ran = stocktide(*words, "--at", at)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.lines[-1]


def test_control_characters_of_a_name_never_reach_the_terminal(shop: Path) -> None:
    (shop / "named.csv").write_text("name,role,zone\n[/b] :smile:,viewer,UTC\n", encoding="utf-8")
    assert stocktide("import", "members", "named.csv").code == 0
    assert "[/b] :smile:" in stocktide("ask", "/who", "--at", files.AT).out
    assert "[/b] :smile:" in stocktide("members", "list").out


def test_the_installed_program_answers_and_refuses(shop: Path) -> None:
    ran = program("ask", "/stock 85123A", "--json", "--at", files.AT, folder=shop, STOCKTIDE_LOG__LEVEL="WARNING")
    assert (ran.code, ran.err) == (0, "")
    assert isinstance(decode_message(json.loads(ran.out)), nodes.Message)
