#!/usr/bin/env python3
"""Compares the binary interface with that of the last release, by the rule of docs/abi.md.

    tools/abi.py check     fails where something was changed or taken away, or added and not said in CHANGELOG.md
    tools/abi.py bless     makes today's interface the one that is compared with: for a release, and before
                           the first one

What is compared: the values of constants, the places of fields and the types of functions, in
packaging/abi/interface.txt; and by abidiff, where it is installed, packaging/abi/interface.abi. Both are of the
header: tests/header.rs sees to it that the library has what the header says. The program of the compiler is CC.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import header

ROOT = Path(__file__).resolve().parent.parent
BASELINE = ROOT / "packaging" / "abi"
INTERFACE = BASELINE / "interface.txt"
ABI = BASELINE / "interface.abi"
SONAME = "libvestibule.so.0"
#: Of abidiff's exit status: it could not compare.
ABIDIFF_ERROR = 1 | 2
#: Of abidiff's exit status: programs that were built before break.
ABIDIFF_INCOMPATIBLE = 8

#: What the interface is, as words by a name: "field vst_addr.port" is "2 2 uint16_t".
Interface = dict[str, str]


def compiler() -> str:
    return os.environ.get("CC", "cc")


def run(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def questions(of: header.Header) -> Iterator[tuple[str, str, str]]:
    """Of each thing whose place the compiler decides: its name, its offset and its size as expressions."""
    for struct in of.structs():
        if struct.fields:
            yield f"struct {struct.name}", "0", f"sizeof({struct.name})"
        for field in struct.fields:
            whole = f"(({struct.name} *)0)->{field.name}"
            yield f"field {struct.name}.{field.name}", f"offsetof({struct.name}, {field.name})", f"sizeof({whole})"


def places(of: header.Header) -> Interface:
    """Where the compiler puts the fields."""
    lines = ["#include <stdio.h>", "#include <vestibule.h>", "int main(void)", "{"]
    for name, offset, size in questions(of):
        lines.append(f'    printf("{name}\\t%zu %zu\\n", (size_t){offset}, {size});')
    lines += ["    return 0;", "}", ""]
    with tempfile.TemporaryDirectory() as folder:
        source, program = Path(folder) / "places.c", Path(folder) / "places"
        source.write_text("\n".join(lines), encoding="utf-8")
        run(compiler(), "-std=gnu11", f"-I{ROOT / 'include'}", str(source), "-o", str(program))
        said = run(str(program))
    return dict(line.split("\t", 1) for line in said.splitlines())


def signature(of: header.Callable) -> str:
    types = ", ".join(f"{one.type} {one.name}" for one in of.parameters) or "void"
    return f"{of.returns} ({types})"


def interface(of: header.Header) -> Interface:
    found: Interface = {}
    for constant in of.constants():
        found[f"constant {constant.name}"] = str(constant.value)
    for name, place in places(of).items():
        found[name] = place
    for struct in of.structs():
        for field in struct.fields:
            found[f"field {struct.name}.{field.name}"] += f" {field.type}"
    for alias in of.aliases():
        found[f"type {alias.name}"] = alias.type
    for one in [*of.callbacks(), *of.functions()]:
        kind = "function" if isinstance(one, header.Function) else "callback"
        found[f"{kind} {one.name}"] = signature(one)
    return found


def write(path: Path, of: Interface) -> None:
    path.write_text("".join(f"{name}: {value}\n" for name, value in sorted(of.items())), encoding="utf-8")


def load(path: Path) -> Interface:
    lines = path.read_text(encoding="utf-8").splitlines()
    return dict((name, value) for name, _, value in (line.partition(": ") for line in lines))


def may_grow(name: str, now: Interface) -> bool:
    """Whether a struct says its own size, so that fields may be added behind the last."""
    return now.get(f"field {name.removeprefix('struct ')}.size", "").startswith("0 4 ")


def differences(before: Interface, now: Interface) -> Iterator[str]:
    """What breaks programs that were built before, a sentence each."""
    for name, was in before.items():
        value = now.get(name)
        if value is None:
            yield f"{name} is gone"
        elif value != was and not (name.startswith("struct ") and may_grow(name, now)):
            yield f"{name} was {was} and is {value}"


def additions(before: Interface, now: Interface) -> list[str]:
    """The names that are new, without their kind."""
    return [name.split(" ", 1)[1] for name in now if name not in before]


def silent(names: list[str]) -> Iterator[str]:
    """The additions that the change log does not speak of. A new struct is enough, without its fields."""
    said = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    for name in names:
        struct, _, field = name.partition(".")
        if struct not in said and (not field or struct not in names):
            yield f"{name} is new, and CHANGELOG.md does not have it"


def library(of: header.Header, folder: Path) -> Path:
    """A library that has the functions of the header, which do nothing: abidiff reads the types out of it."""
    lines = ["#include <vestibule.h>"]
    for function in of.functions():
        lines.append(function.source.rstrip(";") + " { __builtin_trap(); }")
    source, out = folder / "interface.c", folder / SONAME
    source.write_text("\n".join(lines) + "\n", encoding="utf-8")
    run(compiler(), "-std=gnu11", "-g", "-w", "-fPIC", "-shared", f"-Wl,-soname,{SONAME}",
        f"-I{ROOT / 'include'}", "-o", str(out), str(source))
    return out


def describe(of: header.Header, out: Path) -> None:
    """Writes what abidiff compares with."""
    with tempfile.TemporaryDirectory() as folder:
        run("abidw", "--no-corpus-path", "--no-comp-dir-path", "--no-show-locs",
            "--out-file", str(out), str(library(of, Path(folder))))


def judged(of: header.Header) -> Iterator[str]:
    """What abidiff says against the interface."""
    with tempfile.TemporaryDirectory() as folder:
        new = library(of, Path(folder))
        command = ["abidiff", "--no-show-locs", str(ABI), str(new)]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode & (ABIDIFF_ERROR | ABIDIFF_INCOMPATIBLE):
        yield f"abidiff: {done.stdout}{done.stderr}"


def check() -> int:
    of = header.read()
    before, now = load(INTERFACE), interface(of)
    wrong = [*differences(before, now), *silent(additions(before, now))]
    if shutil.which("abidiff"):
        wrong += judged(of)
    elif os.environ.get("VST_REQUIRE_PEERS") == "1":
        wrong.append("abidiff is not installed (Debian: abigail-tools)")
    for one in wrong:
        print(one, file=sys.stderr)
    if wrong:
        print("docs/abi.md says what may change, and when", file=sys.stderr)
    return 1 if wrong else 0


def bless() -> int:
    BASELINE.mkdir(exist_ok=True)
    of = header.read()
    write(INTERFACE, interface(of))
    describe(of, ABI)
    return 0


def main() -> int:
    commands = {"check": check, "bless": bless}
    if len(sys.argv) != 2 or sys.argv[1] not in commands:
        print(__doc__, file=sys.stderr)
        return 2
    return commands[sys.argv[1]]()


if __name__ == "__main__":
    sys.exit(main())
