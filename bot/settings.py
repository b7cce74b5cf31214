"""Settings: one TOML file plus the environment; every fault is reported at once, with its key and its remedy.

An environment variable overrides the file: `STOCKTIDE_SLACK__BOT_TOKEN` is `bot_token` under `[slack]`.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from datetime import time
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from bot.errors import Fault, SettingsError

PREFIX = "STOCKTIDE_"
DECIDING_ROLES = ("buyer", "approver", "promo_manager")  # the others may be given no limit; an admin approves nothing
DEFAULT_FILE = Path("stocktide.toml")


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (
        ValueError,
        OSError,
    ) as error:  # ZoneInfoNotFoundError is a KeyError in a ValueError's clothes on some systems
        raise ValueError(f"{name!r} is not an IANA time zone") from error
    except KeyError as error:
        raise ValueError(f"{name!r} is not an IANA time zone") from error
    return name


def _currency(code: str) -> str:
    if not re.fullmatch(r"[A-Z]{3}", code):
        raise ValueError(f"{code!r} is not an ISO 4217 currency code")
    return code


Zone = Annotated[str, AfterValidator(_zone)]
Currency = Annotated[str, AfterValidator(_currency)]


Share = Annotated[Decimal, Field(gt=Decimal("0.5"), lt=1)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Organisation(_Part):
    """The seller: what stands in for a member's own zone and language, and the one currency that cases rank in."""

    name: str = Field("Our shop", description="The name shown in messages, such as 'Acme Trading'")
    currency: Currency = Field("USD", description="An ISO 4217 code such as 'USD', 'GBP' or 'CNY'")
    zone: Zone = Field("UTC", description="An IANA time zone such as 'Asia/Shanghai'")
    language: Literal["en", "zh_CN"] = Field("en", description="'en' or 'zh_CN'")
    rates: dict[str, Decimal] = Field(
        default_factory=dict,
        description="Units of the organisation's currency for one unit of another, as text: { EUR = '0.86' }",
    )


class DatabasePart(_Part):
    """Where facts are kept."""

    url: str = Field(
        "sqlite+aiosqlite:///stocktide.db",
        pattern=r"^(sqlite\+aiosqlite|postgresql\+psycopg)://",
        description="'sqlite+aiosqlite:///stocktide.db' or 'postgresql+psycopg://user@host/name'",
    )


class SlackPart(_Part):
    """Slack; left out or empty: Slack is not used. With `app_token` it runs in Socket Mode, otherwise over HTTP."""

    bot_token: SecretStr = Field(SecretStr(""), description="The Bot User OAuth Token, beginning with 'xoxb-'")
    signing_secret: SecretStr = Field(
        SecretStr(""), description="The Signing Secret of the app's Basic Information page"
    )
    app_token: SecretStr = Field(
        SecretStr(""), description="An App-Level Token, beginning with 'xapp-', for Socket Mode"
    )
    base_url: str = Field("https://slack.com/api/", description="The Web API's address; only the sandbox changes it")

    @property
    def enabled(self) -> bool:
        """Whether a token was given."""
        return bool(self.bot_token.get_secret_value())


class TelegramPart(_Part):
    """Telegram; left out or empty: Telegram is not used. With `webhook_url` it takes webhooks, otherwise it polls."""

    token: SecretStr = Field(SecretStr(""), description="The token that @BotFather gave, such as '123456:ABC...'")
    webhook_url: str = Field(
        "", pattern=r"^(https://.+)?$", description="Your public https address, or nothing to poll"
    )
    webhook_secret: SecretStr = Field(SecretStr(""), description="1 to 256 letters, digits, '_' or '-'")
    base_url: str = Field(
        "https://api.telegram.org/bot", description="The Bot API's address; only the sandbox changes it"
    )

    @property
    def enabled(self) -> bool:
        """Whether a token was given."""
        return bool(self.token.get_secret_value())


class WebPart(_Part):
    """The HTTP server for webhooks, health and metrics."""

    host: str = Field("127.0.0.1", description="The address to listen on, such as '127.0.0.1' or '0.0.0.0'")
    port: int = Field(8320, ge=0, le=65535, description="A port from 1 to 65535 (0 takes a free one)")


