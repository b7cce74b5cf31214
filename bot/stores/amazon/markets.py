"""Amazon's marketplaces, and an account as the settings name it.

Ids and regions are those of https://developer-docs.amazon.com/sp-api/docs/marketplace-ids .
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from bot.errors import Fault, SettingsError
from bot.settings import StorePart
from bot.words import _

ENDPOINTS: Mapping[str, str] = MappingProxyType(
    {region: f"https://sellingpartnerapi-{region}.amazon.com" for region in ("na", "eu", "fe")}
)
LOGIN = "https://api.amazon.com"
MERCHANT = "merchant"  # the place of what the seller sends himself
_SHARED = "EU"  # the marketplaces of the union sell from one stock (European Fulfilment Network)
_TAX_ON_TOP = ("US", "CA")
_ALIASES = {"UK": "GB"}
_KNOWN = frozenset({"marketplaces", "separate", "seller", "history_days", "transfer_days", "login"})


@dataclass(frozen=True, slots=True)
class Market:
    """A marketplace. `channel` is what reports of orders call it; `network` names the stock that it sells from."""

    code: str
    id: str
    currency: str
    region: str
    channel: str
    network: str

    @property
    def tax_inside(self) -> bool:
        """Whether prices are asked with the tax in them, so that reports tell them so."""
        return self.code not in _TAX_ON_TOP

    @property
    def place(self) -> str:
        """The place of its stock at Amazon."""
        return f"FBA-{self.network}"


def _market(line: str) -> Market:
    code, ident, currency, region, domain, *network = line.split()
    return Market(code, ident, currency, region, f"amazon.{domain}", network[0] if network else code)


MARKETS: Mapping[str, Market] = MappingProxyType(
    {
        market.code: market
        for market in map(
            _market,
            (
                "US ATVPDKIKX0DER USD na com",
                "CA A2EUQ1WTGCTBG2 CAD na ca",
                "MX A1AM78C64UM0Y8 MXN na com.mx",
                "BR A2Q3Y263D00KWC BRL na com.br",
                "GB A1F83G8C2ARO7P GBP eu co.uk",
                "DE A1PA6795UKMFR9 EUR eu de EU",
                "FR A13V1IB3VIYZZH EUR eu fr EU",
                "IT APJ6JRA9NG5V4 EUR eu it EU",
                "ES A1RKKUPIHCS9HS EUR eu es EU",
                "NL A1805IZSGTT6HS EUR eu nl EU",
                "BE AMEN7PMS3EDWL EUR eu com.be EU",
                "IE A28R8C7NBKEWEA EUR eu ie EU",
                "SE A2NODRKZP88ZB9 SEK eu se EU",
                "PL A1C3SOZRARQ6R3 PLN eu pl EU",
                "TR A33AVAJ2PDY3EV TRY eu com.tr",
                "AE A2VIGQ35RCS4UG AED eu ae",
                "SA A17E79C6D8DWNP SAR eu sa",
                "EG ARBP9OOSHTCHU EGP eu eg",
                "IN A21TJRUUN4KGV INR eu in",
                "ZA AE08WJ6YKNBMC ZAR eu co.za",
                "JP A1VC38T7YXB528 JPY fe co.jp",
                "AU A39IBJ37TRP1C6 AUD fe com.au",
                "SG A19VAU5U5O7RUS SGD fe sg",
            ),
        )
    }
)

IDS = frozenset(market.id for market in MARKETS.values())
CHANNELS = frozenset(market.channel for market in MARKETS.values())


@dataclass(frozen=True, slots=True)
class Account:
    """A seller's account in one region: the marketplaces in the order of the settings, the first is where prices are.

    `days` of orders are read the first time; `transfer_days` after its plan a shipment is expected that names no day.
    """

    name: str
    url: str
    login: str
    private: bool
    client: str
    secret: str
    refresh: str
    seller: str
    markets: tuple[Market, ...]
    days: int
    transfer_days: int | None

    @classmethod
    def of(cls, name: str, part: StorePart) -> Account:
        """The account of a part of the settings; SettingsError with everything that is wrong with it."""
        wrong: list[Fault] = []
        where, options = f"stores.connected.{name}.options", part.options
        markets = _markets(where, options, wrong)
        days = _days(where, options, "history_days", wrong)
        transfer = _days(where, options, "transfer_days", wrong)
        wrong += [Fault(f"{where}.{option}", _("is not known")) for option in sorted(options.keys() - _KNOWN)]
        if wrong:
            raise SettingsError(wrong)
        return cls(
            name=name,
            url=part.url or ENDPOINTS[markets[0].region],
            login=options.get("login") or LOGIN,
            private=part.private,
            client=part.user,
            secret=part.secret.get_secret_value(),
            refresh=part.token.get_secret_value(),
            seller=options.get("seller", ""),
            markets=markets,
            days=days or 365,
            transfer_days=transfer,
        )

    @property
    def first(self) -> Market:
        """The marketplace whose prices are read and written."""
        return self.markets[0]

    @property
    def stocks(self) -> tuple[Market, ...]:
        """One marketplace of each stock; asking the others would count the same units again."""
        return tuple({market.network: market for market in reversed(self.markets)}.values())[::-1]

    def named(self, ident: str) -> Market | None:
        """The marketplace of an id, where it is one of the account's."""
        return next((market for market in self.markets if market.id == ident), None)

    def selling(self, channel: str) -> Market | None:
        """The marketplace that a report calls so, where it is one of the account's."""
        return next((market for market in self.markets if market.channel == channel), None)


def _markets(where: str, options: Mapping[str, str], wrong: list[Fault]) -> tuple[Market, ...]:
    apart = _codes(options.get("separate", ""))
    codes = _codes(options.get("marketplaces", ""))
    strange = [code for code in (*codes, *apart) if code not in MARKETS]
    if not codes or strange:
        problem = _("names no marketplace of Amazon: {codes}", codes=", ".join(strange)) if strange else _("is missing")
        wrong.append(Fault(f"{where}.marketplaces", problem, _('write country codes, such as "DE, FR"')))
        return ()
    found = [MARKETS[code] for code in codes]
    if len({market.region for market in found}) > 1:
        wrong.append(Fault(f"{where}.marketplaces", _("are of several regions"), _("connect a store for each region")))
    return tuple(_apart(market) if market.code in apart else market for market in found)


def _apart(market: Market) -> Market:
    return Market(market.code, market.id, market.currency, market.region, market.channel, market.code)


def _codes(listed: str) -> tuple[str, ...]:
    codes = (code.strip().upper() for code in listed.split(","))
    return tuple(dict.fromkeys(_ALIASES.get(code, code) for code in codes if code))


def _days(where: str, options: Mapping[str, str], name: str, wrong: list[Fault]) -> int | None:
    told = options.get(name)
    if told is None:
        return None
    if not told.isdecimal() or len(told) > 3 or not 1 <= int(told) <= 730:
        wrong.append(Fault(f"{where}.{name}", _("{told} is no number of days from 1 to 730", told=repr(told))))
        return None
    return int(told)
