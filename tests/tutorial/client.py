#!/usr/bin/env python3
"""Compiles the programs of docs/tutorial and does with each what its page says.

    client.py LIBRARY      the path of libvestibule.so.0
"""

from __future__ import annotations

import contextlib
import os
import queue
import shlex
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
TUTORIAL = ROOT / "docs" / "tutorial"
#: More than anything here takes on a busy machine.
DEADLINE_S = 20
HEADER = b"PROXY TCP4 192.0.2.7 192.0.2.1 40000 443\r\n"
#: A port that nobody listens at.
NOBODY = "127.0.0.1:1"
RULES = """\
stick-table type ip size 100k expire 10m store conn_cur,conn_rate(10s)
tcp-request connection track-sc0 src
tcp-request connection reject if { sc0_conn_cur gt 50 } or { sc0_conn_rate gt 100 }
tcp-request session reject if { ssl_fc_sni -m end .internal.example }
use_backend second if { ssl_fc_sni b.example }
"""


class Program:
    """A program of the tutorial that runs, and the lines that it prints."""

    def __init__(self, path: Path, *arguments: str) -> None:
        command = [str(path), *arguments]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self.read, daemon=True).start()
        self.address = self.line("ready ").split()[1]

    def read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.put(line.rstrip("\n"))

    def line(self, what: str) -> str:
        """The next line that contains this."""
        while True:
            line = self.lines.get(timeout=DEADLINE_S)
            if what in line:
                return line

    def connect(self) -> socket.socket:
        host, port = self.address.rsplit(":", 1)
        return socket.create_connection((host, int(port)), DEADLINE_S)

    def tls(self, name: str = "localhost", header: bytes = b"") -> ssl.SSLSocket:
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        plain = self.connect()
        plain.sendall(header)
        return context.wrap_socket(plain, server_hostname=name)

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(DEADLINE_S) == 0, self.process.args


@contextlib.contextmanager
def running(path: Path, *arguments: str) -> Iterator[Program]:
    program = Program(path, *arguments)
    try:
        yield program
        program.stop()
    finally:
        program.process.kill()
        program.process.wait()


def line_of(session: socket.socket) -> bytes:
    got = b""
    while not got.endswith(b"\n"):
        more = session.recv(1)
        if not more:
            break
        got += more
    return got


def ends(session: socket.socket) -> bool:
    """Whether the peer ends the connection, in order or not."""
    try:
        return session.recv(1) == b""
    except (ConnectionError, ssl.SSLError):
        return True


def echo(build: Path) -> None:
    with running(build / "echo", "127.0.0.1:0", "tls") as server:
        with server.tls(header=HEADER) as session:
            assert line_of(session) == b"192.0.2.7:40000\n"
            session.sendall(b"hello\n")
            assert line_of(session) == b"hello\n"
        with server.connect() as session:
            session.sendall(b"GET / HTTP/1.0\r\n\r\n")
            server.line("refused: ACCEPT_PROXY MALFORMED")


def proxy(build: Path) -> None:
    with running(build / "echo", "127.0.0.1:0") as server:
        with running(build / "proxy", "127.0.0.1:0", server.address, NOBODY) as front:
            front.line("server 1 is down")
            with front.tls() as session:
                address = "{}:{}\n".format(*session.getsockname())
                assert line_of(session) == address.encode()
                session.sendall(b"hello\n")
                assert line_of(session) == b"hello\n"
            assert "up=6" in front.line(address.strip())


def rules(build: Path) -> None:
    file = build / "rules.txt"
    file.write_text(RULES, encoding="ascii")
    with running(build / "echo", "127.0.0.1:0") as first, running(build / "echo", "127.0.0.1:0") as second:
        servers = (first.address, f"second={second.address}")
        with running(build / "rules", "127.0.0.1:0", str(file), *servers) as front:
            for name in ("a.example", "b.example"):
                with front.tls(name) as session:
                    assert line_of(session)
            with contextlib.suppress(ConnectionError, ssl.SSLError), front.tls("db.internal.example") as session:
                assert ends(session)
            front.line("refused: SESSION_RULES DENIED")
            file.write_text(RULES.replace("session reject", "session rject"), encoding="ascii")
            front.process.send_signal(signal.SIGHUP)
            front.line("the rules stay as they are: line 4, column 21")
            file.write_text("tcp-request connection reject\n", encoding="ascii")
            front.process.send_signal(signal.SIGHUP)
            front.line("rules read")
            with front.connect() as session:
                assert ends(session)


def handler(build: Path) -> None:
    with running(build / "echo", "127.0.0.1:0") as server:
        with running(build / "handler", "127.0.0.1:0", "s3cret", server.address) as front:
            with front.tls() as session:
                session.sendall(b"KEY s3")
                session.sendall(b"cret\nhello\n")
                assert line_of(session) == b"welcome\n"
                assert line_of(session)
                assert line_of(session) == b"hello\n"
            for line, code in ((b"KEY s3cre\n", 2), (b"KEY s3crets\n", 2), (b"\n", 2), (b"x" * 200, 1)):
                with front.tls() as session:
                    session.sendall(line)
                    assert ends(session)
                front.line(f"refused: CUSTOM_CLEAR DENIED code {code}")


def main() -> None:
    library = Path(sys.argv[1]).resolve()
    compiler = shlex.split(os.environ.get("CC", "cc"))
    with tempfile.TemporaryDirectory() as folder:
        build = Path(folder)
        for step in (echo, proxy, rules, handler):
            source = TUTORIAL / f"{step.__name__}.c"
            options = ["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-I", str(ROOT / "include")]
            output = ["-o", str(build / step.__name__), str(library), f"-Wl,-rpath,{library.parent}"]
            subprocess.run([*compiler, *options, str(source), *output], check=True)
        for step in (echo, proxy, rules, handler):
            step(build)
            print(f"{step.__name__}: ok", flush=True)


if __name__ == "__main__":
    main()
