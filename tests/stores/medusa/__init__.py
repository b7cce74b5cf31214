"""A Medusa shop: the connector against a strict local server."""
