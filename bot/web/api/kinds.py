"""The kinds of batches, each at the address of its scope."""

from __future__ import annotations

from bot.web.api.reading import Kind
from bot.web.api.rows import ProductRow, PurchaseOrderRow, SaleRow, StockRow

KINDS = (
    Kind("sales", "orders", SaleRow, ("id",)),
    Kind("stock", "stock", StockRow, ("sku", "location")),
    Kind("purchase-orders", "inbounds", PurchaseOrderRow, ("id",)),
    Kind("products", "products", ProductRow, ("sku",)),
)
