"""Makes the database that the tests start Tryton on: `.venv/bin/python -m tests.stores.tryton.seed`, about a minute.

It is made by Tryton itself: its modules are activated in an empty SQLite file, a small company is entered with
proteus, as a person would in the client, and the file is packed without what only the client shows. Make it anew
whenever the pinned version of Tryton changes; `erp.sqlite.xz` is committed.
"""

from __future__ import annotations

import lzma
import os
import sqlite3
import subprocess
import sys
import tempfile
from datetime import date, timedelta
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PACKED = HERE / "erp.sqlite.xz"
NAME = "erp"
PASSWORD = "lantern-and-mug-8"
USER, ADMIN = "stocktide", "admin"
MODULES = ("purchase", "purchase_request", "stock_supply")
MADE = date(2024, 2, 20)  # the day on which the company entered everything
CONFIGURATION = "[web]\nlisten = 127.0.0.1:0\n[database]\nuri = sqlite://\npath = {path}\n"
# What the client shows, in words of many languages; the server needs none of it to answer.
_SHOWN = ("ir_translation", "ir_ui_icon", "ir_ui_view_search", "ir_log", "ir_session", "ir_message_translation")


def activate(folder: Path, configuration: Path) -> None:
    """Make an empty database with the modules."""
    (folder / f"{NAME}.sqlite").touch()
    password = folder / "password"
    password.write_text(PASSWORD)
    command = [
        sys.executable, str(Path(sys.executable).with_name("trytond-admin")), "-c", str(configuration), "-d", NAME,
        "-u", *MODULES, "--activate-dependencies", "--email", "admin@example.com",
    ]  # fmt: skip
    subprocess.run(command, check=True, env={**os.environ, "TRYTONPASSFILE": str(password)})  # noqa: S603  # our own words


def enter(configuration: Path) -> None:
    """A company, its goods, suppliers and purchases in every state."""
    proteus = import_module("proteus")  # it loads all of Tryton, and has no types
    account, company_tools, currency = (
        import_module(f"trytond.modules.{module}.tests.tools") for module in ("account", "company", "currency")
    )
    connected = proteus.config.set_trytond(NAME, config_file=str(configuration))
    company_tools.create_company(currency=currency.get_currency("USD"))
    company = company_tools.get_company()
    company.timezone = "Asia/Shanghai"
    company.save()
    connected._context = proteus.Model.get("res.user").get_preferences(True, connected.context)  # noqa: FBT003  # as Tryton takes it
    account.create_chart(company)
    Clerk(proteus, account.get_accounts(company)).work()


