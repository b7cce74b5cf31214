"""The text of a settings file: its values changed where they stand, and files that are replaced whole or not at all."""

from __future__ import annotations

import json
import os
import re
import secrets
import stat
import time
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from bot.errors import Fault, SettingsError
from bot.settings.sealing import Place
from bot.words import _

PRIVATE = 0o600
_PATIENCE, _LOOK = 3.0, 0.02  # seconds that another command is waited for, and between two looks
# Every text and comment of a TOML file. A text of three quotes may end with two more that belong to it.
_TEXTS = re.compile(
    r'"""(?:\\.|[^\\])*?"""(?:"{0,2})'
    r"|'''.*?'''(?:'{0,2})"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'[^'\n]*'"
    r"|#[^\n]*",
    re.DOTALL,
)


def read_text(file: Path) -> str:
    """The file's text with its line ends as they are; SettingsError where there is none."""
    try:
        return file.read_bytes().decode()
    except FileNotFoundError:
        raise SettingsError(
            [Fault(str(file), _("there is no such file"), _("run `stocktide init` to write one"))]
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError([Fault(str(file), _("cannot be read: {error}", error=error))]) from None


def _locked(folder: int) -> bool:
    """Whether the folder's lock was to be had; OSError where the file system has none."""
    import fcntl  # noqa: PLC0415  # not on every system

    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def alone(file: Path) -> Iterator[None]:
    """Keep other commands from changing a settings file or its keys meanwhile, where the system has such locks."""
    if os.name != "posix":
        yield
        return
    try:
        folder = os.open(file.parent, os.O_RDONLY)
    except OSError as error:
        raise SettingsError([Fault(str(file.parent), _("cannot be opened: {error}", error=error.strerror))]) from None
    try:
        until = time.monotonic() + _PATIENCE
        with suppress(OSError):  # a file system without locks
            while not _locked(folder):
                if time.monotonic() > until:
                    problem = _("is being changed by another command")
                    raise SettingsError([Fault(str(file), problem, _("do it again"))])
                time.sleep(_LOOK)
        yield
    finally:
        os.close(folder)


def with_values(text: str, wanted: Mapping[Place, str], change: Callable[[str], str]) -> str:
    """The text with each wanted value changed, and every other byte as it was.

    `wanted` has the values by the keys that lead to them. SettingsError names those that are not found.
    """
    left = dict(wanted)
    for found in reversed(list(_TEXTS.finditer(text))):
        if found[0].startswith("#") or _value(found[0]) not in left.values():
            continue
        head, tail = text[: found.start()], text[found.end() :]
        place = _place(head, tail, left)
        if place:
            text = f"{head}{quoted(change(left.pop(place)))}{tail}"
    if left:
        remedy = _("seal it by hand: {command}", command="`stocktide secrets seal`")
        raise SettingsError([Fault(".".join(place), _("is not found in the file's text"), remedy) for place in left])
    return text


def _place(head: str, tail: str, places: Mapping[Place, str]) -> Place | None:
    """Which of the places a text between head and tail is the value of: the parser says, by a mark put there."""
    mark = secrets.token_hex(16)
    try:
        data = tomllib.loads(f"{head}{quoted(mark)}{tail}")
    except tomllib.TOMLDecodeError:
        return None  # it was a key
    return next((place for place in places if _at(data, place) == mark), None)


def _at(data: object, place: Place) -> object:
    for key in place:
        data = data.get(key) if isinstance(data, dict) else None
    return data


def _value(text: str) -> object:
    return tomllib.loads(f"value = {text}")["value"]


def with_table(text: str, table: str) -> str:
    """The text with a table after its end, by the line ends that it has."""
    gap = "" if not text else "\n" if text.endswith("\n") else "\n\n"
    added = gap + table
    return text + (added.replace("\n", "\r\n") if "\r\n" in text else added)


def with_line(text: str, head: Place, key: str, value: str) -> str:
    """The text with one more key in the table `head`; SettingsError where no heading of it is found."""
    end = "\r\n" if "\r\n" in text else "\n"
    lines = text.splitlines(keepends=True)
    for number, line in enumerate(lines, 1):
        if not line.lstrip().startswith("["):
            continue
        whole = line if line.endswith(("\n", "\r")) else line + end
        new = "".join((*lines[: number - 1], whole, f"{key} = {quoted(value)}{end}", *lines[number:]))
        try:
            data = tomllib.loads(new)
        except tomllib.TOMLDecodeError:
            continue  # a line of a list or a text
        if _at(data, (*head, key)) == value:
            return new
    place = ".".join(head)
    remedy = _("write it below [{place}] by hand", place=place)
    raise SettingsError([Fault(f"{place}.{key}", _("finds no place in the file"), remedy)])


def table_text(head: str, values: Mapping[str, object]) -> str:
    """A TOML table of texts, truths, lists and tables of texts."""
    return "".join(f"{line}\n" for line in (f"[{head}]", *(f"{key} = {_toml(value)}" for key, value in values.items())))


def _toml(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case list():
            return f"[{', '.join(map(_toml, value))}]"
        case dict():
            return f"{{ {', '.join(f'{_key(key)} = {_toml(each)}' for key, each in value.items())} }}"
        case _:
            return quoted(str(value))


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else quoted(key)


def quoted(value: str) -> str:
    """A TOML basic string: it escapes as JSON does, but knows no surrogate pairs."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", r"\u007f")


@contextmanager
def draft(file: Path, text: str, like: os.stat_result | None, mode: int) -> Iterator[Path]:
    """A file beside `file` with this text and mode, and the owner of what it is `like`; gone again at the end."""
    new = file.with_name(f"{file.name}.new")
    try:
        new.unlink(missing_ok=True)  # of a command that was killed
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE)
        with os.fdopen(descriptor, "wb") as writing:
            writing.write(text.encode())
            writing.flush()
            _dress(descriptor, like, mode)
            os.fsync(descriptor)
        yield new
    except OSError as error:
        raise SettingsError(
            [
                Fault(
                    str(file),
                    _("cannot be written: {error}", error=error.strerror),
                    _("may you write in its folder, and is it yours?"),
                )
            ]
        ) from None
    finally:
        new.unlink(missing_ok=True)


def save(file: Path, text: str, like: os.stat_result | None, mode: int = PRIVATE) -> None:
    """Write the file whole: after a crash the old one stands there, or the new one."""
    with draft(file, text, like, mode) as new:
        settle(new, file)


def settle(new: Path, file: Path) -> None:
    """Let a draft take the file's place."""
    new.replace(file)
    if os.name == "posix":
        folder = os.open(file.parent, os.O_RDONLY)
        try:
            os.fsync(folder)  # the name too is on the disk
        finally:
            os.close(folder)


def mode_of(like: os.stat_result) -> int:
    """The bits of permission."""
    return stat.S_IMODE(like.st_mode)


def _dress(descriptor: int, like: os.stat_result | None, mode: int) -> None:
    """Give the file its owner and mode; the bot may run as somebody other than who types the command."""
    if os.name != "posix":
        return
    now = os.fstat(descriptor)
    if like and (like.st_uid, like.st_gid) != (now.st_uid, now.st_gid):
        os.fchown(descriptor, like.st_uid, like.st_gid)
    os.fchmod(descriptor, mode)
