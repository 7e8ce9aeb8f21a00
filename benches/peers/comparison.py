"""All targets under all loads, in rounds; runs that do not count are made again."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import machine
import measure
from figures import OTHER_MOST, Result, why_void
from loads import LOADS, Load
from processes import Failure
from targets import Target

#: How often a run that does not count is made again.
REPEATED = 3
#: How long the machine is looked at before a run, and how often until it is quiet.
LOOK_S, LOOKS = 0.2, 600
#: The loads whose system calls are counted, and exchanges for that.
COUNTED, COUNTED_EXCHANGES = ("connections", "handshakes"), 1600


def tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def wait_for_quiet() -> None:
    """Until others do nothing, but not for ever: the run is judged all the same."""
    for number in range(LOOKS):
        if machine.is_quiet(LOOK_S, OTHER_MOST):
            return
        if number == 0:
            tell("    waiting until the machine is quiet")


@dataclass(frozen=True)
class Comparison:
    targets: Sequence[Target]
    identity: tuple[Path, Path]
    rounds: int
    #: Instead of each load's own number.
    exchanges: int | None
    #: Few of each, and every run counts.
    is_smoke: bool
    #: Whether the port search is looked for by samples.
    has_samples: bool

    def of(self, load: Load) -> int:
        return self.exchanges or (load.smoke if self.is_smoke else load.exchanges)

    def load(self, load: Load) -> list[Result]:
        units = load.units(self.of(load))
        results = [Result(target.name, load.name, units, lacks=target.lacks(load)) for target in self.targets]
        for number in range(self.rounds):
            tell(f"{load.name}: round {number + 1} of {self.rounds}")
            pace: float | None = None
            for target, result in zip(self.targets, results):
                if not result.lacks and not result.failure:
                    self.run(target, load, result, number, pace)
                    pace = pace or (result.windows[number].pace if number in result.windows else None)
        return results

    def run(self, target: Target, load: Load, result: Result, number: int, pace: float | None) -> None:
        """Until it counts."""
        for _ in range(1 + REPEATED):
            if not self.is_smoke:
                wait_for_quiet()
            try:
                window = measure.run(target, load, self.of(load), self.identity, self.has_samples)
            except Failure as failure:
                result.failure = str(failure)
                tell(f"    {target.name}: failed: {failure}")
                return
            why = "" if self.is_smoke else why_void(window, pace)
            if not why:
                result.windows[number] = window
                return
            result.void.append(why)
            tell(f"    {target.name}: void: {why}")

    def system_calls(self) -> dict[str, dict[str, float]]:
        """For a connection: of each load, by each target."""
        counts: dict[str, dict[str, float]] = {}
        for load in (load for load in LOADS if load.name in COUNTED):
            counts[load.name] = {}
            exchanges = load.smoke if self.is_smoke else COUNTED_EXCHANGES
            for target in (target for target in self.targets if not target.lacks(load)):
                try:
                    calls = measure.system_calls(target, load, exchanges, self.identity)
                    counts[load.name][target.name] = calls
                except Failure as failure:
                    tell(f"    {target.name}: no system calls: {failure}")
        return counts
