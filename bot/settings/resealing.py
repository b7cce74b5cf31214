"""Changes of a settings file that concern its secrets: sealed in place, sealed anew by another key, a store added.

Whatever is written is first read as it will be read, and compared; a command that is killed half way leaves a file and
keys that fit each other.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from bot.errors import Fault, SettingsError
from bot.settings import Settings, load, parsed
from bot.settings.filing import (
    alone,
    draft,
    mode_of,
    read_text,
    save,
    settle,
    table_text,
    with_line,
    with_table,
    with_values,
)
from bot.settings.sealing import MARK, VARIABLE, Keys, find_keys, key_file, key_text, named_keys, new_key, secrets_in
from bot.words import _

_SEALED = re.compile(rf"{MARK}[\w=-]+", re.ASCII)
SECRETS = ("token", "secret", "hook_secret", "hook_secret_before")  # of a store

Environment = Mapping[str, str]


@dataclass(frozen=True, repr=False)
class SettingsFile:
    """A settings file that may be changed, and the environment that it is read in."""

    path: Path
    environment: Environment


@dataclass(frozen=True)
class Rotated:
    """How many sealed texts were sealed anew; `kept` says what still needs the old keys, where something does."""

    count: int
    kept: tuple[Fault, ...]


def keys_to_seal(file: Path, environment: Environment) -> tuple[Keys, Path | None]:
    """The keys of a settings file; where there are none, those of a key file that is made now, and its path."""
    with alone(file):
        return _keys_to_seal(file, environment)


def _keys_to_seal(file: Path, environment: Environment) -> tuple[Keys, Path | None]:
    if keys := find_keys(file, environment):
        return keys, None
    made = key_file(file)
    if file.exists() and _SEALED.search(read_text(file)):
        problem = f"holds what is sealed, and its key is neither in {made} nor in {VARIABLE}"
        raise SettingsError([Fault(str(file), problem, "put the key back, or take those secrets out")])
    fresh = Keys([new_key()])
    save(made, key_text(fresh.texts), file.stat() if file.exists() else None)
    return fresh, made


def seal_file(file: Path, environment: Environment) -> tuple[tuple[str, ...], Path | None]:
    """Seal every secret that stands in clear; the settings they are, and the key file where one was made."""
    with alone(file):
        return _sealed_file(file, environment)


def _sealed_file(file: Path, environment: Environment) -> tuple[tuple[str, ...], Path | None]:
    load(file, environment)
    text = read_text(file)
    secrets = secrets_in(parsed(tomllib.loads(text)))
    clear = {place: secret for place, secret in secrets if not secret.startswith(MARK)}
    if not clear:
        return (), None
    keys, made = _keys_to_seal(file, environment)
    _replace(file, environment, text, with_values(text, clear, keys.seal), keys, _same)
    return tuple(".".join(place) for place in clear), made


def rotate(file: Path, environment: Environment) -> Rotated:
    """Seal every sealed text of the file anew: by a new key, or by the first of STOCKTIDE_KEY.

    The key file has the new key before anything needs it, and the old ones until nothing does.
    """
    with alone(file):
        return _rotated(file, environment)


def _rotated(file: Path, environment: Environment) -> Rotated:
    load(file, environment)
    keys = _more_keys(file, environment)
    text = read_text(file)
    after, count = _resealed(text, keys)
    _replace(file, environment, text, after, keys, _same)
    newest = Keys(keys.texts[:1])
    try:
        load(file, environment, newest)
    except SettingsError as error:
        return Rotated(count, error.faults)
    holder = key_file(file)
    if not named_keys(environment) and read_text(holder) == key_text(keys.texts):
        save(holder.resolve(), key_text(newest.texts), holder.stat())
    return Rotated(count, ())


def _more_keys(file: Path, environment: Environment) -> Keys:
    """The keys with one more before them, where they stand in a file."""
    keys = find_keys(file, environment)
    if keys is None:
        raise SettingsError([Fault(str(key_file(file)), "there is no key yet", "run `stocktide secrets seal-file`")])
    if named_keys(environment):
        if len(keys.texts) == 1:
            remedy = "put a new one before it, parted by a comma: `stocktide secrets key` makes one"
            raise SettingsError([Fault(VARIABLE, "holds one key only", remedy)])
        return keys
    more = Keys([new_key(), *keys.texts])
    holder = key_file(file).resolve()
    save(holder, key_text(more.texts), holder.stat())
    return more


def _resealed(text: str, keys: Keys) -> tuple[str, int]:
    """The text with everything sealed anew that opens, in comments too; how much that is."""
    count = 0

    def anew(found: re.Match[str]) -> str:
        nonlocal count
        try:
            secret = keys.unseal("", found[0])
        except SettingsError:
            return found[0]  # nothing of ours
        count += 1
        return keys.seal(secret)

    return _SEALED.sub(anew, text), count


def add_store(file: Path, environment: Environment, name: str, fields: Mapping[str, Any]) -> Path | None:
    """Append `[stores.connected.NAME]` with its secrets sealed; the key file where one was made.

    Raises SettingsError where the name is taken, or the file cannot take a table at its end; it then holds the table.
    """
    with alone(file):
        return _with_store(file, environment, name, fields)


def _with_store(file: Path, environment: Environment, name: str, fields: Mapping[str, Any]) -> Path | None:
    before = load(file, environment)
    if name in before.stores.connected:
        raise SettingsError([Fault(f"stores.connected.{name}", _("is there already"), _("choose another name"))])
    wanted = parsed({"stores": {"connected": {name: fields}}}).stores.connected[name]
    sealing = {key: value for key, value in fields.items() if key in SECRETS}
    keys, made = _keys_to_seal(file, environment) if sealing else (find_keys(file, environment), None)
    sealed = {key: keys.seal(value) for key, value in sealing.items()} if keys else {}
    table = table_text(f"stores.connected.{name}", {**fields, **sealed})

    def only_added(then: Settings, now: Settings) -> bool:
        old, new = then.model_dump(), now.model_dump()
        return bool(new["stores"]["connected"].pop(name) == wanted.model_dump() and old == new)

    text = read_text(file)
    try:
        _replace(file, environment, text, with_table(text, table), keys, only_added)
    except SettingsError as error:
        remedy = _("add it by hand: {table}", table=f"\n{table}")
        raise SettingsError([*error.faults, Fault(str(file), _("was left as it was"), remedy)]) from None
    return made


def replace_secrets(file: Path, environment: Environment, name: str, secrets: Mapping[str, str]) -> Path | None:
    """Set secrets of a store that stands in the file, sealed; the key file where one was made.

    Raises SettingsError where the file has no such store, or cannot be changed so; it then holds what to write.
    """
    with alone(file):
        return _with_secrets(file, environment, name, secrets)


def _with_secrets(file: Path, environment: Environment, name: str, secrets: Mapping[str, str]) -> Path | None:
    load(file, environment)
    text = read_text(file)
    head = ("stores", "connected", name)
    held = tomllib.loads(text).get("stores", {}).get("connected", {}).get(name)
    if held is None:
        raise SettingsError(
            [Fault(".".join(head), _("does not stand in {file}", file=file), _("is it in the environment?"))]
        )
    keys, made = _keys_to_seal(file, environment)
    for field, secret in secrets.items():
        sealed = keys.seal(secret)
        if field in held:
            text = with_values(text, {(*head, field): str(held[field])}, {str(held[field]): sealed}.__getitem__)
        else:
            text = with_line(text, head, field, sealed)

    def only_those(then: Settings, now: Settings) -> bool:
        old, new = then.model_dump(), now.model_dump()
        old["stores"]["connected"][name] |= {field: SecretStr(secret) for field, secret in secrets.items()}
        return bool(old == new)

    _replace(file, environment, read_text(file), text, keys, only_those)
    return made


def _same(then: Settings, now: Settings) -> bool:
    return then.model_dump() == now.model_dump()


def _replace(
    file: Path,
    environment: Environment,
    before: str,
    after: str,
    keys: Keys | None,
    fits: Callable[[Settings, Settings], bool],
) -> None:
    """Put a text in the file's place once it loads and fits; SettingsError where it does not, or the file changed."""
    target = file.resolve()
    known = target.stat()
    then = load(file, environment, keys)
    with draft(target, after, known, mode_of(known)) as new:
        if not fits(then, load(new, environment, keys)):
            raise SettingsError([Fault(str(file), _("would mean something else afterwards"), _("change it by hand"))])
        if read_text(file) != before:
            raise SettingsError([Fault(str(file), _("was changed by somebody meanwhile"), _("do it again"))])
        settle(new, target)
