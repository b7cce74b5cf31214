"""SVG elements, every value escaped; looks come from classes, which `LIGHT` and the board's own sheet define."""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import escape, quoteattr

from bot.charts.lettering import FAMILY, legible, visible

Point = tuple[float, float]

# What a PNG looks like; the board has the same classes with colours for light and dark.
LIGHT = f"""
text {{ font-family: "{FAMILY}"; font-size: 13px; fill: #475467 }}
.title, .bad-text, .reorder-text, .arrival-text {{ paint-order: stroke; stroke: #ffffff; stroke-width: 4px }}
.title {{ font-size: 18px; fill: #101828 }}
.strong {{ fill: #101828 }}
.bad-text {{ fill: #b42318 }}
.paper {{ fill: #ffffff }}
.grid {{ stroke: #e4e7ec; stroke-width: 1 }}
.axis {{ stroke: #98a2b3; stroke-width: 1 }}
.stock-area {{ fill: #2e6fdb; fill-opacity: 0.12 }}
.stock {{ fill: none; stroke: #2e6fdb; stroke-width: 2.2; stroke-linejoin: round }}
.sales {{ fill: #98a2b3 }}
.empty {{ fill: #f04438; fill-opacity: 0.13 }}
.event {{ fill: #f79009; fill-opacity: 0.16 }}
.fan {{ fill: #2e6fdb; fill-opacity: 0.2 }}
.fan-middle {{ fill: none; stroke: #2e6fdb; stroke-width: 2; stroke-dasharray: 5 4 }}
.reorder {{ stroke: #b54708; stroke-width: 1.5; stroke-dasharray: 7 4 }}
.reorder-text {{ fill: #b54708 }}
.today {{ stroke: #667085; stroke-width: 1; stroke-dasharray: 2 3 }}
.arrival {{ fill: #079455 }}
.arrival-text {{ fill: #067647 }}
.late {{ fill: #d92d20 }}
.curve {{ fill: none; stroke-width: 1.8; stroke-linejoin: round }}
.curve-0 {{ stroke: #2e6fdb; stroke-width: 3.2 }}
.curve-1 {{ stroke: #d92d20 }}
.curve-2 {{ stroke: #98a2b3 }}
.curve-3 {{ stroke: #f79009 }}
.curve-4 {{ stroke: #079455 }}
.curve-5 {{ stroke: #7a5af8 }}
.stockout {{ fill: #d92d20; stroke: #ffffff; stroke-width: 2 }}
"""


def number(value: float) -> str:
    """A coordinate, to a tenth."""
    return f"{value:.1f}".removesuffix(".0")


def rect(kind: str, x: float, y: float, width: float, height: float) -> str:
    """A filled rectangle."""
    return f'<rect class="{kind}" x="{number(x)}" y="{number(y)}" width="{number(width)}" height="{number(height)}"/>'


def line(kind: str, start: Point, end: Point) -> str:
    """A straight line."""
    (x1, y1), (x2, y2) = start, end
    return f'<line class="{kind}" x1="{number(x1)}" y1="{number(y1)}" x2="{number(x2)}" y2="{number(y2)}"/>'


def polyline(kind: str, points: Sequence[Point]) -> str:
    """A line through points."""
    return f'<polyline class="{kind}" points="{_points(points)}"/>'


def polygon(kind: str, points: Sequence[Point]) -> str:
    """A filled shape."""
    return f'<polygon class="{kind}" points="{_points(points)}"/>'


def circle(kind: str, centre: Point, radius: float) -> str:
    """A dot."""
    return f'<circle class="{kind}" cx="{number(centre[0])}" cy="{number(centre[1])}" r="{number(radius)}"/>'


def text(content: str, at: Point, anchor: str = "start", kind: str = "") -> str:
    """One line of text; `anchor` is start, middle or end."""
    looks = f' class="{kind}"' if kind else ""
    aligned = f' text-anchor="{anchor}"' if anchor != "start" else ""
    return f'<text{looks} x="{number(at[0])}" y="{number(at[1])}"{aligned}>{escape(legible(content))}</text>'


def document(parts: Sequence[str], view: tuple[int, int, int, int], label: str) -> str:
    """The whole picture, of which `view` (x, y, width, height) is seen; `label` says in words what it shows."""
    box = " ".join(str(edge) for edge in view)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="chart" viewBox="{box}" width="{view[2]}" height="{view[3]}" '
        f'role="img" aria-label={quoteattr(visible(label))}>{"".join(parts)}</svg>'
    )


def with_looks(picture: str) -> str:
    """A document that stands alone: the looks of a PNG inside, and any sans-serif where our font is not installed."""
    sheet = f'{LIGHT}text {{ font-family: "{FAMILY}", sans-serif }}\n'
    head, close, rest = picture.partition(">")
    return f"{head}{close}<style>{escape(sheet)}</style>{rest}"


def _points(points: Sequence[Point]) -> str:
    return " ".join(f"{number(x)},{number(y)}" for x, y in points)
