"""The documents say what is true: commands, options, jobs, metrics, fields, and examples that are run."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot import settings
from bot.services.ingest.columns import FIELDS, KINDS
from bot.web import figures
from deploy import importing_page
from handlers import COMMANDS
from jobs import JOBS
from tests.cli.terminal import clean, stocktide, whole_tree

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
IMPORTING = (ROOT / "docs" / "importing.md").read_text(encoding="utf-8")
OPERATIONS = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")

_BLOCK = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`(stocktide(?: [^`\n]+)?)`")


def command_lines() -> Iterator[tuple[str, str]]:
    """Every line of a page that calls the command: (page, line without its comment)."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        blocks = [line for block in _BLOCK.finditer(text) for line in block[2].splitlines()]
        blocks += [line for line in text.splitlines() if line.startswith("    ")]
        found = [line.strip().removeprefix("$ ").split("  #")[0] for line in blocks]
        found += _INLINE.findall(_BLOCK.sub("", text))
        for line in dict.fromkeys(line.strip() for line in found):
            if re.match(r"stocktide( |$)", line):
                yield page.name, line


LINES = list(command_lines())


def follow(line: str) -> None:
    """Hold a line to the command line's own words: commands, options and the number of arguments."""
    command = whole_tree()
    rest = shlex.split(line)[1:]
    while hasattr(command, "commands") and rest and not rest[0].startswith("-"):
        assert rest[0] in command.commands, f"{rest[0]} is no command"
        command = command.commands[rest.pop(0)]
    options = {name: option for option in command.params for name in option.opts if name.startswith("-")}
    arguments = 0
    while rest:
        word = rest.pop(0)
        if not word.startswith("-"):
            arguments += 1
            continue
        assert word in options, f"{word} is no option"
        if not options[word].is_flag:
            assert rest, f"{word} needs a value"
            rest.pop(0)
    taken = [option.nargs for option in command.params if option.param_type_name == "argument"]
    if -1 not in taken:  # of which there may be any number
        assert arguments <= len(taken), f"{arguments} arguments where {len(taken)} are taken"


def test_the_pages_show_many_commands() -> None:
    assert len(LINES) > 20
    assert {page for page, _ in LINES} >= {"README.md", "importing.md", "operations.md", "settings.md"}


@pytest.mark.parametrize(("page", "line"), LINES, ids=[f"{page}: {line}" for page, line in LINES])
def test_a_command_of_the_documents_is_understood(page: str, line: str) -> None:
    del page
    follow(line)


@pytest.mark.parametrize(
    "line",
    [
        "stocktide nonsense",
        "stocktide scan --nonsense",
        "stocktide jobs nonsense",
        "stocktide scan twice",
        "stocktide ask a --at",
    ],
)
def test_a_command_that_is_none_would_be_noticed(line: str) -> None:
    with pytest.raises(AssertionError, match=r"is no|are taken|needs a value"):
        follow(line)


def test_the_readme_lists_every_chat_command_and_no_other() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    table = text.split("## Commands")[1].split("## ")[0]
    shown = {
        cell.split()[0]
        for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)
        for cell in re.findall("`([^`]+)`", row)
    }
    assert shown == {command.name for command in COMMANDS}


def test_every_setting_is_described() -> None:
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    assert [key for key, *_ in settings.described() if f"`{key}`" not in page] == []


def test_a_setting_that_a_page_names_is_one() -> None:
    parts = "|".join(settings.Settings.model_fields)
    known = {key for key, *_ in settings.described()}
    for page in [page for page in PAGES if page.name != "audit.md"]:  # that one names deeds and files with a dot
        named = re.findall(rf"`((?:{parts})\.[a-z_]+)(?: = [^`]*)?`", page.read_text(encoding="utf-8"))
        files = {name for name in named if name.endswith((".csv", ".xlsx", ".toml"))}
        assert set(named) - files <= known, page.name


def test_every_job_is_described_and_no_other() -> None:
    table = OPERATIONS.split("## Jobs")[1].split("## ")[0]
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == [job.name for job in JOBS]


def test_every_metric_is_described_and_no_other() -> None:
    shown = set(re.findall(r"stocktide_\w+", OPERATIONS))
    source = Path(figures.__file__).read_text(encoding="utf-8")
    assert shown == set(re.findall(r"\"(stocktide_\w+)\"", source))


