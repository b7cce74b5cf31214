"""The parts of the settings: a class per TOML table, a field per key, each with what to write."""

from __future__ import annotations

import re
from datetime import date, time
from decimal import Decimal
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

DECIDING_ROLES = ("buyer", "approver", "promo_manager")  # the others may be given no limit; an admin approves nothing


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


ClassName = Literal["AX", "AY", "AZ", "BX", "BY", "BZ", "CX", "CY", "CZ"]


class Part(BaseModel):
    """One table of the file: unknown keys are faults, and nothing changes after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Organisation(Part):
    """The seller: what stands in for a member's own zone and language, and the one currency that cases rank in."""

    name: str = Field("Our shop", description="The name shown in messages, such as 'Acme Trading'")
    currency: Currency = Field("USD", description="An ISO 4217 code such as 'USD', 'GBP' or 'CNY'")
    zone: Zone = Field("UTC", description="An IANA time zone such as 'Asia/Shanghai'")
    language: Literal["en", "zh_CN"] = Field("en", description="'en' or 'zh_CN'")
    rates: dict[str, Decimal] = Field(
        default_factory=dict,
        description="Units of the organisation's currency for one unit of another, as text: { EUR = '0.86' }",
    )


class DatabasePart(Part):
    """Where facts are kept."""

    url: str = Field(
        "sqlite+aiosqlite:///stocktide.db",
        pattern=r"^(sqlite\+aiosqlite|postgresql\+psycopg)://",
        description="'sqlite+aiosqlite:///stocktide.db' or 'postgresql+psycopg://user@host/name'",
    )


class SlackPart(Part):
    """Slack; left out or empty: Slack is not used. With `app_token` it runs in Socket Mode, otherwise over HTTP."""

    bot_token: SecretStr = Field(SecretStr(""), description="The Bot User OAuth Token, beginning with 'xoxb-'")
    signing_secret: SecretStr = Field(
        SecretStr(""), description="The Signing Secret of the app's Basic Information page"
    )
    app_token: SecretStr = Field(
        SecretStr(""), description="An App-Level Token, beginning with 'xapp-', for Socket Mode"
    )
    base_url: str = Field("https://slack.com/api/", description="The Web API's address; only the sandbox changes it")
    huddle_command: str = Field(
        "huddle",
        pattern=r"^[a-z][a-z0-9_-]{0,30}$",
        description="The slash command of video rooms, such as 'room' where Slack holds /huddle; as in your manifest",
    )

    @property
    def enabled(self) -> bool:
        """Whether a token was given."""
        return bool(self.bot_token.get_secret_value())

    @property
    def renamed(self) -> dict[str, str]:
        """Our commands as they are called in Slack, where that may be otherwise."""
        return {"huddle": self.huddle_command}


class TelegramPart(Part):
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


class WebPart(Part):
    """The HTTP server for webhooks, the board, video rooms, health and metrics."""

    host: str = Field("127.0.0.1", description="The address to listen on, such as '127.0.0.1' or '0.0.0.0'")
    port: int = Field(8320, ge=0, le=65535, description="A port from 1 to 65535 (0 takes a free one)")
    public_url: str = Field(
        "",
        pattern=r"^(https?://[^/?#]+)?$",
        description="The address by which people reach the board and video rooms, such as 'https://bot.example.com'",
    )


class ClassPart(Part):
    """What a class such as CZ (little revenue, sold erratically) has of its own; nothing: what all have."""

    service: Share | None = Field(None, description="Its cycle service, such as '0.85'")
    review_days: int | None = Field(None, ge=1, le=90, description="Days between two orders of it, such as 14")


class WatchPart(Part):
    """The watch: how certain, how often, how patient. Other figures keep the defaults of docs/arithmetic.md."""

    service_levels: tuple[Share, Share, Share] = Field(
        (Decimal("0.975"), Decimal("0.95"), Decimal("0.90")),
        description="Cycle service of ABC classes A, B and C: ['0.975', '0.95', '0.9']",
    )
    review_days: int = Field(7, ge=1, le=90, description="Days between two orders, such as 7")
    classes: dict[ClassName, ClassPart] = Field(
        default_factory=dict,
        description="ABC x XYZ classes of their own: { CZ = { service = '0.85', review_days = 14 } }",
    )
    fill_days: int = Field(
        30,
        ge=0,
        le=365,
        description="Days of sales bought early at most to reach a minimum order or fill a container, such as 30",
    )
    container_least: Decimal = Field(
        Decimal("0.3"),
        ge=0,
        le=1,
        description="What of its last container an order must fill, or what can wait is left out of it: '0.3'",
    )
    join_days: int = Field(
        0, ge=0, le=90, description="What will be due within so many days joins an order that is made anyway, such as 7"
    )
    lead_time_days: Decimal = Field(Decimal(35), gt=0, description="Days, where no route is known, such as 35")
    lead_time_sd_days: Decimal = Field(Decimal(7), ge=0, description="Days, where no route is known, such as 7")
    target_days: int = Field(45, ge=1, le=365, description="Days of inventory that the board measures against, 45")
    slow_days: int = Field(60, ge=30, le=90, description="Days without a sale that make a slow mover, 30 to 90")
    cover_limit_days: int = Field(180, ge=30, description="Days of cover that make a slow mover, such as 180")
    carrying_cost: Decimal = Field(Decimal("0.25"), ge=0, le=2, description="Share of the stock's value a year, 0.25")
    scan_at: tuple[time, ...] = Field(
        (time(6), time(18)), description="Times of day in the organisation's zone: ['06:00']"
    )
    scorecard_at: time = Field(
        time(8), description="Time of Monday at which each channel gets the scorecard it wants, in its zone: '08:00'"
    )
    sales_stale_hours: int = Field(48, ge=1, description="Hours after which sales are stale, such as 48")
    stock_stale_hours: int = Field(72, ge=1, description="Hours after which stock levels are stale, such as 72")
    alerts_individual: int = Field(5, ge=1, le=20, description="Cards of their own per scan, such as 5")
    least_money: Decimal = Field(
        Decimal(1), ge=0, description="Money at risk under which nothing is ordered by itself, such as 1"
    )


