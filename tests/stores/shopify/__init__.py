"""Shopify: the connector against a strict local server that answers by Shopify's own schema."""
