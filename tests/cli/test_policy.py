"""`stocktide policy` and the members' limits, scopes and authenticators, from a terminal."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.terminal import stocktide


@pytest.fixture
def team(empty: Path) -> Path:
    """A database with two administrators and an approver."""
    for name, role in (("Ada", "admin"), ("Bo", "admin"), ("Greta", "approver")):
        assert stocktide("members", "add", name, "--role", role).code == 0
    return empty


def written(folder: Path, **changes: str) -> str:
    """A file with the policy in force and changed lines."""
    text = stocktide("policy", "show").out
    for before, after in changes.items():
        assert f"\n{before} = " in text
        text = "\n".join(
            f"{before} = {after}" if line.startswith(f"{before} = ") else line for line in text.split("\n")
        )
    (folder / "policy.toml").write_text(text)
    return "policy.toml"


def test_a_tightened_policy_is_in_force_at_once_and_kept(team: Path) -> None:
    ran = stocktide("policy", "apply", written(team, purchase_hours="12"), "--as", "Ada", "--note", "sooner")
    assert ran.out.strip() == "Version 2 of the policy is in force."
    assert "purchase_hours = 12" in stocktide("policy", "show").out
    assert "purchase_hours = 24" in stocktide("policy", "show", "1").out
    history = stocktide("policy", "history").out
    assert "sooner" in history
    assert "replaced" in history


def test_a_loosened_policy_waits_for_another_administrator(team: Path) -> None:
    file = written(team, purchase_hours="48")
    ran = stocktide("policy", "apply", file, "--as", "Ada")
    assert "purchase_hours: 24 -> 48" in ran.out
    assert "purchase_hours = 24" in stocktide("policy", "show").out
    for name in ("Ada", "Greta"):
        refused = stocktide("policy", "confirm", "2", "--as", name)
        assert refused.code == 1
        assert "administrator" in refused.err
    assert stocktide("policy", "confirm", "2", "--as", "Bo").code == 0
    assert "purchase_hours = 48" in stocktide("policy", "show").out


def test_a_proposal_can_be_turned_down(team: Path) -> None:
    stocktide("policy", "apply", written(team, purchase_hours="48"), "--as", "Ada")
    assert "turned down" in stocktide("policy", "refuse", "2", "--as", "Ada").out
    assert stocktide("policy", "confirm", "2", "--as", "Bo").code == 1


def test_every_fault_of_a_policy_file_is_listed(team: Path) -> None:
    (team / "bad.toml").write_text("foo = 1\n[careful]\nrate_hour = 2\n")
    ran = stocktide("policy", "apply", "bad.toml", "--as", "Ada")
    assert ran.code == 2
    assert "nothing was changed" in ran.err
    assert "did you mean rate_hours?" in ran.err
    assert stocktide("policy", "apply", "none.toml").code == 2


def test_a_role_s_limit_is_a_change_of_the_policy(team: Path) -> None:  # noqa: ARG001  # the folder to be in
    less = stocktide("members", "limit", "approver", "100", "USD", "--as", "Ada")
    assert less.out.strip() == "approver may approve up to 100 USD per request."
    more = stocktide("members", "limit", "approver", "9000", "USD", "--as", "Ada")
    assert "waits for a second administrator" in more.out
    assert "approver may approve up to 100.00 USD per request" in stocktide("members", "list").out
    assert stocktide("members", "limit", "admin", "1", "USD").code == 2


def test_scopes_are_shown_added_and_removed(shop: Path) -> None:  # noqa: ARG001  # the folder to be in
    assert stocktide("members", "add", "Vera", "--role", "approver").code == 0
    assert stocktide("members", "scope", "Vera").out.strip() == "Vera reaches everywhere."
    assert stocktide("members", "scope", "Vera", "store", "shop").out.strip() == "Vera reaches store shop."
    assert stocktide("members", "scope", "Vera", "store", "shop", "--remove").out.strip() == "Vera reaches everywhere."
    wrong = stocktide("members", "scope", "Vera", "location", "NOWHERE")
    assert wrong.code == 1
    assert "known are" in wrong.err
    assert stocktide("members", "scope", "Vera", "planet", "Mars").code == 2


def test_an_authenticator_is_reset_from_the_terminal(team: Path) -> None:  # noqa: ARG001  # the folder to be in
    assert stocktide("members", "authenticator", "Greta", "--reset").out.strip() == "Greta has none."
    assert stocktide("ask", "/authenticator").code == 0
    assert "anew" in stocktide("members", "authenticator", "Owner", "--reset").out
    assert stocktide("members", "authenticator", "Greta").code == 2


def test_explain_names_what_is_missing(team: Path) -> None:  # noqa: ARG001  # the folder to be in
    ran = stocktide("policy", "explain", "R-7", "Greta")
    assert ran.code == 1
    assert "no request R-7" in ran.err
    assert stocktide("policy", "explain", "R-7", "Nobody").code == 1
