#!/usr/bin/env python3
"""Plays rule files against a proxy and compares where clients end with what is expected.

    run.py [--proxy PATH] [--dir DIR] [--only RE]       vestibule's examples/build/proxy
    run.py --haproxy EXE [--dir DIR] [--only RE]        HAProxy, with the same rules

The last line says how many files load, and how many of the probes of those came out right.

NN-noun.rules is what an operator writes, NN-noun.expect what has to come of it; README.md in the
folder says how to read the second. Each file gets a proxy of its own, in front of small servers in
this process that say their name, and its probes are played against it in their order.

A client's address is announced to vestibule by a PROXY header, so that nothing but loopback is
needed. HAProxy, and files in which the socket's own address matters, are run in a network of their
own (a namespace of Linux, as root or where users may have one), in which the documentation ranges are
addresses of this machine. Only loopback is ever talked to.

Exit status 0 when all is as expected. Python 3.8 or later, standard library only; files that say
`listener: tls` also take the program openssl, for a certificate to throw away.
"""
import argparse
import codecs
import ctypes
import fcntl
import os
import re
import shlex
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time

PATIENCE = 8.0       # how long a client waits for an answer that should come
QUIET = 1.5          # how long nothing has to come where nothing should
SETTLE = 1.0         # for health checks to find out who is down
SOURCE, TARGET, TARGET6 = "192.0.2.1", "203.0.113.1:443", "[2001:db8:ffff::1]:443"


class Mistake(Exception):
    """An .expect file that cannot be read."""


# ---- what is expected ---------------------------------------------------------------------------

class Probe:
    """One line `connect ... -> ...`."""

    def __init__(self, line):
        self.line = line
        given, arrow, wanted = line.partition(" -> ")
        if not arrow:
            raise Mistake("no -> in: " + line)
        self.src = self.dst = self.peer = self.tls = self.send = None
        self.proxy, self.times, self.cut = None, 1, 0
        self.pause, self.hold, self.end = 0.0, False, False
        for word in words(given)[1:]:
            name, _, value = word.partition("=")
            if name in ("src", "dst", "peer", "send", "tls"):
                setattr(self, name, value)
            elif name == "proxy":
                self.proxy = value or "v1"
            elif name in ("times", "cut"):
                setattr(self, name, int(value))
            elif name == "pause":
                self.pause = float(value)
            elif name in ("hold", "end"):
                setattr(self, name, True)
            else:
                raise Mistake("what is %s in: %s" % (word, line))
        self.src = endpoint(self.src or SOURCE)
        self.dst = endpoint(self.dst or target_of(self.src))
        self.peer = endpoint(self.peer) if self.peer else None
        self.payload = payload(self.send or "none")
        self.wanted, self.waits, self.same, self.differs = [], None, None, None
        self.expect(wanted)

    def expect(self, text):
        for part in text.split(","):
            outcome, times = [], 1
            for word in part.split():
                name, eq, value = word.partition("=")
                if eq and name == "waits":
                    self.waits = float(value)
                elif eq and name in ("same", "differs"):
                    setattr(self, name, int(value) - 1)
                elif re.fullmatch(r"\*\d+", word):
                    times = int(word[1:])
                else:
                    outcome.append(word)
            self.wanted += [" ".join(outcome)] * times
        for outcome in self.wanted:
            if not re.fullmatch(r"backend \S+|default|accepted|refused|dropped", outcome):
                raise Mistake("no outcome: %s in: %s" % (outcome, self.line))
        if len(self.wanted) != self.times:
            raise Mistake("%d outcomes for %d connections in: %s"
                          % (len(self.wanted), self.times, self.line))


class Case:
    def __init__(self, path):
        self.rules, self.name = path, os.path.basename(path)
        self.backends, self.listener, self.probes = [("default", 1, 1)], "plain", []
        with open(path[:-len(".rules")] + ".expect", encoding="ascii") as text:
            for line in map(str.strip, text):
                if line.startswith("backends:"):
                    self.backends = [backend(w) for w in line.split()[1:]]
                    if "default" not in [name for name, _, _ in self.backends]:
                        self.backends.insert(0, ("default", 1, 1))
                elif line.startswith("listener:"):
                    self.listener = line.split()[1]
                elif line.startswith("connect"):
                    self.probes.append(Probe(line))
                elif line and not line.startswith("#"):
                    raise Mistake("what is this line: " + line)
        self.backends.sort(key=lambda b: b[0] != "default")
        self.real = self.listener == "accept-proxy" or any(p.peer for p in self.probes)

    def checked(self):
        return any(up < count for _, up, count in self.backends)


