"""Reads docs/functions/*.c: the examples that the manual shows of each function.

In such a file a comment names functions, and the function of C below it is their example:

    // Example of vst_conn_recv, vst_conn_peek.
    void answer(vst_engine *engine, vst_id conn)
    {
        ...
    }

`--check` checks that every function of the header has one example that calls it, and that all files compile.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import header

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "functions"

MARK = "// Example of "
NAMES = re.compile(r"\w+(?:, \w+)*\.")
#: Comments, texts and characters: what stands in them is not a call.
NOT_CODE = re.compile(r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", re.DOTALL)
LONGEST = 30
FLAGS = ("-std=gnu11", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-I", str(ROOT / "include"))


class ExampleError(Exception):
    """A file does not have the form that is expected."""


@dataclass(frozen=True)
class Example:
    #: The file and the line at which it begins, for messages.
    place: str
    #: The functions of the library that it is an example of.
    functions: tuple[str, ...]
    source: str

    def calls(self, function: str) -> bool:
        return re.search(rf"\b{function}\s*\(", NOT_CODE.sub(" ", self.source)) is not None


def examples_of(path: Path) -> Iterator[Example]:
    """The examples of one file, in its own order."""
    lines = path.read_text(encoding="utf-8").splitlines()
    for at, line in enumerate(lines):
        if not line.startswith(MARK):
            continue
        place = f"{path.name}:{at + 1}"
        names = line.removeprefix(MARK)
        begin = at + 1
        while not names.endswith(".") and begin < len(lines) and lines[begin].startswith("// "):
            names += " " + lines[begin].removeprefix("// ")
            begin += 1
        if not NAMES.fullmatch(names):
            raise ExampleError(f"{place}: not a list of names, with commas between and a full stop: {names}")
        if "}" not in lines[begin:]:
            raise ExampleError(f"{place}: no line that is }} alone ends the example")
        end = lines.index("}", begin) + 1
        source = "\n".join(lines[begin:end])
        if MARK in source:
            raise ExampleError(f"{place}: the next example begins before a line that is }} alone")
        yield Example(place, tuple(names.removesuffix(".").split(", ")), source)


def files() -> list[Path]:
    return sorted(FOLDER.glob("*.c"))


def examples() -> list[Example]:
    return [example for path in files() for example in examples_of(path)]


def snippets() -> dict[str, str]:
    """The example of each function that has one, by the name of the function."""
    return {function: example.source for example in examples() for function in example.functions}


def faults_of(example: Example, known: set[str]) -> Iterator[str]:
    length = example.source.count("\n") + 1
    if length > LONGEST:
        yield f"{example.place}: {length} lines, and {LONGEST} are the most"
    for function in example.functions:
        if function not in known:
            yield f"{example.place}: the header has no function {function}"
        elif not example.calls(function):
            yield f"{example.place}: {function} is not called"


def faults() -> Iterator[str]:
    """What is wrong with the examples, but for what a compiler says."""
    places: defaultdict[str, list[str]] = defaultdict(list)
    functions = [function.name for function in header.read().functions()]
    for example in examples():
        yield from faults_of(example, set(functions))
        for function in example.functions:
            places[function].append(example.place)
    for function in functions:
        if len(places[function]) == 0:
            yield f"{function} has no example"
        elif len(places[function]) > 1:
            yield f"{function} has several examples: {', '.join(places[function])}"


def compiles(path: Path) -> bool:
    """Whether the compiler takes the file; what it says goes to stderr."""
    compiler = shlex.split(os.environ.get("CC", "cc"))
    return subprocess.run([*compiler, *FLAGS, str(path)], check=False).returncode == 0


def check() -> list[str]:
    try:
        found = list(faults())
    except ExampleError as error:
        found = [str(error)]
    return found + [f"{path.name} does not compile" for path in files() if not compiles(path)]


def main(arguments: list[str]) -> int:
    if arguments != ["--check"]:
        print("usage: examples.py --check", file=sys.stderr)
        return 2
    found = check()
    for fault in found:
        print(fault, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
