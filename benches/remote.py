#!/usr/bin/env python3
"""What an agent costs: a connect, and the moving of bytes, beside a proxy that has none.

    make -C examples && benches/remote.py [--gigabytes N] [--connects N]

One row for each way to the server: how long a client waits for the first byte of an answer, in the best tenth
of all cases and in the middle one, and how much time of a processor proxy and agent take for a gigabyte (10^9
bytes) that a client downloads. The client and the server are the same in all rows, and their time is not
counted. Needs python3 and openssl."""

import argparse
import contextlib
import os
import pathlib
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time

BUILD = pathlib.Path(__file__).resolve().parent.parent / "examples" / "build"
CHUNK = bytes(1 << 20)
TICKS = os.sysconf("SC_CLK_TCK")


def certificate(folder):
    paths = [str(folder / name) for name in ("cert.pem", "key.pem")]
    subprocess.run(
        ["openssl", "req", "-x509", "-nodes", "-days", "2", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:P-256", "-subj", "/CN=localhost", "-out", paths[0], "-keyout", paths[1],
         "-addext", "subjectAltName=DNS:localhost", "-addext", "basicConstraints=critical,CA:FALSE"],
        check=True, stderr=subprocess.DEVNULL)
    return paths


def answer(conn, context):
    """Eight bytes say how many are wanted."""
    with conn:
        conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if context:
            conn = context.wrap_socket(conn, server_side=True)
        left = int.from_bytes(conn.recv(8), "big")
        while left > 0:
            left -= conn.send(CHUNK[:left])
        with contextlib.suppress(ConnectionResetError):  # the programs are killed when a row is done
            conn.recv(1)


def serve(listener, context):
    sys.setswitchinterval(1e-5)  # or else a thread waits for another one, 5 ms each time
    while True:
        conn, _ = listener.accept()
        threading.Thread(target=answer, args=(conn, context), daemon=True).start()


def server(context):
    """The port of a server in a process of its own, and the process."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    child = os.fork()
    if child == 0:
        serve(listener, context)
    port = listener.getsockname()[1]
    listener.close()
    return port, child


def start(words):
    """A program, once it serves, and the address that it names."""
    process = subprocess.Popen([str(BUILD / words[0]), *words[1:]], stdout=subprocess.PIPE, text=True)
    for line in process.stdout:
        if line.startswith("ready "):
            return process, line.split()[1]
    raise SystemExit(f"{words[0]} does not start")


def ask(port, count):
    """How long the first byte of an answer takes."""
    begin = time.perf_counter()
    with socket.create_connection(("127.0.0.1", port)) as conn:
        conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        conn.sendall(count.to_bytes(8, "big"))
        left = count - len(conn.recv(1))
        first = time.perf_counter() - begin
        memory = bytearray(1 << 20)
        while left > 0:
            got = conn.recv_into(memory)
            if got == 0:
                raise SystemExit("the answer is too short")
            left -= got
    return first


def seconds(process):
    """The time of a processor that a process has taken."""
    if process is None:
        return 0.0
    fields = pathlib.Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def measure(name, port, agent_words, proxy_words, asked):
    agent = None
    words = ["proxy", "--listen", "127.0.0.1:0", "--backend", f"127.0.0.1:{port}", *proxy_words]
    if agent_words is not None:
        agent, address = start(["agent", "--allow", "127.0.0.1:*", *agent_words])
        words += ["--via-agent", address]
    proxy, address = start(words)
    try:
        front = int(address.rsplit(":", 1)[1])
        for _ in range(20):
            ask(front, 1)
        times = sorted(ask(front, 1) for _ in range(asked.connects))
        before = [seconds(process) for process in (proxy, agent)]
        ask(front, asked.gigabytes * 10**9)
        took = [seconds(process) - old for process, old in zip((proxy, agent), before)]
        tenth, half = (times[len(times) * part // 100] * 1e6 for part in (10, 50))
        of_proxy, of_agent = (used / asked.gigabytes for used in took)
        print(f"{name:34} {tenth:8.0f} {half:8.0f} {of_proxy:8.2f} {of_agent:8.2f}", flush=True)
    finally:
        for process in (proxy, agent):
            if process is not None:
                process.kill()
                process.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gigabytes", type=int, default=4)
    parser.add_argument("--connects", type=int, default=1000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        cert, key = certificate(folder)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        (raw, first), (tls, second) = server(None), server(context)
        unix = ["--clients", f"unix:{folder}/agent"]
        profile = ["--tls", f"there={cert}"]
        over_tcp = ["--clients", "127.0.0.1:0", "--insecure"]
        rows = [
            ("raw, no agent", raw, None, []),
            ("raw, descriptor passed", raw, unix, []),
            ("raw, frames", raw, unix, ["--no-pass"]),
            ("raw, frames, a link for each", raw, unix, ["--no-pass", "--agent-channels", "1"]),
            ("raw, frames over TCP", raw, over_tcp, []),
            ("TLS, no agent", tls, None, ["--backend-tls", cert, "--sni", "localhost"]),
            ("TLS by the proxy, passed", tls, unix, ["--backend-tls", cert, "--sni", "localhost"]),
            ("TLS by the agent, frames", tls, unix + profile, ["--agent-tls", "there", "--sni", "localhost"]),
        ]
        try:
            print(f"{'':34} {'first byte, us':>17} {'CPU s per GB':>17}")
            print(f"{'':34} {'10 %':>8} {'50 %':>8} {'proxy':>8} {'agent':>8}")
            for row in rows:
                measure(*row, asked)
        finally:
            for child in (first, second):
                os.kill(child, 9)
                os.waitpid(child, 0)


main()
