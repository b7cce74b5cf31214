"""`python -m tests.bench.drawing WAY`: draws 30 charts in one way; seconds of each, and megabytes grown, as JSON."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import Any

from bot.charts.drawing import rendered
from bot.charts.lettering import FONT
from bot.charts.stock import draw
from bot.domain.chart import StockChart
from bot.language import language
from tests.charts.kit import TODAY, a_chart

RUNS = 30


def main() -> None:
    """Draw, and tell."""
    before = resident()
    make = WAYS[sys.argv[1]]()
    seconds = []
    for number in range(RUNS + 1):
        chart = a_chart(today=TODAY + timedelta(days=number))
        began = time.perf_counter()
        make(chart)
        seconds.append(time.perf_counter() - began)
    sys.stdout.write(json.dumps({"seconds": seconds[1:], "memory_mb": (resident() - before) / 1e6}))


def resident() -> int:
    """Bytes of memory in use; 0 where the system does not tell."""
    status = Path("/proc/self/statm")
    return int(status.read_text().split()[1]) * 4096 if status.exists() else 0


Make = Callable[[StockChart], object]


def ours() -> Make:
    """The picture that chat gets."""
    return lambda chart: rendered(draw(chart, language("zh_CN"), ""))


def svg() -> Make:
    """The drawing that the board shows."""
    return lambda chart: draw(chart, language("zh_CN"), "")


def pillow() -> Make:
    """A bare picture: three lines, the bars, and some Chinese; no shades, no smooth edges."""
    image, imagedraw, imagefont = (import_module(f"PIL.{name}") for name in ("Image", "ImageDraw", "ImageFont"))
    font = imagefont.truetype(str(FONT), 20)

    def make(chart: StockChart) -> object:
        picture = image.new("RGB", (1200, 600), "white")
        pen = imagedraw.Draw(picture)
        for at, sold in enumerate(chart.sales):
            pen.rectangle((80 + at * 8, 500 - sold * 10, 85 + at * 8, 500), fill="#98a2b3")
        pen.line(
            [(80 + at * 8, 500 - (units or 0) / 3) for at, units in enumerate(chart.stock)], fill="#2e6fdb", width=3
        )
        pen.text((80, 40), "库存件数 补货点 断货 85123A", font=font, fill="#475467")
        picture.save(out := BytesIO(), "PNG")
        return out.getvalue()

    return make


def matplotlib() -> Make:
    """The usual way, with our font."""
    library: Any = import_module("matplotlib")
    library.use("Agg")
    plot, fonts = import_module("matplotlib.pyplot"), import_module("matplotlib.font_manager")
    font = fonts.FontProperties(fname=str(FONT))

    def make(chart: StockChart) -> object:
        figure, axes = plot.subplots(figsize=(8, 4), dpi=150)
        days = range(len(chart.stock))
        axes.step(days, [units or 0 for units in chart.stock], where="post")
        axes.bar(days, chart.sales)
        ahead = range(len(chart.stock), len(chart.stock) + len(chart.fan))
        axes.fill_between(ahead, [low for low, _m, _h in chart.fan], [high for _l, _m, high in chart.fan], alpha=0.2)
        axes.axhline(chart.reorder_point or 0)
        axes.set_title("库存件数 补货点", fontproperties=font)
        figure.savefig(out := BytesIO(), format="png")
        plot.close(figure)
        return out.getvalue()

    return make


def vl_convert() -> Make:
    """Vega-Lite by way of vl-convert."""
    library: Any = import_module("vl_convert")

    def make(chart: StockChart) -> object:
        values = [{"day": day, "units": units or 0} for day, units in enumerate(chart.stock)]
        mark = {"mark": "area", "encoding": {"x": {"field": "day"}, "y": {"field": "units", "type": "quantitative"}}}
        return library.vegalite_to_png({"data": {"values": values}, "width": 740, "height": 320, **mark}, scale=1.5)

    return make


WAYS: dict[str, Callable[[], Make]] = {
    "ours": ours, "svg": svg, "pillow": pillow, "matplotlib": matplotlib, "vl_convert": vl_convert,
}  # fmt: skip


if __name__ == "__main__":
    main()