def words(text):
    """Parted by blanks, but for those in quotes; a backslash is one."""
    lexer = shlex.shlex(text, posix=True, punctuation_chars=False)
    lexer.whitespace_split, lexer.escape, lexer.commenters = True, "", ""
    return list(lexer)


def backend(word):
    """NAME, NAME=COUNT or NAME=UP/COUNT."""
    name, _, servers = word.partition("=")
    up, _, count = (servers or "1").partition("/")
    return name, int(up), int(count or up)


def endpoint(text):
    """ADDR, ADDR:PORT or [ADDR6]:PORT -> (address, port); 0 is any port."""
    found = re.fullmatch(r"\[([^]]+)\](?::(\d+))?|([^:]+)(?::(\d+))?|(.+)", text)
    return found[1] or found[3] or found[5], int(found[2] or found[4] or 0)


def target_of(src):
    return TARGET6 if ":" in src[0] else TARGET


# ---- what clients say ---------------------------------------------------------------------------

def payload(text):
    kind, _, rest = text.partition(":")
    if kind == "none":
        return b""
    if kind == "ssh":
        return b"SSH-2.0-probe\r\n"
    if kind == "http":
        method, _, target = (rest or "GET /").partition(" ")
        return ("%s %s HTTP/1.1\r\nHost: www.example.com\r\n\r\n" % (method, target)).encode()
    if kind == "hello":
        return hello(fields(rest))
    if kind == "rdp":
        cookie = ("Cookie: mstshash=%s\r\n" % rest).encode() + bytes.fromhex("0100080003000000")
        return struct.pack(">BBH", 3, 0, 11 + len(cookie)) + struct.pack(
            ">BBHHB", 6 + len(cookie), 0xe0, 0, 0, 0) + cookie
    if kind == "bytes":
        return codecs.escape_decode(rest.encode())[0]
    raise Mistake("nothing to send: " + text)


def fields(text):
    return dict(part.split("=", 1) for part in text.split(",") if part)


def vector(width, data):
    return len(data).to_bytes(width, "big") + data


