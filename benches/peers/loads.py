"""The loads: what clients do to the proxies that are compared."""

from __future__ import annotations

from dataclasses import dataclass

#: What a message has on each way, and the smallest request (request.h).
MESSAGE, REQUEST = 64, 24
#: What one exchange of a bulk load moves: small enough for some of them in every slice.
BULK = 25_000_000
GB = 1_000_000_000
BULK_FIRST = 6
#: Clients at the same time.
IN_FLIGHT, BULK_CLIENTS = 16, 4


@dataclass(frozen=True)
class Load:
    name: str
    title: str
    #: What a figure is for one of: an exchange, or bytes.
    unit: str
    clients: int
    up: int
    down: int
    #: Exchanges of a slice, some 50 to 100 ms of the target's time: less than it takes the machine to change its pace.
    exchanges: int
    once: bool = False
    proxy: bool = False
    tls: bool = False

    @property
    def warm_up(self) -> int:
        """Exchanges before those that are counted: caches belong to the target again."""
        return max(self.clients, self.exchanges // WARM_UP_SHARE)

    @property
    def is_bulk(self) -> bool:
        return max(self.up, self.down) >= BULK

    @property
    def first_slices(self) -> int:
        """Before all others, and not counted. The first gigabyte costs up to twice as much as those that follow."""
        return BULK_FIRST if self.is_bulk else 1

    @property
    def units(self) -> float:
        """Of a slice."""
        return self.exchanges * max(self.up, self.down) / GB if self.is_bulk else self.exchanges

    def options(self) -> list[str]:
        """Those of the program load."""
        words = f"--clients {self.clients} --up {self.up} --down {self.down}"
        switches = {"--once": self.once, "--proxy": self.proxy, "--tls": self.tls}
        return [*words.split(), *(name for name, is_on in switches.items() if is_on)]


WARM_UP_SHARE = 8


def connections(name: str, title: str, exchanges: int, proxy: bool = False, tls: bool = False) -> Load:
    return Load(name, title, "connection", IN_FLIGHT, MESSAGE, MESSAGE, exchanges, True, proxy, tls)


def pingpong(name: str, title: str, exchanges: int, tls: bool = False) -> Load:
    return Load(name, title, "exchange", IN_FLIGHT, MESSAGE, MESSAGE, exchanges, tls=tls)


def bulk(name: str, title: str, up: int, down: int, exchanges: int, tls: bool = False) -> Load:
    return Load(name, title, "GB", BULK_CLIENTS, up, down, exchanges, tls=tls)


LOADS = (
    connections("connections", "raw connection, half-close passed on", 1_500),
    connections("proxy-header", "the same with a PROXY header, a rule and a table", 1_500, proxy=True),
    pingpong("pingpong", "64 bytes there and back, raw", 8_000),
    pingpong("pingpong-tls", "64 bytes there and back, TLS", 6_000, tls=True),
    bulk("bulk-down", "a gigabyte to the client, raw", REQUEST, BULK, 12),
    bulk("bulk-up", "a gigabyte from the client, raw", BULK, MESSAGE, 12),
    bulk("bulk-down-tls", "a gigabyte to the client, TLS", REQUEST, BULK, 4, tls=True),
    bulk("bulk-up-tls", "a gigabyte from the client, TLS", BULK, MESSAGE, 4, tls=True),
    connections("handshakes", "TLS connection, full handshake", 200, tls=True),
)
#: Those whose system calls are counted.
COUNTED = tuple(load for load in LOADS if load.name in ("connections", "handshakes"))
