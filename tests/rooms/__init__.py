"""Video rooms: every provider against what its own documentation says, on loopback."""