def hello(f):
    """A ClientHello of TLS 1.3 or older: sni, alpn (a+b), ver, sid (hexadecimal), ec=no, records=N."""
    ver = f.get("ver", "1.3")
    legacy = {"1.0": 0x301, "1.1": 0x302}.get(ver, 0x303)
    extensions = []
    if "sni" in f:
        extensions.append((0, vector(2, b"\0" + vector(2, f["sni"].encode("latin-1")))))
    if f.get("ec") != "no":
        extensions += [(10, vector(2, struct.pack(">HH", 29, 23))), (11, b"\1\0")]
    if legacy == 0x303:
        extensions.append((13, vector(2, struct.pack(">HHHH", 0x403, 0x804, 0x401, 0x807))))
    if "alpn" in f:
        names = b"".join(vector(1, name.encode()) for name in f["alpn"].split("+"))
        extensions.append((16, vector(2, names)))
    if ver == "1.3":
        extensions.append((43, vector(1, struct.pack(">HH", 0x304, 0x303))))
        extensions.append((51, vector(2, struct.pack(">H", 29) + vector(2, bytes(range(9, 41))))))
    body = struct.pack(">H", legacy) + bytes(range(100, 132)) + vector(1, bytes.fromhex(f.get("sid", "")))
    body += vector(2, struct.pack(">6H", 0x1301, 0x1302, 0xc02b, 0xc02f, 0x9c, 0x2f)) + b"\1\0"
    body += vector(2, b"".join(struct.pack(">H", n) + vector(2, data) for n, data in extensions))
    message = b"\1" + vector(3, body)
    size = -(-len(message) // int(f.get("records", "1")))
    return b"".join(b"\x16\3\1" + vector(2, message[i:i + size]) for i in range(0, len(message), size))


def header(version, src, dst):
    six = ":" in src[0]
    family = socket.AF_INET6 if six else socket.AF_INET
    if version == "v1":
        return ("PROXY TCP%d %s %s %d %d\r\n" % (6 if six else 4, src[0], dst[0], src[1], dst[1])).encode()
    block = (socket.inet_pton(family, src[0]) + socket.inet_pton(family, dst[0])
             + struct.pack(">HH", src[1], dst[1]))
    return b"\r\n\r\n\0\r\nQUIT\n\x21" + (b"\x21" if six else b"\x11") + vector(2, block)


class Client:
    """One connection, and what became of it."""

    def __init__(self, probe, target):
        self.probe, self.socket, self.outcome, self.took = probe, None, None, 0.0
        began = time.monotonic()
        try:
            self.connect(target)
            self.outcome = self.talk(probe)
        except ssl.SSLError:
            self.outcome = "refused"
        except socket.timeout:
            self.outcome = "dropped"
        except (ConnectionResetError, BrokenPipeError):
            self.outcome = "reset"
        except OSError as error:
            self.outcome = "no connection: %s" % error
        self.took = time.monotonic() - began

    def connect(self, target):
        probe = self.probe
        src, dst = probe.peer or probe.src, target or probe.dst
        if probe.proxy and not target:      # what is announced is not where it goes
            dst = endpoint(target_of(src))
        self.socket = socket.socket(socket.AF_INET6 if ":" in dst[0] else socket.AF_INET)
        dropped = "dropped" in probe.wanted
        self.socket.settimeout((probe.waits or 0) + QUIET if dropped else PATIENCE)
        if not target:
            if ":" in src[0]:
                self.socket.setsockopt(socket.IPPROTO_IP, 15, 1)    # IP_FREEBIND, of both families
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.socket.bind(src)
        self.socket.connect(dst)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if target or probe.proxy:
            port = probe.src[1] or 40000 + os.getpid() % 20000
            self.socket.sendall(header(probe.proxy or "v2", (probe.src[0], port), probe.dst))
        if probe.tls is not None:
            self.handshake(fields(probe.tls))

    def handshake(self, f):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if "alpn" in f:
            context.set_alpn_protocols(f["alpn"].split("+"))
        self.socket = context.wrap_socket(self.socket, server_hostname=f.get("sni"))

    def talk(self, probe):
        time.sleep(probe.pause)
        if probe.cut:
            self.socket.sendall(probe.payload[:probe.cut])
            time.sleep(0.2)
        self.socket.sendall(probe.payload[probe.cut:])
        if probe.end:
            self.socket.shutdown(socket.SHUT_WR)
        answer = b""
        while b"\n" not in answer:
            more = self.socket.recv(256)
            if not more:
                return "refused" if not answer else "cut off: %r" % answer
            answer += more
        return "backend " + answer.split(b"\n")[0].decode("latin-1")

    def close(self):
        """Waits for the other side, so that the proxy is done with it before the next one comes."""
        try:
            self.socket.settimeout(1.0)
            self.socket.shutdown(socket.SHUT_WR)
            while self.socket.recv(4096):
                pass
        except OSError:
            pass
        if self.socket is not None:
            self.socket.close()


# ---- servers ------------------------------------------------------------------------------------

class Server:
    """Says NAME/NUMBER to whoever comes. One that is down has a port that nobody listens on."""

    def __init__(self, name, number, up):
        self.greeting = ("%s/%d\n" % (name, number)).encode()
        self.socket = socket.socket()
        self.socket.bind(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.socket.getsockname()[1]
        if up:
            self.socket.listen(64)
            threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                client = self.socket.accept()[0]
            except OSError:
                return
            threading.Thread(target=self.greet, args=(client,), daemon=True).start()

    def greet(self, client):
        try:
            client.sendall(self.greeting)
            while client.recv(4096):
                pass
        except OSError:
            pass
        client.close()

    def close(self):
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.socket.close()


# ---- the programs under test --------------------------------------------------------------------

class Vestibule:
    def __init__(self, program, case, servers, scratch):
        listen = "0.0.0.0:443" if case.real else "127.0.0.1:0"
        command = [os.path.abspath(program), "--listen", listen]
        for name, of_name in servers:
            for server in of_name:
                command += ["--backend", ("" if name == "default" else name + "=") + server.address]
        command += ["--rules", case.name]
        if case.listener == "accept-proxy" or not case.real:
            command += ["--accept-proxy", "any"]
        if case.listener == "tls":
            command += ["--tls", *certificate(scratch)]
        if case.checked():
            command += ["--check", "--check-interval", "100"]
        self.process = spawn(command, os.path.dirname(case.rules), subprocess.PIPE)
        timer = threading.Timer(PATIENCE, self.process.kill)
        timer.start()
        first = self.process.stdout.readline().split()
        timer.cancel()
        self.loaded = first[:1] == ["ready"]
        self.target = None if case.real or not self.loaded else endpoint(first[1])

    def why(self):
        text = stop(self.process).strip()
        return text.split("\n")[0] or "ended without a word"


class Haproxy:
    def __init__(self, program, case, servers, scratch):
        self.target, path = None, os.path.join(scratch, "haproxy.cfg")
        ports = sorted({443} | {p.dst[1] for p in case.probes})
        with open(path, "w", encoding="utf-8") as config:
            config.write(self.config(case, servers, ports, scratch))
        command = [os.path.abspath(program), "-db", "-f", path]
        self.process = spawn(command, os.path.dirname(case.rules), subprocess.DEVNULL)
        latest = time.monotonic() + PATIENCE
        while not self.listening(ports) and self.process.poll() is None and time.monotonic() < latest:
            time.sleep(0.02)
        self.loaded = self.process.poll() is None and self.listening(ports)

    @staticmethod
    def config(case, servers, ports, scratch):
        """The rules up to the first `backend` line are a frontend's. `stick-table NAME` becomes a
        backend of that name, which is how HAProxy names tables."""
        with open(case.rules, encoding="utf-8") as text:
            lines = [line.strip() for line in text]
        front, sections = [], {}
        inside = front
        for line in lines:
            named = re.match(r"stick-table\s+(?!type\s)(\S+)\s+(.*)", line)
            if re.match(r"backend\s+\S+", line):
                inside = sections.setdefault(line.split()[1], [])
            elif named:
                sections.setdefault(named[1], []).append("stick-table " + named[2])
            else:
                inside.append(line)
        listen = any(re.match(r"stick\s|tcp-response\s", line) for line in front)
        options = {"accept-proxy": " accept-proxy", "plain": ""}
        if case.listener == "tls":
            options["tls"] = " ssl crt " + joined(scratch)
        option = options[case.listener]
        text = ["global", " maxconn 400", " nbthread 1", "defaults", " mode tcp", " balance roundrobin",
                " timeout connect 2s", " timeout client 20s", " timeout server 20s",
                "listen door" if listen else "frontend door"]
        for port in ports:
            text += [" bind 0.0.0.0:%d%s" % (port, option), " bind [::]:%d v6only%s" % (port, option)]
        text += [" " + line for line in front]
        backends = {name: server_lines(name, of_name, case) for name, of_name in servers}
        if listen:
            text += backends.pop("default")
        elif not any(line.startswith("default_backend") for line in front):
            text += [" default_backend default"]
        for name in list(backends) + [name for name in sections if name not in backends]:
            text += ["backend " + name] + [" " + line for line in sections.get(name, [])]
            text += backends.get(name, [])
        return "\n".join(text) + "\n"

    @staticmethod
    def listening(ports):
        found = set()
        for table in ("/proc/self/net/tcp", "/proc/self/net/tcp6"):
            with open(table, encoding="ascii") as text:
                rows = [row.split() for row in text][1:]
            found |= {(table, int(row[1].split(":")[1], 16)) for row in rows if row[3] == "0A"}
        return all(("/proc/self/net/tcp", p) in found and ("/proc/self/net/tcp6", p) in found
                   for p in ports)

    def why(self):
        lines = stop(self.process).strip().split("\n")
        return ([line for line in lines if "ALERT" in line] or lines)[0]


def server_lines(name, of_name, case):
    check = " check inter 100ms fall 1 rise 1" if case.checked() else ""
    return [" server %s-%d %s%s" % (name, i, server.address, check) for i, server in enumerate(of_name, 1)]


def spawn(command, folder, stdout):
    return subprocess.Popen(command, cwd=folder or ".", stdin=subprocess.DEVNULL, stdout=stdout,
                            stderr=subprocess.PIPE, universal_newlines=True)


def stop(process):
    """-> what it had to say; nothing when asked again."""
    process.kill()
    process.wait()
    for pipe in filter(None, (process.stdout, process.stderr)):
        said = "" if pipe.closed else pipe.read()
        pipe.close()
    return said


def certificate(scratch):
    """Of nobody's, for this run only."""
    cert, key = os.path.join(scratch, "cert.pem"), os.path.join(scratch, "key.pem")
    if not os.path.exists(cert):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                        "-nodes", "-days", "2", "-subj", "/CN=probe.example.com", "-addext",
                        "basicConstraints=critical,CA:FALSE", "-addext",
                        "subjectAltName=DNS:*.example.com", "-keyout", key, "-out", cert],
                       check=True, capture_output=True)
    return cert, key


