"""Tests that share something dear run in one process of several; a release of pytest once broke that in silence."""

from __future__ import annotations

import os

import pytest


@pytest.mark.skipif("PYTEST_XDIST_WORKER" not in os.environ, reason="one process runs all tests")
@pytest.mark.xdist_group("together")
def test_a_group_of_tests_is_known_to_who_hands_them_out(request: pytest.FixtureRequest) -> None:
    assert request.node.nodeid.endswith("@together")
