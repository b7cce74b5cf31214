"""`python -m deploy.chart_font FONT.ttc`: cut the font of the charts from Noto Sans CJK (Debian: fonts-noto-cjk).

It keeps what sellers write most: Latin-1, the 6,763 characters of GB 2312, kana and full-width forms,
1.5 MB in place of 19. fontTools does the cutting and is not among the development packages: it is needed once in years.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from bot.charts.lettering import FONT, letters

SIMPLIFIED_CHINESE = 2  # its number in the collection


def main() -> None:
    """Write the font anew."""
    with tempfile.TemporaryDirectory() as folder:
        wanted = Path(folder) / "letters.txt"
        wanted.write_text("\n".join(f"{ord(letter):x}" for letter in sorted(letters())), encoding="ascii")
        subprocess.run(  # noqa: S603  # fontTools' own program, the file named by whoever runs this
            [
                str(Path(sys.executable).parent / "pyftsubset"),
                sys.argv[1],
                f"--font-number={SIMPLIFIED_CHINESE}",
                f"--unicodes-file={wanted}",
                f"--output-file={FONT}",
                "--no-hinting",
                "--layout-features=",
            ],
            check=True,
        )


if __name__ == "__main__":
    main()
