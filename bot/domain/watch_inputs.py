"""What the watch is given: its settings, and plain arrays of routes, positions and places."""

from __future__ import annotations

from dataclasses import dataclass, field

from bot.domain.ageing import AgeingSettings
from bot.domain.arrays import Bools, Counts, Floats, Ints
from bot.domain.cases import CaseSettings
from bot.domain.demand import DemandSettings
from bot.domain.replenishment import ReplenishmentSettings
from bot.domain.slump import SlumpSettings
from bot.domain.surge import SurgeSettings
from bot.domain.turnover import TurnoverSettings


@dataclass(frozen=True, slots=True)
class WatchSettings:
    """Every default of the watch, by part."""

    demand: DemandSettings = field(default_factory=DemandSettings)
    replenishment: ReplenishmentSettings = field(default_factory=ReplenishmentSettings)
    turnover: TurnoverSettings = field(default_factory=TurnoverSettings)
    ageing: AgeingSettings = field(default_factory=AgeingSettings)
    surge: SurgeSettings = field(default_factory=SurgeSettings)
    slump: SlumpSettings = field(default_factory=SlumpSettings)
    cases: CaseSettings = field(default_factory=CaseSettings)


@dataclass(frozen=True, slots=True)
class Routes:
    """How each series is bought, all (n,). `lead_time_days` is NaN where there is no route: an assumed one is used."""

    lead_time_days: Floats
    lead_time_sd: Floats  # days
    review_days: Floats
    minimum_order: Ints  # units, at least 1
    pack_size: Ints  # units, at least 1
    unit_cost_minor: Ints
    unit_price_minor: Ints
    service_level: Floats | None = None  # cycle service, 0 to 1; chosen by ABC class where absent
    storage_tariff_minor: Floats | None = None  # per unit and day; NaN where the location gives none
    review_every: Floats | None = None  # days between the supplier's review dates; 0 where it has none
    review_wait: Floats | None = None  # days until its next one, 0 on one; NaN where it has none


@dataclass(frozen=True, slots=True)
class Positions:
    """What each series has and is to get now; (n,) units but for `incoming`."""

    on_hand: Ints  # what lies there
    available: Ints  # on_hand - committed
    incoming: Counts  # (n, H): column k lands k days after the history's last day
    overdue: Ints  # ordered, promised for a day that has passed: in the position, never in the cover
    pending: Ints  # asked for in requests that are not yet orders
    backorders: Ints
    stale: Bools | None = None  # the feed behind the series is too old: nothing is judged
    untold: Ints | None = None  # last days of the history that the feeds of the place have not told whole


@dataclass(frozen=True, slots=True)
class Network:
    """Where each series lies, for transfers. `transfer_days` (locations, locations) from row to column, inf: no way."""

    sku: Ints  # (n,) any numbering
    location: Ints  # (n,) index into transfer_days
    transfer_days: Floats
