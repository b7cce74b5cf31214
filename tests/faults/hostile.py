"""Names and commands that want to be more than text, made by seed: pieces of markup, addresses, controls and noise."""

from __future__ import annotations

import random
from collections.abc import Iterator

_PIECES = (
    "<!channel>", "<!here|here>", "<!subteam^S1|x>", "<@U0EVIL>", "<#C0EVIL|general>", "<http://evil.example|pay>",
    "<mailto:a@evil.example>", "<!date^1321866000^{date}^http://evil.example|x>", "&lt;!channel&gt;", "&amp;lt;",
    "https://evil.example/a?b=c", "HTTP://EVIL.EXAMPLE", "tg://user?id=1", "ton://x", "ftp://evil.example", "evil.com",
    "www.evil.example", "例え.jp", "a@evil.example", "javascript:alert(1)", "//evil.example", "t.me/evil", "1.2.3.4",
    "@someone", "@everyone", "@stocktide_bot", "/start", "/approve R-1", "/stock@OtherBot", "#tag", "#标签", "$USD",
    "*bold*", "_it_", "~no~", "`code`", "```pre```", "**x**", "__y__", "||s||", ">quote", "&gt; q", "- list", "1. one",
    ":fire:", ":skull_and_crossbones:", ":x:100:y:", "<b>b</b>", "<a href='http://evil.example'>x</a>", "<tg-spoiler>",
    "<script>", "<!--", "]]>", "[x](http://evil.example)", "![i](http://evil.example/i.png)", "{name}", "{0}", "%s",
    "%(x)s", "${x}", "{{7*7}}", "\\", "\\u0000", "\x00", "\x1b[31m", "\x07", "\r\n", "\n", "\t", "\u2028", "\u2029",
    "\u200b", "\u200d", "\u200e", "\u202e", "\u2066", "\u2069", "\ufeff", "\u00a0", "\u3000", "\u061c", "\ud800",
    "\udc00", "\ufffe", "\U0010ffff", "\U000e0041", "e\u0301\u0301\u0301", "👩‍👩‍👧‍👦", "🇨🇳",
    "+49 170 1234567", "4111 1111 1111 1111", "85123A", "C-12", "R-7", "R-99999999999999999999", "0", "-1",
    "1e9", "NaN", "١٢٣", "１２３", "⅓", "'", '"', "“", "”", "'; DROP TABLE members; --", "--help", "../../etc/passwd",
    "CON", "=1+1", "@SUM(1)", "|cmd", "\u0337", "ﷺ", "ﬁ", "İ", "ß", "ǅ",
)  # fmt: skip
_LONG = ("🚀" * 40, "王" * 300, "A" * 1500, "&" * 400, "<" * 200, "a.b" * 200, "@x " * 100, "\u202e" * 100, "é" * 5000)
_VERBS = (
    "stock", "/stock", "restock", "approve", "reject", "snooze", "digest", "link", "help", "why", "cases", "buy",
    "turnover", "库存", "补货", "stocktide stock", "/stocktide", "me", "halt", "promo", "edit", "STOCK", "ｓｔｏｃｋ",
)  # fmt: skip
_GAPS = ("", "", " ", " ", "  ", "\u3000", "\n", "|", "/", ",", "：")
_RANGES = ((0x20, 0x7E), (0x20, 0x7E), (0xA0, 0x24F), (0x400, 0x4FF), (0x590, 0x6FF), (0x2000, 0x206F),
           (0x4E00, 0x9FFF), (0xFF00, 0xFFEF), (0x1F300, 0x1FAFF), (0xE0000, 0xE007F), (0xD800, 0xDFFF))  # fmt: skip


class Hostile:
    """An endless supply; the same seed gives the same one."""

    def __init__(self, seed: int) -> None:
        self._dice = random.Random(seed)  # noqa: S311  # reproducible on purpose

    def name(self) -> str:
        """A product's, person's or place's name."""
        dice = self._dice
        if dice.random() < 0.002:
            return dice.choice(_LONG)
        parts = []
        for _ in range(dice.choice((1, 1, 2, 2, 3, 5))):
            parts.append(dice.choice(_PIECES) if dice.random() < 0.75 else self._noise())
            parts.append(dice.choice(_GAPS))
        return "".join(parts)

    def names(self, count: int) -> Iterator[str]:
        """So many of them."""
        return (self.name() for _ in range(count))

    def command(self) -> str:
        """A line that somebody types."""
        dice = self._dice
        verb = dice.choice(_VERBS) if dice.random() < 0.85 else self.name()
        words = [self.name() for _ in range(dice.choice((0, 1, 1, 2, 3)))]
        return dice.choice((" ", " ", "  ", "", "\u3000", "\n")).join([verb, *words])

    def _noise(self) -> str:
        low, high = self._dice.choice(_RANGES)
        return "".join(chr(self._dice.randint(low, high)) for _ in range(self._dice.randint(1, 12)))
