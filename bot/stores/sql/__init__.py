"""Any database that SQLAlchemy reads, by queries of the seller's own. See docs/stores/sql.md."""

from bot.stores.sql.feed import SqlFeed, feed_sql

__all__ = ["SqlFeed", "feed_sql"]
