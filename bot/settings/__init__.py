"""Settings: one TOML file plus the environment; every fault is reported at once, with its key and its remedy.

An environment variable overrides the file: `STOCKTIDE_SLACK__BOT_TOKEN` is `bot_token` under `[slack]`. Secrets may be
sealed in both; see `bot.settings.sealing`.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from datetime import time
from pathlib import Path

from pydantic import BaseModel, PrivateAttr, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from bot.errors import Fault, SettingsError
from bot.settings.calendar import CalendarPart
from bot.settings.parts import (
    DECIDING_ROLES,
    ApprovalPart,
    AuditPart,
    DatabasePart,
    LogPart,
    MailPart,
    OrdersPart,
    Organisation,
    PromotionsPart,
    RatesPart,
    SlackPart,
    StoragePart,
    StorePart,
    StoresPart,
    TelegramPart,
    WatchPart,
    WebPart,
)
from bot.settings.rooms import RoomsPart, room_faults
from bot.settings.sealing import VARIABLE, Keys, needed_keys, opened, sealed_in, secrets_in

__all__ = ["DECIDING_ROLES", "RoomsPart", "Settings", "StorePart", "described", "given", "load", "parsed"]

PREFIX = "STOCKTIDE_"
DEFAULT_FILE = Path("stocktide.toml")
_NO_SETTINGS = (VARIABLE, f"{PREFIX}CONFIG")  # variables of ours that override no setting


class Settings(BaseSettings):
    """All settings. `load` reads them; nothing reads the environment elsewhere."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", extra="forbid", frozen=True, case_sensitive=False
    )

    organisation: Organisation = Organisation()
    database: DatabasePart = DatabasePart()
    slack: SlackPart = SlackPart()
    telegram: TelegramPart = TelegramPart()
    web: WebPart = WebPart()
    watch: WatchPart = WatchPart()
    calendar: CalendarPart = CalendarPart()
    storage: StoragePart = StoragePart()
    approval: ApprovalPart = ApprovalPart()
    mail: MailPart = MailPart()
    orders: OrdersPart = OrdersPart()
    stores: StoresPart = StoresPart()
    promotions: PromotionsPart = PromotionsPart()
    rates: RatesPart = RatesPart()
    rooms: RoomsPart = RoomsPart()
    audit: AuditPart = AuditPart()
    log: LogPart = LogPart()

    _keys: tuple[str, ...] = PrivateAttr(default=())  # what opened the sealed secrets

    def secrets(self) -> tuple[str, ...]:
        """Every secret value that was given, and the keys that opened sealed ones; logs redact them."""
        return (*(text for _, text in secrets_in(self)), *self._keys)


def load(path: Path | None = None, environment: Mapping[str, str] | None = None, keys: Keys | None = None) -> Settings:
    """Read the file (DEFAULT_FILE where `path` is None and it exists) and the environment, and open what is sealed.

    `keys` open it in place of those of STOCKTIDE_KEY or the key file. Raises SettingsError with every fault: a missing
    or malformed file, unknown keys, values of the wrong kind, what cannot be opened, and combinations that cannot work.
    """
    source = path or (DEFAULT_FILE if DEFAULT_FILE.exists() else None)
    variables = os.environ if environment is None else environment
    faults = [*_file_faults(source), *_variable_faults(variables)]
    if faults:
        raise SettingsError(faults)
    settings = _valid(lambda: _read(source))
    if sealed := sealed_in(settings):
        fit = keys or needed_keys(source or DEFAULT_FILE, variables, sealed)
        settings = opened(settings, fit)
        settings._keys = fit.texts  # noqa: SLF001  # given once, here
    faults = list(_combinations(settings))
    if faults:
        raise SettingsError(faults)
    return settings


def parsed(data: Mapping[str, object]) -> Settings:
    """Settings from a file's data alone, what is sealed left sealed; SettingsError with every value of a wrong kind."""
    return _valid(lambda: given(**data))


def given(**parts: object) -> Settings:
    """Settings from these parts alone; neither a file nor the environment is read (demo, tests)."""
    return _from(lambda _kind, init, _environment: (init,), **parts)


def described() -> Iterator[tuple[str, str, str, str]]:
    """Every setting as (key, environment variable, default, what to write), for the docs and `stocktide init`."""
    for part, outer in Settings.model_fields.items():
        model = outer.annotation
        assert isinstance(model, type) and issubclass(model, BaseModel)  # noqa: S101, PT018  # Settings has parts only
        for name, field in model.model_fields.items():
            default = field.get_default(call_default_factory=True)
            shown = default.get_secret_value() if isinstance(default, SecretStr) else default
            if isinstance(shown, tuple):
                shown = [at.strftime("%H:%M") if isinstance(at, time) else str(at) for at in shown]
            yield f"{part}.{name}", f"{PREFIX}{part}__{name}".upper(), str(shown), field.description or ""


def _valid(make: Callable[[], Settings]) -> Settings:
    """What is made, or SettingsError with each fault."""
    try:
        return make()
    except ValidationError as error:
        raise SettingsError([_fault(item) for item in error.errors()]) from None  # the cause would repeat secrets