def joined(scratch):
    path = os.path.join(scratch, "both.pem")
    with open(path, "w", encoding="ascii") as both:
        for part in certificate(scratch):
            with open(part, encoding="ascii") as text:
                both.write(text.read())
    return path


# ---- a network of our own -----------------------------------------------------------------------

def own_network():
    """Leaves for a network namespace in which the documentation ranges are local. -> None, or why not."""
    libc, new_net, new_user = ctypes.CDLL(None, use_errno=True), 0x40000000, 0x10000000
    uid, gid = os.getuid(), os.getgid()
    if libc.unshare(new_net) != 0:
        if libc.unshare(new_net | new_user) != 0:
            return "no network namespace: " + os.strerror(ctypes.get_errno())
        for name, text in (("setgroups", "deny"), ("uid_map", "0 %d 1" % uid), ("gid_map", "0 %d 1" % gid)):
            with open("/proc/self/" + name, "w", encoding="ascii") as file:
                file.write(text)
    with socket.socket() as any_socket:
        request = struct.pack("16sH14x", b"lo", 0x1 | 0x8)      # IFF_UP | IFF_LOOPBACK
        fcntl.ioctl(any_socket, 0x8914, request)                # SIOCSIFFLAGS
    for network, length in (("192.0.2.0", 24), ("198.51.100.0", 24), ("203.0.113.0", 24), ("2001:db8::", 32)):
        add_local(network, length)
    return None


