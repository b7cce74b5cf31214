"""The `tryton` connector against a real Tryton."""
