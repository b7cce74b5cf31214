"""`jobs`, `members`, `audit` and `run`."""

from __future__ import annotations

import asyncio
import re
import socket
from pathlib import Path

import pytest
from sqlalchemy import delete, insert, select, text, update

from bot.chat.codec import encode
from bot.chat.nodes import Message, Paragraph
from bot.ports import SystemClock
from bot.services.audit import Audit
from bot.storage import tables
from bot.storage.database import Database
from bot.words import _
from jobs import JOBS
from tests.cli import files
from tests.cli.terminal import Ran, stocktide

ROLES = ("viewer", "operator", "buyer", "approver", "promo_manager", "auditor", "admin")


def at(folder: Path) -> Database:
    return Database(f"sqlite+aiosqlite:///{folder / 'stocktide.db'}")


def strand(folder: Path, state: str) -> int:
    """A message that could not be delivered; its id."""

    async def work() -> int:
        database, now = at(folder), SystemClock().now()
        async with database.transaction() as connection:
            conversation = (
                await connection.execute(
                    insert(tables.Conversation)
                    .values(platform="slack", external_id="C0LOST", kind="group")
                    .returning(tables.Conversation.id)
                )
            ).scalar_one()
            words = _("Hello.")
            values = {
                "conversation_id": conversation,
                "kind": "post",
                "message": encode(Message(words, (Paragraph(words),))),
                "language": "en",
                "state": state,
                "created_at": now,
                "due_at": now,
                "error": "[/red] not_in_channel",
            }
            found = await connection.execute(insert(tables.Outbox).values(values).returning(tables.Outbox.id))
            letter = found.scalar_one()
        await database.close()
        return int(letter)

    return asyncio.run(work())


def state_of(folder: Path, letter: int) -> str:
    async def work() -> str:
        database = at(folder)
        async with database.reading() as connection:
            found = await connection.execute(select(tables.Outbox.state).where(tables.Outbox.id == letter))
        await database.close()
        return str(found.scalar_one())

    return asyncio.run(work())


@pytest.mark.usefixtures("shop")
def test_every_job_is_listed_with_when_it_was_due_and_how_it_ended() -> None:
    before = stocktide("jobs", "list").out.splitlines()
    assert [line.split()[0] for line in before[1:]] == [job.name for job in JOBS]
    assert stocktide("jobs", "run", "cleanup").code == 0
    after = stocktide("jobs", "list").out
    (line,) = [line for line in after.splitlines() if line.startswith("cleanup")]
    assert "UTC  done" in line


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize("name", [job.name for job in JOBS])
def test_every_job_can_be_run_by_hand(name: str) -> None:
    ran = stocktide("jobs", "run", name, "--at", files.AT)
    assert ran.code == 0, ran.err
    assert ran.out.startswith(f"{name}: done. ")


@pytest.mark.usefixtures("empty")
def test_a_job_that_is_none_lists_the_jobs() -> None:
    ran = stocktide("jobs", "run", "nonsense")
    assert (ran.code, ran.out) == (1, "")
    assert all(job.name in ran.err for job in JOBS)


@pytest.mark.usefixtures("empty")
def test_nothing_is_stuck_at_first() -> None:
    assert stocktide("jobs", "dead").out == "Nothing is stuck.\n"


@pytest.mark.parametrize("state", ["dead", "uncertain"])
def test_a_dead_message_is_listed_and_waits_again_once_retried(empty: Path, state: str) -> None:
    letter = strand(empty, state)
    listed = stocktide("jobs", "dead").out
    assert f"{letter}   {state}" in listed
    assert "C0LOST" in listed
    assert "[/red] not_in_channel" in listed
    assert "stocktide jobs retry ID" in listed
    ran = stocktide("jobs", "retry", str(letter))
    assert ran.code == 0
    assert state_of(empty, letter) == "pending"
    assert stocktide("jobs", "dead").out == "Nothing is stuck.\n"
    assert stocktide("jobs", "retry", str(letter)).code == 1


@pytest.mark.usefixtures("empty")
@pytest.mark.parametrize(("word", "code", "said"), [("7", 1, "no undelivered message 7"), ("seven", 2, "integer")])
def test_retrying_what_is_not_there_is_refused(word: str, code: int, said: str) -> None:
    ran = stocktide("jobs", "retry", word)
    assert (ran.code, ran.out) == (code, "")
    assert said in ran.lines[-1]


def listed(name: str) -> str:
    (line,) = [line for line in stocktide("members", "list").out.splitlines() if line.startswith(name)]
    return " ".join(line.split())


