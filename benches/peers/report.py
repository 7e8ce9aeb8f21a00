"""The figures as a document for programs, as tables in Markdown, as a plot."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import machine
from figures import Result, best_peer, ratio
from loads import COUNTED, Load
from targets import Target

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))

import peers_diagram  # noqa: E402

#: Around what is generated in a page.
BEGIN, END = "<!-- from benches/peers/run -->", "<!-- end -->"
#: Beside a page: what its table and plot are made of.
FIGURES, IMAGE = "peers.json", "images/peers.svg"
Document = dict[str, Any]


def scale(load: Load) -> dict[str, object]:
    """How seconds of a unit are shown."""
    if load.is_bulk:
        return {"scale": "ms", "factor": 1e3, "digits": 0}
    return {"scale": "µs", "factor": 1e6, "digits": 1}


def document(
    targets: Sequence[Target],
    loads: Sequence[Load],
    results: Sequence[Result],
    calls: dict[str, dict[str, float]],
) -> Document:
    return {
        "machine": machine.described(),
        "targets": [
            {"name": target.name, "title": target.title, "ours": target.is_ours, "version": target.version()}
            for target in targets
        ],
        "loads": [{"name": load.name, "title": load.title, "unit": load.unit, **scale(load)} for load in loads],
        "results": [entry(result, results, targets) for result in results],
        "system calls": calls,
    }


def entry(result: Result, results: Sequence[Result], targets: Sequence[Target]) -> Document:
    peers = [target.name for target in targets if not target.is_ours]
    best = best_peer([other for other in results if other.load == result.load], peers)
    spreads = {"cpu": result.cpu, "ratio": ratio(result, best)}
    return {
        **{name: spread and dataclasses.asdict(spread) for name, spread in spreads.items()},
        "user": result.user,
        "rate": result.rate,
        "is best peer": result is best,
        **dataclasses.asdict(result),
    }


def text(of: Document) -> str:
    return json.dumps(of, indent=1, ensure_ascii=False) + "\n"


def summary(of: Document) -> Document:
    """Without single slices."""
    results = [{name: value for name, value in result.items() if name != "slices"} for result in of["results"]]
    return {**of, "results": results}


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [head, ["---", *["--:"] * (len(head) - 1)], *rows]
    return ["", *(f"| {' | '.join(line)} |" for line in lines), ""]


def shown(load: Document, seconds: float) -> str:
    return f"{seconds * load['factor']:,.{load['digits']}f}"


def cpu_cell(load: Document, result: Document) -> str:
    """The median, and the quartiles in brackets."""
    cpu = result["cpu"]
    if cpu is None:
        return "failed" if result["failure"] else "void" if result["void"] else "-"
    cell = f"{shown(load, cpu['median'])} ({shown(load, cpu['lower'])}-{shown(load, cpu['upper'])})"
    return f"**{cell}**" if result["is best peer"] else cell


def best_cell(load: Document, result: Document) -> str:
    return shown(load, result["cpu"]["best"]) if result["cpu"] else "-"


def user_cell(load: Document, result: Document) -> str:
    return shown(load, result["user"]) if result["cpu"] else "-"


def rate_cell(load: Document, result: Document) -> str:
    return f"{result['rate']:,.{1 if load['unit'] == 'GB' else 0}f}" if result["rate"] else "-"


def ratio_cell(load: Document, result: Document) -> str:
    of = result["ratio"]
    return f"{of['median']:.2f} ({of['lower']:.2f}-{of['upper']:.2f})" if of else "-"


def matrix(of: Document, cell: Callable[[Document, Document], str], only_ours: bool = False) -> list[str]:
    """A row for each load, a column for each target."""
    targets = [target for target in of["targets"] if target["ours"] or not only_ours]
    rows = []
    for load in of["loads"]:
        results = {result["target"]: result for result in of["results"] if result["load"] == load["name"]}
        rows.append([load["title"], *(cell(load, results[target["name"]]) for target in targets)])
    return table(["", *(target["title"] for target in targets)], rows)


def call_matrix(of: Document) -> list[str]:
    """The same for system calls."""
    targets, rows = of["targets"], []
    for load in (load for load in COUNTED if load.name in of["system calls"]):
        counts = of["system calls"][load.name]
        peers = [counts[each["name"]] for each in targets if each["name"] in counts and not each["ours"]]
        least = min(peers, default=0)
        cells = [call_cell(counts.get(each["name"]), least if each["ours"] else 0) for each in targets]
        rows.append([load.title, *cells])
    return table(["", *(target["title"] for target in targets)], rows)


def call_cell(count: float | None, least: float) -> str:
    """With the ratio to the fewest of a peer, if it is given."""
    return "-" if count is None else f"{count:.1f} ({count / least:.2f})" if least else f"{count:.1f}"


def notes(of: Document) -> list[str]:
    facts, void = of["machine"], Counter[str]()
    for result in of["results"]:
        void.update(result["void"])
    total = sum(void.values())
    counts = [result["cpu"]["count"] for result in of["results"] if result["cpu"]]
    why = f" ({', '.join(f'{reason}: {count}' for reason, count in void.items())})" if void else ""
    return [
        f"{facts['date']}, {facts['processor']}, {facts['processors']} processors, {facts['kernel']}, "
        f"ports {facts['ports']}. A figure is of {min(counts, default=0)} to {max(counts, default=0)} slices; "
        f"{total} of {total + sum(counts)} were void{why}.",
        *(f"{each['target']}, {each['load']}: {each['failure']}." for each in of["results"] if each["failure"]),
        "",
        *(f"- {target['title']}: {target['version']}" for target in of["targets"]),
    ]


def ratios(of: Document) -> list[str]:
    return ["Processor time beside the best peer, and its quartiles:", *matrix(of, ratio_cell, only_ours=True)]


def markdown(of: Document) -> list[str]:
    lines = []
    if of["loads"]:
        lines += ratios(of)
        lines += ["Processor time, µs for one or ms for a GB: median and quartiles.", *matrix(of, cpu_cell)]
        lines += ["One slice in ten takes no more than:", *matrix(of, best_cell)]
        lines += ["Of the median, in the program itself and not in the kernel:", *matrix(of, user_cell)]
        lines += ["In a second, one after the other, beside clients and backend:", *matrix(of, rate_cell)]
    if of["system calls"]:
        lines += ["System calls for one, and beside the peer with the fewest:", *call_matrix(of)]
    return [*lines, *notes(of)]


def put(page: Path, lines: Sequence[str]) -> None:
    """Between the comments of a page."""
    before, begins, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    _, ends, after = rest.partition(END)
    if not begins or not ends:
        raise SystemExit(f"{page} has no {BEGIN} with {END} behind it")
    page.write_text("\n".join([before + BEGIN, *lines, END + after]), encoding="utf-8")


def write(page: Path, of: Document) -> None:
    """Puts tables and plot into a page, and what they are made of beside it."""
    image = f"![Processor time of each proxy under each load]({IMAGE})"
    put(page, [*markdown(of), "", image])
    figures = text(summary(of))
    (page.parent / FIGURES).write_text(figures, encoding="utf-8")
    (page.parent / IMAGE).write_text(peers_diagram.draw(figures).svg(), encoding="utf-8")
