"""Orders as purchases in Tryton: written once per key, as a draft or an enquiry, read back, and found again.

A purchase request cannot be written from outside: Tryton makes requests itself and refuses to create one by a call
(purchase.request.check_modification). A draft purchase is what a person there looks at instead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from bot.errors import Declined, OutsideError, Unanswered, Unreached
from bot.ports import Check, Order, OrderLine, SupplierChannel
from bot.settings import StorePart
from bot.stores.tryton.api import REST, Api
from bot.stores.tryton.marks import mark
from bot.stores.tryton.values import Row, text
from bot.words import Words, _

STATES = ("draft", "quotation")
_AT_ONCE = 50  # conditions of one search: SQLite and Tryton nest them, and give up on hundreds
_PURCHASE = "model.purchase.purchase"
_LINE = ("product", "quantity", "unit", "unit_price")
_FIELDS = (
    "number", "state", "reference", "description", "party", "warehouse", "delivery_date", "currency",
    *(f"lines.{name}" for name in _LINE),
)  # fmt: skip
_FOR_PARTY = ("invoice_address", "invoice_party", "payment_term", "invoice_method")


def orders_tryton(name: str, part: StorePart) -> SupplierChannel | None:
    """The way into the ERP of the settings' part; None where `options.orders` asks for none."""
    return TrytonOrders(name, part) if part.options.get("orders") else None