class WatchPart(_Part):
    """The watch: how certain, how often, how patient. Other figures keep the defaults of docs/arithmetic.md."""

    service_levels: tuple[Share, Share, Share] = Field(
        (Decimal("0.975"), Decimal("0.95"), Decimal("0.90")),
        description="Cycle service of ABC classes A, B and C: ['0.975', '0.95', '0.9']",
    )
    review_days: int = Field(7, ge=1, le=90, description="Days between two orders, such as 7")
    lead_time_days: Decimal = Field(Decimal(35), gt=0, description="Days, where no route is known, such as 35")
    lead_time_sd_days: Decimal = Field(Decimal(7), ge=0, description="Days, where no route is known, such as 7")
    slow_days: int = Field(60, ge=30, le=90, description="Days without a sale that make a slow mover, 30 to 90")
    cover_limit_days: int = Field(180, ge=30, description="Days of cover that make a slow mover, such as 180")
    carrying_cost: Decimal = Field(Decimal("0.25"), ge=0, le=2, description="Share of the stock's value a year, 0.25")
    scan_at: tuple[time, ...] = Field(
        (time(6), time(18)), description="Times of day in the organisation's zone: ['06:00']"
    )
    sales_stale_hours: int = Field(48, ge=1, description="Hours after which sales are stale, such as 48")
    stock_stale_hours: int = Field(72, ge=1, description="Hours after which stock levels are stale, such as 72")
    alerts_individual: int = Field(5, ge=1, le=20, description="Cards of their own per scan, such as 5")
    least_money: Decimal = Field(
        Decimal(1), ge=0, description="Money at risk under which nothing is ordered by itself, such as 1"
    )


class ApprovalPart(_Part):
    """Who may approve how much: a limit per role and currency, in whole units of it; none means no authority."""

    limits: dict[str, dict[Currency, int]] = Field(
        default_factory=lambda: {"approver": {"USD": 5000}},
        description="{ approver = { USD = 5000 } }",
    )
    expire_hours: int = Field(24, ge=1, le=720, description="Hours a request waits, such as 24")


class MailPart(_Part):
    """Mail to suppliers; without a host, orders are written into the folder of `[orders]` alone."""

    host: str = Field("", description="The SMTP server, such as 'smtp.example.com'; nothing: no mail")
    port: int = Field(587, ge=1, le=65535, description="Its port: 587 with 'starttls', 465 with 'tls'")
    security: Literal["starttls", "tls", "none"] = Field("starttls", description="'starttls', 'tls' or 'none'")
    username: str = Field("", description="The account's name; nothing: no login")
    password: SecretStr = Field(SecretStr(""), description="The account's password")
    sender: str = Field("", description="Who orders come from: 'orders@example.com'")
    copy_to: str = Field("", description="An address that gets a copy of each order, or nothing")


class OrdersPart(_Part):
    """Orders to suppliers and warehouses: each is written as PDF and CSV, and mailed where there is an address."""

    folder: str = Field("orders", description="A folder for the documents, such as 'orders'")
    address: str = Field("", description="Your address as it stands on orders; lines parted by \\n")


class StorePart(_Part):
    """One store in which promotions run."""

    kind: Literal["local"] = Field("local", description="'local'")
    url: str = Field(pattern=r"^https?://", description="Its address, such as 'http://127.0.0.1:8400'")
    token: SecretStr = Field(SecretStr(""), description="The token it asks for")
    locations: tuple[str, ...] = Field((), description="Codes of the locations it sells from; none: all")


class StoresPart(_Part):
    """Stores, by a name of your choice: [stores.connected.shop]."""

    connected: dict[str, StorePart] = Field(
        default_factory=dict, description="[stores.connected.shop] with kind, url, token, locations"
    )


class PromotionsPart(_Part):
    """Clearance promotions; how low a price may be stands in the policy."""

    elasticity: Decimal = Field(
        Decimal("2.6"), ge=0, le=10, description="How many per cent more sell at a price lower by 1%, such as 2.6"
    )


