"""Tests of every command on a small database."""
