"""Video rooms, one provider per file; none yet."""
