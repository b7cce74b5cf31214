"""Facts of stores."""
