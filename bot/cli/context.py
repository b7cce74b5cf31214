"""What the options before a command chose."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass
class Context:
    """Which settings file; none: the one that stands here, if any does."""

    config: Path | None = None
