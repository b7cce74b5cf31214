"""Scheduled work, one job per file; what is due is decided by rows of the database."""
