"""Secrets sealed at rest: `sealed:...` in place of a secret, opened by a key that stands elsewhere.

A key is 32 bytes in URL-safe base64, as `cryptography`'s Fernet takes them (AES-128-CBC, HMAC-SHA256). Keys stand one
per line in a file beside the settings, or in STOCKTIDE_KEY, parted by commas: the first seals, all of them open.
"""

from __future__ import annotations

import base64
import binascii
import os
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from pydantic import BaseModel, SecretStr

from bot.errors import Fault, SettingsError

MARK = "sealed:"
VARIABLE = "STOCKTIDE_KEY"
_HEAD = "# Opens what is sealed in the settings beside it. Keep it apart from backups of them.\n"
_LEAST, _AROUND, _BLOCK = 73, 57, 16  # bytes of the shortest Fernet token, of what surrounds its text, of its blocks

Place = tuple[str, ...]
T = TypeVar("T")


class Keys:
    """Seals with the first of its keys and opens with each; shows none of them."""

    def __init__(self, keys: Sequence[str]) -> None:
        """Raises ValueError where one is no key."""
        self._all = MultiFernet([Fernet(key) for key in keys])
        self.texts = tuple(keys)

    def __repr__(self) -> str:
        return f"Keys({len(self.texts)})"

    def seal(self, text: str) -> str:
        """The text, sealed."""
        return MARK + self._all.encrypt(text.encode()).decode()

    def unseal(self, where: str, sealed: str) -> str:
        """What was sealed; SettingsError naming `where` it stands, and not what."""
        token = sealed.removeprefix(MARK)
        if not _is_whole(token):
            raise _fault(where, "is damaged: it is no longer what was sealed", "seal it anew: `stocktide secrets seal`")
        try:
            return self._all.decrypt(token).decode()
        except InvalidToken:
            remedy = "put the key that sealed it back, or seal it anew: `stocktide secrets seal`"
            raise _fault(where, "was sealed with another key, or changed since", remedy) from None


def new_key() -> str:
    """A key of its own."""
    return Fernet.generate_key().decode()


def key_file(settings_file: Path) -> Path:
    """Where the keys of a settings file stand: `stocktide.key` beside `stocktide.toml`."""
    return settings_file.with_suffix(".key")


def key_text(keys: Sequence[str]) -> str:
    """What a key file holds."""
    return _HEAD + "".join(f"{key}\n" for key in keys)


def named_keys(environment: Mapping[str, str]) -> list[str]:
    """What STOCKTIDE_KEY holds."""
    told = environment.get(VARIABLE, "").strip()
    return [key.strip() for key in told.split(",")] if told else []


def find_keys(settings_file: Path, environment: Mapping[str, str]) -> Keys | None:
    """The keys of STOCKTIDE_KEY, else of the key file; None where there are none, SettingsError where unfit."""
    if named := named_keys(environment):
        return _keys([(VARIABLE, key) for key in named])
    file = key_file(settings_file)
    try:
        mode = stat.S_IMODE(file.stat().st_mode)
        lines = file.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise _fault(str(file), f"cannot be read: {reason}", "it must be a text file that you may read") from None
    if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise _fault(str(file), f"is open to others (mode {mode:04o})", f"chmod 600 {file}")
    found = [(f"{file}:{number}", line.strip()) for number, line in enumerate(lines, 1)]
    found = [(where, line) for where, line in found if line and not line.startswith("#")]
    return _keys(found) if found else None


def needed_keys(settings_file: Path, environment: Mapping[str, str], sealed: Sequence[str]) -> Keys:
    """The keys; SettingsError naming every setting that is `sealed` where there are none."""
    if keys := find_keys(settings_file, environment):
        return keys
    remedy = f"put the key into {key_file(settings_file)} or {VARIABLE}, or write the secret anew"
    raise SettingsError([Fault(where, "is sealed, and no key was found", remedy) for where in sealed])


def sealed_in(part: BaseModel) -> list[str]:
    """The settings below that are sealed."""
    return [".".join(place) for place, value in _leaves(part, ()) if _is_sealed(value)]


def secrets_in(part: BaseModel) -> Iterator[tuple[Place, str]]:
    """Every secret below that is not empty, with the keys that lead there."""
    for place, value in _leaves(part, ()):
        if isinstance(value, SecretStr) and (text := value.get_secret_value()):
            yield place, text


def opened(part: T, keys: Keys) -> T:
    """The same with every secret opened; SettingsError with all that cannot be."""
    faults: list[Fault] = []

    def open_one(place: Place, value: object) -> object:
        where = ".".join(place)
        if not isinstance(value, SecretStr):
            faults.append(Fault(where, "is sealed, but is no secret", "write it in clear"))
            return value
        try:
            return SecretStr(keys.unseal(where, value.get_secret_value()))
        except SettingsError as error:
            faults.extend(error.faults)
            return value

    found: T = _changed(part, (), open_one)
    if faults:
        raise SettingsError(faults)
    return found


def _leaves(value: object, place: Place) -> Iterator[tuple[Place, object]]:
    """Every value below that is no table."""
    match value:
        case BaseModel():
            inner = [(name, getattr(value, name)) for name in type(value).model_fields]
        case dict():
            inner = list(value.items())
        case _:
            yield place, value
            return
    for name, each in inner:
        yield from _leaves(each, (*place, str(name)))


def _changed(value: T, place: Place, change: Callable[[Place, object], object]) -> T:
    """The same tables, with what is sealed changed; what holds nothing sealed is left as it is."""
    match value:
        case BaseModel():
            pairs = [(name, getattr(value, name)) for name in type(value).model_fields]
            new = {name: _changed(each, (*place, name), change) for name, each in pairs}
            return value.model_copy(update={name: new[name] for name, each in pairs if new[name] is not each})
        case dict():
            changed = {name: _changed(each, (*place, str(name)), change) for name, each in value.items()}
            return changed if any(changed[name] is not each for name, each in value.items()) else value  # type: ignore[return-value]  # a dict for one
        case _:
            return change(place, value) if _is_sealed(value) else value  # type: ignore[return-value]  # a secret for one


def _is_sealed(value: object) -> bool:
    text = value.get_secret_value() if isinstance(value, SecretStr) else value
    return isinstance(text, str) and text.startswith(MARK)


def _is_whole(token: str) -> bool:
    """Whether it has a token's form, written in the one way that base64 should be: Fernet overlooks stray letters."""
    try:
        raw = base64.b64decode(token, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return False
    canonical = base64.urlsafe_b64encode(raw).decode() == token
    return canonical and raw[:1] == b"\x80" and len(raw) >= _LEAST and (len(raw) - _AROUND) % _BLOCK == 0


def _keys(found: Sequence[tuple[str, str]]) -> Keys:
    faults = [
        Fault(where, "is not a key", "`stocktide secrets key` makes one") for where, key in found if not _is_key(key)
    ]
    if faults:
        raise SettingsError(faults)
    return Keys([key for _, key in found])


def _is_key(text: str) -> bool:
    try:
        Fernet(text)
    except ValueError:
        return False
    return True


def _fault(where: str, problem: str, remedy: str) -> SettingsError:
    return SettingsError([Fault(where, problem, remedy)])
