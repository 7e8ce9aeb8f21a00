"""How much of a target's time goes into the kernel's search for a free port, which says nothing about the target."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import machine
from processes import DEADLINE_S, Failure, Program, read_within, running

SEARCH = {"__inet_hash_connect", "inet_hash_connect", "__inet_check_established", "inet_csk_get_port"}
SAMPLES_PER_S = 250
ACKNOWLEDGED = b"ack"


def all_ports(destinations: int, sources: int) -> int:
    """Pairs of a port with a destination or a source: to the backends from one address, to the target from some."""
    first, last = machine.port_range()
    return (last - first + 1) * (destinations + sources)


def share_of_search(symbols: str) -> float:
    """Of samples, a line for each with the name of a function."""
    names = symbols.split()
    return sum(name in SEARCH for name in names) / len(names) if names else 0.0


@dataclass(frozen=True)
class Sampler:
    program: Program
    file: Path

    def share(self) -> float:
        """Ends the sampling."""
        self.program.end(signal.SIGINT)
        command = ["perf", "script", "-i", str(self.file), "-F", "sym"]
        return share_of_search(subprocess.run(command, capture_output=True, text=True, check=False).stdout)


def kernel_has_names() -> bool:
    """Whether we may know where the kernel's functions are: or else all addresses are 0."""
    with Path("/proc/kallsyms").open() as symbols:
        return any(int(line.split()[0], 16) for line in symbols)


def works() -> bool:
    """Whether perf can sample another process here, in the kernel too."""
    if shutil.which("perf") is None or not kernel_has_names():
        return False
    try:
        with sampled(os.getpid()):
            return True
    except Failure:
        return False


@contextlib.contextmanager
def sampled(pid: int) -> Iterator[Sampler]:
    """Has perf sample a process, by a timer of its processor time, once it says that it does."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        file = place / "samples"
        control, orders = os.pipe()
        answers, answer = os.pipe()
        command = ["perf", "record", "-q", "-e", "cpu-clock", "-F", str(SAMPLES_PER_S), "-p", str(pid)]
        command += ["-D", "-1", f"--control=fd:{control},{answer}", "-o", str(file)]
        try:
            with running(command, place, machine.processors().load, [control, answer]) as program:
                os.close(answer)
                answer = -1
                os.write(orders, b"enable\n")
                if not read_within(answers, DEADLINE_S).startswith(ACKNOWLEDGED):
                    raise Failure(program.last_words())
                yield Sampler(program, file)
        finally:
            for descriptor in (control, orders, answers, answer):
                if descriptor >= 0:
                    os.close(descriptor)
