"""The figures as a document for programs, as tables in Markdown, as a plot."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import machine
from figures import Result, best_peer, ratio
from loads import LOADS, Load
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
    rounds: int,
    has_samples: bool,
) -> Document:
    return {
        "machine": machine.described(),
        "rounds": rounds,
        "port search": "perf" if has_samples else "ports in TIME_WAIT",
        "targets": [
            {"name": target.name, "title": target.title, "ours": target.is_ours, "version": target.version()}
            for target in targets
        ],
        "loads": [{"name": load.name, "title": load.title, "unit": load.unit, **scale(load)} for load in loads],
        "results": [figures(result, results, targets) for result in results],
        "system calls": calls,
    }


def figures(result: Result, results: Sequence[Result], targets: Sequence[Target]) -> Document:
    peers = [target.name for target in targets if not target.is_ours]
    best = best_peer([other for other in results if other.load == result.load], peers)
    computed = {"median": result.median, "best": result.best, "user": result.user, "ratio": ratio(result, best)}
    return {**computed, "is best peer": result is best, **dataclasses.asdict(result)}


def text(of: Document) -> str:
    return json.dumps(of, indent=1, ensure_ascii=False) + "\n"


def plot(of: Document) -> str:
    return peers_diagram.draw(text(of)).svg()


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [head, ["---", *["--:"] * (len(head) - 1)], *rows]
    return [f"| {' | '.join(line)} |" for line in lines]


def shown(load: Document, seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds * load['factor']:,.{load['digits']}f}"


def time_cell(load: Document, result: Document) -> str:
    """The median, the best run in brackets."""
    if result["median"] is None:
        return "failed" if result["failure"] else "void" if result["void"] else "-"
    cell = f"{shown(load, result['median'])} ({shown(load, result['best'])})"
    return f"**{cell}**" if result["is best peer"] else cell


def rows(of: Document, cell: Callable[[Document, Document], str]) -> list[list[str]]:
    """A row for each load, a cell for each target."""
    made = []
    for load in of["loads"]:
        results = [result for result in of["results"] if result["load"] == load["name"]]
        made.append([f"{load['title']}, {load['scale']}", *(cell(load, result) for result in results)])
    return made


def ratios(of: Document) -> list[list[str]]:
    ours = [target["name"] for target in of["targets"] if target["ours"]]
    made = []
    for load in of["loads"]:
        results = [result for result in of["results"] if result["load"] == load["name"] and result["target"] in ours]
        made.append([load["title"], *("-" if each["ratio"] is None else f"{each['ratio']:.2f}" for each in results)])
    for name, counts in of["system calls"].items():
        peers = [count for target, count in counts.items() if target not in ours]
        cells = [f"{counts[name] / min(peers):.2f}" if peers and name in counts else "-" for name in ours]
        made.append([call_title(name), *cells])
    return made


def call_title(name: str) -> str:
    """Of a load, also if no time was measured for it."""
    return next(f"system calls, {load.title}" for load in LOADS if load.name == name)


def call_rows(of: Document) -> list[list[str]]:
    names = [target["name"] for target in of["targets"]]
    return [
        [call_title(load), *(f"{counts[name]:.1f}" if name in counts else "-" for name in names)]
        for load, counts in of["system calls"].items()
    ]


def notes(of: Document) -> list[str]:
    facts = of["machine"]
    lines = [f"{facts['date']}, {facts['processor']}, {facts['processors']} processors, {facts['kernel']}."]
    lines[0] += f" Rounds: {of['rounds']}. Ports: {facts['ports']}. The port search was judged by {of['port search']}."
    lines += ["", *(f"- {target['title']}: {target['version']}" for target in of["targets"])]
    void = sum(len(result["void"]) for result in of["results"])
    counted = [len(result["windows"]) for result in of["results"] if result["windows"]]
    lines += ["", f"{void} of {void + sum(counted)} runs were void."]
    lines[-1] += f" A figure is of {min(counted, default=0)} to {max(counted, default=0)} runs."
    lines += [f"{each['target']}, {each['load']}: {each['failure']}." for each in of["results"] if each["failure"]]
    return lines


def markdown(of: Document) -> str:
    titles = [target["title"] for target in of["targets"]]
    ours = [target["title"] for target in of["targets"] if target["ours"]]
    lines = []
    if of["loads"]:
        lines += [*table(["median (best)", *titles], rows(of, time_cell)), ""]
        user = rows(of, lambda load, result: shown(load, result["user"]))
        lines += ["Of that, in the program itself and not in the kernel:", "", *table(["", *titles], user), ""]
    if of["system calls"]:
        lines += ["System calls for one:", "", *table(["", *titles], call_rows(of)), ""]
    if ours:
        lines += ["Beside the best peer:", "", *table(["", *ours], ratios(of)), ""]
    return "\n".join([*lines, *notes(of), ""])


def write(page: Path, of: Document) -> None:
    """Puts tables and plot between the comments of a page, and what they are made of beside it."""
    old = page.read_text(encoding="utf-8")
    before, begins, rest = old.partition(BEGIN)
    _, ends, after = rest.partition(END)
    if not begins or not ends:
        raise SystemExit(f"{page} has no {BEGIN} with {END} behind it")
    image = f"![Processor time of each proxy under each load]({IMAGE})"
    page.write_text(f"{before}{BEGIN}\n{markdown(of)}\n{image}\n{END}{after}", encoding="utf-8")
    (page.parent / FIGURES).write_text(text(of), encoding="utf-8")
    (page.parent / IMAGE).write_text(plot(of), encoding="utf-8")
