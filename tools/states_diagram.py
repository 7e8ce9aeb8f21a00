"""The states of one side of a stream, from the transitions in docs/stream-states.md."""

from __future__ import annotations

import re

from svg import FILLS, MARGIN, Drawing, Point

TRANSITION = re.compile(r"^ +(\w+) --> (\w+): (\w+)$", re.MULTILINE)
MEANING = re.compile(r"^\| `(\w+)` \|", re.MULTILINE)
WIDTH, HEIGHT = 56, 30
COLUMN, ROW = 118, 62

#: Where the states stand, in columns and rows.
PLACES: dict[str, Point] = {
    "INI": (0, 1), "REQ": (1.3, 1), "ASS": (3.2, 1), "CON": (4.6, 1), "EST": (5.9, 1), "DIS": (7.2, 1),
    "QUE": (2.2, 2), "CER": (3.9, 3), "TAR": (2.75, 4), "CLO": (7.2, 5),
}  # fmt: skip
#: Corners of the transitions that go around others, in columns and rows; the others are straight. The first and
#: the last point are where the line leaves its state and reaches the other, as parts of a column beside the middle.
ROUTES: dict[tuple[str, str], tuple[Point, ...]] = {
    ("INI", "EST"): ((0, 1), (0, 0.1), (6.0, 0.1), (6.0, 1)),
    ("INI", "CON"): ((0.1, 1), (0.1, 0.45), (4.6, 0.45), (4.6, 1)),
    ("CON", "DIS"): ((4.75, 1), (4.75, 1.75), (7.1, 1.75), (7.1, 1)),
    ("CER", "REQ"): ((3.9, 3), (1.15, 3), (1.15, 1)),
    ("CER", "TAR"): ((3.8, 3), (3.8, 4), (2.75, 4)),
    ("TAR", "REQ"): ((2.75, 4), (1.03, 4), (1.03, 1)),
    ("REQ", "CLO"): ((1.35, 1), (1.35, 5), (7.2, 5)),
    ("QUE", "CLO"): ((2.2, 2), (2.2, 5), (7.2, 5)),
    ("TAR", "CLO"): ((2.75, 4), (2.75, 5), (7.2, 5)),
    ("CER", "CLO"): ((4.0, 3), (4.0, 5), (7.2, 5)),
    ("DIS", "CLO"): ((7.25, 1), (7.25, 5)),
}
#: Where the name of the event stands on a line: on which of its parts, and how far along it. Else in the middle of
#: the longest.
LABELS: dict[tuple[str, str], tuple[int, float]] = {
    (state, "CLO"): (0, along) for state, along in {"REQ": 0.9, "QUE": 0.87, "TAR": 0.5, "CER": 0.72}.items()
}


def spot(place: Point) -> Point:
    return MARGIN + WIDTH / 2 + place[0] * COLUMN, MARGIN + place[1] * ROW


def clipped(inside: Point, outside: Point, centre: Point) -> Point:
    """Where the line from a point inside a box to one outside leaves the box."""
    (x, y), (to_x, to_y) = inside, outside
    dx, dy = to_x - x, to_y - y
    reach = [1.0]
    if dx:
        reach.append((centre[0] + (WIDTH / 2 if dx > 0 else -WIDTH / 2) - x) / dx)
    if dy:
        reach.append((centre[1] + (HEIGHT / 2 if dy > 0 else -HEIGHT / 2) - y) / dy)
    part = min(one for one in reach if one >= 0)
    return x + dx * part, y + dy * part


def route(begin: str, end: str) -> list[Point]:
    corners = ROUTES.get((begin, end), (PLACES[begin], PLACES[end]))
    points = [spot(corner) for corner in corners]
    points[0] = clipped(points[0], points[1], spot(PLACES[begin]))
    points[-1] = clipped(points[-1], points[-2], spot(PLACES[end]))
    return points


def on_line(points: list[Point], place: tuple[int, float] | None) -> Point:
    """A point of one part of a line, or else the middle of its longest."""

    def length(at: int) -> float:
        (x, y), (to_x, to_y) = points[at], points[at + 1]
        return abs(to_x - x) + abs(to_y - y)

    at, along = place or (max(range(len(points) - 1), key=length), 0.5)
    (x, y), (to_x, to_y) = points[at], points[at + 1]
    return x + (to_x - x) * along, y + (to_y - y) * along


def draw(page: str) -> Drawing:
    transitions = TRANSITION.findall(page)
    states = MEANING.findall(page)
    if set(states) != set(PLACES) or not transitions:
        raise SystemExit(f"tools/states_diagram.py has a place for each of {sorted(PLACES)}, and there are {sorted(states)}")
    said = "; ".join(f"{begin} to {end} by {event}" for begin, end, event in transitions)
    drawing = Drawing("The states of one side of a stream", f"Transitions: {said}.")
    labels = []
    for begin, end, event in transitions:
        points = route(begin, end)
        drawing.line(points)
        labels.append((on_line(points, LABELS.get((begin, end))), event))
    for (x, y), event in labels:
        drawing.label(x, y, event)
    for state in states:
        x, y = spot(PLACES[state])
        drawing.box(x - WIDTH / 2, y - HEIGHT / 2, WIDTH, HEIGHT, FILLS[4] if state in ("INI", "CLO") else FILLS[0])
        drawing.text(x, y + 5, state, bold=True)
    return drawing
