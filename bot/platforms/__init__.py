"""Chat platforms, one room each."""
