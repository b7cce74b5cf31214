"""Tests of the catalogs and of both languages."""
