"""`stocktide init`, `check` and `migrate`."""

from __future__ import annotations

import os
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import available_timezones

import typer
from rich.text import Text
from sqlalchemy.exc import SQLAlchemyError

from bot import settings
from bot.cli.common import database_fault, err, grid, load_settings, out, run_async, say
from bot.cli.sealing import tell_of_key
from bot.cli.show import spoken
from bot.errors import Fault, SettingsError
from bot.ports import Check
from bot.settings.filing import quoted
from bot.settings.resealing import keys_to_seal
from bot.settings.sealing import MARK, Keys, find_keys, key_file
from bot.storage import effects, halts
from bot.storage.database import SAFE_SQLITE, Database, sqlite_is_safe
from bot.storage.migrations import migrate as migrate_database
from bot.storage.migrations import revisions
from bot.words import _, verbatim

_MARKS = {"ok": Text("ok", "green"), "warn": Text("look", "yellow"), "fail": Text("FAIL", "red")}


def register(app: typer.Typer) -> None:
    """Add these commands to the root."""
    app.command()(init)
    app.command()(check)
    app.command()(migrate)


def init(
    file: Annotated[Path, typer.Option(help="Where to write the settings.")] = settings.DEFAULT_FILE,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
) -> None:
    """Ask what is needed and write the settings file, its tokens sealed."""
    if file.exists() and not force:
        raise typer.BadParameter(f"{file} exists already; add --force to replace it")
    keys = find_keys(file, os.environ)
    answers = {
        "organisation": {
            "name": typer.prompt("Your organisation's name", default="Our shop"),
            "currency": typer.prompt("Its currency (ISO code)", default="USD").upper(),
            "zone": typer.prompt("Its time zone", default="Asia/Shanghai"),
            "language": typer.prompt("Its language (en or zh_CN)", default="en"),
        },
        "database": {"url": typer.prompt("Database", default="sqlite+aiosqlite:///stocktide.db")},
    }
    secrets = {
        "slack": _asked("Slack", {"bot_token": "Bot token (xoxb-...)", "app_token": "App token (xapp-...)"}),
        "telegram": _asked("Telegram", {"token": "Token from @BotFather"}),
    }
    if any(secrets.values()):
        keys = keys or _offered_keys(file)
        secrets = secrets if keys is None else {part: _sealed(keys, tokens) for part, tokens in secrets.items()}
    _write_private(file, _toml(answers | secrets))
    try:
        settings.load(file)
    except SettingsError as error:
        say(err, f"Wrote {file}, but it needs mending:")
        for fault in error.faults:
            say(err, f"  • {fault}")
        raise typer.Exit(2) from None
    say(out, f"Wrote {file}. Next: stocktide migrate, then stocktide check")


def _write_private(file: Path, text: str) -> None:
    """Write a file that its owner alone can read, from its first byte on."""
    try:
        file.unlink(missing_ok=True)
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as opened:
            opened.write(text)
    except OSError as error:
        raise SettingsError(
            [Fault(str(file), f"cannot be written: {error.strerror}", "choose another --file")]
        ) from error


def _asked(name: str, wanted: dict[str, str]) -> dict[str, str]:
    if not typer.confirm(f"Connect {name} now?", default=False):
        return {}
    return {key: typer.prompt(question, hide_input=True) for key, question in wanted.items()}


def _offered_keys(file: Path) -> Keys | None:
    """Keys that are made now, where they are wanted."""
    if not typer.confirm(f"Seal the tokens, by a key of their own in {key_file(file)}?", default=True):
        return None
    keys, made = keys_to_seal(file, os.environ)
    tell_of_key(made)
    return keys


def _sealed(keys: Keys, tokens: dict[str, str]) -> dict[str, str]:
    return {name: token if token.startswith(MARK) else keys.seal(token) for name, token in tokens.items()}


def _toml(parts: dict[str, dict[str, str]]) -> str:
    lines = ["# Stocktide's settings; every key is described in docs/settings.md."]
    for part, values in parts.items():
        if values:
            lines += ["", f"[{part}]", *(f"{key} = {quoted(value)}" for key, value in values.items())]
    return "\n".join(lines) + "\n"