class Clerk:
    """Enters what a small company has, through proteus' models."""

    def __init__(self, proteus: Any, accounts: Any) -> None:
        self._get, self._wizard = proteus.Model.get, proteus.Wizard
        self._accounts = accounts
        self._units = {unit.symbol: unit for unit in self._get("product.uom").find([])}

    def work(self) -> None:
        """Everything, in one order, so that ids are the same each time."""
        self._user()
        category = self._get("product.category")(name="Goods", accounting=True)
        category.account_expense, category.account_revenue = self._accounts["expense"], self._accounts["revenue"]
        category.save()
        self._category = category
        term = self._get("account.invoice.payment_term")(name="At once")
        term.lines.new(type="remainder")
        term.save()
        self._term = term
        lights, mugs = self._party("Shenzhen Lights", "SZ"), self._party("Yiwu Mugs", "YW")
        east = self._warehouse("East Warehouse", "EAST")
        lantern = self._product("Lantern", "85123A", "20.00", supplier=lights)
        mug = self._product("Mug, blue", "MUG/1 blue", "4.25", supplier=mugs)
        tea = self._product("Tea", "TEA", "9.90", unit="kg")
        old = self._product("Candle", "CANDLE", "3.00")
        old.template.active = False
        old.template.save()
        self._product("Assembly", "SERVICE", "50.00", kind="service")
        (home,) = self._get("stock.location").find([("code", "=", "WH")])
        self._count(home, [(lantern, 120), (mug, 7), (tea, 2.5)])
        self._count(east, [(lantern, 30)])
        self._ship(home, lantern)
        half = self._buy(lights, home, [(lantern, 100, "7.50"), (mug, 50, "1.2345")])
        self._receive(half, {lantern: 40})
        gone = self._buy(mugs, home, [(mug, 80, "1.10")])
        self._receive(gone, {mug: 30})
        self._give_up(gone)
        self._buy(mugs, east, [(mug, 500, "1.05")])
        self._buy(lights, home, [(lantern, 9, "7.50")], until="quotation")
        self._buy(lights, home, [(lantern, 8, "7.50")], until="draft")
        self._buy(lights, home, [(tea, 2.5, "3.00"), (lantern, 3, "7.50")])

    def _user(self) -> None:
        """Whom Stocktide logs in as: groups that may read and buy, and nothing more."""
        group = self._get("res.group")
        user = self._get("res.user")(name="Stocktide", login=USER, password=PASSWORD)
        user.groups.extend(group.find([("name", "in", ["Purchase", "Stock"])]))
        (company,) = self._get("company.company").find([])
        user.companies.append(company)
        user.company = self._get("company.company")(company.id)
        user.save()

    def _party(self, name: str, code: str) -> Any:
        party = self._get("party.party")(name=name, code=code, supplier_payment_term=self._term)
        party.account_payable = self._accounts["payable"]
        party.save()
        return party

    def _warehouse(self, name: str, code: str) -> Any:
        location = self._get("stock.location")
        zones = {zone: location(name=f"{name} {zone}", type="storage") for zone in ("input", "storage", "output")}
        for zone in zones.values():
            zone.save()
        made = location(name=name, code=code, type="warehouse")
        made.input_location, made.storage_location = zones["input"], zones["storage"]
        made.output_location = zones["output"]
        (made.lost_found_location,) = location.find([("type", "=", "lost_found")])
        made.save()
        return made

    def _product(
        self, name: str, code: str, price: str, *, kind: str = "goods", unit: str = "u", supplier: Any = None
    ) -> Any:
        template = self._get("product.template")(name=name, type=kind, default_uom=self._units[unit])
        template.purchasable, template.list_price = True, Decimal(price)
        template.account_category = self._category
        template.products[0].suffix_code = code
        template.save()
        (product,) = template.products
        if supplier is not None:
            offer = self._get("purchase.product_supplier")(template=template, party=supplier)
            offer.lead_time = timedelta(days=30)
            offer.save()
        return self._get("product.product")(product.id)

    def _count(self, warehouse: Any, counted: list[tuple[Any, float]]) -> None:
        inventory = self._get("stock.inventory")(location=warehouse.storage_location)
        inventory.date = date.today() - timedelta(days=60)  # noqa: DTZ011  # Tryton's own day
        for product, quantity in counted:
            inventory.lines.new(product=product, quantity=quantity)
        inventory.save()
        inventory.click("confirm")

    def _ship(self, warehouse: Any, product: Any) -> None:
        """Three packed for a customer, and five assigned to another."""
        customer = self._party("Somebody Private", "P-1")
        for quantity, clicks in ((3, ("wait", "assign_force", "pick", "pack")), (5, ("wait", "assign_force"))):
            shipment = self._get("stock.shipment.out")(customer=customer, warehouse=warehouse)
            move = shipment.outgoing_moves.new(product=product, quantity=quantity)
            move.from_location, move.to_location = warehouse.output_location, customer.customer_location
            move.unit_price, move.currency = Decimal(20), shipment.company.currency
            shipment.save()
            for click in clicks:
                shipment.click(click)

    def _buy(self, party: Any, warehouse: Any, lines: list[tuple[Any, float, str]], until: str = "processing") -> Any:
        purchase = self._get("purchase.purchase")(party=party, warehouse=warehouse, invoice_method="manual")
        purchase.payment_term = self._term
        for product, quantity, price in lines:
            line = purchase.lines.new()
            line.product, line.quantity = product, quantity
            line.unit_price = Decimal(price)
        purchase.save()
        for click, state in (("quote", "quotation"), ("confirm", "processing")):
            if purchase.state != until:
                purchase.click(click)
                if purchase.state == "confirmed" and state == "processing":
                    purchase.click("process")
        return purchase

    def _receive(self, purchase: Any, came: dict[Any, float]) -> None:
        shipment = self._get("stock.shipment.in")(supplier=purchase.party, warehouse=purchase.warehouse)
        codes = {product.code: quantity for product, quantity in came.items()}
        for line in purchase.lines:
            for move in line.moves:
                if move.product.code in codes:
                    taken = self._get("stock.move")(move.id)
                    taken.quantity = codes[move.product.code]
                    shipment.incoming_moves.append(taken)
        shipment.save()
        shipment.click("receive")
        shipment.click("do")
        purchase.reload()

    def _give_up(self, purchase: Any) -> None:
        """What has not come will not: its moves are cancelled, and nobody wants them again."""
        move_model = self._get("stock.move")
        rest = [move_model(move.id) for line in purchase.lines for move in line.moves if move.state == "draft"]
        move_model.click(rest, "cancel")
        purchase.reload()
        handled = self._wizard("purchase.handle.shipment.exception", [purchase])
        handled.form.ignore_moves.extend(handled.form.ignore_moves.find([]))
        handled.execute("handle")
        purchase.reload()


def pack(database: Path) -> None:
    """Leave out what only a client shows, and write the file that is committed."""
    connection = sqlite3.connect(database)
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    for table in _SHOWN:
        if table in tables:
            connection.execute(f"DELETE FROM {table}")  # noqa: S608  # our own words
    _date_back(connection, tables)
    connection.commit()
    connection.execute("VACUUM")
    connection.close()
    PACKED.write_bytes(lzma.compress(database.read_bytes(), preset=9 | lzma.PRESET_EXTREME))


def _date_back(connection: sqlite3.Connection, tables: set[str]) -> None:
    """Move every date so that it was made on one day long ago, whatever the clock of the machine it is read on."""
    days = f"{(MADE - date.today()).days} days"  # noqa: DTZ011  # Tryton's own day
    for table in sorted(tables):
        columns = {name: kind for _, name, kind, *_ in connection.execute(f'PRAGMA table_info("{table}")')}
        for column, kind in columns.items():
            if kind == "DATE":
                moved = f'date("{column}", ?)'
            elif kind == "TIMESTAMP":
                moved = f"strftime('%Y-%m-%d %H:%M:%f000', \"{column}\", ?)"
            else:
                continue
            statement = f'UPDATE "{table}" SET "{column}" = {moved} WHERE "{column}" > \'1900-01-01\''  # noqa: S608  # our own words
            connection.execute(statement, (days,))


def main() -> None:
    """Activate, enter, pack."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        configuration = folder / "trytond.conf"
        configuration.write_text(CONFIGURATION.format(path=folder))
        activate(folder, configuration)
        enter(configuration)
        pack(folder / f"{NAME}.sqlite")
    sys.stdout.write(f"{PACKED.name}: {PACKED.stat().st_size:,} bytes\n")


if __name__ == "__main__":
    main()
