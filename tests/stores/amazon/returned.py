"""What customers sent back, as Amazon's two reports tell it, with all of their columns."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

AT_AMAZON, AT_THE_SELLER = "GET_FBA_FULFILLMENT_CUSTOMER_RETURNS_DATA", "GET_FLAT_FILE_RETURNS_DATA_BY_RETURN_DATE"
HEADINGS: Mapping[str, tuple[str, ...]] = {
    AT_AMAZON: (
        "return-date", "order-id", "sku", "asin", "fnsku", "product-name", "quantity", "fulfillment-center-id",
        "detailed-disposition", "reason", "status", "license-plate-number", "customer-comments",
    ),
    AT_THE_SELLER: (
        "Order ID", "Order date", "Return request date", "Return request status", "Amazon RMA ID", "Merchant RMA ID",
        "Label type", "Label cost", "Currency code", "Return carrier", "Tracking ID", "Label to be paid by",
        "A-to-Z Claim", "Is prime", "ASIN", "Merchant SKU", "Item Name", "Return quantity", "Return Reason",
        "In policy", "Return type", "Resolution", "Invoice number", "Return delivery date", "Order Amount",
        "Order quantity", "SafeT Action reason", "SafeT claim id", "SafeT claim state", "SafeT claim creation time",
        "SafeT claim reimbursement amount", "Refunded Amount",
    ),
}  # fmt: skip
_LONGEST = {AT_AMAZON: timedelta(days=30), AT_THE_SELLER: timedelta(days=60)}
_DATES = {AT_AMAZON: "return-date", AT_THE_SELLER: "Return request date"}


def unit(order: str, at: datetime, label: str = "", sku: str = "LAMP", **given: str) -> dict[str, str]:
    """A unit that came back to Amazon; `given` by column, with underscores."""
    known = {
        "return-date": at.strftime("%Y-%m-%dT%H:%M:%S+00:00"), "order-id": order, "sku": sku, "asin": "B000TEST01",
        "fnsku": f"X{sku}", "product-name": f"The {sku}", "quantity": "1", "fulfillment-center-id": "LEJ1",
        "detailed-disposition": "SELLABLE", "reason": "UNWANTED_ITEM", "status": "Unit returned to inventory",
        "license-plate-number": label,
    }  # fmt: skip
    return known | {name.replace("_", "-"): value for name, value in given.items()}


def request(
    order: str, asked: datetime, number: str, units: int = 1, sku: str = "LAMP", **given: str
) -> dict[str, str]:
    """A customer's request to send something back to the seller; `given`: `came`, when it did, and other columns."""
    came = given.pop("came", "")
    return {
        "Order ID": order, "Order date": _day(asked), "Return request date": _day(asked),
        "Return request status": "Approved", "Amazon RMA ID": number, "ASIN": "B000TEST01", "Merchant SKU": sku,
        "Item Name": f"The {sku}", "Return quantity": str(units), "Return Reason": "CR-UNWANTED_ITEM",
        "Return delivery date": came,
    } | {name.replace("_", " "): value for name, value in given.items()}  # fmt: skip


def within(kind: str, rows: list[dict[str, str]], body: Mapping[str, Any]) -> list[dict[str, str]]:
    """The rows of the time that a report is asked of, both ends inclusive."""
    start, end = (datetime.fromisoformat(body[name]) for name in ("dataStartTime", "dataEndTime"))
    assert end - start <= _LONGEST[kind], "a report of so many days is refused"
    dated = _DATES[kind]
    return [row for row in rows if row[dated] == "?" or start.date() <= _read(row[dated]).date() <= end.date()]


def _day(at: datetime) -> str:
    return at.strftime("%d-%b-%Y")


def _read(told: str) -> datetime:
    return datetime.fromisoformat(told) if told[4] == "-" else datetime.strptime(f"{told} +0000", "%d-%b-%Y %z")
