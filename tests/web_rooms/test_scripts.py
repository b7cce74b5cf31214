"""The page's scripts without a browser: their types, their words, and their negotiation."""

from __future__ import annotations

import json
import os
import re
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot.web.rooms.pages import FOLDER
from bot.web.rooms.room import CODES
from tests.npm import node_with

TOOLS = Path(__file__).parents[2] / "deploy" / "js"
SCRIPTS = sorted(FOLDER.glob("*.js"))
ENTRY = re.compile(r'^  (\w+): \["(.*)", "(.*)"\],$', re.MULTILINE)
SCHEDULES = 1_000


@pytest.fixture(scope="session")
def node() -> str:
    """Node.js, with TypeScript installed as the lock file says."""
    return node_with(TOOLS)


@pytest.mark.node
@pytest.mark.xdist_group("page_types")
def test_every_script_of_the_page_passes_the_strict_type_check(node: str) -> None:
    compiler = TOOLS / "node_modules" / "typescript" / "bin" / "tsc"
    done = subprocess.run(  # noqa: S603  # our own tools
        [node, str(compiler), "--noEmit", "--project", str(TOOLS)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.node
@pytest.mark.xdist_group("page_types")
def test_negotiation_ends_in_agreement_whatever_the_delays_and_only_newcomers_open(node: str) -> None:
    check = Path(__file__).with_name("negotiation_check.mjs")
    done = subprocess.run(  # noqa: S603  # our own script
        [node, str(check), str(FOLDER), str(SCHEDULES)], capture_output=True, text=True, check=True, timeout=120
    )
    found = json.loads(done.stdout)
    assert found["faults"] == []
    assert found["schedules"] == SCHEDULES
    assert found["glares"] > SCHEDULES // 10, "the schedules must bring both sides to offer at once"


HOURS = """
const { atWork, localTime } = await import(process.argv[1]);
const seen = (one, at) => [atWork(one, at), localTime(one.zone, at)];
console.log(JSON.stringify(JSON.parse(process.argv[2]).map((one) => seen(one, new Date(one.at)))));
"""


@pytest.mark.node
@pytest.mark.xdist_group("page_types")
def test_local_times_and_working_hours_are_those_of_the_persons_zone(node: str) -> None:
    moments = [datetime(2026, 3, 27, tzinfo=UTC) + timedelta(hours=5 * step, minutes=7) for step in range(40)]
    cases = [
        {"zone": zone, "from": start, "to": end, "workdays": days, "at": moment.isoformat()}
        for zone in (
            "Europe/Berlin",
            "Asia/Shanghai",
            "America/Los_Angeles",
            "Asia/Kolkata",
        )  # a clock change is within
        for start, end, days in (("09:00", "18:00", "12345"), ("22:00", "06:00", "12345"), ("00:00", "12:30", "67"))
        for moment in moments
    ]
    module = (FOLDER / "hours.js").as_uri()
    done = subprocess.run(  # noqa: S603  # our own script
        [node, "--input-type=module", "--eval", HOURS, module, json.dumps(cases)],
        capture_output=True, text=True, check=True, env=os.environ | {"TZ": "UTC"},
    )  # fmt: skip
    for case, (works, shown) in zip(cases, json.loads(done.stdout), strict=True):
        there = datetime.fromisoformat(case["at"]).astimezone(ZoneInfo(case["zone"]))
        assert works == _works(case, there), case
        assert shown.endswith(f"{there:%H:%M}"), case
        assert shown.startswith(f"{there:%a}") == (there.date() != datetime.fromisoformat(case["at"]).date()), case


@pytest.mark.node
@pytest.mark.xdist_group("page_types")
def test_the_page_goes_by_the_bots_clock_in_the_readers_own_zone(node: str) -> None:
    script = """
    const hours = await import(process.argv[1]);
    hours.setZone("Asia/Shanghai");
    hours.setClock("2011-11-21T23:30:00Z");
    console.log(JSON.stringify([hours.wall(hours.now()), hours.localTime("Europe/Berlin", hours.now())]));
    """
    done = subprocess.run(  # noqa: S603  # our own script
        [node, "--input-type=module", "--eval", script, (FOLDER / "hours.js").as_uri()],
        capture_output=True, text=True, check=True, env=os.environ | {"TZ": "America/Chicago"},
    )  # fmt: skip
    assert json.loads(done.stdout) == ["07:30", "00:30"]


def _works(case: dict[str, str], there: datetime) -> bool:
    """Whether that wall clock is within the hours, which may go on past midnight."""
    now, day = f"{there:%H:%M}", there.isoweekday()
    if case["from"] <= case["to"]:
        return str(day) in case["workdays"] and case["from"] <= now < case["to"]
    before = (day - 2) % 7 + 1
    late, early = str(day) in case["workdays"] and now >= case["from"], str(before) in case["workdays"]
    return late or (early and now < case["to"])


def words() -> dict[str, tuple[str, str]]:
    return {key: (english, chinese) for key, english, chinese in ENTRY.findall((FOLDER / "words.js").read_text())}


def test_every_sentence_has_both_languages_and_the_same_places() -> None:
    found = words()
    assert len(found) > 100
    for key, (english, chinese) in found.items():
        places = [set(re.findall(r"\{\w+\}", text)) for text in (english, chinese)]
        assert places[0] == places[1], key
        assert key == "device_number" or re.search(r"[\u4e00-\u9fff]", chinese), key


def test_every_sentence_used_is_there_and_every_one_there_is_used() -> None:
    source = "".join(path.read_text() for path in SCRIPTS if path.name != "words.js")
    page = (FOLDER / "room.html").read_text()
    marked = set(re.findall(r'data-t(?:-label|-hint)?="(\w+)"', page))
    literal = set(re.findall(r'["`](\w+)["`]', source))
    composed = tuple(prefix for prefix in re.findall(r"`(\w+_)\$\{", source))
    assert marked <= set(words())
    assert set(re.findall(r'\bt\("(\w+)"', source)) <= set(words())
    assert {key for key in words() if key not in marked | literal and not key.startswith(composed)} == set()


def test_every_way_the_server_says_goodbye_has_words() -> None:
    assert {f"bye_{reason}" for reason in CODES if reason not in {"slow", "closing"}} <= set(words())


def test_no_script_is_longer_than_a_reader_likes() -> None:
    assert {path.name: n for path in SCRIPTS if (n := len(path.read_text().splitlines())) > 400} == {}


def test_the_tools_are_pinned_by_hash_and_name_no_registry() -> None:
    packages: dict[str, dict[str, Any]] = json.loads((TOOLS / "package-lock.json").read_text())["packages"]
    del packages[""]
    assert all(package["integrity"].startswith("sha512-") for package in packages.values())
    assert not any("resolved" in package for package in packages.values())
