"""A target on its stage, with a backend and clients of its own, and what is read around a slice."""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import machine
import strace
from figures import Slice
from loads import Load
from machine import Processors
from processes import Failure, Program, cpu_s, running, threads, ticks_s, waited_s
from targets import BUILD, Scene, Started, Target

#: Destinations of each target and sources of its clients: each has all ports of the range.
BACKEND_PORTS, SOURCES = 8, 8
#: A target has done all that belongs to a slice once its clock stands still for so long.
STILL_S, STILL_TRIES = 0.001, 100


@dataclass(frozen=True)
class Stage:
    """A target that serves, and who talks to it: a program of clients for each of its threads."""

    target: Started
    load: Load
    cpus: Processors
    clients: Sequence[Program]

    def exchange(self, exchanges: int) -> None:
        """Has each program of clients make so many, from the first to the end of the last."""
        for clients in self.clients:
            clients.say(str(exchanges))
        for clients in self.clients:
            try:
                if clients.line() != "done":
                    raise Failure("the load says something unexpected")
            except Failure as failure:
                if self.target.program.process.poll() is not None:
                    raise Failure(f"ended: {self.target.program.last_words()}") from failure
                raise

    def clock_s(self) -> float:
        """The clock of the target, once it stands."""
        now = cpu_s(self.target.pid())
        for _ in range(STILL_TRIES):
            time.sleep(STILL_S)
            before, now = now, cpu_s(self.target.pid())
            if before == now:
                break
        return now

    def others_s(self, idle: Sequence[Stage]) -> float:
        """What others have taken until now: the time for which the target was ready and did not run, that of the
        targets that should be idle, and that of the host. Where clients share the processors, the first is theirs."""
        waited = 0.0 if self.cpus.are_shared else waited_s(self.target.pid())
        return waited + sum(cpu_s(stage.target.pid()) for stage in idle) + machine.stolen_s(self.cpus.target)

    def slice(self, stages: Sequence[Stage]) -> Slice:
        idle = [stage for stage in stages if stage is not self]
        self.exchange(self.load.warm_up)
        cpu, (user, _) = self.clock_s(), ticks_s(self.target.pid())
        others, begin = self.others_s(idle), time.monotonic()
        self.exchange(self.load.exchanges)
        seconds = time.monotonic() - begin
        return Slice(
            seconds=seconds,
            cpu_s=self.clock_s() - cpu,
            user_s=ticks_s(self.target.pid())[0] - user,
            other_s=self.others_s(idle) - others,
            waiting=machine.waiting_share(len(stages) * (BACKEND_PORTS + SOURCES)),
        )


def certificate(place: Path) -> tuple[Path, Path]:
    """A self-signed one with a key of P-256."""
    cert, key = place / "cert.pem", place / "key.pem"
    command = "openssl req -x509 -nodes -days 2 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -subj /CN=localhost"
    subprocess.run([*command.split(), "-out", str(cert), "-keyout", str(key)], check=True, capture_output=True)
    return cert, key


@contextlib.contextmanager
def staged(target: Target, load: Load, identity: tuple[Path, Path], slices: int = 1) -> Iterator[Stage]:
    """The target has had as many exchanges as some slices have: its memory is there."""
    cpus = machine.processors(target.threads)
    with contextlib.ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory()))

        def start(*command: str) -> Program:
            return stack.enter_context(running([str(BUILD / command[0]), *command[1:]], place, cpus.load))

        backends = [start("backend", str(BACKEND_PORTS)) for _ in range(target.threads)]
        addresses = [address for backend in backends for address in backend.line().split()[1:]]
        started = stack.enter_context(target.start(Scene(place, addresses, load, *identity, cpus.target)))
        command = ["load", started.address, "--sources", str(SOURCES), *load.options()]
        stage = Stage(started, load, cpus, [start(*command) for _ in range(target.threads)])
        for _ in range(slices):
            stage.exchange(load.exchanges)
        if target.threads == 1 and threads(started.pid()) != 1:
            raise Failure(f"has {threads(started.pid())} threads")
        yield stage


def system_calls(target: Target, load: Load, identity: tuple[Path, Path]) -> float:
    """For one exchange."""
    with staged(target, load, identity) as stage:
        calls = strace.calls(stage.target.pid(), lambda: stage.exchange(load.exchanges))
        return calls / load.exchanges
