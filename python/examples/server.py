"""The program around a host: what host_selectors.py and host_asyncio.py have in common with the hosts in C.

    HOST --listen ADDR:PORT [--accept-proxy CIDR,...|any] [--tls CERT KEY]
         [--timeout-handshake MS] [--idle MS] [--grace MS] [--events-per-drive N]
"""

from __future__ import annotations

import argparse

from vestibule import AcceptConfig, Address, Conn, EngineOptions, Family, Identity, TlsServer

MS_PER_S = 1000
DEFAULT_GRACE_MS = 5000


class Server:
    """The command line."""

    def __init__(self) -> None:
        parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
        parser.add_argument("--listen", required=True)
        parser.add_argument("--accept-proxy")
        parser.add_argument("--tls", nargs=2)
        parser.add_argument("--timeout-handshake", type=int, default=0)
        parser.add_argument("--idle", type=int, default=0)
        parser.add_argument("--grace", type=int, default=DEFAULT_GRACE_MS)
        parser.add_argument("--events-per-drive", type=int, default=0)
        words = parser.parse_args()
        self.address: str = words.listen
        self.idle: float = words.idle / MS_PER_S
        self.grace: float = words.grace / MS_PER_S
        self.options = EngineOptions(events_per_drive=words.events_per_drive)
        self.config = AcceptConfig(
            accept_proxy=words.accept_proxy,
            tls=TlsServer(Identity(*words.tls)) if words.tls else None,
            timeout_opening=words.timeout_handshake / MS_PER_S,
        )


def _words(address: Address) -> str:
    if address.family in (Family.IPV4, Family.IPV6):
        return f"{address.ip} {address.port}"
    return f"{address} -"


def greeting(conn: Conn) -> bytes:
    """The first line that a client gets: whom its connection stands for."""
    source, destination = conn.addresses()
    return f"{_words(source)} {_words(destination)}\n".encode()
