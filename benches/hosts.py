"""Instructions that a host of examples/hosts takes for one readiness: a client sends 64 bytes and waits for the
echo, again and again; what a round takes is the difference between many rounds and few, counted by callgrind.

    python3 benches/hosts.py [HOST...]

First a column with all of the process, the poller's library among it; then what is inside of the library's drive
calls, the session's reads and writes among it; then the lines of the host's file. Build the examples first.
callgrind does not count the kernel, and cannot run io_uring."""

import pathlib
import re
import socket
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
HOSTS = ["epoll", "epoll_edge", "poll", "select", "pull", "loop", "libevent", "libuv", "libev", "glib"]
FEW, MANY = 500, 1000
DRIVE = ["vst_engine_ready", "vst_engine_ready_batch", "vst_engine_ready_fd", "vst_engine_run", "vst_engine_wait"]


def instructions(host, rounds, collect):
    program = ROOT / "examples/build/hosts" / host
    with tempfile.NamedTemporaryFile("w+") as log:
        command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", f"--log-file={log.name}"]
        command += [f"--toggle-collect={name}" for name in collect]
        command += [program, "--listen", "127.0.0.1:0"]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            address = process.stdout.readline().split()[1].decode().rsplit(":", 1)
            with socket.create_connection((address[0], int(address[1]))) as client:
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                while not client.recv(1 << 10).endswith(b"\n"):
                    pass
                for _ in range(rounds):
                    client.sendall(bytes(64))
                    left = 64
                    while left:
                        left -= len(client.recv(left))
            process.terminate()
            assert process.wait() == 0
        return int(re.search(r"Collected : (\d+)", log.read())[1])


def main():
    print(f"{'host':12}{'process':>10}{'drive calls':>13}{'lines':>7}")
    for host in sys.argv[1:] or HOSTS:
        each = [
            (instructions(host, MANY, collect) - instructions(host, FEW, collect)) // (MANY - FEW)
            for collect in ([], DRIVE)
        ]
        lines = len((ROOT / f"examples/hosts/{host}.c").read_text().splitlines())
        print(f"{host:12}{each[0]:>10}{each[1]:>13}{lines:>7}", flush=True)


main()
