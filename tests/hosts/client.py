"""Clients of a host of examples/hosts: whatever its poller, each of them is served the same.

    client.py [-k PART] [-v] PROGRAM [WORD...]

PROGRAM, which may be another program that runs the host (valgrind), is started for each test, and gets --listen
and options. Each test ends it by SIGTERM: it must then end by itself, with 0 and without a complaint."""

import contextlib
import os
import pathlib
import resource
import select
import signal
import socket
import struct
import subprocess
import sys
import time
import unittest

PATIENCE = 20.0
LARGE = 1 << 20
CROWD = 200
# select watches descriptors below this number.
FD_SETSIZE = 1024
MANY = FD_SETSIZE + 100
DESCRIPTORS = MANY + 100
IDLE_MS = 300
HANDSHAKE_MS = 300
# How much later than its deadline a connection may end on a busy machine.
LATE_MS = 2000
GRACE_MS = 400
# One that polls without end is seen running in one of so many looks.
LOOKS = 100
COMMAND = []


class Client:
    """A blocking socket with a deadline."""

    def __init__(self, address, receive_buffer=None):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(PATIENCE)
        try:
            self.socket.connect(address)
        except OSError:
            self.socket.close()
            raise
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def say(self, data):
        self.socket.sendall(data)

    def exactly(self, count):
        data = bytearray()
        while len(data) < count:
            part = self.socket.recv(count - len(data))
            if not part:
                raise AssertionError(f"the end after {len(data)} of {count} bytes")
            data += part
        return bytes(data)

    def line(self):
        data = b""
        while not data.endswith(b"\n"):
            data += self.exactly(1)
        return data.decode().rstrip("\n")

    def expected_line(self):
        source, destination = self.socket.getsockname(), self.socket.getpeername()
        return f"{source[0]} {source[1]} {destination[0]} {destination[1]}"

    def finish_writing(self):
        self.socket.shutdown(socket.SHUT_WR)

    def rest(self):
        data = bytearray()
        while part := self.socket.recv(1 << 16):
            data += part
        return bytes(data)

    def last_words(self):
        """What comes until the end, however abrupt."""
        try:
            return self.rest()
        except ConnectionResetError:
            return b""

    def reset(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def close(self):
        self.socket.close()


class Host(unittest.TestCase):
    def start(self, *words):
        self.process = subprocess.Popen(
            [*COMMAND, "--listen", "127.0.0.1:0", *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.clients = []
        self.complaints = rb"refused: [^\n]*\n" if "--timeout-handshake" in words else b""
        readable, _, _ = select.select([self.process.stdout], [], [], PATIENCE)
        first = self.process.stdout.readline().split() if readable else []
        if len(first) != 2 or first[0] != b"ready":
            self.process.kill()
            self.fail(f"it is not ready: {first} {self.process.stderr.read().decode()}")
        host, port = first[1].decode().rsplit(":", 1)
        self.address = (host, int(port))

    def tearDown(self):
        for client in self.clients:
            client.close()
        process = getattr(self, "process", None)
        if process is None:
            return
        try:
            process.terminate()
            _, complaint = process.communicate(timeout=PATIENCE)
            self.assertEqual(process.returncode, 0, complaint.decode())
            self.assertRegex(complaint, rb"\A(?:" + self.complaints + rb")*\Z")
        finally:
            process.kill()
            process.wait()
            process.stdout.close()
            process.stderr.close()

    def client(self, **options):
        client = Client(self.address, **options)
        self.clients.append(client)
        return client

    def greeted(self, **options):
        client = self.client(**options)
        self.assertEqual(client.line(), client.expected_line())
        return client

    def echoes(self, client, data):
        client.say(data)
        self.assertEqual(client.exactly(len(data)), data)

    def ends_in_order(self, client):
        client.finish_writing()
        self.assertEqual(client.rest(), b"")
        client.close()

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def until(self, what, is_so):
        deadline = time.monotonic() + PATIENCE
        while not is_so():
            self.assertLess(time.monotonic(), deadline, f"waited in vain until {what}")

    def test_a_client_learns_its_address_and_its_bytes_come_back_until_it_ends(self):
        self.start()
        client = self.greeted()
        self.echoes(client, b"an echo")
        client.say(b"and one more")
        client.finish_writing()
        self.assertEqual(client.rest(), b"and one more")

    def test_a_slow_reader_gets_all_of_a_large_echo(self):
        self.start()
        slow = self.greeted(receive_buffer=4096)
        data = os.urandom(LARGE)
        sent, echoed = 0, bytearray()
        slow.socket.setblocking(False)
        # Writes until nobody takes any more, and only then reads.
        while sent < len(data):
            _, writable, _ = select.select([], [slow.socket], [], 0.2)
            if not writable:
                echoed += slow.socket.recv(1 << 12)
                continue
            sent += slow.socket.send(data[sent : sent + (1 << 16)])
        slow.socket.settimeout(PATIENCE)
        slow.finish_writing()
        echoed += slow.rest()
        self.assertEqual(len(echoed), len(data))
        self.assertEqual(bytes(echoed), data)

    def test_a_client_that_reads_nothing_stalls_nobody_else(self):
        self.start()
        stalled = self.greeted(receive_buffer=4096)
        stalled.socket.setblocking(False)
        while select.select([], [stalled.socket], [], 0.2)[1]:
            stalled.socket.send(bytes(1 << 16))
        client = self.greeted()
        self.echoes(client, b"x" * 10000)
        self.ends_in_order(client)
        stalled.reset()

    def test_of_many_connections_some_end_and_some_are_reset_while_others_go_on(self):
        self.start()
        first = self.greeted()
        before = self.descriptors()  # what the loop opens when it begins is among them
        clients = [self.client() for _ in range(CROWD)]
        for client in clients:
            self.assertEqual(client.line(), client.expected_line())
        for number, client in enumerate(clients):
            client.say(b"%08d" % number)
        for number, client in enumerate(clients):
            if number % 4 == 1:
                client.reset()
        for number, client in enumerate(clients):
            if number % 4 != 1:
                self.assertEqual(client.exactly(8), b"%08d" % number)
            if number % 4 == 2:
                self.ends_in_order(client)
        for number, client in enumerate(clients):
            if number % 4 in (0, 3):
                self.echoes(client, b"still here %d" % number)
        for number, client in enumerate(clients):
            if number % 4 in (0, 3):
                self.ends_in_order(client)
        self.ends_in_order(first)
        self.until("every descriptor is closed", lambda: self.descriptors() < before)

    def test_a_descriptor_number_that_is_used_again_is_the_new_connection_s(self):
        self.start()
        old = [self.greeted() for _ in range(16)]
        for _ in range(60):
            # The end of the old and the beginning of the new come in one turn of the poller.
            for client in old:
                client.say(b"late")
                client.reset()
            new = [self.client() for _ in range(16)]
            for client in new:
                client.say(b"hello")
            for client in new:
                self.assertEqual(client.line(), client.expected_line())
                self.assertEqual(client.exactly(5), b"hello")
            old = new
        for client in old:
            self.ends_in_order(client)

    def test_a_client_that_says_nothing_is_cut_at_the_deadline_of_its_handshake(self):
        self.start("--accept-proxy", "any", "--timeout-handshake", str(HANDSHAKE_MS))
        begun = time.monotonic()
        silent, trickling = self.client(), self.client()
        trickling.say(b"PROXY TCP4")
        good = self.client()
        good.say(b"PROXY TCP4 192.0.2.1 192.0.2.2 1001 80\r\n")
        self.assertEqual(good.line(), "192.0.2.1 1001 192.0.2.2 80")
        self.assertEqual(silent.last_words(), b"")
        self.assertEqual(trickling.last_words(), b"")
        took_ms = 1000 * (time.monotonic() - begun)
        self.assertGreaterEqual(took_ms, HANDSHAKE_MS)
        self.assertLess(took_ms, HANDSHAKE_MS + LATE_MS)
        self.echoes(good, b"beyond the deadline")
        self.ends_in_order(good)

    def test_a_session_that_is_silent_for_too_long_ends_in_order(self):
        self.start("--idle", str(IDLE_MS))
        client = self.greeted()
        begun = time.monotonic()
        self.echoes(client, b"counted from here")
        self.assertEqual(client.rest(), b"")
        took_ms = 1000 * (time.monotonic() - begun)
        self.assertGreaterEqual(took_ms, IDLE_MS)
        self.assertLess(took_ms, IDLE_MS + LATE_MS)

    def test_a_connection_that_the_poller_cannot_watch_is_refused_and_all_others_are_served(self):
        if resource.getrlimit(resource.RLIMIT_NOFILE)[0] < DESCRIPTORS:
            self.skipTest("too few descriptors")
        self.start()
        served, refused = [], 0
        for _ in range(MANY):
            try:
                client = self.client()
                client.line()
                self.echoes(client, b"watched")
                served.append(client)
            except ConnectionError:
                refused += 1
        self.assertGreater(len(served), FD_SETSIZE - 100)
        self.assertEqual(refused > 0, pathlib.Path(COMMAND[-1]).name == "select")
        for client in served:
            self.echoes(client, b"still here")
        self.ends_in_order(served.pop(0))
        self.ends_in_order(self.greeted())  # its number can be watched again

    def test_a_proxy_header_says_who_the_client_is_however_it_is_cut(self):
        self.start("--accept-proxy", "any")
        header = b"PROXY TCP4 192.0.2.1 192.0.2.2 1001 80\r\nfirst"
        for cut in (0, 1, 6, 20, len(header) - 6, len(header)):
            client = self.client()
            client.say(header[:cut])
            client.say(header[cut:])
            self.assertEqual(client.line(), "192.0.2.1 1001 192.0.2.2 80")
            self.assertEqual(client.exactly(5), b"first")
            self.ends_in_order(client)

    def test_work_that_is_left_over_waits_for_no_event(self):
        self.start("--events-per-drive", "1")
        clients = [self.client() for _ in range(50)]
        for client in clients:
            client.say(b"x" * 3000)
        for client in clients:
            self.assertEqual(client.line(), client.expected_line())
            self.assertEqual(client.exactly(3000), b"x" * 3000)
        for client in clients:
            self.ends_in_order(client)

    def test_a_host_sleeps_while_nothing_happens(self):
        self.start()
        # One that was read, one whose echo waits, one that has ended its side.
        clients = [self.greeted(), self.greeted(receive_buffer=4096), self.greeted()]
        clients[1].socket.setblocking(False)
        while select.select([], [clients[1].socket], [], 0.2)[1]:
            clients[1].socket.send(bytes(1 << 16))
        self.ends_in_order(clients[2])
        self.until("it sleeps", lambda: all(self.sleeps() for _ in range(LOOKS)))
        clients[1].reset()
        self.echoes(clients[0], b"awake")
        self.until("it sleeps again", lambda: all(self.sleeps() for _ in range(LOOKS)))

    def sleeps(self):
        with open(f"/proc/{self.process.pid}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] == "S"

    def test_after_sigterm_an_open_session_goes_on_and_nobody_new_comes_in(self):
        self.start()
        client = self.greeted()
        self.process.terminate()
        self.until("nobody is let in", self.is_closed)
        self.assertIsNone(self.process.poll())
        self.echoes(client, b"still here")
        self.ends_in_order(client)
        self.assertEqual(self.process.wait(PATIENCE), 0)

    def is_closed(self):
        try:
            Client(self.address).close()
            return False
        except ConnectionRefusedError:
            return True
        except ConnectionResetError:
            return False  # it was in the queue when the listener was closed

    def test_after_sigterm_a_session_that_does_not_end_is_cut_when_the_grace_is_over(self):
        self.start("--grace", str(GRACE_MS))
        client = self.greeted()
        begun = time.monotonic()
        self.process.terminate()
        self.assertEqual(client.last_words(), b"")
        took_ms = 1000 * (time.monotonic() - begun)
        self.assertGreaterEqual(took_ms, GRACE_MS)
        self.assertLess(took_ms, GRACE_MS + LATE_MS)
        self.assertEqual(self.process.wait(PATIENCE), 0)


if __name__ == "__main__":
    words = [sys.argv[0]]
    rest = sys.argv[1:]
    while rest and rest[0].startswith("-"):
        words.append(rest.pop(0))
        if words[-1] == "-k":
            words.append(rest.pop(0))
    COMMAND = rest
    # The host inherits it.
    with contextlib.suppress(ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (DESCRIPTORS, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    unittest.main(argv=words)
