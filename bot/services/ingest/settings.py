"""The rules of an import, as settings: none of these figures stands in code elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


@dataclass(frozen=True, slots=True)
class IngestSettings:
    """What is demand, what is not, and what cannot be.

    Patterns are regular expressions over the whole upper-cased text.
    """

    currency: str = "USD"  # of lines and products that name none
    fee_codes: tuple[str, ...] = (  # lines that are charges, not products
        r"POST|POSTAGE|DOT|SHIPPING|FREIGHT",
        r"C2|CARRIAGE",
        r"M|MANUAL",
        r"D|DISCOUNT",
        r"S|SAMPLES",
        r"B|CRUK|PADS",
        r"BANK CHARGES",
        r"AMAZONFEE",
        r"GIFT_0001_\d+",
        r"运费|邮费|手续费|差价补拍",
    )
    fee_orders: tuple[str, ...] = (r"A\d+",)  # order numbers of adjustments such as bad debt
    cancelling_orders: tuple[str, ...] = (r"C\d+",)  # order numbers of cancellations and returns
    stock_notes: tuple[str, ...] = (  # names that warehouse people typed instead of a product's name
        r"\W*",
        r".*\b(CHECK|DAMAGE[SD]?|FOUND|LOST|MISSING|THROWN AWAY|WET|MOULDY|ADJUST(MENT)?|FAULTY|CRUSHED|BROKEN)\b.*",
        r"(WRONGLY|INCORRECTLY|MIXED|SOLD AS|TEST|EBAY|AMAZON|DOTCOM|HAD BEEN)\b.*",
    )
    match_window: timedelta = timedelta(days=30)  # a cancellation looks this far back for its sale
    quantity_limit: int = 1_000_000  # units in one line; more is a typing error
    price_limit: int = 10_000_000  # whole units of the currency per piece
    earliest: datetime = datetime(1990, 1, 1, tzinfo=UTC)
    latest: datetime | None = None  # no fact lies after this instant; None: a day from now
    sales_limit_hours: int = 48  # a feed older than this is stale
    stock_limit_hours: int = 72
    batch: int = 20_000  # rows per transaction
