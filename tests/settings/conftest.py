"""A settings file in a folder of its own, and an environment without settings of ours."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

CLEAR = """# Ours: keep the comments.
[slack]
bot_token = "xoxb-hush-1"   # of the app "tide"
signing_secret = 'sign-hush'

[stores.connected."my shop"]
kind = "woocommerce"
url = "https://shop.example.com"
user = "ck_1"
secret = "cs_hush"
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A settings file with three secrets in clear, for its owner alone."""
    for name in list(os.environ):
        if name.startswith("STOCKTIDE_"):
            monkeypatch.delenv(name)
    written = tmp_path / "stocktide.toml"
    written.write_text(CLEAR, encoding="utf-8")
    written.chmod(0o600)
    return written
