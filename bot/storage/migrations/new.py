"""`python -m bot.storage.migrations.new "what changed"`: write the migration from the declared tables."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from bot.storage.migrations import config


def main() -> None:
    """Migrate a scratch SQLite file to the newest revision and write what the declared tables add to it."""
    message = " ".join(sys.argv[1:]) or "change"
    with tempfile.TemporaryDirectory() as folder:
        engine = create_engine(f"sqlite:///{Path(folder) / 'scratch.db'}")
        with engine.begin() as connection:
            chosen = config()
            chosen.attributes["connection"] = connection
            command.upgrade(chosen, "head")
            number = len(list(ScriptDirectory.from_config(chosen).walk_revisions())) + 1
            command.revision(chosen, message=message, autogenerate=True, rev_id=f"{number:04}")
        engine.dispose()


if __name__ == "__main__":
    main()
