#!/usr/bin/env python3
"""How examples/build/proxy spreads connections over threads, with a socket for each thread and with one for all:
clients that come one after the other, a millisecond apart, and stay. Prints for each kind the share of each thread, and
for a connection the wake-ups and the processor time of all threads. Other work on the machine is not taken out.

    benches/threads.py [--connections N] [--host epoll|epoll-et]
"""

from __future__ import annotations

import argparse
import re
import socket
import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

PROXY = Path(__file__).resolve().parent.parent / "examples/build/proxy"
PAUSE_S = 0.001
THREADS = (1, 2, 4)
KINDS: dict[str, Sequence[str]] = {"a socket for each": (), "one socket": ("--one-socket",)}


@dataclass(frozen=True)
class Reading:
    held: Sequence[int]
    wake_ups: int
    cpu_ns: int


def held(pid: int) -> list[int]:
    """What each epoll descriptor of a process watches: there is one for each thread."""
    found = []
    for file in sorted(Path(f"/proc/{pid}/fdinfo").iterdir(), key=lambda file: int(file.name)):
        if Path(f"/proc/{pid}/fd/{file.name}").readlink().name == "anon_inode:[eventpoll]":
            found.append(file.read_text().count("tfd:"))
    return found


def read(pid: int) -> Reading:
    wake_ups = cpu_ns = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        switches = re.search(r"^voluntary_ctxt_switches:\s+(\d+)", (task / "status").read_text(), re.MULTILINE)
        wake_ups += int(switches[1]) if switches else 0
        cpu_ns += int((task / "schedstat").read_text().split()[0])
    return Reading(held(pid), wake_ups, cpu_ns)


def backend() -> socket.socket:
    """A server that keeps every connection and says nothing."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    kept: list[socket.socket] = []

    def accept_all() -> None:
        while True:
            kept.append(listener.accept()[0])

    threading.Thread(target=accept_all, daemon=True).start()
    return listener


def port_of(listener: socket.socket) -> int:
    return int(listener.getsockname()[1])


def crowd(address: str, count: int) -> list[socket.socket]:
    host, _, port = address.rpartition(":")
    clients = []
    for _ in range(count):
        clients.append(socket.create_connection((host, int(port))))
        time.sleep(PAUSE_S)
    return clients


def row(title: str, command: Sequence[str], count: int) -> str:
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as proxy:
        assert proxy.stdout is not None
        address = proxy.stdout.readline().split()[1]
        before = read(proxy.pid)
        clients = crowd(address, count)
        after = read(proxy.pid)
        for client in clients:
            client.close()
        proxy.terminate()
    new = [now - then for now, then in zip(after.held, before.held)]
    shares = " ".join(f"{100 * each / sum(new):3.0f} %" for each in new)
    wake_ups, cpu_us = after.wake_ups - before.wake_ups, (after.cpu_ns - before.cpu_ns) / 1000
    return f"{title:32}{shares:28}{wake_ups / count:5.1f} wake-ups {cpu_us / count:6.0f} µs"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--connections", type=int, default=400)
    parser.add_argument("--host", default="epoll-et")
    asked = parser.parse_args()
    with backend() as server:
        for threads in THREADS:
            for kind, words in KINDS.items():
                command = [str(PROXY), "--listen", "127.0.0.1:0", "--backend", f"127.0.0.1:{port_of(server)}"]
                command += ["--host", asked.host, "--threads", str(threads), *words]
                print(row(f"{threads} threads, {kind}", command, asked.connections), flush=True)


if __name__ == "__main__":
    main()
