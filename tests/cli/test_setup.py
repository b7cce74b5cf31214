"""`init`, `migrate` and `check`."""

from __future__ import annotations

import asyncio
import re
import stat
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from bot import settings
from bot.cli import setup
from bot.cli.app import app
from bot.ports import SystemClock
from bot.sandbox import Sandbox
from bot.settings.sealing import MARK, VARIABLE, new_key
from bot.storage.database import Database
from tests.cli.terminal import program, stocktide

ANSWERS = ["Our shop", "GBP", "Europe/London", "zh_CN", "sqlite+aiosqlite:///shop.db"]

TOKENS = ["y", "xoxb-1-2", "xapp-1-2", "y", "123456:ABC_def"]


def init(*answers: str, options: tuple[str, ...] = ()) -> tuple[int, str]:
    """Answer the questions of `init`; the exit code and everything it said."""
    ran = CliRunner().invoke(app, ["init", *options], input="".join(f"{answer}\n" for answer in answers))
    return ran.exit_code, ran.output


def test_init_writes_what_was_answered_for_its_owner_alone(home: Path) -> None:
    code, said = init(*ANSWERS, *TOKENS, "n")
    assert code == 0, said
    assert "Next: stocktide migrate" in said
    file = home / "stocktide.toml"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    loaded = settings.load(file, {})
    assert loaded.organisation.model_dump() == {
        "name": "Our shop",
        "currency": "GBP",
        "zone": "Europe/London",
        "language": "zh_CN",
        "rates": {},
    }
    assert loaded.database.url == "sqlite+aiosqlite:///shop.db"
    assert loaded.slack.bot_token.get_secret_value() == "xoxb-1-2"
    assert loaded.telegram.token.get_secret_value() == "123456:ABC_def"
    assert "123456:ABC_def" in file.read_text(encoding="utf-8")


def test_init_seals_tokens_by_a_key_that_it_makes_where_it_may(home: Path) -> None:
    code, said = init(*ANSWERS, *TOKENS, "")
    assert code == 0, said
    assert "Made the key stocktide.key" in said
    assert stat.S_IMODE((home / "stocktide.key").stat().st_mode) == 0o600
    assert_sealed(home / "stocktide.toml", {})


