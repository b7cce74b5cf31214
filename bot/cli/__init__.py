"""The `stocktide` command line, one group of commands per file."""
