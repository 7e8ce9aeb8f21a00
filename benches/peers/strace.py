"""How many system calls a process makes while something is done, counted by strace."""

from __future__ import annotations

import shutil
import signal
import tempfile
from collections.abc import Callable
from pathlib import Path

import machine
from processes import Failure, running

TOTAL = "total"


def is_installed() -> bool:
    return shutil.which("strace") is not None


def total(summary: str) -> int:
    """Of the table that strace -c writes: share, seconds, each, calls, errors if any, name."""
    for line in summary.split("\n"):
        words = line.split()
        if words[-1:] == [TOTAL]:
            return int(words[3])
    raise Failure("strace has counted nothing")


def calls(pid: int, action: Callable[[], None]) -> int:
    with tempfile.TemporaryDirectory() as folder:
        summary = Path(folder) / "summary"
        command = ["strace", "-c", "-f", "-p", str(pid), "-o", str(summary)]
        # What strace says goes where a line can be waited for.
        redirected = ["sh", "-c", 'exec "$0" "$@" 2>&1', *command]
        with running(redirected, Path(folder), machine.processors(1).load) as program:
            line = program.line()
            if "attached" not in line:
                raise Failure(line)
            action()
            program.end(signal.SIGINT)
        return total(summary.read_text())