def migrate(context: typer.Context) -> None:
    """Bring the database's tables to this version."""
    loaded = load_settings(context)

    async def work() -> tuple[str, str]:
        database = Database(loaded.database.url)
        try:
            return await migrate_database(database)
        except (OSError, sqlite3.Error, SQLAlchemyError) as error:
            raise SettingsError([database_fault(error)]) from error
        finally:
            await database.close()

    before, after = run_async(work)
    say(out, f"The database is at {after}." if before == after else f"Migrated the database from {before} to {after}.")


def check(context: typer.Context) -> None:
    """Try the database, tokens, scopes, clock and zone data, and say what to do."""
    loaded = load_settings(context)

    async def work() -> list[Check]:
        found = [*_machine(), *await _database(loaded)]
        from bot.bootstrap import channels_of, file_sources_of, outlets_of, platforms_of, room_provider_of

        for platform in platforms_of(loaded):
            found += await platform.check()
            await platform.stop()
        for channel in channels_of(loaded).values():
            found += await channel.check()
        outlets = outlets_of(loaded)
        for store in outlets.connectors.values():
            found += await store.check()
        for discounts in outlets.discounts.values():
            found += await discounts.check()
        for source in file_sources_of(loaded):
            found += await source.check()
            await source.close()
        found += await room_provider_of(loaded).check()
        return found

    found = run_async(work)
    rows = (
        (_MARKS[item.verdict], spoken(item.what, loaded), spoken(item.found, loaded), spoken(item.do, loaded))
        for item in found
    )
    out.print(grid(("", "what", "found", "what to do"), rows))
    if any(item.verdict == "fail" for item in found):
        raise typer.Exit(1)
    say(out, "Ready. Next: stocktide run")


def _machine() -> list[Check]:
    zones = len(available_timezones())
    year = datetime.now(UTC).year
    return [
        Check(_("clock"), "ok", _("{now} UTC", now=format(datetime.now(UTC), "%Y-%m-%d %H:%M:%S")))
        if year >= 2026
        else Check(
            _("clock"),
            "fail",
            _("the year is {year}", year=str(year)),
            _("set the machine's clock (NTP): signatures depend on it"),
        ),
        Check(_("zone data"), "ok", _("{zones} zones", zones=zones))
        if zones > 400
        else Check(_("zone data"), "fail", _("{zones} zones", zones=zones), _("install the tzdata package")),
    ]


async def _database(loaded: settings.Settings) -> list[Check]:
    database = Database(loaded.database.url)
    found = []
    try:
        current, head = await revisions(database)
        found.append(
            Check(
                _("database"),
                "ok",
                _("{kind}, revision {head}", kind=database.url.get_backend_name(), head=head),
            )
            if current == head
            else Check(
                _("database"),
                "fail",
                _("revision {current}, wanted {head}", current=current, head=head),
                _("run `stocktide migrate`"),
            )
        )
        if current == head:
            found += await _calls(database)
    except Exception as error:  # noqa: BLE001  # whatever the driver raises is a line of the report
        fault = database_fault(error)
        found.append(Check(_("database"), "fail", verbatim(str(fault.problem)), verbatim(str(fault.remedy))))
    finally:
        await database.close()
    if database.is_sqlite:
        version = sqlite3.sqlite_version
        wanted = ".".join(str(part) for part in SAFE_SQLITE)
        found.append(
            Check(_("SQLite"), "ok", verbatim(version))
            if sqlite_is_safe()
            else Check(
                _("SQLite"),
                "warn",
                _("{version}: a rare WAL fault was mended in {wanted}", version=version, wanted=wanted),
                _("use a Python built with a newer SQLite, or PostgreSQL, and keep backups"),
            )
        )
    return found


async def _calls(database: Database) -> list[Check]:
    """Calls of which nobody can tell whether they happened, and kill switches that are thrown."""
    async with database.reading() as connection:
        doubts = sum(count for _topic, state, count, _oldest in await effects.counts(connection) if state == "halted")
        standing = await halts.standing(connection)
    found = []
    if doubts:
        detail = _("{doubts} in doubt: nobody can tell whether they happened", doubts=doubts)
        found.append(Check(_("calls"), "warn", detail, _("write `effect` in chat, and say what is true of each")))
    for halt in standing:
        detail = _(
            "{topic} halted by {name} at {at} UTC",
            topic=halt.topic,
            name=halt.name,
            at=format(halt.at, "%Y-%m-%d %H:%M"),
        )
        found.append(
            Check(
                _("kill switch"), "warn", detail, _("write `resume {topic}` in chat once it is safe", topic=halt.topic)
            )
        )
    return found