@pytest.mark.usefixtures("empty")
def test_a_person_is_added_with_a_role_zone_and_identities() -> None:
    ran = stocktide(
        "members", "add", "Lin Wei", "--role", "approver", "--zone", "Asia/Shanghai", "--language", "zh_CN",
        "--country", "CN", "--slack", "U0LINWEI", "--telegram", "700001",
    )  # fmt: skip
    assert (ran.code, ran.out) == (0, "Added Lin Wei as approver.\n")
    assert listed("Lin Wei") == "Lin Wei approver Asia/Shanghai zh_CN slack, telegram 09:00"


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (("Jonas",), 1, "There is a member called Jonas already."),
        (("Greta", "--slack", "U0JONAS"), 1, "Somebody else is U0JONAS on slack already."),
        (("Greta", "--role", "queen"), 2, "choose one of viewer"),
        (("Greta", "--zone", "Mars/Base"), 2, "'Mars/Base' is not an IANA time zone"),
        (("Greta", "--zone", "../../etc/passwd"), 2, "is not an IANA time zone"),
        (("Greta", "--country", "Atlantis"), 1, "Atlantis is no country code"),
        (("Greta", "--language", "tlh"), 2, "en or zh_CN"),
        ((" ",), 2, "name"),
        ((), 2, "Missing argument"),
    ],
)
def test_a_person_that_cannot_be_is_refused_and_not_added(options: tuple[str, ...], code: int, said: str) -> None:
    before = stocktide("members", "list").out
    ran = stocktide("members", "add", *options)
    assert (ran.code, ran.out) == (code, "")
    assert said in ran.lines[-1]
    assert stocktide("members", "list").out == before


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize("role", ROLES)
def test_a_person_is_given_any_role(role: str) -> None:
    assert stocktide("members", "role", "Jonas", role).out == f"Jonas is {role} now.\n"
    assert listed("Jonas").split()[1] == role


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize(("name", "role", "code"), [("Nobody", "buyer", 1), ("Jonas", "queen", 2)])
def test_a_role_for_nobody_or_a_role_that_is_none_is_refused(name: str, role: str, code: int) -> None:
    assert stocktide("members", "role", name, role).code == code
    assert listed("Jonas").split()[1] == "viewer"


@pytest.mark.usefixtures("shop")
def test_a_limit_is_set_and_listed() -> None:
    ran = stocktide("members", "limit", "approver", "4000", "usd")
    assert ran.out == "approver may approve up to 4000 USD per request.\n"
    assert "approver may approve up to 4000.00 USD per request" in stocktide("members", "list").out


@pytest.mark.usefixtures("shop")
def test_a_higher_limit_waits_for_a_second_administrator() -> None:
    ran = stocktide("members", "limit", "approver", "6000", "usd")
    assert "waits for a second administrator" in ran.out
    assert "approver may approve up to 5000.00 USD per request" in stocktide("members", "list").out
    assert stocktide("members", "add", "Ada", "--role", "admin").code == 0
    assert stocktide("policy", "confirm", "2", "--as", "Ada").code == 0
    assert "approver may approve up to 6000.00 USD per request" in stocktide("members", "list").out


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize(
    "words",
    [
        ("queen", "5000", "USD"),
        ("approver", "much", "USD"),
        ("approver", "NaN", "USD"),
        ("approver", "Infinity", "USD"),
        ("approver", "1e40", "USD"),
        ("approver", "9999999999999", "USD"),
        ("approver", "0.001", "USD"),
        ("approver", "5000", "XXQ"),
        ("approver", "5000", "dollars"),
        ("approver", "--", "-5", "USD"),
    ],
    ids=" ".join,
)
def test_a_limit_that_cannot_be_is_refused_and_not_set(words: tuple[str, ...]) -> None:
    before = stocktide("members", "list").out
    ran = stocktide("members", "limit", *words)
    assert (ran.code, ran.out) == (2, "")
    assert stocktide("members", "list").out == before


def tampered(folder: Path, statement: object) -> Ran:
    """What `audit verify` says after somebody lifted the guard and changed the log."""

    async def work() -> None:
        database = at(folder)
        audit = Audit(database=database, clock=SystemClock())
        for number in range(3):
            async with database.transaction() as connection:
                await audit.append(connection, "case.snoozed", f"case:{number}", {"number": number})
        async with database.transaction() as connection:
            for deed in ("update", "delete"):
                await connection.execute(text(f"DROP TRIGGER audit_refuses_{deed}"))
            await connection.execute(statement)  # type: ignore[call-overload]
        await database.close()

    asyncio.run(work())
    return stocktide("audit", "verify")


@pytest.mark.usefixtures("shop")
def test_a_whole_audit_log_is_called_whole() -> None:
    stocktide("members", "role", "Jonas", "buyer")
    ran = stocktide("audit", "verify")
    assert ran.code == 0
    assert re.fullmatch(r"The audit log is whole: \d+ entr(y|ies), head [0-9a-f]{64}\n", ran.out)


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        (update(tables.Audit).where(tables.Audit.id == 2).values(action="request.approved"), "entry 2: it was edited"),
        (delete(tables.Audit).where(tables.Audit.id == 1), "entry 2: it does not follow"),
        (delete(tables.Audit).where(tables.Audit.id == 3), "entry 2: entries after it are missing"),
    ],
    ids=["edited", "deleted", "cut"],
)
def test_a_tampered_audit_log_is_told_with_its_first_wrong_entry(empty: Path, statement: object, fault: str) -> None:
    ran = tampered(empty, statement)
    assert ran.code == 1
    assert ran.out.startswith(f"The audit log is broken at {fault}")


@pytest.mark.usefixtures("empty")
def test_the_bot_does_not_run_without_a_platform() -> None:
    ran = stocktide("run")
    assert ran.code == 2
    assert "neither Slack nor Telegram is connected" in ran.err
    assert "stocktide init" in ran.err


@pytest.mark.usefixtures("empty")
def test_a_port_that_is_taken_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STOCKTIDE_TELEGRAM__TOKEN", "123456:nobody")
    monkeypatch.setenv("STOCKTIDE_TELEGRAM__BASE_URL", "http://127.0.0.1:1/bot")
    monkeypatch.setenv("STOCKTIDE_LOG__LEVEL", "ERROR")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setenv("STOCKTIDE_WEB__PORT", str(port))
        ran = stocktide("run")
    assert ran.code == 2
    assert f"127.0.0.1:{port} cannot be listened on: Address already in use" in ran.lines[-1]
