"""Orders from approved to received."""
