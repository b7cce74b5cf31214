"""Orders as purchases in a real Tryton: written once, read back, found again, and read back by nobody twice."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from bot.domain.money import Money
from bot.errors import Declined, OutsideError, Unanswered, Unreached
from bot.ports import InboundFact, Order, OrderLine
from bot.stores.tryton import TrytonOrders, orders, orders_tryton
from bot.words import verbatim
from tests.stores.tryton.conftest import Erp, facts

pytestmark = pytest.mark.xdist_group("tryton")
KEY = "order:R-12:v3:folder"
MARK = f"Stocktide {KEY}"


def dollars(amount: str) -> Money:
    return Money(Decimal(amount), "USD")


def an_order(**more: Any) -> Order:
    """Lanterns and mugs for the warehouse in the east."""
    lines = (OrderLine("85123A", "Lantern", 120, dollars("7.10")), OrderLine("MUG/1 blue", "Mug", 48, dollars("1.30")))
    given: dict[str, Any] = {
        "kind": "purchase_order",
        "number": "R-12",
        "version": 3,
        "ordered_at": datetime(2026, 11, 21, 9, tzinfo=UTC),
        "buyer": "Acme",
        "supplier": "Shenzhen Lights",
        "supplier_code": "shenzhen",
        "email": "",
        "language": "en",
        "deliver_to": "The east\nEAST",
        "mode": "sea",
        "expected_on": date(2031, 12, 30),
        "lines": lines,
        "total": dollars("914.40"),
        "note": "Fragile",
    }
    return Order(**(given | more))


class _Cut:
    """Calls that reach Tryton, and whose answers to one method are lost on the way back."""

    def __init__(self, channel: TrytonOrders, method: str, error: OutsideError, *, sent: bool = True) -> None:
        self._write = channel._api.write
        self._method, self._error, self._sent = method, error, sent
        channel._api.write = self.write  # type: ignore[method-assign]

    async def write(self, method: str, *params: object) -> Any:
        if not method.endswith(self._method):
            return await self._write(method, *params)
        if self._sent:
            await self._write(method, *params)
        raise self._error


async def _written(erp: Erp) -> int:
    return len(await erp.rows("purchase.purchase", [["description", "=", MARK]], "id"))


async def test_an_order_becomes_a_draft_purchase_with_what_tryton_fills_in_itself(erp: Erp) -> None:
    channel = erp.orders()
    receipt = await channel.send(an_order(), KEY)
    assert receipt == {
        "channel": "erp", "purchase": 7, "number": "", "state": "draft", "reference": MARK
    }  # fmt: skip
    fields = ("party.name", "warehouse", "delivery_date", "comment", "invoice_address", "payment_term.name", "company")
    (row,) = await erp.rows("purchase.purchase", [["id", "=", 7]], *fields, "currency.code", "untaxed_amount")
    assert (row["party."]["name"], row["warehouse"], row["currency."]["code"]) == ("Shenzhen Lights", 12, "USD")
    assert (row["delivery_date"], row["comment"]) == (date(2031, 12, 30), "R-12 (sea)\nFragile")
    assert (row["payment_term."]["name"], row["invoice_address"] is None) == ("At once", False)
    assert row["untaxed_amount"] == Decimal("914.40")
    lines = await erp.rows("purchase.line", [["purchase", "=", 7]], "product", "quantity", "unit", "product_supplier")
    assert [(line["product"], line["quantity"], line["unit"]) for line in lines] == [(1, 120, 1), (2, 48, 1)]
    assert lines[0]["product_supplier"] is not None
    await channel.close()


async def test_taxes_are_those_of_the_goods_and_the_currency_is_the_order_s(erp: Erp) -> None:
    (account, *_) = await erp.rows(
        "account.account", [["type.statement", "=", "balance"], ["closed", "!=", True]], "name"
    )
    accounts = {"invoice_account": account["id"], "credit_note_account": account["id"]}
    kind = {"name": "VAT", "description": "VAT 20%", "type": "percentage", "rate": Decimal("0.2")}
    tax = await erp.create("account.tax", **kind, **accounts)
    (category,) = await erp.rows("product.category", [["accounting", "=", True]], "name")
    await erp.write("product.category", category["id"], supplier_taxes=[["add", [tax]]])
    euro = {"name": "Euro", "symbol": "EUR", "code": "EUR", "rounding": Decimal("0.01"), "digits": 2}
    rate = {"date": date(2024, 1, 1), "rate": Decimal("0.9")}
    await erp.create("currency.currency", **euro, rates=[["create", [rate]]])
    lines = (OrderLine("85123A", "Lantern", 10, Money(Decimal("7.00"), "EUR")),)
    channel = erp.orders()
    receipt = await channel.send(an_order(lines=lines, total=Money(Decimal("70.00"), "EUR")), KEY)
    amounts = ("untaxed_amount", "tax_amount", "currency.code")
    (row,) = await erp.rows("purchase.purchase", [["id", "=", receipt["purchase"]]], *amounts)
    assert (row["untaxed_amount"], row["tax_amount"]) == (Decimal("70.00"), Decimal("14.00"))
    assert row["currency."]["code"] == "EUR"
    await channel.close()


async def test_an_enquiry_has_a_number(erp: Erp) -> None:
    channel = erp.orders("quotation")
    receipt = await channel.send(an_order(), KEY)
    assert (receipt["state"], receipt["number"] != "") == ("quotation", True)
    assert await channel.find(an_order(), KEY) == receipt
    await channel.close()


async def test_the_same_key_is_written_once_and_another_s_is_another_purchase(erp: Erp) -> None:
    channel, other = erp.orders(), erp.orders()
    assert await channel.find(an_order(), KEY) is None
    receipt = await channel.send(an_order(), KEY)
    assert await other.send(an_order(), KEY) == receipt
    assert await other.find(an_order(), KEY) == receipt
    assert await _written(erp) == 1
    assert (await other.send(an_order(), "order:R-12:v4:folder"))["purchase"] != receipt["purchase"]
    for each in (channel, other):
        await each.close()


async def test_a_purchase_is_found_whatever_people_did_with_it(erp: Erp) -> None:
    channel = erp.orders()
    receipt = await channel.send(an_order(), KEY)
    number = receipt["purchase"]
    await erp.click("purchase.purchase", "quote", number)
    await erp.write("purchase.purchase", number, reference="the supplier's own")
    found = await channel.send(an_order(), KEY)
    assert (found["purchase"], found["state"], found["reference"]) == (number, "quotation", "the supplier's own")
    await erp.click("purchase.purchase", "cancel", number)
    assert (await channel.send(an_order(), KEY))["state"] == "cancelled"  # it is no business of ours to begin anew
    assert await _written(erp) == 1
    await channel.close()


async def test_an_answer_that_was_lost_is_unanswered_and_found_again(erp: Erp) -> None:
    channel = erp.orders()
    _Cut(channel, "create", Unanswered(verbatim("cut off")))
    with pytest.raises(Unanswered):
        await channel.send(an_order(), KEY)
    found = await channel.find(an_order(), KEY)
    assert found is not None
    assert await channel.send(an_order(), KEY) == found
    assert await _written(erp) == 1
    await channel.close()


async def test_a_draft_whose_enquiry_was_lost_is_no_second_purchase_and_goes_on(erp: Erp) -> None:
    channel = erp.orders("quotation")
    _Cut(channel, "quote", Unreached(verbatim("come again")), sent=False)
    with pytest.raises(Unanswered, match="written as a draft"):
        await channel.send(an_order(), KEY)
    found = await channel.find(an_order(), KEY)
    assert found is not None
    assert found["state"] == "draft"
    fresh = erp.orders("quotation")
    assert (await fresh.send(an_order(), KEY))["state"] == "quotation"
    assert await _written(erp) == 1
    for each in (channel, fresh):
        await each.close()


async def test_a_sku_is_the_code_of_a_product_whatever_its_case_and_no_sign_of_it_is_a_wildcard(
    erp: Erp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orders, "_AT_ONCE", 1)  # long orders are looked up in parts
    erp.sql("UPDATE product_product SET code = 'A_B%', suffix_code = 'A_B%' WHERE id = 1")
    erp.sql("UPDATE product_product SET code = 'AXBY', suffix_code = 'AXBY' WHERE id = 3")
    channel = erp.orders()
    goods = (OrderLine("A_B%", "x", 1, dollars("1.00")), OrderLine("MUG/1 BLUE", "Mug", 2, dollars("1.00")))
    receipt = await channel.send(an_order(lines=goods), KEY)
    lines = await erp.rows("purchase.line", [["purchase", "=", receipt["purchase"]]], "product")
    assert [line["product"] for line in lines] == [1, 2]
    await channel.close()


async def test_what_is_bought_is_the_product_that_ours_was_said_to_be(erp: Erp) -> None:
    """Product 1 is the lantern: as one that a person named, and as the one of two that bears the SKU."""
    (known,) = await erp.rows("product.product", [["code", "=", "85123A"]], "code")
    (other,) = await erp.rows("product.product", [["code", "=", "MUG/1 blue"]], "code")
    lantern, mug = str(known["id"]), str(other["id"])
    channel = erp.orders()
    for sku, codes, key in (("LAMP-9", (lantern,), "k1"), ("85123A", (mug, lantern), "k2")):
        line = OrderLine(sku, "Lantern", 120, dollars("7.10"), {"erp": codes, "elsewhere": ("1",)})
        receipt = await channel.send(an_order(lines=(line,)), key)
        (bought,) = await erp.rows("purchase.line", [["purchase", "=", receipt["purchase"]]], "product")
        assert str(bought["product"]) == lantern
    with pytest.raises(Declined, match="no product LAMP-9"):
        await channel.send(
            an_order(lines=(OrderLine("LAMP-9", "Lamp", 1, dollars("1"), {"erp": (lantern, mug)}),)), "k3"
        )


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"supplier": "Nobody", "supplier_code": ""}, "no party"),
        ({"deliver_to": "Mars\nMARS"}, "no one warehouse"),
        ({"lines": (OrderLine("NOPE", "Nope", 1, dollars("1.00")),)}, "no product NOPE"),
        ({"total": Money(Decimal("1.00"), "PLN")}, "no currency"),
        ({"kind": "transfer"}, "purchases alone"),
    ],
)
async def test_what_tryton_does_not_know_is_declined_and_nothing_written(
    erp: Erp, given: dict[str, Any], words: str
) -> None:
    channel = erp.orders()
    with pytest.raises(Declined, match=words):
        await channel.send(an_order(**given), KEY)
    assert await _written(erp) == 0
    await channel.close()


async def test_an_order_waits_for_a_password_that_is_right(erp: Erp) -> None:
    channel = erp.orders(secret="wrong-password")
    with pytest.raises(Unreached, match="401"):
        await channel.send(an_order(), KEY)
    with pytest.raises(Declined, match="401"):
        await channel.find(an_order(), KEY)
    await channel.close()


async def test_two_suppliers_of_one_name_are_told_apart_by_code_or_not_at_all(erp: Erp) -> None:
    await erp.create("party.party", name="Shenzhen Lights", code="SZ2")
    channel = erp.orders()
    with pytest.raises(Declined, match="2 parties"):
        await channel.send(an_order(), KEY)
    assert (await channel.send(an_order(supplier_code="sz"), KEY))["state"] == "draft"
    await channel.close()


async def test_what_tryton_keeps_otherwise_is_taken_back(erp: Erp) -> None:
    line = "UPDATE purchase_line SET unit_price = 9.99 WHERE id = NEW.id"
    erp.sql(f"CREATE TRIGGER dearer AFTER INSERT ON purchase_line BEGIN {line}; END")  # a module with a will of its own
    channel = erp.orders()
    with pytest.raises(Declined, match=r"took .*'7\.1'.* and kept .*'9\.99'"):
        await channel.send(an_order(), KEY)
    assert await _written(erp) == 0
    _Cut(channel, "delete", Unreached(verbatim("away")), sent=False)
    with pytest.raises(Unanswered, match="cannot be deleted"):
        await channel.send(an_order(), KEY)
    assert await _written(erp) == 1
    await channel.close()


async def test_an_enquiry_that_tryton_refuses_leaves_no_draft(erp: Erp) -> None:
    channel = erp.orders("quotation")
    _Cut(channel, "quote", Declined(verbatim("no sequence")), sent=False)
    with pytest.raises(Declined, match="no sequence"):
        await channel.send(an_order(), KEY)
    assert await _written(erp) == 0
    await channel.close()


@pytest.mark.parametrize("field", ["reference", "description"])
async def test_goods_of_our_own_purchases_are_not_told_back_to_us(erp: Erp, field: str) -> None:
    told = {fact.id for fact in facts(erp.served.readings["inbounds"], InboundFact)}
    erp.sql(f"UPDATE purchase_purchase SET {field} = ? WHERE id = 3", MARK)  # noqa: S608  # our own words
    assert told - set(await erp.inbounds()) == {"move-16"}


async def test_tryton_lets_nobody_create_purchase_requests_from_outside(erp: Erp) -> None:
    erp.sql("UPDATE ir_model_field_access SET perm_write = 1, perm_create = 1")
    with pytest.raises(Declined):
        await erp.create("purchase.request", product=1, quantity=5, unit=1, warehouse=5)


async def test_the_check_tries_the_right_to_write_and_writes_nothing(erp: Erp) -> None:
    good, odd, wrong = erp.orders(), erp.orders("request"), erp.orders(secret="wrong-password")
    assert [(await each.check())[0].verdict for each in (good, odd, wrong)] == ["ok", "fail", "fail"]
    erp.sql("UPDATE ir_model_access SET perm_create = 0 WHERE model = 'purchase.purchase'")
    (check,) = await good.check()
    assert (check.verdict, "purchase.purchase" in check.detail) in {("fail", True), ("ok", False)}  # it is cached
    with pytest.raises(Declined, match=r"options\.orders"):
        await odd.send(an_order(), KEY)
    assert await _written(erp) == 0
    for each in (good, odd, wrong):
        await each.close()


def test_orders_go_there_only_where_the_settings_say_so(erp: Erp) -> None:
    assert orders_tryton("erp", erp.part()) is None
    made = orders_tryton("erp", erp.part(options={"orders": "draft"}))
    assert made is not None
    assert made.name == "erp"
