"""A command loads what it uses; the command line itself loads next to nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import typer

from bot.cli.parts import PARTS, load
from tests.cli.terminal import clean

ROOT = Path(__file__).parents[2]
# What takes long to load, by what it is for.
HEAVY = frozenset(
    {
        "aiohttp", "aiosmtplib", "alembic", "apscheduler", "asyncssh", "cryptography", "holidays", "httpx", "livekit",
        "numba", "numpy", "openpyxl", "pyarrow", "pydantic", "pydantic_settings", "rapidfuzz", "reportlab", "rich",
        "scipy", "segno", "slack_bolt", "slack_sdk", "sp_api", "sqlalchemy", "sse_starlette", "starlette", "structlog",
        "telegram", "uvicorn", "websockets",
    }
)  # fmt: skip
# What `policy show` has no use for, where Slack alone is connected.
UNASKED = frozenset(
    {
        "aiosmtplib", "asyncssh", "bot.stores.amazon", "bot.stores.shopify", "bot.stores.woocommerce", "livekit",
        "numba", "openpyxl", "pyarrow", "reportlab", "scipy.special", "scipy.stats", "sp_api", "telegram",
    }
)  # fmt: skip
RUN = """
import sys
from bot.cli.app import main
sys.argv = ["stocktide", *sys.argv[1:]]
try:
    main()
finally:
    print("\\nloaded", *sorted(sys.modules))
"""


def loaded_by(*arguments: str, folder: Path) -> set[str]:
    """The modules that a process has loaded when the command has ended."""
    ran = subprocess.run(  # noqa: S603  # our own command
        [sys.executable, "-c", RUN, *arguments],
        cwd=folder,
        env=clean(os.environ) | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return set(ran.stdout.splitlines()[-1].split()[1:])


def test_the_command_line_and_its_help_load_nothing_heavy(home: Path) -> None:
    loaded = loaded_by("--help", folder=home)
    assert "bot.cli.app" in loaded
    assert not loaded & HEAVY


def test_a_command_loads_the_chat_that_is_connected_and_nothing_of_what_is_not(empty: Path) -> None:
    slack = '[slack]\nbot_token = "xoxb-1-2"\napp_token = "xapp-1-2"\n'
    (empty / "stocktide.toml").write_text(slack, encoding="utf-8")
    loaded = loaded_by("policy", "show", folder=empty)
    assert "slack_bolt" in loaded
    assert not loaded & UNASKED


def test_the_outline_of_each_command_says_what_the_command_says() -> None:
    assert {part.name: part.help for part in PARTS} == {part.name: load(part).help for part in PARTS}


def test_no_command_is_registered_that_the_root_does_not_know() -> None:
    registered = set()
    for module in {part.module for part in PARTS}:
        app = typer.Typer()
        import_module(module).register(app)
        registered |= {(name, module) for name in typer.main.get_group(app).commands}
    assert registered == {(part.name, part.module) for part in PARTS}
