"""All targets under a load at once, in turns: in each round every one of them has a slice."""

from __future__ import annotations

import contextlib
import itertools
import random
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import machine
import measure
from figures import Result, why_void
from loads import COUNTED, Load
from measure import Stage
from processes import Failure
from targets import Target

#: All loads come so often, with programs that are started anew: where their memory lies, and what the neighbours of the
#: machine do for a minute, is then not the same in all slices of a load.
PASSES = 4
#: A load goes on for so long at most in each pass, until all targets have as many slices as are wanted.
LIMIT_S = 30.0


def tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def fail(result: Result, failure: Failure) -> None:
    result.failure = str(failure)
    tell(f"    {result.target}: failed: {failure}")


@dataclass(frozen=True)
class Comparison:
    targets: Sequence[Target]
    identity: tuple[Path, Path]
    #: How many slices of each target are to count.
    rounds: int
    #: It is only seen whether all works: every slice counts.
    is_smoke: bool
    #: Of the rounds that are made.
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def measure(self, loads: Sequence[Load]) -> list[Result]:
        results = {load: [self.result(target, load) for target in self.targets] for load in loads}
        passes = min(PASSES, self.rounds)
        for number in range(1, passes + 1):
            tell(f"pass {number} of {passes}")
            for load in loads:
                self.visit(load, results[load], self.rounds * number // passes)
        return [result for load in loads for result in results[load]]

    def result(self, target: Target, load: Load) -> Result:
        return Result(target.name, load.name, load.units * target.threads, lacks=target.lacks(load))

    def visit(self, load: Load, results: Sequence[Result], wanted: int) -> None:
        """Until each target has so many slices that count."""
        machine.own_network()
        first = 1 if self.is_smoke else load.first_slices
        stages: dict[str, Stage] = {}
        with contextlib.ExitStack() as stack:
            for target, result in zip(self.targets, results):
                if result.is_measured:
                    try:
                        stage = measure.staged(target, load, self.identity, first)
                        stages[target.name] = stack.enter_context(stage)
                    except Failure as failure:
                        fail(result, failure)
            self.turns([result for result in results if result.is_measured], stages, wanted)
        void = sum(count for result in results for count in result.void.values())
        tell(f"    {load.name}: {sum(len(result.slices) for result in results)} slices, {void} void")

    def turns(self, results: list[Result], stages: dict[str, Stage], wanted: int) -> None:
        until = time.monotonic() + LIMIT_S
        for number in self.numbers:
            missing = [result for result in results if not result.failure and len(result.slices) < wanted]
            if not missing or time.monotonic() > until:
                return
            # The order changes, so that no target is always behind the same one.
            random.Random(number).shuffle(results)
            for result in results:
                if not result.failure:
                    self.slice(result, number, stages)

    def slice(self, result: Result, number: int, stages: dict[str, Stage]) -> None:
        try:
            of = stages[result.target].slice([*stages.values()])
        except Failure as failure:
            fail(result, failure)
            del stages[result.target]
            return
        why = "" if self.is_smoke else why_void(of)
        if why:
            result.void[why] = result.void.get(why, 0) + 1
        else:
            result.slices[number] = of

    def system_calls(self) -> dict[str, dict[str, float]]:
        """For a connection: of each load, by each target."""
        counts: dict[str, dict[str, float]] = {}
        for load in COUNTED:
            machine.own_network()
            counts[load.name] = {}
            for target in (target for target in self.targets if target.threads == 1 and not target.lacks(load)):
                try:
                    counts[load.name][target.name] = measure.system_calls(target, load, self.identity)
                except Failure as failure:
                    tell(f"    {target.name}: no system calls: {failure}")
        return counts