class FeeTier(Part):
    """What a warehouse asks for stock from an age on; none is built in, for they change every year."""

    location: str = Field(description="A location's code")
    age_days: int = Field(ge=1, le=3650, description="From this age on, in days")
    fee: Decimal = Field(ge=0, description="For a unit and a month")
    currency: Currency = Field(description="An ISO 4217 code")
    since: date = Field(description="The first day on which it is asked, such as 2026-01-15")
    source: str = Field("", description="Where that stands, such as the address of the price list")


class StoragePart(Part):
    """Storage fees that grow with the age of the stock."""

    fees: tuple[FeeTier, ...] = Field(
        (), description="[[storage.fees]] tables with location, age_days, fee, currency, since, source"
    )


class ApprovalPart(Part):
    """Who may approve how much: a limit per role and currency, in whole units of it; none means no authority."""

    limits: dict[str, dict[Currency, int]] = Field(
        default_factory=lambda: {"approver": {"USD": 5000}},
        description="{ approver = { USD = 5000 } }",
    )
    expire_hours: int = Field(24, ge=1, le=720, description="Hours a request waits, such as 24")


class MailPart(Part):
    """Mail to suppliers; without a host, orders are written into the folder of `[orders]` alone."""

    host: str = Field("", description="The SMTP server, such as 'smtp.example.com'; nothing: no mail")
    port: int = Field(587, ge=1, le=65535, description="Its port: 587 with 'starttls', 465 with 'tls'")
    security: Literal["starttls", "tls", "none"] = Field("starttls", description="'starttls', 'tls' or 'none'")
    username: str = Field("", description="The account's name; nothing: no login")
    password: SecretStr = Field(SecretStr(""), description="The account's password")
    sender: str = Field("", description="Who orders come from: 'orders@example.com'")
    copy_to: str = Field("", description="An address that gets a copy of each order, or nothing")


class OrdersPart(Part):
    """Orders to suppliers and warehouses: each is written as PDF and CSV, and mailed where there is an address."""

    folder: str = Field("orders", description="A folder for the documents, such as 'orders'")
    address: str = Field("", description="Your address as it stands on orders; lines parted by \\n")


class StorePart(Part):
    """One store or ERP: what it tells is read, and promotions run in it where it can change prices."""

    kind: Literal["local", "amazon", "files", "medusa", "shopify", "sql", "tryton", "vendure", "woocommerce"] = Field(
        "local", description="What it is; see docs/stores.md"
    )
    url: str = Field(
        "", pattern=r"^([a-z][a-z0-9+]*://.*)?$", description="Its address, such as 'https://shop.example.com'"
    )
    token: SecretStr = Field(SecretStr(""), description="The token or key it asks for")
    user: str = Field("", description="The user, client or key id, where it asks for one")
    secret: SecretStr = Field(SecretStr(""), description="The password or secret of that user, client or key")
    hook_secret: SecretStr = Field(SecretStr(""), description="What the store signs its calls to us with")
    hook_secret_before: SecretStr = Field(
        SecretStr(""), description="The one before, taken too while you change it; then take it out"
    )
    private: bool = Field(default=False, description="true: it stands in a local network, and may be called by http")
    locations: tuple[str, ...] = Field((), description="Codes of the locations it sells from; none: all")
    options: dict[str, str] = Field(default_factory=dict, description="What its kind takes besides; see docs/stores.md")


class StoresPart(Part):
    """Stores, by a name of your choice: [stores.connected.shop]."""

    connected: dict[str, StorePart] = Field(
        default_factory=dict, description="[stores.connected.shop] with kind, url, token, locations"
    )


class PromotionsPart(Part):
    """Clearance promotions; how low a price may be stands in the policy."""

    elasticity: Decimal = Field(
        Decimal("2.6"), ge=0, le=10, description="How many per cent more sell at a price lower by 1%, such as 2.6"
    )


class RatesPart(Part):
    """Exchange rates; without a source they come from `stocktide import rates` or `organisation.rates`."""

    source: Literal["", "ecb"] = Field("", description="'ecb' for the reference rates of the ECB, or nothing")
    url: str = Field(
        "https://www.ecb.europa.eu/stats/eurofxref/eurofxref-daily.xml",
        pattern=r"^https?://",
        description="An address that answers in the ECB's format",
    )


class AuditPart(Part):
    """The audit log's head is posted once a day, so that nobody can quietly rewrite what came before."""

    post_to: str = Field("", pattern=r"^((slack|telegram):\S+)?$", description="'slack:C0123' or 'telegram:-100123'")
    post_at: time = Field(time(8), description="A time of day in the organisation's zone, such as '08:00'")


class LogPart(Part):
    """Logs go to standard error."""

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="'DEBUG', 'INFO', 'WARNING' or 'ERROR'"
    )
    format: Literal["console", "json"] = Field("console", description="'console' for people, 'json' for machines")