class TrytonOrders:
    """Writes orders into one database. Each call is made once, and none waits."""

    def __init__(self, name: str, part: StorePart) -> None:
        self.name = name
        self._state = part.options.get("orders", "draft")
        # A connection of its own for each call leaves none to be cut off in between, when nobody knows what happened.
        self._api = Api(part, turns=1, headers={"Connection": "close"})

    async def close(self) -> None:
        """Hang up."""
        await self._api.close()

    async def send(self, order: Order, key: str) -> Mapping[str, Any]:
        """Write the purchase, once per key; Declined, with nothing left behind, where Tryton keeps something else.

        A password that Tryton refuses is our own fault, so the order waits for another.
        """
        try:
            return await self._sent(order, key)
        except Declined as refused:
            if refused.status == 401:
                raise Unreached(refused.said, REST) from refused
            raise

    async def _sent(self, order: Order, key: str) -> Mapping[str, Any]:
        if order.kind != "purchase_order":
            raise Declined(_("Tryton is told of purchases alone"))
        if self._state not in STATES:
            raise Declined(
                _("options.orders is {state}; it may be {states}", state=repr(self._state), states=" or ".join(STATES))
            )
        known = await self._found(key)
        if known is None:
            wanted = await self._wanted(order, key)
            number = _made(await self._api.write(f"{_PURCHASE}.create", [wanted], await self._api.context()))
            known = await self._kept(number, wanted, key)
        if known["state"] == "draft" and self._state == "quotation":
            known = await self._quoted(known, key)
        return self._receipt(known)

    async def find(self, order: Order, key: str) -> Mapping[str, Any] | None:
        """The purchase that was written under the key, whatever became of it; None where there is none."""
        del order
        known = await self._found(key)
        return None if known is None else self._receipt(known)

    async def check(self) -> tuple[Check, ...]:
        """Try the address, the password, and whether the user may write purchases."""
        (found,) = await self._api.checked(self.name, "purchase.purchase", "party.party", "product.product")
        if found.verdict != "ok":
            return (found,)
        models = ["purchase.purchase", "purchase.line"]
        try:
            told = await self._api.read("model.ir.model.access.get_access", models, await self._api.context())
        except OutsideError as error:
            return (Check(found.what, "fail", error.said),)
        missing = [model for model in models if not (told.get(model) or {}).get("create")]
        if missing or self._state not in STATES:
            what = (
                _("may not create {missing}", missing=", ".join(missing))
                if missing
                else _("options.orders is {state}", state=repr(self._state))
            )
            remedy = _("add the user to the group Purchase; options.orders is {states}", states=" or ".join(STATES))
            return (Check(found.what, "fail", what, remedy),)
        return (
            Check(found.what, "ok", _("writes purchases as {state} at {url}", state=self._state, url=self._api.url)),
        )

    async def _found(self, key: str) -> Row | None:
        company = await self._api.company()
        ours = ["OR", ["reference", "=", mark(key)], ["description", "=", mark(key)]]
        found = await self._api.rows("purchase.purchase", [["company", "=", company.id], ours], _FIELDS)
        return found[0] if found else None

    async def _wanted(self, order: Order, key: str) -> dict[str, Any]:
        """The purchase with what Tryton itself fills in once a supplier and a product are chosen."""
        company = await self._api.company()
        party = await self._party(order)
        warehouse = await self._warehouse(order)
        currency = await self._currency(order.total.currency)
        head = {"company": company.id, "party": party, "warehouse": warehouse, "currency": currency}
        context = await self._api.context()
        filled = await self._api.read(f"{_PURCHASE}.on_change", {**head, "lines": []}, ["party"], context)
        products = await self._products(order)
        lines = [await self._line(line, products[line.sku], head) for line in order.lines]
        return {
            **{name: filled.get(name) for name in _FOR_PARTY if filled.get(name) is not None},
            **head,
            "reference": mark(key),
            "description": mark(key),
            "delivery_date": order.expected_on,
            "comment": "\n".join(part for part in (f"{order.number} ({order.mode})", order.note) if part),
            "lines": [["create", lines]],
        }

    async def _products(self, order: Order) -> Mapping[str, Row]:
        """The products of an order by SKU; Declined where one is not just one that is bought.

        It is the one that ours was said to be in Tryton, or else the one that bears its SKU in any case. Of several it
        is the one that bears the SKU.
        """
        wanted = {line.sku: line.codes.get(self.name, ()) for line in order.lines}
        asked: list[Sequence[object]] = [
            ["id", "in", [int(code) for code in codes]] if codes else ["code", "ilike", _literally(sku)]
            for sku, codes in sorted(wanted.items())
        ]
        rows: dict[object, Row] = {}
        for start in range(0, len(asked), _AT_ONCE):
            bought = [["purchasable", "=", True], ["OR", *asked[start : start + _AT_ONCE]]]
            told = await self._api.rows("product.product", bought, ("code", "default_uom"))
            rows |= {row["id"]: row for row in told}
        found = list(rows.values())
        products: dict[str, Row] = {}
        for sku, codes in sorted(wanted.items()):
            bearing = [row for row in found if text(row, "code").casefold() == sku.casefold()]
            said = [row for row in found if str(row["id"]) in codes]
            alike = ([row for row in said if row in bearing] if len(said) > 1 else said) if codes else bearing
            chosen = [row for row in alike if row["code"] == sku] or alike
            if not chosen:
                raise Declined(_("Tryton has no product {sku} to be purchased", sku=sku))
            if len(chosen) > 1:
                raise Declined(_("Tryton has {count} products {sku} to be purchased", count=len(chosen), sku=sku))
            products[sku] = chosen[0]
        return products

    async def _line(self, line: OrderLine, product: Row, head: Row) -> dict[str, Any]:
        """A line in the product's own unit, which is what we count in; Tryton would buy in the unit of purchase."""
        given = {
            "type": "line",
            "product": product["id"],
            "quantity": line.quantity,
            **{f"_parent_purchase.{name}": head[name] for name in ("party", "company", "currency")},
        }
        context = await self._api.context()
        filled = await self._api.read("model.purchase.line.on_change", given, ["product"], context)
        extra = {"product_supplier": filled["product_supplier"]} if filled.get("product_supplier") else {}
        if taxes := _added(filled.get("taxes")):
            extra["taxes"] = [["add", taxes]]
        return {
            **extra,
            "type": "line",
            "product": product["id"],
            "quantity": line.quantity,
            "unit": product["default_uom"],
            "unit_price": line.unit_cost.amount,
        }

    async def _party(self, order: Order) -> int:
        """The supplier by its code, or else by its name; Declined where it is not just one."""
        ways = {name: told for name, told in (("code", order.supplier_code), ("name", order.supplier)) if told}
        either = ["OR", *([name, "ilike", _literally(told)] for name, told in ways.items())]
        found = await self._api.rows("party.party", either, tuple(ways))
        for name, told in ways.items():
            chosen = [row for row in found if text(row, name).casefold() == told.casefold()]
            if len(chosen) == 1:
                return int(chosen[0]["id"])
            if chosen:
                raise Declined(
                    _(
                        "{count} parties in Tryton have the {name} {told}",
                        count=len(chosen),
                        name=name,
                        told=repr(told),
                    )
                )
        raise Declined(
            _(
                "no party in Tryton has the code {code} or the name {supplier}",
                code=repr(order.supplier_code),
                supplier=repr(order.supplier),
            )
        )

    async def _warehouse(self, order: Order) -> int:
        """The warehouse that has the code or the name of the place; the only one, where there is one alone."""
        found = await self._api.rows("stock.location", [["type", "=", "warehouse"]], ("code", "name"))
        named = {line.strip().casefold() for line in order.deliver_to.splitlines() if line.strip()}
        chosen = [row for row in found if {text(row, "code").casefold(), text(row, "name").casefold()} & named]
        if len(chosen) == 1 or len(found) == 1:
            return int((chosen or found)[0]["id"])
        raise Declined(
            _(
                "no one warehouse in Tryton is called as {names}",
                names=" / ".join(order.deliver_to.splitlines()),
            )
        )

    async def _currency(self, code: str) -> int:
        found = await self._api.rows("currency.currency", [["code", "=", code]], ("code",))
        if len(found) != 1:
            raise Declined(_("Tryton has no currency {code}", code=code))
        return int(found[0]["id"])

    async def _kept(self, number: int, wanted: Row, key: str) -> Row:
        """The purchase as it stands, where it is what was asked for; otherwise it is taken back."""
        try:
            stands = await self._found(key)
        except OutsideError as error:
            raise Unanswered(_("written, but it cannot be read back: {error}", error=error.said)) from error
        if stands is None or stands["id"] != number:
            raise Unanswered(_("written, and not to be found by our key"))
        if problem := _difference(stands, wanted, mark(key)):
            await self._take_back(number, problem)
        return stands

    async def _quoted(self, known: Row, key: str) -> Row:
        """The purchase as an enquiry, with a number; what Tryton refuses to number is taken back."""
        number = known["id"]
        try:
            await self._api.write(f"{_PURCHASE}.quote", [number], await self._api.context())
        except Declined as refused:
            await self._take_back(number, refused.said)
        except OutsideError as error:  # the draft stands: it is found by its key, and goes on from there
            raise Unanswered(_("written as a draft: {error}", error=error.said)) from error
        found = await self._found(key)
        if found is None or found["state"] == "draft":
            raise Unanswered(_("written, and Tryton says something else of it"))
        return found

    async def _take_back(self, number: int, problem: Words) -> None:
        """Delete what nobody asked for, and say so: Declined, or Unanswered where it stays."""
        try:
            await self._api.write(f"{_PURCHASE}.delete", [number], await self._api.context())
        except OutsideError as error:
            raise Unanswered(
                _("{problem}; and the draft cannot be deleted: {error}", problem=problem, error=error.said)
            ) from error
        raise Declined(problem)

    def _receipt(self, known: Row) -> Mapping[str, Any]:
        return {
            "channel": self.name,
            "purchase": known["id"],
            "number": text(known, "number"),
            "state": known["state"],
            "reference": text(known, "reference"),
        }