class RatesPart(_Part):
    """Exchange rates; without a source they come from `stocktide import rates` or `organisation.rates`."""

    source: Literal["", "ecb"] = Field("", description="'ecb' for the reference rates of the ECB, or nothing")
    url: str = Field(
        "https://www.ecb.europa.eu/stats/eurofxref/eurofxref-daily.xml",
        pattern=r"^https?://",
        description="An address that answers in the ECB's format",
    )


class AuditPart(_Part):
    """The audit log's head is posted once a day, so that nobody can quietly rewrite what came before."""

    post_to: str = Field("", pattern=r"^((slack|telegram):\S+)?$", description="'slack:C0123' or 'telegram:-100123'")
    post_at: time = Field(time(8), description="A time of day in the organisation's zone, such as '08:00'")


class LogPart(_Part):
    """Logs go to standard error."""

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="'DEBUG', 'INFO', 'WARNING' or 'ERROR'"
    )
    format: Literal["console", "json"] = Field("console", description="'console' for people, 'json' for machines")


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
    approval: ApprovalPart = ApprovalPart()
    mail: MailPart = MailPart()
    orders: OrdersPart = OrdersPart()
    stores: StoresPart = StoresPart()
    promotions: PromotionsPart = PromotionsPart()
    rates: RatesPart = RatesPart()
    audit: AuditPart = AuditPart()
    log: LogPart = LogPart()

    def secrets(self) -> tuple[str, ...]:
        """Every secret value that was given; logs redact them."""
        values = (
            self.slack.bot_token,
            self.slack.signing_secret,
            self.slack.app_token,
            self.telegram.token,
            self.telegram.webhook_secret,
            self.mail.password,
            *(store.token for store in self.stores.connected.values()),
        )
        return tuple(found for value in values if (found := value.get_secret_value()))


def load(path: Path | None = None, environment: Mapping[str, str] | None = None) -> Settings:
    """Read the file (DEFAULT_FILE where `path` is None and it exists) and the environment.

    Raises SettingsError with every fault: a missing or malformed file, unknown keys, values of the wrong kind, and
    combinations that cannot work.
    """
    source = path or (DEFAULT_FILE if DEFAULT_FILE.exists() else None)
    faults = [*_file_faults(source), *_variable_faults(os.environ if environment is None else environment)]
    if faults:
        raise SettingsError(faults)
    try:
        settings = _read(source)
    except ValidationError as error:
        raise SettingsError([_fault(item) for item in error.errors()]) from None  # the cause would repeat secrets
    faults = list(_combinations(settings))
    if faults:
        raise SettingsError(faults)
    return settings


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


def _read(source: Path | None) -> Settings:
    return _from(
        lambda kind, _init, environment: (environment, *([TomlConfigSettingsSource(kind, source)] if source else []))
    )


_Source = PydanticBaseSettingsSource
_Choice = Callable[[type[BaseSettings], _Source, _Source], tuple[_Source, ...]]


def _from(choose: _Choice, **parts: object) -> Settings:
    """Settings from the sources that `choose` picks of (class, given parts, environment), the first one winning."""

    class Chosen(Settings):
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
            return choose(settings_cls, init_settings, env_settings)

    return Chosen(**parts)  # type: ignore[arg-type]  # pydantic checks each part


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
        if name.upper().startswith(PREFIX) and name.upper() not in parts:
            # a dictionary's own keys follow its variable: STOCKTIDE_ORGANISATION__RATES__EUR
            if any(name.upper() == variable or name.upper().startswith(f"{variable}__") for variable in known):
                continue
            close = difflib.get_close_matches(name.upper(), known, 1)
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
    for role in settings.approval.limits:
        if role not in DECIDING_ROLES:
            yield Fault(f"approval.limits.{role}", "may be given no limit", f"write {' or '.join(DECIDING_ROLES)}")
    for code, rate in settings.organisation.rates.items():
        if not re.fullmatch(r"[A-Z]{3}", code) or rate <= 0:
            yield Fault(
                f"organisation.rates.{code}", "is not a rate", "write { EUR = '0.86' }: a code and a positive number"
            )