def test_init_seals_tokens_by_the_key_that_is_there_and_asks_nothing(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = {VARIABLE: new_key()}
    monkeypatch.setenv(VARIABLE, named[VARIABLE])
    code, said = init(*ANSWERS, *TOKENS)
    assert code == 0, said
    assert "Seal" not in said
    assert not (home / "stocktide.key").exists()
    assert_sealed(home / "stocktide.toml", named)


def assert_sealed(file: Path, environment: dict[str, str]) -> None:
    """No token stands in the file, and each is read as it was answered."""
    written = tomllib.loads(file.read_text(encoding="utf-8"))
    assert all(token.startswith(MARK) for part in ("slack", "telegram") for token in written[part].values())
    loaded = settings.load(file, environment)
    read = [loaded.slack.bot_token, loaded.slack.app_token, loaded.telegram.token]
    assert [token.get_secret_value() for token in read] == ["xoxb-1-2", "xapp-1-2", "123456:ABC_def"]


def test_init_with_a_key_that_is_none_asks_nothing(home: Path) -> None:
    (home / "stocktide.key").write_text("a word\n", encoding="utf-8")
    (home / "stocktide.key").chmod(0o600)
    ran = stocktide("init")
    assert ran.code == 2
    assert "stocktide.key:1: is not a key" in ran.err
    assert not (home / "stocktide.toml").exists()


def test_init_never_shows_a_token_on_the_screen() -> None:
    _, said = init(*ANSWERS, "y", "xoxb-canary-1", "xapp-canary-2", "y", "123456:canary3", "y")
    assert "canary" not in said


@pytest.mark.parametrize("name", ['Bits "& Bobs" \\ Ltd', "店 🎁", "tab\tand\x7f", "[/bold]"])
def test_init_keeps_any_name(home: Path, name: str) -> None:
    code, said = init(name, *ANSWERS[1:], "n", "n")
    assert code == 0, said
    assert tomllib.loads((home / "stocktide.toml").read_text(encoding="utf-8"))["organisation"]["name"] == name


def test_init_tells_a_wrong_answer_with_its_key_and_what_to_write() -> None:
    code, said = init("Our shop", "pounds", "Mars/Base", "de", "mysql://x", "n", "y", "no-token", "y")
    assert code == 2
    for key in ("organisation.currency", "organisation.zone", "organisation.language", "database.url"):
        assert key in said
    assert "Asia/Shanghai" in said


def test_init_replaces_a_file_only_when_told_to(home: Path) -> None:
    (home / "stocktide.toml").write_text("# mine\n", encoding="utf-8")
    (home / "stocktide.toml").chmod(0o644)
    code, said = init(*ANSWERS, "n", "n")
    assert code == 2
    assert "--force" in said
    assert (home / "stocktide.toml").read_text(encoding="utf-8") == "# mine\n"
    code, said = init(*ANSWERS, "n", "n", options=("--force",))
    assert code == 0, said
    assert stat.S_IMODE((home / "stocktide.toml").stat().st_mode) == 0o600


def test_init_into_a_folder_that_is_not_there_is_one_line(home: Path) -> None:
    ran = program(
        "init", "--file", "none/here.toml", folder=home, stdin="\n".join([*ANSWERS, "n", "n"]) + "\n"
    )  # fmt: skip
    assert ran.code == 2
    assert "none/here.toml: cannot be written" in ran.err


def test_from_init_to_ready_as_a_person_would_go() -> None:
    code, _ = init(*ANSWERS, "n", "n")
    assert code == 0
    assert stocktide("check").code == 1
    assert stocktide("migrate").out == "Migrated the database from none to 0025.\n"
    ran = stocktide("check")
    assert ran.code == 0
    assert ran.out.splitlines()[-1] == "Ready. Next: stocktide run"


def test_the_installed_program_migrates_quietly_and_once(home: Path) -> None:
    first = program("migrate", folder=home)
    assert (first.code, first.out, first.err) == (0, "Migrated the database from none to 0025.\n", "")
    second = program("migrate", folder=home)
    assert (second.code, second.out, second.err) == (0, "The database is at 0025.\n", "")


@pytest.mark.parametrize(
    "words",
    [("scan",), ("ask", "/stock 1"), ("import", "sales", "x.csv"), ("jobs", "list"), ("members", "list"),
     ("audit", "verify")],
)  # fmt: skip
def test_a_database_without_tables_is_refused_with_what_to_do(home: Path, words: tuple[str, ...]) -> None:
    ran = stocktide(*words)
    assert (ran.code, ran.out) == (2, "")
    assert "has no tables yet (run `stocktide migrate`)" in ran.err
    assert list(home.iterdir()) == []  # looking makes no file


def test_a_database_of_a_newer_version_is_left_alone(empty: Path) -> None:
    execute(empty, "UPDATE alembic_version SET version_num = '9999'")
    ran = stocktide("migrate")
    assert ran.code == 1
    assert "revision 9999, which this version does not know" in ran.err
    ran = stocktide("scan")
    assert ran.code == 2
    assert "is at revision 9999, this version needs" in ran.err


UNREACHABLE = [
    pytest.param("postgresql+psycopg://shop:canary-word@127.0.0.1:1/shop", "does not answer", id="PostgreSQL"),
    pytest.param("sqlite+aiosqlite:////nowhere/at/all/shop.db", "unable to open database file", id="SQLite"),
]


@pytest.mark.parametrize(("url", "said"), UNREACHABLE)
@pytest.mark.parametrize("words", [("scan",), ("migrate",)], ids=" ".join)
def test_a_database_that_cannot_be_reached_is_one_line_without_its_password(
    monkeypatch: pytest.MonkeyPatch, url: str, said: str, words: tuple[str, ...]
) -> None:
    monkeypatch.setenv("STOCKTIDE_DATABASE__URL", url)
    ran = stocktide(*words)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
    assert len(ran.lines) == 2
    assert "canary-word" not in ran.err


@pytest.mark.parametrize(("url", "said"), UNREACHABLE)
def test_check_reports_a_database_that_cannot_be_reached(monkeypatch: pytest.MonkeyPatch, url: str, said: str) -> None:
    monkeypatch.setenv("STOCKTIDE_DATABASE__URL", url)
    ran = stocktide("check")
    assert ran.code == 1
    assert "FAIL  database" in ran.out
    assert re.search(".*".join(said.split()), ran.out, re.DOTALL)  # a narrow column wraps
    assert "canary-word" not in ran.out
    assert "Ready" not in ran.out


def test_a_file_that_is_no_database_is_one_line(home: Path) -> None:
    (home / "stocktide.db").write_bytes(b"a letter to the bank, not a database" * 100)
    ran = stocktide("migrate")
    assert ran.code == 2
    assert "file is not a database" in ran.err


def test_check_says_that_the_tables_are_missing(home: Path) -> None:
    ran = stocktide("check")
    assert ran.code == 1
    assert "run `stocktide migrate`" in ran.out
    assert list(home.iterdir()) == []


@pytest.mark.usefixtures("empty")
@pytest.mark.parametrize("mark", ["ok", "look"])
def test_check_tells_the_version_of_sqlite(monkeypatch: pytest.MonkeyPatch, mark: str) -> None:
    monkeypatch.setattr(setup, "sqlite_is_safe", lambda: mark == "ok")
    ran = stocktide("check")
    assert ran.code == 0
    (line,) = [line for line in ran.out.splitlines() if "SQLite" in line and "clock" not in line][:1]
    assert line.split()[0] == mark


@pytest.mark.usefixtures("empty")
def test_check_tells_clock_and_zone_data() -> None:
    ran = stocktide("check")
    assert [line.split()[:2] for line in ran.out.splitlines()[1:4]] == [
        ["ok", "clock"],
        ["ok", "zone"],
        ["ok", "database"],
    ]


def test_every_fault_of_the_settings_is_listed_once(home: Path) -> None:
    (home / "stocktide.toml").write_text('[organisation]\nzone = "Mars"\n[web]\nport = 99999\n', encoding="utf-8")
    ran = stocktide("check")
    assert (ran.code, ran.out) == (2, "")
    assert [line.split(":")[0].strip("• ") for line in ran.lines] == [
        "The settings need mending",
        "organisation.zone",
        "web.port",
    ]


def test_a_settings_file_that_is_not_there_is_told() -> None:
    ran = stocktide("--config", "none.toml", "check")
    assert ran.code == 2
    assert "none.toml: there is no such file" in ran.err


def execute(folder: Path, statement: str) -> None:
    """One statement on the folder's database."""

    async def work() -> None:
        database = Database(f"sqlite+aiosqlite:///{folder / 'stocktide.db'}")
        async with database.transaction() as connection:
            await connection.execute(text(statement))
        await database.close()

    asyncio.run(work())


async def connected(monkeypatch: pytest.MonkeyPatch, change: Callable[[Sandbox], dict[str, str]]) -> tuple[int, str]:
    """`check` against a local Slack and Telegram, with some settings changed; the exit code and the report."""
    async with Sandbox(SystemClock()) as sandbox:
        variables = {
            "STOCKTIDE_SLACK__BOT_TOKEN": sandbox.slack.world.bot_token,
            "STOCKTIDE_SLACK__APP_TOKEN": sandbox.slack.world.app_token,
            "STOCKTIDE_SLACK__BASE_URL": sandbox.slack_base_url,
            "STOCKTIDE_TELEGRAM__TOKEN": sandbox.telegram.world.token,
            "STOCKTIDE_TELEGRAM__BASE_URL": sandbox.telegram_base_url,
        }
        for name, value in (variables | change(sandbox)).items():
            monkeypatch.setenv(name, value)
        ran = await asyncio.to_thread(stocktide, "check")
    return ran.code, " ".join((ran.out + ran.err).split())


@pytest.mark.usefixtures("empty")
async def test_check_finds_both_platforms_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    code, said = await connected(monkeypatch, lambda _: {})
    assert code == 0, said
    for line in ("ok slack token", "ok slack scopes", "ok slack events", "ok telegram token", "ok telegram updates"):
        assert line in said


@pytest.mark.usefixtures("empty")
@pytest.mark.parametrize(
    ("variable", "wrong", "line"),
    [
        ("STOCKTIDE_SLACK__BOT_TOKEN", "xoxb-canary-wrong", "FAIL slack token"),
        ("STOCKTIDE_SLACK__APP_TOKEN", "xapp-canary-wrong", "FAIL slack events"),
        ("STOCKTIDE_TELEGRAM__TOKEN", "999999:canary_wrong_token_of_nobody", "FAIL telegram token"),
        ("STOCKTIDE_SLACK__BASE_URL", "http://127.0.0.1:1/api/", "FAIL slack token"),
        ("STOCKTIDE_TELEGRAM__BASE_URL", "http://127.0.0.1:1/bot", "FAIL telegram connection"),
    ],
)
async def test_check_says_which_token_is_refused_and_what_to_do(
    monkeypatch: pytest.MonkeyPatch, variable: str, wrong: str, line: str
) -> None:
    code, said = await connected(monkeypatch, lambda _: {variable: wrong})
    assert code == 1
    assert line in said
    assert "canary" not in said
    assert "Ready" not in said


@pytest.mark.usefixtures("empty")
async def test_check_names_the_scope_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def without(sandbox: Sandbox) -> dict[str, str]:
        sandbox.slack.world.scopes.discard("chat:write")
        return {}

    code, said = await connected(monkeypatch, without)
    assert code == 1
    assert "FAIL slack scopes missing chat:write" in said
    assert "slack-manifest.yaml" in said