def _literally(told: str) -> str:
    """A text of which no sign is a wildcard."""
    return told.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _added(told: object) -> list[int]:
    """The records of a list that Tryton filled in: ids, or what is added to none: `{"add": [[place, record]]}`."""
    if isinstance(told, dict):
        return [int(record["id"]) for _, record in told.get("add") or ()]
    return [int(number) for number in told] if isinstance(told, list) else []


def _made(told: object) -> int:
    if isinstance(told, list) and len(told) == 1 and isinstance(told[0], int):
        return told[0]
    raise Unanswered(_("Tryton does not say what it made"))


def _difference(stands: Row, wanted: Row, marked: str) -> Words | None:
    """What Tryton made of a purchase that we did not ask for; None where it is the same."""
    if text(stands, "description") != marked:
        return _("Tryton did not keep our key where it stays")
    for name in ("party", "warehouse", "delivery_date", "currency"):
        if stands.get(name) != wanted[name]:
            return _("Tryton kept another {field}", field=name)
    asked = [_terms(line) for line in wanted["lines"][0][1]]
    kept = [_terms(line) for line in stands["lines."]]
    if asked != kept:
        return _("Tryton took {asked} and kept {kept}", asked=str(asked), kept=str(kept))
    return None


def _terms(line: Row) -> tuple[int, str, str]:
    """Product, units and price, each in one way of writing."""
    quantity, price = Decimal(line["quantity"]), Decimal(line["unit_price"])
    return int(line["product"]), f"{quantity.normalize():f}", f"{price.normalize():f}"