def test_the_tables_of_fields_are_current() -> None:
    assert importing_page.page(IMPORTING) == IMPORTING


def test_every_field_of_every_kind_has_a_meaning_and_nothing_else_has() -> None:
    assert {kind: list(fields) for kind, fields in importing_page.MEANINGS.items()} == {
        kind: [field.name for field in fields] for kind, fields in FIELDS.items()
    }


def test_every_kind_has_a_table_that_marks_what_is_required() -> None:
    for kind in KINDS:
        table = IMPORTING.split(f"\n### {kind}\n")[1].split("\n#")[0]
        required = re.findall(r"^\| \*\*`(\w+)`\*\* \(required\)", table, re.MULTILINE)
        assert required == [field.name for field in FIELDS[kind] if field.required]


def test_the_importing_page_names_every_option_of_the_command() -> None:
    command = whole_tree()
    options = {
        option.opts[0] for option in command.commands["import"].params if option.param_type_name == "option"
    }  # fmt: skip
    assert {option for option in options if option not in IMPORTING} <= {"--help"}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A migrated database, and the example's files, in a folder of their own."""
    for name in set(os.environ) - set(clean(os.environ)):
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    assert stocktide("migrate").code == 0
    for kind, text in _BLOCK.findall(IMPORTING):
        if kind.startswith("csv ") and not kind.endswith(".rejects.csv"):
            (tmp_path / kind.removeprefix("csv ")).write_text(text, encoding="utf-8")
    return tmp_path


def masked(text: str) -> str:
    """The text without its seconds."""
    return re.sub(r"in [\d.]+ s:", "in 0.0 s:", text).strip()


def test_the_example_of_the_importing_page_is_what_happens(folder: Path) -> None:
    blocks = _BLOCK.findall(IMPORTING)
    sessions = [text for kind, text in blocks if kind == "console"]
    assert len(sessions) == 2
    for session in sessions:
        for step in session.removeprefix("$ ").split("\n$ "):
            line, _, shown = step.partition("\n")
            ran = stocktide(*shlex.split(line)[1:])
            said = ran.out if ran.code == 0 else ran.err
            assert masked(said) == shown.strip(), line
    (rejects,) = [text for kind, text in blocks if kind == "csv orders.csv.rejects.csv"]
    written = (folder / "orders.csv.rejects.csv").read_text(encoding="utf-8-sig")
    assert written.splitlines() == rejects.splitlines()


def test_mended_rejects_are_imported_as_they_are(folder: Path) -> None:
    stocktide("import", "locations", "locations.csv")
    stocktide("import", "sales", "orders.csv")
    file = folder / "orders.csv.rejects.csv"
    mended = (
        file.read_text(encoding="utf-8-sig").replace("2011-02-30", "2011-02-28").replace("600006,,", "600006,84879,")
    )
    (folder / "mended.csv").write_text(mended, encoding="utf-8")
    ran = stocktide("import", "sales", "mended.csv")
    assert "2 rows in" in ran.out
    assert "2 added, 0 updated, 0 unchanged, 0 rejected." in ran.out


def test_a_backup_by_the_operations_page_is_whole(folder: Path) -> None:
    (line,) = re.findall(r'python -c "(.*)"', OPERATIONS)
    stocktide("members", "add", "Lin Wei")
    exec(line.replace('\\"', '"'), {})  # noqa: S102  # the page's own line
    (folder / "stocktide.db").unlink()
    (folder / "backup.db").rename(folder / "stocktide.db")
    assert stocktide("migrate").out == "The database is at 0025.\n"
    assert stocktide("audit", "verify").out.startswith("The audit log is whole: 1 entry, head ")
    assert "Lin Wei" in stocktide("members", "list").out


def test_the_settings_that_the_board_page_shows_are_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in set(os.environ) - set(clean(os.environ)):
        monkeypatch.delenv(name)
    page = (ROOT / "docs" / "board.md").read_text(encoding="utf-8")
    (example,) = [text for kind, text in _BLOCK.findall(page) if kind == "toml"]
    (tmp_path / "stocktide.toml").write_text(example, encoding="utf-8")
    found = settings.load(tmp_path / "stocktide.toml")
    assert [(fee.location, fee.age_days) for fee in found.storage.fees] == [("DE", 181), ("DE", 271)]
    assert found.web.public_url == "https://stock.example.com"
    assert found.watch.target_days == 45
