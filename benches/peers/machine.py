"""The machine: its processors, its busy time, a network of our own, and what it says of itself."""

from __future__ import annotations

import fcntl
import os
import platform
import re
import socket
import struct
import time
from dataclasses import dataclass
from pathlib import Path

from processes import libc

CLONE_NEWNET = 0x40000000
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 0x1
#: struct ifreq with flags.
INTERFACE = struct.Struct("16sh22x")
PORT_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
WIDE_RANGE = "1024 65535"
#: Of the piece of work that tells the pace, some 5 ms, and how often it is done: the best one counts.
STEPS, PROBES = 200_000, 6
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Processors:
    target: int
    load: int


def processors() -> Processors:
    """One for the target, and another one, if there is one, for everything else."""
    usable = sorted(os.sched_getaffinity(0))
    return Processors(usable[0], usable[-1])


def own_network() -> bool:
    """Moves this process into a network that nobody else is in, with a wide range of ports. What a run leaves
    behind, such as ports in TIME_WAIT, is gone with it. False where this is not allowed."""
    if libc.unshare(CLONE_NEWNET) != 0:
        return False
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        _, flags = INTERFACE.unpack(fcntl.ioctl(any_socket, SIOCGIFFLAGS, INTERFACE.pack(b"lo", 0)))
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, INTERFACE.pack(b"lo", flags | IFF_UP))
    try:
        PORT_RANGE.write_text(WIDE_RANGE)
    except OSError:
        pass  # a container whose /proc/sys is read-only: the range stays as it is, and is reported
    return True


def port_range() -> tuple[int, int]:
    first, last = PORT_RANGE.read_text().split()
    return int(first), int(last)


def waiting_ports() -> int:
    """Sockets in TIME_WAIT."""
    found = re.search(r"^TCP: .*\btw (\d+)", Path("/proc/net/sockstat").read_text(), re.MULTILINE)
    return int(found[1]) if found else 0


def stolen_s() -> float:
    return int(Path("/proc/stat").read_text().split("\n")[0].split()[8]) / TICKS


def idle_s() -> float:
    """Of all processors together. A kernel without a tick in idle counts it exactly, what is busy only by ticks."""
    fields = Path("/proc/stat").read_text().split("\n")[0].split()
    return (int(fields[4]) + int(fields[5])) / TICKS


@dataclass(frozen=True)
class Moment:
    """When something is read, and how much all processors have been busy until then."""

    time_s: float
    busy_s: float
    stolen_s: float


def moment() -> Moment:
    now = time.monotonic()
    stolen = stolen_s()
    return Moment(now, now * (os.cpu_count() or 1) - idle_s() - stolen, stolen)


def pace_s(cpu: int) -> float:
    """What a fixed piece of work takes on a processor. It changes where that shares a core with somebody else's, such
    as another virtual machine's, which no other figure shows."""
    usable = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {cpu})
    took = min(steps_s() for _ in range(PROBES))
    os.sched_setaffinity(0, usable)
    return took


def steps_s() -> float:
    before = time.process_time()
    for _ in range(STEPS):
        pass
    return time.process_time() - before


def packet_threads() -> list[int]:
    """The kernel's threads that handle packets when there are many at once. Ours are the only ones."""
    return [
        int(path.parent.name)
        for path in Path("/proc").glob("[0-9]*/comm")
        if path.read_text().startswith("ksoftirqd/")
    ]


def is_quiet(over_s: float, most: float) -> bool:
    """Whether all processors together are busy for less than that share of one."""
    before = moment()
    time.sleep(over_s)
    after = moment()
    busy_s = after.busy_s - before.busy_s + after.stolen_s - before.stolen_s
    return busy_s < most * (after.time_s - before.time_s)


def model() -> str:
    found = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return found[1] if found else platform.machine()


def described() -> dict[str, str]:
    first, last = port_range()
    return {
        "processor": model(),
        "processors": str(os.cpu_count()),
        "kernel": f"{platform.system()} {platform.release()}",
        "C library": " ".join(platform.libc_ver()),
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "ports": f"{first} to {last}",
    }
