"""Stores and ERPs, one API or family of file formats per module."""
