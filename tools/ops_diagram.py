"""The operations of a connection in their order, from docs/ops.txt."""

from __future__ import annotations

from dataclasses import dataclass

from svg import FILLS, MARGIN, SMALL, Drawing

TITLES = {
    "Incoming": "incoming",
    "Outgoing": "outgoing",
    "Closing": "closing",
}
#: What bounds an operation in time, as the options call it.
BOUNDS = {
    "Unbounded": "",
    "Proxy": "timeout_proxy_ns",
    "Tls": "timeout_tls_ns",
    "Connect": "timeout_connect_ns",
    "Custom": "timeout of the handler",
    "Linger": "linger_ns",
    "Drain": "linger_ns, then drain_ns",
}
WIDTH, HEIGHT = 160, 38
COLUMN, ROW = 184, 62
HEAD = 30
GAP = 44


@dataclass(frozen=True)
class Operation:
    name: str
    kind: str
    bound: str
    after: frozenset[str]


def read(table: str) -> list[Operation]:
    found = []
    for line in table.splitlines()[1:]:
        _, name, kind, bound, after = line.split()
        found.append(Operation(name, kind, BOUNDS[bound], frozenset(after.split(",")) - {"-"}))
    return found


def directly_after(operation: Operation, known: dict[str, Operation]) -> list[str]:
    """Those that it waits for and that none of the others waits for."""
    names = operation.after
    beyond = {earlier for name in names for earlier in known[name].after}
    return sorted(names - beyond, key=list(known).index)


def levels(operations: list[Operation]) -> dict[str, int]:
    found: dict[str, int] = {}
    for one in operations:
        found[one.name] = 1 + max((found[name] for name in one.after), default=-1)
    return found


def draw(table: str) -> Drawing:
    operations = read(table)
    known = {one.name: one for one in operations}
    said = "; ".join(
        f"{one.name} after {', '.join(directly_after(one, known)) or 'nothing'}" for one in operations
    )
    drawing = Drawing("The operations of a connection, in the order in which they run", f"{said}.")
    left = float(MARGIN)
    for at, (kind, title) in enumerate(TITLES.items()):
        group = [one for one in operations if one.kind == kind]
        left += draw_group(drawing, group, known, title, left, FILLS[at]) + GAP
    return drawing


def draw_group(
    drawing: Drawing, group: list[Operation], known: dict[str, Operation], title: str, left: float, fill: str
) -> float:
    """Draws operations that wait for one another, and returns how wide that is."""
    level_of = levels(group)
    rows = [[one for one in group if level_of[one.name] == level] for level in range(max(level_of.values()) + 1)]
    width = (max(map(len, rows)) - 1) * COLUMN + WIDTH
    drawing.text(left + width / 2, MARGIN + 10, title, bold=True)
    places = {}
    for level, row in enumerate(rows):
        begin = left + (width - (len(row) - 1) * COLUMN - WIDTH) / 2
        for at, one in enumerate(row):
            places[one.name] = (begin + at * COLUMN, MARGIN + HEAD + level * ROW)
    for one in group:
        x, y = places[one.name]
        for before in directly_after(one, known):
            from_x, from_y = places[before]
            drawing.line([(from_x + WIDTH / 2, from_y + HEIGHT), (x + WIDTH / 2, y)])
    for one in group:
        x, y = places[one.name]
        drawing.box(x, y, WIDTH, HEIGHT, fill)
        drawing.text(x + WIDTH / 2, y + (16 if one.bound else 23), one.name, 12, bold=True)
        if one.bound:
            drawing.text(x + WIDTH / 2, y + 31, one.bound, SMALL - 1)
    return width
