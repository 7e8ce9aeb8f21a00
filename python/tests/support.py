"""What the tests share: peers that may be missing, a host in a thread, programs that are compiled or run."""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from pathlib import Path
from typing import Any, Callable, Iterator, List, Optional

ROOT = Path(__file__).resolve().parent.parent.parent
PACKAGE = ROOT / "python"
sys.path.insert(0, str(PACKAGE))

import vestibule  # noqa: E402
from vestibule import AcceptConfig, Conn, Event, EventKind, SelectorHost  # noqa: E402

#: How long a test waits for what must come, in seconds.
PATIENCE = 30.0
EXAMPLES = PACKAGE / "examples"
LIBRARY = vestibule.load().path
#: What makes a close reset: SO_LINGER on, for 0 seconds.
RESET = struct.pack("ii", 1, 0)


def peer(name: str) -> str:
    """The path of another project's program; without it the test is skipped, or fails where all are required."""
    found = shutil.which(name)
    if found is None:
        if os.environ.get("VST_REQUIRE_PEERS") == "1":
            raise AssertionError(f"peer missing: {name}")
        raise unittest.SkipTest(f"peer missing: {name}")
    return found


def folder(test: unittest.TestCase) -> Path:
    """A folder that is gone after the test."""
    made = tempfile.TemporaryDirectory()
    test.addCleanup(made.cleanup)
    return Path(made.name)


def compiled(test: unittest.TestCase, source: str, *words: str) -> Path:
    """A program or library in C."""
    into = folder(test)
    (into / "source.c").write_text(source)
    out = into / "compiled"
    command = [peer("cc"), "-std=gnu11", "-Wall", "-Werror", "-I", str(ROOT / "include"), *words]
    subprocess.run([*command, "-o", str(out), str(into / "source.c")], check=True, timeout=PATIENCE)
    return out


def identity(into: Path) -> Path:
    """A certificate for localhost with its key in one file, as openssl makes it."""
    out, key = into / "identity.pem", into / "key.pem"
    command = [peer("openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    command += ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", str(key), "-out", str(out)]
    subprocess.run(command, check=True, capture_output=True, timeout=PATIENCE)
    out.write_text(out.read_text() + key.read_text())
    return out


def environment() -> dict[str, str]:
    """For a Python that finds the package and this library."""
    return {**os.environ, "PYTHONPATH": str(PACKAGE), "VESTIBULE_LIBRARY": LIBRARY}


def python(program: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Runs a program of Python, in which every warning is an error."""
    return subprocess.run(
        [sys.executable, "-B", "-W", "error", "-c", program, *words],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=2 * PATIENCE,
    )


class Example:
    """An example that runs until the end of the test."""

    def __init__(self, test: unittest.TestCase, name: str, *words: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-B", "-W", "error", str(EXAMPLES / name), *words],
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
        )
        self.said = b""
        test.addCleanup(self.end)
        first = self.line().split()
        test.assertEqual(first[:1], ["ready"])
        self.address = first[1]

    def line(self) -> str:
        assert self.process.stdout is not None
        while b"\n" not in self.said:
            # Below the file's own buffer, which may have more than one line at once.
            if not select.select([self.process.stdout], [], [], PATIENCE)[0]:
                raise AssertionError("it says nothing")
            part = os.read(self.process.stdout.fileno(), 4096)
            if not part:
                raise AssertionError("it has ended")
            self.said += part
        line, _, self.said = self.said.partition(b"\n")
        return line.decode()

    def end(self) -> None:
        assert self.process.stdout is not None
        self.process.kill()
        self.process.wait(PATIENCE)
        self.process.stdout.close()


def connected(address: Any) -> socket.socket:
    """A blocking socket with a deadline."""
    host, port = str(address).rsplit(":", 1)
    return socket.create_connection((host, int(port)), PATIENCE)


def read_all(client: socket.socket) -> bytes:
    data = bytearray()
    while part := client.recv(65536):
        data += part
    return bytes(data)


class Echo:
    """Sessions that get back what they send; what they are asked at once is decided by greet."""

    def __init__(self, greet: Callable[[Conn], bytes] = lambda conn: b"") -> None:
        self.greet = greet
        self.pending: dict[Conn, bytes] = {}
        self.events: List[Event] = []

    def __call__(self, event: Event) -> None:
        if event.kind is EventKind.SESSION:
            self.pending[event.conn] = self.greet(event.conn)
        if event.kind in (EventKind.SESSION, EventKind.READABLE, EventKind.WRITABLE):
            try:
                self.echo(event.conn)
            except vestibule.PeerError:
                event.conn.abort()
        else:
            self.events.append(event)
        if event.kind is EventKind.CLOSED:
            self.pending.pop(event.conn, None)

    def echo(self, conn: Conn) -> None:
        while True:
            while self.pending[conn]:
                taken = conn.send(self.pending[conn])
                if taken == 0:
                    return
                self.pending[conn] = self.pending[conn][taken:]
            data = conn.recv()
            if data is None:
                return
            if data == b"":
                conn.close()
                return
            self.pending[conn] = data


@contextlib.contextmanager
def serving(
    on_event: Callable[[Event], None],
    config: Optional[AcceptConfig] = None,
    options: vestibule.EngineOptions = vestibule.EngineOptions(),
) -> Iterator[vestibule.Address]:
    """A host in a thread of its own, which listens; its clients are blocking sockets of this thread."""
    ready, failed = threading.Event(), []
    made: List[Any] = []

    def run() -> None:
        def event(one: Event) -> None:
            if one.kind is EventKind.WOKEN:
                host.stop()
            on_event(one)

        try:
            with SelectorHost(event, options) as host:
                listener = host.engine.listen("127.0.0.1:0", config)
                made.extend((listener, listener.address, host.engine.waker()))
                ready.set()
                host.run()
        except BaseException as error:
            failed.append(error)
            ready.set()

    thread = threading.Thread(target=run)
    thread.start()
    ready.wait(PATIENCE)
    try:
        if failed:
            raise failed[0]
        listener, address, waker = made
        yield address
    finally:
        with contextlib.suppress(vestibule.GoneError, UnboundLocalError):
            waker.wake()
        thread.join(PATIENCE)
    if failed:
        raise failed[0]


def turn_until(host: SelectorHost, is_so: Callable[[], Any]) -> None:
    """Drives a host of this thread until something holds."""
    deadline = time.monotonic() + PATIENCE
    while not is_so():
        if time.monotonic() > deadline:
            raise AssertionError("waited in vain")
        host.turn(deadline - time.monotonic())
