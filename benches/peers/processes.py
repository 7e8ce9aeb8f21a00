"""Programs that a measurement starts: pinned, watched by deadlines, ended by their numbers."""

from __future__ import annotations

import contextlib
import ctypes
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

#: More than any step takes on a busy machine.
DEADLINE_S = 120.0
#: What a program gets for an orderly end, before it is killed.
GRACE_S = 5.0
PR_SET_PDEATHSIG = 1
PIECE = 1 << 12
TICKS = os.sysconf("SC_CLK_TCK")

libc = ctypes.CDLL(None, use_errno=True)


class Failure(Exception):
    """A program did something else than it should: there is no figure."""


def cpu_s(pid: int) -> float:
    """The time of processors that all threads of a process have taken, by its own clock."""
    clock = ctypes.c_int()
    error = libc.clock_getcpuclockid(pid, ctypes.byref(clock))
    if error:
        raise Failure(f"process {pid} has no clock: {os.strerror(error)}")
    return time.clock_gettime_ns(clock.value) / 1e9


def ticks_s(pid: int) -> tuple[float, float]:
    """The same in the program and in the kernel, in whole ticks."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) / TICKS, int(fields[12]) / TICKS


def waited_s(pid: int) -> float:
    """How long its threads have been ready to run while others ran."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[1]) for task in tasks) / 1e9


def threads(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/task"))


def children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def read_within(descriptor: int, deadline_s: float) -> bytes:
    """What comes next, or nothing: the end."""
    with selectors.DefaultSelector() as selector:
        selector.register(descriptor, selectors.EVENT_READ)
        if not selector.select(deadline_s):
            raise Failure("says nothing in time")
    return os.read(descriptor, PIECE)


@dataclass
class Program:
    process: subprocess.Popen[bytes]
    said: Path
    pending: bytes = b""

    @property
    def pid(self) -> int:
        return self.process.pid

    def line(self, deadline_s: float = DEADLINE_S) -> str:
        """The next line of its output."""
        stdout = self.process.stdout
        assert stdout is not None
        until = time.monotonic() + deadline_s
        while b"\n" not in self.pending:
            piece = read_within(stdout.fileno(), until - time.monotonic())
            if not piece:
                raise Failure(self.last_words())
            self.pending += piece
        line, _, self.pending = self.pending.partition(b"\n")
        return line.decode()

    def say(self, line: str) -> None:
        stdin = self.process.stdin
        assert stdin is not None
        # One that has ended is noticed where its answer is missing.
        with contextlib.suppress(BrokenPipeError):
            stdin.write(f"{line}\n".encode())
            stdin.flush()

    def last_words(self) -> str:
        lines = self.said.read_text(errors="replace").split("\n")
        return next((line for line in reversed(lines) if line), "has ended without a word")

    def end(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Also what it has started itself, if it does not end in time."""
        if self.process.poll() is None:
            family = [*children(self.pid), self.pid]
            self.process.send_signal(number)
            try:
                self.process.wait(GRACE_S)
            except subprocess.TimeoutExpired:
                for pid in family:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()


@contextlib.contextmanager
def running(
    command: Sequence[str],
    place: Path,
    cpus: frozenset[int],
    descriptors: Sequence[int] = (),
    environment: dict[str, str] | None = None,
) -> Iterator[Program]:
    """A program on those processors that does not outlive this one. What it says goes into a file in `place`."""

    def prepare() -> None:
        os.sched_setaffinity(0, cpus)
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)

    said = place / f"{Path(command[0]).name}.err"
    with said.open("wb") as errors:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            pass_fds=descriptors,
            env={**os.environ, **(environment or {})},
            preexec_fn=prepare,
        )
    program = Program(process, said)
    try:
        yield program
    finally:
        program.end()
