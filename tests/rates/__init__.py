"""Sources of exchange rates, against a local server."""