def add_local(network, length):
    """`ip route add local NETWORK/LENGTH dev lo`: all of it is us."""
    family = socket.AF_INET6 if ":" in network else socket.AF_INET
    address = socket.inet_pton(family, network)
    attributes = struct.pack("=HH", 4 + len(address), 1) + address + struct.pack(
        "=HHI", 8, 4, socket.if_nametoindex("lo"))
    scope = 0 if family == socket.AF_INET6 else 254
    route = struct.pack("=BBBBBBBBI", family, length, 0, 0, 255, 3, scope, 2, 0) + attributes
    message = struct.pack("=IHHII", 16 + len(route), 24, 0x1 | 0x4 | 0x400, 1, 0) + route
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as link:
        link.send(message)
        error = struct.unpack("=i", link.recv(4096)[16:20])[0]
        if error:
            raise OSError(-error, os.strerror(-error))


# ---- playing ------------------------------------------------------------------------------------

def play(case, start, unplayed=None):
    """-> (why it does not load or None, [(probe, what is wrong or None)]). `unplayed`: why only the first."""
    servers = [(name, [Server(name, i + 1, i < up) for i in range(count)]) for name, up, count in case.backends]
    program, kept, found, seen = None, [], [], []
    with tempfile.TemporaryDirectory() as scratch:
        try:
            program = start(case, servers, scratch)
            if not program.loaded:
                return program.why(), [(probe, "not played") for probe in case.probes]
            if unplayed:
                return None, [(probe, "not played: " + unplayed) for probe in case.probes]
            if case.checked():
                time.sleep(SETTLE)
            for probe in case.probes:
                clients = []
                for _ in range(probe.times):
                    clients.append(Client(probe, program.target))
                    if not probe.hold:
                        clients[-1].close()
                kept += clients if probe.hold else []
                seen.append(clients[0].outcome)
                found.append((probe, difference(probe, clients, seen)))
            return None, found
        finally:
            for client in kept:
                client.close()
            for server in [s for _, of_name in servers for s in of_name]:
                server.close()
            if program is not None:
                stop(program.process)


