"""What is computed from the runs: medians, the best ones, ratios, and which runs do not count."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field

#: Of one processor's time: what others may take during a run.
OTHER_MOST = 0.05
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
    #: The share of samples in the port search, or None: not sampled.
    port_search: float | None = None
    #: The share of ports that were waiting at the end.
    waiting: float = 0.0

    @property
    def other_s(self) -> float:
        return max(0.0, self.busy_s - self.own_s)


def why_void(window: Window) -> str:
    """Why a run does not count, or nothing."""
    if window.other_s > OTHER_MOST * window.seconds:
        return f"other work took {window.other_s / window.seconds:.0%} of a processor"
    if window.stolen_s > OTHER_MOST * window.seconds:
        return f"the host took {window.stolen_s / window.seconds:.0%} of a processor"
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
    windows: list[Window] = field(default_factory=list)
    #: Why runs did not count.
    void: list[str] = field(default_factory=list)
    #: Why it has no part in this load.
    lacks: str = ""
    #: What went wrong.
    failure: str = ""

    def each(self) -> list[float]:
        """Processor seconds for a unit, in each run that counts."""
        return [window.cpu_s / self.units for window in self.windows]

    @property
    def median(self) -> float | None:
        return statistics.median(self.each()) if self.windows else None

    @property
    def best(self) -> float | None:
        return min(self.each()) if self.windows else None

    @property
    def user(self) -> float | None:
        """Of the median, what is not the kernel's."""
        if self.median is None:
            return None
        return self.median * statistics.median(window.user_share for window in self.windows)


def best_peer(results: Sequence[Result], peers: Sequence[str]) -> Result | None:
    """The peer with the smallest median."""
    known = [result for result in results if result.target in peers and result.median is not None]
    return min(known, key=lambda result: result.median or 0.0, default=None)


def ratio(result: Result, peer: Result | None) -> float | None:
    """How the medians compare."""
    if peer is None or result.median is None or not peer.median:
        return None
    return result.median / peer.median
