"""Sequences of messages, from the tables in docs/sequences.

    # a comment
    title: what is shown
    who: client | vestibule | host
    client -> vestibule: a message
    client --> vestibule: an answer, dashed
    vestibule: a note about what one of them does
"""

from __future__ import annotations

import re

from svg import BORDER, FILLS, MARGIN, SMALL, Drawing, width_of

MESSAGE = re.compile(r"^(?P<sender>[\w ]+?) (?P<line>-->|->) (?P<receiver>[\w ]+?): (?P<text>.+)$")
NOTE = re.compile(r"^(?P<who>[\w ]+?): (?P<text>.+)$")
BOX, HEIGHT = 110, 30
STEP = 36
PAD = 12


def fields(table: str) -> tuple[str, list[str], list[str]]:
    """The title, who takes part, and the other lines."""
    lines = [line for line in table.splitlines() if line.strip() and not line.startswith("#")]
    title, who, *steps = lines
    return title.removeprefix("title: "), who.removeprefix("who: ").split(" | "), steps


def columns(who: list[str], steps: list[str]) -> dict[str, float]:
    """Where the line of each stands: as far from the one before as the messages between them are long."""
    gaps = [float(BOX + PAD)] * len(who)
    for step in steps:
        message, note = MESSAGE.match(step), NOTE.match(step)
        if message:
            ends = sorted((who.index(message["sender"]), who.index(message["receiver"])))
            each = (width_of(message["text"], SMALL) + 2 * PAD) / (ends[1] - ends[0])
            for at in range(*ends):
                gaps[at] = max(gaps[at], each)
        elif note:
            at = who.index(note["who"])
            half = width_of(note["text"], SMALL) / 2 + PAD
            if at + 1 < len(who):
                gaps[at] = max(gaps[at], half + PAD)
            if at > 0:
                gaps[at - 1] = max(gaps[at - 1], half + PAD)
    places, x = {}, MARGIN + BOX / 2
    for at, one in enumerate(who):
        places[one] = x
        x += gaps[at]
    return places


def draw(table: str) -> Drawing:
    title, who, steps = fields(table)
    places = columns(who, steps)
    drawing = Drawing(title, f"In this order: {'; '.join(steps)}.")
    top = MARGIN + HEIGHT
    bottom = top + STEP * (len(steps) + 0.5)
    for x in places.values():
        drawing.line([(x, top), (x, bottom)], arrow=False, dashed=True)
    for at, one in enumerate(who):
        drawing.box(places[one] - BOX / 2, MARGIN, BOX, HEIGHT, FILLS[at % len(FILLS)])
        drawing.text(places[one], MARGIN + 20, one, bold=True)
    for at, step in enumerate(steps):
        y = top + STEP * (at + 0.75)
        message, note = MESSAGE.match(step), NOTE.match(step)
        if message:
            begin, end = places[message["sender"]], places[message["receiver"]]
            drawing.line([(begin, y), (end, y)], dashed=message["line"] == "-->")
            drawing.label((begin + end) / 2, y - 9, message["text"])
        elif note:
            width = width_of(note["text"], SMALL) + PAD
            drawing.box(places[note["who"]] - width / 2, y - 12, width, 22, FILLS[4], BORDER)
            drawing.text(places[note["who"]], y + 3, note["text"], SMALL)
        else:
            raise SystemExit(f"not a message and not a note: {step}")
    return drawing
