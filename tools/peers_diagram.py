"""What targets take under each load, as bars, from the figures of benches/peers/run."""

from __future__ import annotations

import json
from typing import Any

from svg import FILLS, MARGIN, SMALL, Drawing

NAME, BAR, ROW, GAP = 190, 380, 20, 18
THICK = 14
OURS, PEER = FILLS[0], FILLS[4]
TICK = 4


def draw(table: str) -> Drawing:
    """A group for each load, a bar for each target as long as the median, a line from quartile to quartile."""
    document: dict[str, Any] = json.loads(table)
    drawing = Drawing(
        "Processor time beside other proxies", "For each load and proxy the median of all slices, and a line between the quartiles."
    )
    y = float(MARGIN)
    for load in document["loads"]:
        results = [result for result in document["results"] if result["load"] == load["name"]]
        y = group(drawing, y, load, document["targets"], {result["target"]: result for result in results}) + GAP
    return drawing


def group(drawing: Drawing, y: float, load: Any, targets: Any, results: dict[str, Any]) -> float:
    """Draws one load from y on, and returns where it ends."""
    drawing.text(MARGIN, y + SMALL + 2, f"{load['title']}, {load['scale']}", anchor="start", bold=True)
    y += ROW + 2
    longest = max((result["cpu"]["upper"] for result in results.values() if result["cpu"]), default=0)
    for target in targets:
        result = results.get(target["name"])
        if result is None or result["cpu"] is None:
            continue
        x, unit, cpu = MARGIN + NAME, BAR / longest, result["cpu"]
        drawing.text(MARGIN, y + THICK - 3, target["title"], SMALL, "start")
        drawing.box(x, y, cpu["median"] * unit, THICK, OURS if target["ours"] else PEER)
        drawing.line([(x + cpu[name] * unit, y + THICK / 2) for name in ("lower", "upper")], arrow=False)
        value = f"{cpu['median'] * load['factor']:.{load['digits']}f}"
        drawing.text(x + cpu["upper"] * unit + 2 * TICK, y + THICK - 3, value, SMALL, "start")
        y += ROW
    return y
