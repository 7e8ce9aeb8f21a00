"""The machine: its processors, a network of our own, and what it says of itself."""

from __future__ import annotations

import contextlib
import fcntl
import os
import platform
import re
import socket
import struct
import time
from dataclasses import dataclass
from pathlib import Path

from processes import TICKS, libc

CLONE_NEWNET = 0x40000000
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 0x1
#: struct ifreq with flags.
INTERFACE = struct.Struct("16sh22x")
IPV4 = Path("/proc/sys/net/ipv4")
PORT_RANGE = IPV4 / "ip_local_port_range"
#: All ports can be had, and none is kept in TIME_WAIT: each slice finds them as the first one did.
SETTINGS = {PORT_RANGE: "1024 65535", IPV4 / "tcp_max_tw_buckets": "0"}
#: The highest one of a program of the normal kind.
PRIORITY = 1


@dataclass(frozen=True)
class Processors:
    target: frozenset[int]
    load: frozenset[int]

    @property
    def are_shared(self) -> bool:
        return bool(self.target & self.load)


def processors(threads: int) -> Processors:
    """One for each thread of the target, and the last one for everything else; all of them if none is left."""
    usable = sorted(os.sched_getaffinity(0))
    target, others = usable[:threads], usable[threads:]
    return Processors(frozenset(target), frozenset(others[-threads:] or usable))


def take_precedence() -> None:
    """Has all that we start run before what else is to be done here, where this is allowed: the work of others is
    then in fewer slices."""
    with contextlib.suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(PRIORITY))


def own_network() -> bool:
    """Moves this process into a network that nobody else is in. False where this is not allowed."""
    if libc.unshare(CLONE_NEWNET) != 0:
        return False
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        _, flags = INTERFACE.unpack(fcntl.ioctl(any_socket, SIOCGIFFLAGS, INTERFACE.pack(b"lo", 0)))
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, INTERFACE.pack(b"lo", flags | IFF_UP))
    for path, value in SETTINGS.items():
        with contextlib.suppress(OSError):  # a container whose /proc/sys is read-only: what is there is reported
            path.write_text(value)
    return True


def port_range() -> tuple[int, int]:
    first, last = PORT_RANGE.read_text().split()
    return int(first), int(last)


def waiting_share(pairs: int) -> float:
    """The share of ports in TIME_WAIT, where each port can be used for so many pairs of addresses."""
    found = re.search(r"^TCP: .*\btw (\d+)", Path("/proc/net/sockstat").read_text(), re.MULTILINE)
    first, last = port_range()
    return int(found[1]) / ((last - first + 1) * pairs) if found else 0.0


def stolen_s(cpus: frozenset[int]) -> float:
    """What the host of a virtual machine has taken of its processors."""
    lines = [line.split() for line in Path("/proc/stat").read_text().split("\n") if line.startswith("cpu")]
    return sum(int(words[8]) for words in lines if words[0][3:] and int(words[0][3:]) in cpus) / TICKS


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
