"""A small writer of SVG: boxes, text and lines with arrowheads, the same bytes for the same input."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

Point = tuple[float, float]

FONT = "font-family='DejaVu Sans, Verdana, sans-serif'"
BACKGROUND, INK, QUIET, BORDER = "#ffffff", "#1a1a1a", "#555555", "#888888"
#: Fills of boxes, one for each group, all legible below black text.
FILLS = ("#e3eefb", "#e5f4e3", "#fdf0d5", "#f3e6f7", "#eeeeee")
TEXT, SMALL = 13, 11
#: The width of a character beside the size of its font, at most, in the fonts above.
ADVANCE = 0.62
MARGIN = 16
RADIUS = 5


def number(value: float) -> str:
    return f"{value:.1f}".rstrip("0").rstrip(".")


def width_of(text: str, size: int = TEXT) -> float:
    return len(text) * size * ADVANCE


@dataclass
class Drawing:
    title: str
    description: str
    width: float = 0
    height: float = 0
    shapes: list[str] = field(default_factory=list)

    def reach(self, x: float, y: float) -> None:
        self.width, self.height = max(self.width, x), max(self.height, y)

    def box(self, x: float, y: float, width: float, height: float, fill: str, stroke: str = BORDER) -> None:
        self.reach(x + width, y + height)
        place = f"x='{number(x)}' y='{number(y)}' width='{number(width)}' height='{number(height)}'"
        self.shapes.append(f"<rect {place} rx='{RADIUS}' fill='{fill}' stroke='{stroke}'/>")

    def text(
        self, x: float, y: float, text: str, size: int = TEXT, anchor: str = "middle", ink: str = INK, bold: bool = False
    ) -> None:
        self.reach(x + width_of(text, size) / (2 if anchor == "middle" else 1), y)
        weight = " font-weight='bold'" if bold else ""
        place = f"x='{number(x)}' y='{number(y)}' font-size='{size}' text-anchor='{anchor}'"
        self.shapes.append(f"<text {place} fill='{ink}'{weight}>{escape(text)}</text>")

    def label(self, x: float, y: float, text: str) -> None:
        """Text on a line, which is left out behind it."""
        width, height = width_of(text, SMALL), SMALL + 5
        place = f"x='{number(x - width / 2)}' y='{number(y - height / 2)}' width='{number(width)}' height='{height}'"
        self.shapes.append(f"<rect {place} fill='{BACKGROUND}'/>")
        self.text(x, y + SMALL / 2 - 1, text, SMALL, ink=QUIET)

    def line(self, points: Sequence[Point], arrow: bool = True, dashed: bool = False) -> None:
        for x, y in points:
            self.reach(x, y)
        path = " ".join(f"{number(x)},{number(y)}" for x, y in points)
        ends = " marker-end='url(#arrow)'" if arrow else ""
        dashes = " stroke-dasharray='4 4'" if dashed else ""
        self.shapes.append(f"<polyline points='{path}' fill='none' stroke='{QUIET}'{dashes}{ends}/>")

    def svg(self) -> str:
        width, height = number(self.width + MARGIN), number(self.height + MARGIN)
        head = (
            f"<svg xmlns='http://www.w3.org/2000/svg' width='{width}' height='{height}' "
            f"viewBox='0 0 {width} {height}' role='img' {FONT}>"
        )
        marker = (
            "<defs><marker id='arrow' viewBox='0 0 10 10' refX='9' refY='5' markerWidth='7' markerHeight='7' "
            f"orient='auto-start-reverse'><path d='M0,0 L10,5 L0,10 z' fill='{QUIET}'/></marker></defs>"
        )
        background = f"<rect width='{width}' height='{height}' rx='{RADIUS}' fill='{BACKGROUND}'/>"
        lines = [head, f"<title>{escape(self.title)}</title>", f"<desc>{escape(self.description)}</desc>"]
        return "\n".join([*lines, marker, background, *self.shapes, "</svg>", ""])
