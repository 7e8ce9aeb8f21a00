"""What is computed from the runs: medians, the best ones, ratios, and which runs do not count."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field

#: Of one processor's time: what others may take during a run. Going into idle and out of it is nobody's time, and takes
#: up to 9 % where it happens often.
OTHER_MOST = 0.10
#: How much the pace of the target's processor may change.
PACE_MOST = 0.15
#: Of all samples of the target: those in the kernel's search for a port.
PORT_SEARCH_MOST = 0.05
#: Of all pairs of a port and a destination: those that wait to be free again, where there are no samples.
WAITING_MOST = 0.25


@dataclass(frozen=True)
class Window:
    """What was read over exactly the counted exchanges."""

    seconds: float
    #: The target's processor time, and how its ticks divide.
    cpu_s: float
    user_share: float
    #: All processors' time, that of our own programs, and what the host of a virtual machine took.
    busy_s: float
    own_s: float
    stolen_s: float
    #: What a fixed piece of work took on the target's processor, before and behind.
    pace_s: tuple[float, float]
    #: The share of samples in the port search, or None: not sampled.
    port_search: float | None = None
    #: The share of ports that were waiting at the end.
    waiting: float = 0.0

    @property
    def other_s(self) -> float:
        return max(0.0, self.busy_s - self.own_s)

    @property
    def pace(self) -> float:
        return statistics.mean(self.pace_s)


def differs(pace: float, other: float) -> float:
    """By how much, as a share of the faster one."""
    return max(pace, other) / min(pace, other) - 1


def why_void(window: Window, pace: float | None = None) -> str:
    """Why a run does not count, or nothing. All runs of a round have the pace of its first."""
    if window.other_s > OTHER_MOST * window.seconds:
        return f"other work took {window.other_s / window.seconds:.0%} of a processor"
    if window.stolen_s > OTHER_MOST * window.seconds:
        return f"the host took {window.stolen_s / window.seconds:.0%} of a processor"
    if differs(*window.pace_s) > PACE_MOST:
        return f"the pace of the processor changed by {differs(*window.pace_s):.0%}"
    if pace is not None and differs(window.pace, pace) > PACE_MOST:
        return f"the pace of the processor is {differs(window.pace, pace):.0%} off that of the round"
    if window.port_search is not None and window.port_search > PORT_SEARCH_MOST:
        return f"{window.port_search:.0%} of the samples are in the port search"
    if window.port_search is None and window.waiting > WAITING_MOST:
        return f"{window.waiting:.0%} of the ports were in TIME_WAIT"
    return ""


@dataclass
class Result:
    """A target under a load."""

    target: str
    load: str
    #: How many units a window has.
    units: float
    #: By the number of the round.
    windows: dict[int, Window] = field(default_factory=dict)
    #: Why runs did not count.
    void: list[str] = field(default_factory=list)
    #: Why it has no part in this load.
    lacks: str = ""
    #: What went wrong.
    failure: str = ""

    def each(self) -> dict[int, float]:
        """Processor seconds for a unit, in each run that counts."""
        return {number: window.cpu_s / self.units for number, window in self.windows.items()}

    @property
    def median(self) -> float | None:
        return statistics.median(self.each().values()) if self.windows else None

    @property
    def best(self) -> float | None:
        return min(self.each().values()) if self.windows else None

    @property
    def user(self) -> float | None:
        """Of the median, what is not the kernel's."""
        if self.median is None:
            return None
        return self.median * statistics.median(window.user_share for window in self.windows.values())


def best_peer(results: Sequence[Result], peers: Sequence[str]) -> Result | None:
    """The peer with the smallest median."""
    known = [result for result in results if result.target in peers and result.median is not None]
    return min(known, key=lambda result: result.median or 0.0, default=None)


def ratio(result: Result, peer: Result | None) -> float | None:
    """The median of what the two compare like in each round, so that it does not matter what changes between rounds."""
    ours, theirs = result.each(), peer.each() if peer else {}
    common = [ours[number] / theirs[number] for number in ours.keys() & theirs.keys() if theirs[number]]
    return statistics.median(common) if common else None
