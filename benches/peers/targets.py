"""The proxies that are compared: how each is configured for a load, and started."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from loads import Load
from processes import Failure, Program, children, running

HERE = Path(__file__).resolve().parent
BUILD = HERE / "build"
#: Debian keeps servers where not every user's PATH leads.
SYSTEM = "/usr/sbin:/sbin:/usr/local/sbin:/usr/bin:/bin"
STREAM_MODULES = ("/usr/lib/nginx/modules/ngx_stream_module.so", "/usr/lib64/nginx/modules/ngx_stream_module.so")
BACKLOG = 4096
#: More than any load has, both sides of a stream counted.
CONNECTIONS = 4096
#: The buffer of bulk loads, where a proxy has a smaller one by default.
BULK_BUFFER = 65_536
IDLE_S = 30
TABLE = "type ip size 100k expire 10m store conn_cur,conn_rate(10s)"
#: A rule that is asked and never true.
TOO_MANY = "{ sc0_conn_rate gt 1000000000 }"


@dataclass(frozen=True)
class Scene:
    """Where and for what a target is started."""

    place: Path
    backends: Sequence[str]
    load: Load
    certificate: Path
    key: Path
    cpus: frozenset[int]


@dataclass(frozen=True)
class Started:
    program: Program
    address: str
    #: The one that serves is a child of the one that was started.
    has_worker: bool = False

    def pid(self) -> int:
        """The process that serves; it is there once it has served somebody."""
        return children(self.program.pid)[0] if self.has_worker else self.program.pid


def found(name: str) -> str | None:
    return shutil.which(name) or shutil.which(name, path=SYSTEM)


def said(*command: str) -> str:
    """The first line of what a command says."""
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    return (result.stdout or result.stderr).strip().partition("\n")[0]


@dataclass(frozen=True)
class Target(ABC):
    name: str
    title: str

    is_ours = False
    threads = 1

    @abstractmethod
    def missing(self) -> str:
        """What is not installed, or nothing."""

    @abstractmethod
    def version(self) -> str: ...

    @abstractmethod
    def start(self, scene: Scene) -> contextlib.AbstractContextManager[Started]: ...

    def lacks(self, load: Load) -> str:
        """Why it has no part in a load, or nothing."""
        return ""


def ready(program: Program) -> str:
    """The address in the line of a program that says where it listens."""
    word, _, address = program.line().partition(" ")
    if word != "ready":
        raise Failure(f"says {word} where it should be ready")
    return address


@dataclass(frozen=True)
class Vestibule(Target):
    proxy: Path
    library: Path | None
    host: str
    threads: int = 1

    is_ours = True

    def missing(self) -> str:
        return "" if self.proxy.is_file() else f"{self.proxy}: make -C examples builds it"

    def version(self) -> str:
        library = self.library or self.proxy.parent / "libvestibule.so.0"
        return f"{self.proxy.resolve()}, {said('sha256sum', str(library))[:12]}, {library.stat().st_size:,} bytes"

    @contextlib.contextmanager
    def start(self, scene: Scene) -> Iterator[Started]:
        command = [str(self.proxy), "--listen", "127.0.0.1:0", "--host", self.host]
        command += [word for backend in scene.backends for word in ("--backend", backend)]
        command += ["--timeout-idle", str(IDLE_S * 1000)]
        if self.threads > 1:
            command += ["--threads", str(self.threads)]
        if scene.load.tls:
            command += ["--tls", str(scene.certificate), str(scene.key)]
        if scene.load.proxy:
            rules = scene.place / "rules"
            track = "tcp-request connection track-sc0 src"
            rules.write_text(f"stick-table {TABLE}\n{track}\ntcp-request connection reject if {TOO_MANY}\n")
            command += ["--accept-proxy", "any", "--rules", str(rules)]
        with running(command, scene.place, scene.cpus, environment=self.environment(scene.place)) as program:
            yield Started(program, ready(program))

    def environment(self, place: Path) -> dict[str, str]:
        """The library is beside the program, unless another one is wanted."""
        if self.library is None:
            return {}
        (place / "libvestibule.so.0").symlink_to(self.library.resolve())
        return {"LD_LIBRARY_PATH": str(place)}


@contextlib.contextmanager
def inherited() -> Iterator[tuple[socket.socket, str]]:
    """A listener for a program that cannot say which port it was given, and its address. Clients wait in its
    backlog until the program is up, and are refused if it ends: the caller closes its own copy."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(BACKLOG)
        listener.setblocking(False)
        yield listener, f"127.0.0.1:{listener.getsockname()[1]}"