def _read(source: Path | None) -> Settings:
    return _from(
        lambda kind, _init, environment: (environment, *([TomlConfigSettingsSource(kind, source)] if source else []))
    )


_Source = PydanticBaseSettingsSource
_Choice = Callable[[type[BaseSettings], _Source, _Source], tuple[_Source, ...]]


_CHOICE: ContextVar[_Choice] = ContextVar("which sources settings come from")


class _Chosen(Settings):
    """Settings from the sources of the moment; one class, for making one takes eight times what reading does."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: _Source,
        env_settings: _Source,
        dotenv_settings: _Source,
        file_secret_settings: _Source,
    ) -> tuple[_Source, ...]:
        del dotenv_settings, file_secret_settings
        return _CHOICE.get()(settings_cls, init_settings, env_settings)


def _from(choose: _Choice, **parts: object) -> Settings:
    """Settings from the sources that `choose` picks of (class, given parts, environment), the first one winning."""
    before = _CHOICE.set(choose)
    try:
        return _Chosen(**parts)  # type: ignore[arg-type]  # pydantic checks each part
    finally:
        _CHOICE.reset(before)


def _file_faults(source: Path | None) -> Iterator[Fault]:
    if source is None:
        return
    try:
        tomllib.loads(source.read_text(encoding="utf-8"))
    except FileNotFoundError:
        yield Fault(str(source), "there is no such file", "run `stocktide init` to write one")
    except (OSError, UnicodeDecodeError) as error:
        yield Fault(str(source), f"cannot be read: {error}", "it must be a UTF-8 text file that you may read")
    except tomllib.TOMLDecodeError as error:
        yield Fault(str(source), f"is not TOML: {error}", "text needs quotes, and each [part] stands once")


def _variable_faults(environment: Mapping[str, str]) -> Iterator[Fault]:
    known = [variable for _, variable, _, _ in described()]
    parts = {f"{PREFIX}{part}".upper() for part in Settings.model_fields}
    for name in environment:
        if name.upper().startswith(PREFIX) and name.upper() not in parts and name not in _NO_SETTINGS:
            # a dictionary's own keys follow its variable: STOCKTIDE_ORGANISATION__RATES__EUR
            if any(name.upper() == variable or name.upper().startswith(f"{variable}__") for variable in known):
                continue
            close = difflib.get_close_matches(name.upper(), [*known, *_NO_SETTINGS], 1)
            yield Fault(name, "is not a setting", f"did you mean {close[0]}?" if close else "unset it")


def _fault(item: Mapping[str, object]) -> Fault:
    place = item["loc"]
    assert isinstance(place, tuple)  # noqa: S101  # pydantic's form
    key = ".".join(str(step) for step in place)
    texts = {name: text for name, _, _, text in described()}
    if item["type"] == "extra_forbidden":
        close = difflib.get_close_matches(key, list(texts), 1)
        return Fault(key, "is not a setting", f"did you mean {close[0]}?" if close else "take it out")
    text = next((text for name, text in texts.items() if key.startswith(name)), "")
    message = str(item["msg"]).removeprefix("Value error, ")
    return Fault(key, message[:1].lower() + message[1:], f"write: {text}" if text else "")


def _combinations(settings: Settings) -> Iterator[Fault]:
    slack, telegram = settings.slack, settings.telegram
    texts = {name: text for name, _, _, text in described()}
    for key, value, prefix in (
        ("slack.bot_token", slack.bot_token, "xoxb-"),
        ("slack.app_token", slack.app_token, "xapp-"),
    ):
        if value.get_secret_value() and not value.get_secret_value().startswith(prefix):
            yield Fault(key, f"does not begin with {prefix}", f"write: {texts[key]}")
    if slack.enabled and not (slack.app_token.get_secret_value() or slack.signing_secret.get_secret_value()):
        yield Fault(
            "slack.signing_secret",
            "is missing while slack.bot_token is set",
            "give app_token for Socket Mode, or signing_secret for HTTP",
        )
    token = telegram.token.get_secret_value()
    if token and not re.fullmatch(r"\d+:[\w-]+", token):
        yield Fault("telegram.token", "is not of the form 123456:ABC...", "copy the whole token from @BotFather")
    secret = telegram.webhook_secret.get_secret_value()
    if telegram.webhook_url and not re.fullmatch(r"[A-Za-z0-9_-]{1,256}", secret):
        yield Fault("telegram.webhook_secret", "is missing or malformed", "write 1 to 256 letters, digits, '_' or '-'")
    yield from room_faults(settings.rooms)
    for role in settings.approval.limits:
        if role not in DECIDING_ROLES:
            yield Fault(f"approval.limits.{role}", "may be given no limit", f"write {' or '.join(DECIDING_ROLES)}")
    for code, rate in settings.organisation.rates.items():
        if not re.fullmatch(r"[A-Z]{3}", code) or rate <= 0:
            yield Fault(
                f"organisation.rates.{code}", "is not a rate", "write { EUR = '0.86' }: a code and a positive number"
            )
