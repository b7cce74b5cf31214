"""A WooCommerce shop: the connector against a strict local server."""