@dataclass(frozen=True)
class Haproxy(Target):
    def missing(self) -> str:
        return "" if found("haproxy") else "haproxy"

    def version(self) -> str:
        return said(found("haproxy") or "", "-v")

    @contextlib.contextmanager
    def start(self, scene: Scene) -> Iterator[Started]:
        with inherited() as (listener, address):
            config = scene.place / "haproxy.cfg"
            config.write_text(self.configuration(scene, listener.fileno()))
            command = [found("haproxy") or "", "-db", "-f", str(config)]
            with running(command, scene.place, scene.cpus, [listener.fileno()]) as program:
                listener.close()
                yield Started(program, address)

    def configuration(self, scene: Scene, descriptor: int) -> str:
        load = scene.load
        both = scene.place / "both.pem"
        both.write_text(scene.certificate.read_text() + scene.key.read_text())
        bind = f"bind fd@{descriptor}"
        lines = ["global", "nbthread 1", f"maxconn {CONNECTIONS}"]
        if load.is_bulk:
            lines += [f"tune.bufsize {BULK_BUFFER}"]
        lines += ["defaults", "mode tcp", "timeout connect 5s", f"timeout client {IDLE_S}s"]
        lines += [f"timeout server {IDLE_S}s"]
        if load.is_bulk and not load.tls:
            lines += ["option splice-auto"]
        lines += ["listen front", "balance roundrobin"]
        if load.tls:
            bind += f" ssl crt {both} ssl-min-ver TLSv1.3"
        if load.proxy:
            bind += " accept-proxy"
            lines += [f"stick-table {TABLE}", "tcp-request session track-sc0 src"]
            lines += [f"tcp-request session reject if {TOO_MANY}"]
        lines += [bind, *(f"server s{number} {backend}" for number, backend in enumerate(scene.backends))]
        return "\n".join([*lines, ""])


@dataclass(frozen=True)
class Nginx(Target):
    half_close: bool

    def missing(self) -> str:
        return "" if found("nginx") else "nginx"

    def version(self) -> str:
        return said(found("nginx") or "", "-v")

    def lacks(self, load: Load) -> str:
        return "" if self.half_close or not load.once else "passes no half-close on"

    @contextlib.contextmanager
    def start(self, scene: Scene) -> Iterator[Started]:
        with inherited() as (listener, address):
            config = scene.place / "nginx.conf"
            config.write_text(self.configuration(scene, address))
            command = [found("nginx") or "", "-p", str(scene.place), "-e", "stderr", "-c", str(config)]
            # In the way of its own upgrades; it needs a master for that.
            environment = {"NGINX": f"{listener.fileno()};"}
            with running(command, scene.place, scene.cpus, [listener.fileno()], environment) as program:
                listener.close()
                yield Started(program, address, has_worker=True)

    def configuration(self, scene: Scene, address: str) -> str:
        load = scene.load
        module = next((path for path in STREAM_MODULES if Path(path).exists()), None)
        listen = f"listen {address}{' ssl' if load.tls else ''}{' proxy_protocol' if load.proxy else ''};"
        tls = f"ssl_certificate {scene.certificate}; ssl_certificate_key {scene.key}; ssl_protocols TLSv1.3;"
        servers = " ".join(f"server {backend};" for backend in scene.backends)
        lines = [f"load_module {module};"] if module else []
        lines += ["daemon off; worker_processes 1; pid nginx.pid; error_log stderr error;"]
        lines += [f"events {{ worker_connections {CONNECTIONS}; }}", "stream {", f"upstream backends {{ {servers} }}"]
        lines += ["server {", listen, f"proxy_pass backends; proxy_timeout {IDLE_S}s;"]
        lines += [f"proxy_half_close {'on' if self.half_close else 'off'};"]
        if load.is_bulk:
            lines += [f"proxy_buffer_size {BULK_BUFFER};"]
        return "\n".join([*lines, tls if load.tls else "", "}", "}", ""])


@dataclass(frozen=True)
class Bufferevent(Target):
    def missing(self) -> str:
        return "" if (BUILD / "bufferevent").is_file() else "libevent's development files"

    def version(self) -> str:
        return f"libevent {said('pkg-config', '--modversion', 'libevent')}"

    def lacks(self, load: Load) -> str:
        return "has no PROXY header" if load.proxy else ""

    @contextlib.contextmanager
    def start(self, scene: Scene) -> Iterator[Started]:
        command = [str(BUILD / "bufferevent")]
        command += [word for backend in scene.backends for word in ("--backend", backend)]
        if scene.load.tls:
            command += ["--tls", str(scene.certificate), str(scene.key)]
        with running(command, scene.place, scene.cpus) as program:
            yield Started(program, ready(program))


def vestibules(name: str, proxy: Path, library: Path | None, threads: Sequence[int]) -> list[Target]:
    """A build of the proxy over level- and over edge-triggered epoll, with each number of threads."""
    made: list[Target] = []
    for count in threads:
        suffix, words = (f"-{count}", f", {count} threads") if count > 1 else ("", "")
        for host, short, kind in (("epoll", "", ""), ("epoll-et", "-et", ", edge-triggered")):
            made.append(Vestibule(f"{name}{short}{suffix}", f"{name}{kind}{words}", proxy, library, host, count))
    return made


def peers() -> list[Target]:
    return [
        Haproxy("haproxy", "HAProxy"),
        Nginx("nginx", "nginx", True),
        Nginx("nginx-off", "nginx, half-close off", False),
        Bufferevent("bufferevent", "libevent bufferevents"),
    ]
