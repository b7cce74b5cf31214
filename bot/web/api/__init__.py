"""The ingest API: sellers' own systems send sales, stock, purchase orders and products in batches."""

from bot.web.api.routes import api_routes

__all__ = ["api_routes"]