def difference(probe, clients, seen):
    """What is not as expected, or None. `seen`: the first outcome of each probe, this one's as well."""
    got = [plain(client.outcome) for client in clients]
    if not all(fits(w, g) for w, g in zip(probe.wanted, got)):
        return "got " + runs(got) + " after %.1f s" % max(c.took for c in clients)
    took = [client.took for client in clients]
    if probe.waits is not None and "dropped" not in probe.wanted:
        if min(took) < 0.9 * probe.waits or max(took) > probe.waits + 1.0:
            return "got it after %.2f s" % (min(took) if min(took) < probe.waits else max(took))
    for other, same in ((probe.same, True), (probe.differs, False)):
        odd = [c.outcome for c in clients if other is not None and (c.outcome == seen[other]) != same]
        if odd:
            return "got %s, and probe %d got %s" % (odd[0], other + 1, seen[other])
    return None


def plain(outcome):
    """Without the number of the server."""
    return re.sub(r"^(backend \S+)/\d+$", r"\1", outcome).replace("backend default", "default")


def fits(wanted, got):
    if wanted == "accepted":
        return got == "default" or got.startswith("backend ")
    if wanted == "refused":
        return got in ("refused", "reset")
    if wanted == "dropped":
        return got in ("dropped", "reset")
    return wanted == got


def runs(outcomes):
    """a, a, b -> "a*2, b"."""
    text, at = [], 0
    while at < len(outcomes):
        n = 1
        while at + n < len(outcomes) and outcomes[at + n] == outcomes[at]:
            n += 1
        text.append(outcomes[at] + ("*%d" % n if n > 1 else ""))
        at += n
    return ", ".join(text)


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--proxy", default="examples/build/proxy", help="vestibule's example (%(default)s)")
    parser.add_argument("--haproxy", metavar="EXE", help="play the files against this HAProxy instead")
    parser.add_argument("--dir", default=here, help="the files (%(default)s)")
    parser.add_argument("--only", default="", metavar="RE", help="files whose name has this in it")
    args = parser.parse_args()
    program = args.haproxy or args.proxy
    if not os.access(program, os.X_OK):
        parser.error("no program %s" % program)
    names = sorted(n for n in os.listdir(args.dir) if n.endswith(".rules") and re.search(args.only, n))
    cases = [Case(os.path.abspath(os.path.join(args.dir, name))) for name in names]
    apart = own_network() if args.haproxy or any(case.real for case in cases) else None
    if apart and args.haproxy:
        parser.error(apart)
    kind = Haproxy if args.haproxy else Vestibule
    loaded = right = probes = 0
    for case in cases:
        unplayed = apart if case.real else None
        case.real = case.real and not apart
        why, found = play(case, lambda *given: kind(program, *given), unplayed)
        wrong = [(probe, what) for probe, what in found if what]
        if why is None:
            loaded, probes, right = loaded + 1, probes + len(found), right + len(found) - len(wrong)
        if why is not None:
            print("%-24s does not parse: %s" % (case.name, why))
        elif wrong:
            print("%-24s %d of %d probes differ" % (case.name, len(wrong), len(found)))
            for probe, what in wrong:
                print("    %s\n        %s" % (probe.line, what))
        else:
            print("%-24s ok" % case.name)
        sys.stdout.flush()
    print("%d of %d files load, %d of %d probes right" % (loaded, len(cases), right, probes))
    return 0 if loaded == len(cases) and right == probes else 1


if __name__ == "__main__":
    sys.exit(main())
