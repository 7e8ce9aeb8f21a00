"""One run: a target under a load, in a network of its own, and what was read around the counted exchanges."""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import machine
import ports
import strace
from figures import Window
from loads import Load
from processes import Failure, Program, cpu_s, running, threads, ticks_s
from targets import BUILD, Scene, Started, Target

#: Destinations of the target and sources of the clients: each has all ports of the range.
BACKEND_PORTS, SOURCES = 8, 8


@dataclass(frozen=True)
class Stage:
    """A target that has served the warm-up, and who talks to it."""

    target: Started
    backend: Program
    load: Program

    def counted(self) -> None:
        """The exchanges that are counted, from the first to the end of the last."""
        self.load.go_on()
        if self.load.line() != "done":
            raise Failure("the load says something unexpected")


@dataclass(frozen=True)
class Reading:
    moment: machine.Moment
    target_s: float
    ticks: tuple[float, float]
    own_s: float


def certificate(place: Path) -> tuple[Path, Path]:
    """A self-signed one with a key of P-256."""
    cert, key = place / "cert.pem", place / "key.pem"
    command = "openssl req -x509 -nodes -days 2 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -subj /CN=localhost"
    subprocess.run([*command.split(), "-out", str(cert), "-keyout", str(key)], check=True, capture_output=True)
    return cert, key


@contextlib.contextmanager
def staged(target: Target, load: Load, exchanges: int, identity: tuple[Path, Path]) -> Iterator[Stage]:
    machine.own_network()
    cpus = machine.processors()
    with contextlib.ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        backend = stack.enter_context(running([str(BUILD / "backend"), str(BACKEND_PORTS)], place, cpus.load))
        addresses = backend.line().split()[1:]
        scene = Scene(place, addresses, load, *identity, cpus.target)
        started = stack.enter_context(target.start(scene))
        command = [str(BUILD / "load"), started.address, "--sources", str(SOURCES), *load.options(exchanges)]
        client = stack.enter_context(running(command, place, cpus.load))
        try:
            if client.line() != "warm":
                raise Failure("the load says something unexpected")
            if threads(started.pid()) != 1:
                raise Failure(f"has {threads(started.pid())} threads")
            yield Stage(started, backend, client)
        except Failure as failure:
            if started.program.process.poll() is not None:
                raise Failure(f"ended: {started.program.last_words()}") from failure
            raise


def read(stage: Stage, sampler: ports.Sampler | None) -> Reading:
    pid = stage.target.pid()
    own = [pid, stage.backend.pid, stage.load.pid, *machine.packet_threads()]
    own += [sampler.program.pid] if sampler else []
    own_s = sum(cpu_s(each) for each in own) + time.process_time()
    return Reading(machine.moment(), cpu_s(pid), ticks_s(pid), own_s)


def run(target: Target, load: Load, exchanges: int, identity: tuple[Path, Path], samples: bool) -> Window:
    with staged(target, load, exchanges, identity) as stage, contextlib.ExitStack() as stack:
        sampler = stack.enter_context(ports.sampled(stage.target.pid())) if samples and load.once else None
        cpu = machine.processors().target
        pace = machine.pace_s(cpu)
        before = read(stage, sampler)
        stage.counted()
        after = read(stage, sampler)
        user, system = (now - then for now, then in zip(after.ticks, before.ticks))
        return Window(
            seconds=after.moment.time_s - before.moment.time_s,
            cpu_s=after.target_s - before.target_s,
            user_share=user / (user + system) if user + system else 0.0,
            busy_s=after.moment.busy_s - before.moment.busy_s,
            own_s=after.own_s - before.own_s,
            stolen_s=after.moment.stolen_s - before.moment.stolen_s,
            pace_s=(pace, machine.pace_s(cpu)),
            port_search=sampler.share() if sampler else None,
            waiting=machine.waiting_ports() / ports.all_ports(BACKEND_PORTS, SOURCES) if load.once else 0.0,
        )


def system_calls(target: Target, load: Load, exchanges: int, identity: tuple[Path, Path]) -> float:
    """For one exchange."""
    with staged(target, load, exchanges, identity) as stage:
        return strace.calls(stage.target.pid(), stage.counted) / exchanges
