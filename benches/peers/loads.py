"""The loads: what clients do to the proxies that are compared."""

from __future__ import annotations

from dataclasses import dataclass

#: What a message has on each way, and the smallest request (request.h).
MESSAGE, REQUEST = 64, 24
#: What one exchange of a bulk load moves: small enough for some of them in every run.
BULK = 25_000_000
GB = 1_000_000_000
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
    #: Exchanges that are counted, and those of a short run.
    exchanges: int
    smoke: int
    once: bool = False
    proxy: bool = False
    tls: bool = False

    @property
    def warm_up(self) -> int:
        """Exchanges that come before those that are counted."""
        return max(self.clients, self.exchanges // WARM_UP_SHARE)

    @property
    def is_bulk(self) -> bool:
        return max(self.up, self.down) >= BULK

    def units(self, exchanges: int) -> float:
        return exchanges * max(self.up, self.down) / GB if self.is_bulk else exchanges

    def options(self, exchanges: int) -> list[str]:
        """Those of the program load."""
        words = f"--clients {self.clients} --warm-up {min(self.warm_up, exchanges)} --exchanges {exchanges}"
        words += f" --up {self.up} --down {self.down}"
        switches = {"--once": self.once, "--proxy": self.proxy, "--tls": self.tls}
        return [*words.split(), *(name for name, is_on in switches.items() if is_on)]


WARM_UP_SHARE = 8


def connections(name: str, title: str, exchanges: int, proxy: bool = False, tls: bool = False) -> Load:
    return Load(name, title, "connection", IN_FLIGHT, MESSAGE, MESSAGE, exchanges, 200, True, proxy, tls)


def pingpong(name: str, title: str, exchanges: int, tls: bool = False) -> Load:
    return Load(name, title, "exchange", IN_FLIGHT, MESSAGE, MESSAGE, exchanges, 2000, tls=tls)


def bulk(name: str, title: str, up: int, down: int, exchanges: int, tls: bool = False) -> Load:
    return Load(name, title, "GB", BULK_CLIENTS, up, down, exchanges, BULK_CLIENTS, tls=tls)


LOADS = (
    connections("connections", "raw connection, half-close passed on", 20_000),
    connections("proxy-header", "the same with a PROXY header, a rule and a table", 20_000, proxy=True),
    pingpong("pingpong", "64 bytes there and back, raw", 120_000),
    pingpong("pingpong-tls", "64 bytes there and back, TLS", 80_000, tls=True),
    bulk("bulk-down", "a gigabyte to the client, raw", REQUEST, BULK, 120),
    bulk("bulk-up", "a gigabyte from the client, raw", BULK, MESSAGE, 120),
    bulk("bulk-down-tls", "a gigabyte to the client, TLS", REQUEST, BULK, 40, tls=True),
    bulk("bulk-up-tls", "a gigabyte from the client, TLS", BULK, MESSAGE, 40, tls=True),
    connections("handshakes", "TLS connection, full handshake", 3_000, tls=True),
)
