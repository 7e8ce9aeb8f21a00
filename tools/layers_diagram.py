"""The layers of the library around one connection, from docs/layers.txt."""

from __future__ import annotations

from svg import FILLS, MARGIN, SMALL, Drawing

WIDTH = 660
HEIGHT = 46
STEP = 54
NAME = 176


def draw(table: str) -> Drawing:
    """A line of the table is a layer, from the top: whose it is, its name, what it does."""
    rows = [line.split(" | ") for line in table.splitlines() if line and not line.startswith("#")]
    owners = list(dict.fromkeys(owner for owner, _, _ in rows))
    said = "; ".join(f"{name} ({owner}): {what}" for owner, name, what in rows)
    drawing = Drawing("The layers, from the host's program down to the system", f"From the top: {said}.")
    y = float(MARGIN)
    for owner, name, what in rows:
        drawing.box(MARGIN, y, WIDTH, HEIGHT, FILLS[owners.index(owner)])
        drawing.text(MARGIN + 14, y + 28, name, anchor="start", bold=True)
        lines = what.split(" / ")
        for at, line in enumerate(lines):
            drawing.text(MARGIN + NAME, y + 27 - 7.5 * (len(lines) - 1) + 15 * at, line, SMALL + 1, "start")
        y += STEP
    x = float(MARGIN)
    for owner in owners:
        drawing.box(x, y + 2, 14, 14, FILLS[owners.index(owner)])
        drawing.text(x + 20, y + 14, owner, SMALL, "start")
        x += 30 + len(owner) * SMALL * 0.7
    return drawing
