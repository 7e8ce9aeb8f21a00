"""What is known of a connection, of a drain, of a server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional, Tuple

from ._declarations import VST_NO_SERVER, vst_conn_info, vst_drain, vst_server_status, vst_wait
from ._memory import seconds
from .addresses import Address
from .constants import Admin, Drain, Mover, Op, Origin, ProxyCommand, ProxyTransport, State, Verified


@dataclass(frozen=True)
class ConnInfo:
    """What is known of a connection."""

    id: int
    origin: Origin
    mover: Mover
    state: State
    #: The operation that is under way, or None.
    op: Optional[Op]
    #: Its descriptor, or -1.
    fd: int
    #: The number of the server that it leads to, or None.
    server_number: Optional[int]
    listener_id: int
    stream_id: int
    backend_id: int
    #: Bytes on the wire, and bytes that wait to be sent.
    bytes_in: int
    bytes_out: int
    unsent: int
    #: How long it has existed, in seconds.
    age: float
    #: The other end of the socket.
    peer: Address
    #: The client's address, as a header has announced it or a rule has set it, else the other end.
    source: Address

    @classmethod
    def of(cls, info: vst_conn_info) -> ConnInfo:
        """Copies it from C."""
        return cls(
            id=info.id,
            origin=Origin(info.origin),
            mover=Mover(info.mover),
            state=State(info.state),
            op=Op(info.op) if info.op else None,
            fd=info.fd,
            server_number=info.server if info.server != VST_NO_SERVER else None,
            listener_id=info.listener,
            stream_id=info.stream,
            backend_id=info.backend,
            bytes_in=info.bytes_in,
            bytes_out=info.bytes_out,
            unsent=info.unsent,
            age=seconds(info.age_ns),
            peer=Address.of(info.peer),
            source=Address.of(info.source),
        )


@dataclass(frozen=True)
class ProxyHeader:
    """The PROXY header that a connection came with."""

    #: 1 or 2.
    version: int
    command: ProxyCommand
    transport: ProxyTransport
    #: Types and values, as they came.
    tlvs: Tuple[Tuple[int, bytes], ...]


@dataclass(frozen=True)
class TlsInfo:
    """What TLS agreed on. Conn.tls_text has names."""

    #: 0x0303 for TLS 1.2, 0x0304 for TLS 1.3.
    version: int
    #: Numbers of IANA; group is 0 when a resumed session needed none.
    cipher: int
    group: int
    is_resumed: bool
    verified: Verified
    #: The certificates that the peer sent, in DER, its own first.
    certificates: Tuple[bytes, ...]


@dataclass(frozen=True)
class DrainState:
    """The state of a drain."""

    #: The stage, or None when the engine does not drain.
    stage: Optional[Drain]
    #: Connections and streams that were aborted when the grace was over.
    aborted: int
    #: What is left.
    conns: int
    streams: int
    listeners: int

    @classmethod
    def of(cls, state: vst_drain) -> DrainState:
        """Copies it from C."""
        stage = Drain(state.how) if state.how else None
        return cls(stage, state.aborted, state.conns, state.streams, state.listeners)


@dataclass(frozen=True)
class Wait:
    """What exists in an engine, and until when its host may wait."""

    #: A time of CLOCK_MONOTONIC in nanoseconds; VST_NEVER (2**64 - 1) is none.
    deadline_ns: int
    flags: int
    conns: int
    streams: int
    listeners: int

    @classmethod
    def of(cls, wait: vst_wait) -> Wait:
        """Copies it from C."""
        return cls(wait.deadline_ns, wait.flags, wait.conns, wait.streams, wait.listeners)


@dataclass(frozen=True)
class ServerStatus:
    """The state of a server."""

    admin: Admin
    is_up: bool
    weight: int
    #: How many addresses it has.
    addresses: int
    #: Whether it gets new streams.
    is_usable: bool

    @classmethod
    def of(cls, status: vst_server_status) -> ServerStatus:
        """Copies it from C."""
        return cls(
            Admin(status.state), bool(status.up), status.weight, status.addresses, bool(status.usable)
        )
