"""Files that members send, by the services alone."""
