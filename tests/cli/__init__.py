"""The `stocktide` command, as a person at a terminal meets it."""
