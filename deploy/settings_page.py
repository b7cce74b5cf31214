"""`python -m deploy.settings_page`: write docs/settings.md from the settings themselves."""

from __future__ import annotations

from pathlib import Path

from bot import settings

PAGE = Path(__file__).parents[1] / "docs" / "settings.md"

_HEAD = """# Settings

One TOML file (`stocktide.toml` here, or `--config FILE`), and the environment, which overrides it. `stocktide init`
asks and writes the file; `stocktide check` tries it. Secrets may stand sealed, opened by `stocktide.key` or
`STOCKTIDE_KEY`: see [secrets](operations.md#secrets). This page is written by `python -m deploy.settings_page`.

| key | variable | default | what to write |
| --- | --- | --- | --- |
"""


def page() -> str:
    """The page's text."""
    rows = (
        f"| `{key}` | `{variable}` | {f'`{default}`' if default else 'none'} | {text} |\n"
        for key, variable, default, text in settings.described()
    )
    return _HEAD + "".join(rows)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
