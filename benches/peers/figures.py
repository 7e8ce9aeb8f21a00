"""What is computed from the slices: medians, quartiles, ratios, and which slices do not count."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

#: Of a slice's time: what others may take of the target's processors.
OTHER_MOST = 0.05
#: Of all pairs of a port and a destination: those in TIME_WAIT. The kernel's search for a free port finds one at once
#: nearly always below that.
WAITING_MOST = 0.05
#: The share of slices that are at most as dear as what is called the best. The cheapest one of all is chance.
BEST = 0.1


@dataclass(frozen=True)
class Spread:
    """What many values come to."""

    median: float
    lower: float
    upper: float
    best: float
    count: int


def quantile(ordered: Sequence[float], share: float) -> float:
    """Of values in their order; between two of them in proportion."""
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def spread(values: Iterable[float]) -> Spread | None:
    ordered = sorted(values)
    if not ordered:
        return None
    median, lower, upper, best = (quantile(ordered, share) for share in (0.5, 0.25, 0.75, BEST))
    return Spread(median, lower, upper, best, len(ordered))


@dataclass(frozen=True)
class Slice:
    """What was read over exactly the counted exchanges of one slice."""

    seconds: float
    #: The target's processor time, by its clock.
    cpu_s: float
    #: Its time in the program itself, by ticks.
    user_s: float
    #: What others took of its processors.
    other_s: float
    #: The share of ports in TIME_WAIT.
    waiting: float = 0.0


def why_void(of: Slice) -> str:
    """Why a slice does not count, or nothing."""
    if of.other_s > OTHER_MOST * of.seconds:
        return "other work on the machine"
    if of.waiting > WAITING_MOST:
        return "ports in TIME_WAIT"
    return ""


@dataclass
class Result:
    """A target under a load."""

    target: str
    load: str
    #: How many units a slice has.
    units: float
    #: By the number of the round.
    slices: dict[int, Slice] = field(default_factory=dict)
    #: How many did not count, by the reason.
    void: dict[str, int] = field(default_factory=dict)
    #: Why it has no part in this load.
    lacks: str = ""
    #: What went wrong.
    failure: str = ""

    @property
    def is_measured(self) -> bool:
        return not self.lacks and not self.failure

    def each(self) -> dict[int, float]:
        """Processor seconds for a unit, in each slice that counts."""
        return {number: of.cpu_s / self.units for number, of in self.slices.items()}

    @property
    def cpu(self) -> Spread | None:
        return spread(self.each().values())

    @property
    def rate(self) -> float | None:
        """Units in a second."""
        rates = spread(self.units / of.seconds for of in self.slices.values())
        return rates.median if rates else None

    @property
    def user(self) -> float | None:
        """Of the median, what is not the kernel's."""
        total = sum(of.cpu_s for of in self.slices.values())
        return self.cpu.median * sum(of.user_s for of in self.slices.values()) / total if self.cpu else None


def best_peer(results: Sequence[Result], peers: Sequence[str]) -> Result | None:
    """The peer with the smallest median."""
    medians = [(result.cpu.median, result) for result in results if result.target in peers and result.cpu]
    return min(medians, key=lambda pair: pair[0])[1] if medians else None


def ratio(result: Result, peer: Result | None) -> Spread | None:
    """Of the ratios within each round, in which the machine is the same for both."""
    ours, theirs = result.each(), peer.each() if peer else {}
    return spread(ours[number] / theirs[number] for number in ours.keys() & theirs.keys())
