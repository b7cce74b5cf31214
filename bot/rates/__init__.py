"""Sources of exchange rates, one per file."""
