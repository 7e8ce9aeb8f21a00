#!/usr/bin/env python3
"""Draws the diagrams of the book from tables, as SVG in docs/images.

    diagrams.py           writes them
    diagrams.py --check   fails if one of them is not what its table says

The tables: docs/stream-states.md, docs/ops.txt, docs/layers.txt, docs/peers.json,
docs/sequences/*.txt.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import layers_diagram
import ops_diagram
import peers_diagram
import sequence_diagram
import states_diagram

DOCS = Path(__file__).resolve().parent.parent / "docs"
IMAGES = DOCS / "images"


def table(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def diagrams() -> dict[str, str]:
    """All images, by the names of their files."""
    drawn = {
        "stream-states": states_diagram.draw(table("stream-states.md")),
        "operations": ops_diagram.draw(table("ops.txt")),
        "layers": layers_diagram.draw(table("layers.txt")),
        "peers": peers_diagram.draw(table("peers.json")),
    }
    for path in sorted((DOCS / "sequences").glob("*.txt")):
        drawn[f"sequence-{path.stem}"] = sequence_diagram.draw(path.read_text(encoding="utf-8"))
    return {f"{name}.svg": drawing.svg() for name, drawing in drawn.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare and write nothing")
    check = parser.parse_args().check
    wanted = diagrams()
    present = {path.name: path.read_text(encoding="utf-8") for path in IMAGES.glob("*.svg")}
    if check:
        differ = sorted(name for name in wanted.keys() | present.keys() if wanted.get(name) != present.get(name))
        for name in differ:
            print(f"docs/images/{name} is not what its table says: tools/diagrams.py writes it")
        sys.exit(1 if differ else 0)
    IMAGES.mkdir(exist_ok=True)
    for name in present.keys() - wanted.keys():
        (IMAGES / name).unlink()
    for name, text in wanted.items():
        (IMAGES / name).write_text(text, encoding="utf-8")
    print(f"{len(wanted)} diagrams in {IMAGES}")


if __name__ == "__main__":
    main()
